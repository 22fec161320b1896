from market.timeframe import MINUTE_US
from market.trade import Side, Trade
from streaming.ledger import Cause, State
from streaming.pipeline import Pipeline
from streaming.resume import Resume
from tests.generators import START_US

SYMBOL = "BYBIT:BTC-USDT"


def trade(number: int, at_us: int, price: float = 100.0) -> Trade:
    return Trade(SYMBOL, number, price, 1.0, Side.BUY, START_US + at_us, START_US + at_us)


def restarted(at_us: int) -> Pipeline:
    """Return what goes on behind one closed minute and a lost forming one, of which no trade was kept."""
    before = Pipeline([SYMBOL], provable=False)
    batch = before.take([trade(5, -MINUTE_US), trade(9, 10), trade(3, MINUTE_US + 5), trade(8, at_us)])
    after = Pipeline([SYMBOL], provable=False)
    after.resume(SYMBOL, Resume(START_US + at_us, START_US + at_us, START_US, batch.candles[-1], trades=None))
    return after


def test_without_kept_trades_a_restart_leaves_a_hole_from_the_lost_minute_on():
    pipeline = restarted(MINUTE_US + 30)

    batch = pipeline.take([trade(77, MINUTE_US + 90)])

    assert [(hole.start_us - START_US, hole.end_us - START_US, hole.cause) for hole in batch.holes] == [
        (MINUTE_US - 1, MINUTE_US + 90, Cause.CRASH)
    ]


def test_a_page_from_before_the_hole_gives_each_trade_of_the_lost_minute_once():
    pipeline = restarted(MINUTE_US + 30)
    pipeline.take([trade(77, MINUTE_US + 90)])
    page = [trade(9, 10), trade(3, MINUTE_US + 5), trade(8, MINUTE_US + 30), trade(2, MINUTE_US + 60), trade(77, MINUTE_US + 90)]

    healed = pipeline.recover(SYMBOL, page)
    closed = pipeline.take([trade(78, 2 * MINUTE_US)]).candles

    assert [step.state for step in healed.progress] == [State.FILLED]
    assert [each.trade_id for each in healed.trades] == [3, 8, 2]
    assert [(candle.trades, candle.volume, candle.complete) for candle in closed] == [(4, 4.0, None)]


def test_a_page_that_begins_inside_the_hole_leaves_it_unrecoverable():
    pipeline = restarted(MINUTE_US + 30)
    pipeline.take([trade(77, MINUTE_US + 90)])

    healed = pipeline.recover(SYMBOL, [trade(8, MINUTE_US + 30), trade(77, MINUTE_US + 90)])

    assert [step.state for step in healed.progress] == [State.UNRECOVERABLE]


def test_a_restart_behind_flat_minutes_does_not_count_the_last_trade_again():
    before = Pipeline([SYMBOL], provable=False)
    batch = before.take([trade(5, -MINUTE_US), trade(9, 10)])
    before.prove(SYMBOL, START_US + 3 * MINUTE_US)
    batch.add(before.close_until(START_US + 3 * MINUTE_US, 0.0))
    after = Pipeline([SYMBOL], provable=False)
    after.resume(SYMBOL, Resume(START_US + 10, START_US + 10, START_US, batch.candles[1], batch.candles[2:], trades=None))

    after.take([trade(7, 3 * MINUTE_US + 5)])
    healed = after.recover(SYMBOL, [trade(5, -MINUTE_US), trade(9, 10), trade(4, 2 * MINUTE_US), trade(7, 3 * MINUTE_US + 5)])

    assert [each.trade_id for each in healed.trades] == [4]
    assert [(candle.timestamp_us - START_US, candle.trades) for candle in healed.candles if candle.trades] == [
        (MINUTE_US, 1),
        (3 * MINUTE_US, 1),
    ]


def test_a_frame_lost_among_others_leaves_a_hole_from_before_them_to_behind_them():
    pipeline = Pipeline([SYMBOL], provable=False)
    pipeline.take([trade(5, 0), trade(9, 10)])

    among = pipeline.take_around_loss([trade(2, 20), trade(8, 30)])
    behind = pipeline.take([trade(7, 40), trade(4, 50)])
    page = [trade(9, 10), trade(2, 20), trade(6, 25), trade(8, 30), trade(3, 35), trade(7, 40), trade(4, 50)]
    healed = pipeline.recover(SYMBOL, page)

    assert [(hole.start_us - START_US, hole.end_us - START_US) for hole in among.holes + behind.holes] == [(10, 30), (30, 40)]
    assert [each.trade_id for each in among.trades + behind.trades] == [2, 8, 7, 4]
    assert [each.trade_id for each in healed.trades] == [6, 3]
    assert [step.state for step in healed.progress] == [State.FILLED, State.FILLED]


def test_a_trade_that_lies_in_an_open_hole_opens_no_other_one():
    pipeline = Pipeline([SYMBOL], provable=False)
    pipeline.take([trade(5, 0), trade(9, 10)])
    pipeline.interrupt()
    first = pipeline.take([trade(7, 90)])

    learned = pipeline.learn(SYMBOL, 3, START_US + 40, Cause.STALL)  # a look had named it, and waited for the line
    later = pipeline.learn(SYMBOL, 4, START_US + 91, Cause.STALL)

    assert [hole.cause for hole in first.holes] == [Cause.DISCONNECT]
    assert learned.holes == []
    assert [(hole.start_us - START_US, hole.end_us - START_US) for hole in later.holes] == [(90, 91)]
