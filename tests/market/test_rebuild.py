"""Minutes made anew from all their trades are what the builder would have made."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from market.builder import CandleBuilder
from market.candle import Candle, Origin
from market.rebuild import rebuild
from market.timeframe import BASE
from market.trade import Side, Trade
from market.window import Window
from tests.generators import MINUTE_US, START_US, SYMBOL, trade_runs


def trade(number: int, at_us: int, price: float = 100.0) -> Trade:
    return Trade(SYMBOL, number, price, 1.0, Side.BUY, START_US + at_us, START_US + at_us)


def built(trades: list[Trade], until_us: int):
    builder = CandleBuilder(SYMBOL)
    return [candle for each in trades for candle in builder.add(each)] + builder.close_until(until_us)


def test_a_minute_whose_missed_trade_came_is_a_revision_that_is_complete_again():
    trades = [trade(1, -1), trade(2, 10, 101.0), trade(3, 20, 99.0), trade(4, 30, 102.0)]
    stored = built([trades[0], trades[1], trades[3]], START_US + MINUTE_US)

    result = rebuild(SYMBOL, Window(START_US, START_US + MINUTE_US), trades, stored, since_us=START_US - 1)

    [candle] = result.candles
    assert (candle.open, candle.low, candle.close, candle.volume, candle.trades) == (101.0, 99.0, 102.0, 3.0, 3)
    assert (candle.complete, candle.origin, candle.revision) == (True, Origin.HEALED, 1)
    assert result.short == []


def test_flat_minutes_behind_follow_the_new_close():
    stored = built([trade(1, -1), trade(2, 10)], START_US + 3 * MINUTE_US)
    trades = [trade(2, 10), trade(3, 20, 105.0)]

    result = rebuild(SYMBOL, Window(START_US, START_US + MINUTE_US), trades, stored, since_us=START_US - 1)

    assert [(each.close, each.revision, each.trades) for each in result.candles] == [(105.0, 1, 2), (105.0, 1, 0), (105.0, 1, 0)]


def test_a_minute_inside_a_hole_that_is_open_still_is_not_complete():
    stored = built([trade(1, -1), trade(2, 10)], START_US + MINUTE_US)
    holes = [Window(START_US + 15, START_US + 2 * MINUTE_US)]

    result = rebuild(SYMBOL, Window(START_US, START_US + MINUTE_US), [trade(2, 10)], stored, holes=holes, since_us=START_US - 1)

    assert [(each.complete, each.revision) for each in result.candles] == [(False, 1)]


def test_a_minute_of_which_too_few_trades_are_kept_stays_as_it_was():
    stored = built([trade(1, -1), trade(2, 10), trade(3, 20)], START_US + MINUTE_US)

    result = rebuild(SYMBOL, Window(START_US, START_US + MINUTE_US), [trade(2, 10)], stored, since_us=START_US - 1)

    assert result.candles == []
    assert result.short == [START_US + MINUTE_US]


def test_a_venues_candle_that_counts_no_trades_stays_as_it_was():
    own = Candle(SYMBOL, BASE, START_US + MINUTE_US, 101.0, 103.0, 99.0, 102.0, volume=9.0, trades=None, origin=Origin.EXCHANGE)

    result = rebuild(SYMBOL, Window(START_US, START_US + MINUTE_US), [trade(2, 10)], [own], since_us=START_US - 1)

    assert result.candles == []
    assert result.short == [START_US + MINUTE_US]


def test_a_venues_candle_that_counts_no_more_trades_than_are_known_gives_way():
    own = Candle(SYMBOL, BASE, START_US + MINUTE_US, 101.0, 103.0, 99.0, 102.0, volume=9.0, trades=1, origin=Origin.EXCHANGE)

    result = rebuild(SYMBOL, Window(START_US, START_US + MINUTE_US), [trade(2, 10)], [own], since_us=START_US - 1)

    assert [(each.close, each.trades, each.revision, each.origin) for each in result.candles] == [(100.0, 1, 1, Origin.HEALED)]
    assert result.short == []


def test_a_minute_that_stays_as_it_was_is_not_called_complete():
    known = [trade(1, -1), trade(2, 10), trade(3, 20)]
    stored = [msgspec.structs.replace(each, complete=False) for each in built(known, START_US + MINUTE_US)]

    result = rebuild(SYMBOL, Window(START_US, START_US + MINUTE_US), [trade(3, 20)], stored, since_us=START_US - 1)

    assert result.candles == []


def test_minutes_around_a_venues_candle_are_made_anew_and_those_behind_follow_its_price():
    stored = built([trade(1, -1)], START_US)
    own = Candle(SYMBOL, BASE, START_US + 2 * MINUTE_US, 7.0, 7.0, 7.0, 7.0, volume=9.0, trades=None, origin=Origin.EXCHANGE)
    window = Window(START_US, START_US + 3 * MINUTE_US)

    result = rebuild(SYMBOL, window, [trade(2, 10, 105.0)], [*stored, own], since_us=START_US - 1)

    assert [((each.timestamp_us - START_US) // MINUTE_US, each.close, each.trades) for each in result.candles] == [
        (1, 105.0, 1), (3, 7.0, 0),
    ]  # fmt: skip
    assert result.short == [own.timestamp_us]


def test_minutes_that_had_no_row_get_one():
    stored = built([trade(1, -1), trade(2, 10)], START_US + MINUTE_US)
    window = Window(START_US + MINUTE_US, START_US + 3 * MINUTE_US)

    result = rebuild(SYMBOL, window, [trade(3, 2 * MINUTE_US + 5, 107.0)], stored, since_us=START_US - 1)

    assert [(each.close, each.trades, each.complete) for each in result.candles] == [(100.0, 0, True), (107.0, 1, True)]


@given(trade_runs(max_size=40), st.randoms(use_true_random=False))
def test_minutes_made_anew_are_what_they_would_have_been(trades: list[Trade], random):
    horizon = trades[-1].timestamp_us + 2 * MINUTE_US
    truth = built(trades, horizon)
    known = [each for each in trades[1:-1] if random.random() < 0.6]
    stored = built([trades[0], *known, trades[-1]] if len(trades) > 1 else trades, horizon)
    window = Window(stored[0].open_us, truth[-1].timestamp_us)

    result = rebuild(SYMBOL, window, trades, stored, since_us=trades[0].timestamp_us + 1)

    newest = {candle.timestamp_us: candle for candle in [*stored, *result.candles]}
    names = ("open", "high", "low", "close", "volume", "trades", "taker_buy_volume", "first_trade_id", "last_trade_id", "complete")
    assert [[getattr(newest[each.timestamp_us], name) for name in names] for each in truth] == [
        [getattr(each, name) for name in names] for each in truth
    ]
