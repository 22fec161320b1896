import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.builder import CandleBuilder, Healed
from market.candle import Candle, Origin
from market.timeframe import Timeframe
from market.trade import Side, Trade
from market.window import Window
from tests.generators import MINUTE_US, START_US, SYMBOL, trade_runs

BUY, SELL = Side.BUY, Side.SELL


def trade(number: int, at_us: int, price: float = 100.0, size: float = 1.0, side: Side = BUY) -> Trade:
    return Trade(SYMBOL, number, price, size, side, START_US + at_us, START_US + at_us)


def feed(builder: CandleBuilder, *trades: Trade) -> list[Candle]:
    return [candle for each in trades for candle in builder.add(each)]


def all_of(builder: CandleBuilder, trades: list[Trade], until_us: int) -> list[Candle]:
    first = Timeframe.M1.close_of(trades[0].timestamp_us)
    return builder.recent.candles(range(first, until_us + MINUTE_US, MINUTE_US))


def test_numbers_of_a_candle_are_those_computed_by_hand():
    builder = CandleBuilder(SYMBOL)

    candles = feed(
        builder,
        trade(1, -1, 99.0),
        trade(2, 0, 100.0, 0.1, BUY),
        trade(3, 10, 102.5, 0.2, SELL),
        trade(4, 20, 98.0, 0.3, BUY),
        trade(5, MINUTE_US, 101.0),
    )

    assert candles[1] == Candle(
        SYMBOL, Timeframe.M1, START_US + MINUTE_US, 100.0, 102.5, 98.0, 98.0, 0.6, 59.9, 3, 0.4, 2, 4
    )  # fmt: skip


def test_a_trade_exactly_on_a_boundary_belongs_to_the_next_candle():
    builder = CandleBuilder(SYMBOL)

    candles = feed(builder, trade(1, 0), trade(2, MINUTE_US - 1, 101.0), trade(3, MINUTE_US, 102.0))

    assert [(candle.timestamp_us - START_US, candle.close) for candle in candles] == [(MINUTE_US, 101.0)]
    assert builder.forming().open == 102.0


def test_first_partial_minute_is_not_complete_and_the_next_is():
    builder = CandleBuilder(SYMBOL)

    candles = feed(builder, trade(1, 30), trade(2, MINUTE_US), trade(3, 2 * MINUTE_US))

    assert [candle.complete for candle in candles] == [False, True]


def test_a_first_trade_on_the_boundary_proves_nothing_about_its_own_moment():
    builder = CandleBuilder(SYMBOL)

    candles = feed(builder, trade(1, 0), trade(2, MINUTE_US))

    assert candles[0].complete is False


def test_empty_minutes_between_contiguous_trades_are_flat_at_the_last_close():
    builder = CandleBuilder(SYMBOL)

    candles = feed(builder, trade(1, -1, 90.0), trade(2, 5, 100.0), trade(3, 6, 101.0), trade(4, 3 * MINUTE_US, 50.0))

    flat = Candle(SYMBOL, Timeframe.M1, START_US + 2 * MINUTE_US, 101.0, 101.0, 101.0, 101.0)
    assert candles[2] == flat
    assert [candle.timestamp_us - START_US for candle in candles] == [0, MINUTE_US, 2 * MINUTE_US, 3 * MINUTE_US]


def test_a_quiet_minute_is_closed_by_the_clock():
    builder = CandleBuilder(SYMBOL)
    feed(builder, trade(1, -1, 90.0), trade(2, 5, 100.0))

    assert builder.close_until(START_US + MINUTE_US - 1) == []
    closed = builder.close_until(START_US + 2 * MINUTE_US)

    assert [(candle.close, candle.trades, candle.complete) for candle in closed] == [(100.0, 1, True), (100.0, 0, True)]


def test_a_trade_behind_the_clock_revises_the_closed_candle_and_the_flat_ones_behind_it():
    builder = CandleBuilder(SYMBOL)
    feed(builder, trade(1, -1, 90.0), trade(2, 5, 100.0))
    builder.close_until(START_US + 2 * MINUTE_US)

    revised = builder.add(trade(3, 6, 105.0, 0.5))

    assert [(candle.timestamp_us - START_US, candle.open, candle.close, candle.volume, candle.revision) for candle in revised] == [
        (MINUTE_US, 100.0, 105.0, 1.5, 1),
        (2 * MINUTE_US, 105.0, 105.0, 0.0, 1),
    ]
    assert builder.forming().close == 105.0


def test_equal_timestamps_keep_the_order_of_ids():
    builder = CandleBuilder(SYMBOL)

    candles = feed(builder, trade(1, 7, 1.0), trade(2, 7, 3.0), trade(3, 7, 2.0), trade(4, MINUTE_US))

    assert (candles[0].open, candles[0].high, candles[0].close) == (1.0, 3.0, 2.0)


def test_a_trade_overtaken_by_its_successor_in_the_forming_minute_finds_its_place():
    builder = CandleBuilder(SYMBOL)
    feed(builder, trade(1, -1), trade(3, 20, 103.0))

    assert builder.heal([trade(2, 10, 102.0, 0.5)]).candles == []
    candle = builder.close_until(START_US + MINUTE_US)[0]

    assert (candle.open, candle.close, candle.volume, candle.trades, candle.first_trade_id) == (102.0, 103.0, 1.5, 2, 2)


def test_a_late_trade_of_a_closed_minute_is_a_revision():
    builder = CandleBuilder(SYMBOL)
    feed(builder, trade(1, -1), trade(2, 10, 100.0), trade(4, MINUTE_US, 104.0))

    revised = builder.heal([trade(3, 20, 99.0, 2.0, SELL)]).candles

    assert revised == [
        Candle(SYMBOL, Timeframe.M1, START_US + MINUTE_US, 100.0, 100.0, 99.0, 99.0, 3.0, 298.0, 2, 1.0, 2, 3,
               complete=True, origin=Origin.HEALED, revision=1)
    ]  # fmt: skip


def test_minutes_that_are_not_remembered_are_told():
    builder = CandleBuilder(SYMBOL)
    feed(builder, trade(10, 5 * MINUTE_US), trade(11, 6 * MINUTE_US))

    healed = builder.heal([trade(2, 0), trade(3, 2 * MINUTE_US)])

    assert healed == Healed([], Window(START_US, START_US + 3 * MINUTE_US))


def test_minutes_inside_a_hole_get_no_row_and_its_ends_are_not_complete():
    builder = CandleBuilder(SYMBOL)
    feed(builder, trade(1, -1), trade(2, 10))
    hole = Window(START_US + 10, START_US + 3 * MINUTE_US + 5)

    changed = builder.open_hole(hole)
    candles = changed + feed(builder, trade(9, 3 * MINUTE_US + 5), trade(10, 4 * MINUTE_US), trade(11, 5 * MINUTE_US))

    assert [(candle.timestamp_us - START_US, candle.complete) for candle in candles] == [
        (MINUTE_US, False),
        (4 * MINUTE_US, False),
        (5 * MINUTE_US, True),
    ]


def test_flat_minutes_closed_by_the_clock_are_revised_when_a_hole_shows_up():
    builder = CandleBuilder(SYMBOL)
    feed(builder, trade(1, -1), trade(2, 10))
    builder.close_until(START_US + 2 * MINUTE_US)

    changed = builder.open_hole(Window(START_US + 10, START_US + 2 * MINUTE_US + 30))

    assert [(candle.timestamp_us - START_US, candle.complete, candle.revision) for candle in changed] == [
        (MINUTE_US, False, 1),
        (2 * MINUTE_US, False, 1),
    ]


def test_a_filled_hole_makes_its_candles_complete_again():
    builder = CandleBuilder(SYMBOL)
    feed(builder, trade(1, -1), trade(2, 10))
    hole = Window(START_US + 10, START_US + MINUTE_US)
    builder.open_hole(hole)
    closed = feed(builder, trade(4, MINUTE_US))

    changed = builder.heal([trade(3, 20)], hole=hole).candles

    assert closed[0].complete is False
    assert [(candle.complete, candle.revision, candle.volume) for candle in changed] == [(True, 1, 2.0)]
    assert builder.forming().complete is True


def test_a_hole_that_no_remembered_candle_touches_is_forgotten():
    builder = CandleBuilder(SYMBOL)
    feed(builder, trade(1, 0))
    hole = Window(START_US, START_US + MINUTE_US)
    builder.open_hole(hole)

    feed(builder, trade(3, MINUTE_US), trade(4, 2000 * MINUTE_US))

    assert builder.recent.holes == []
    assert builder.heal([], hole=hole) == Healed([], Window(START_US, START_US + 2 * MINUTE_US))


def test_a_venue_whose_ids_prove_nothing_never_gets_complete_candles():
    builder = CandleBuilder(SYMBOL, provable=False)

    candles = feed(builder, trade(1, 0), trade(2, MINUTE_US), trade(3, 2 * MINUTE_US))

    assert [candle.complete for candle in candles] == [False, None]


def test_a_builder_that_resumes_behind_a_stored_candle_goes_on_as_if_it_never_stopped():
    trades = [trade(number, number * 7_000_000, 100.0 + number) for number in range(1, 60)]
    whole = CandleBuilder(SYMBOL)
    expected = feed(whole, *trades)
    before = CandleBuilder(SYMBOL)
    stored = feed(before, *trades[:30])

    after = CandleBuilder(SYMBOL)
    after.resume(stored[-1])
    again = feed(after, *[each for each in trades if each.timestamp_us >= stored[-1].timestamp_us])

    assert stored + again == expected


def test_volume_is_summed_without_losing_a_digit():
    builder = CandleBuilder(SYMBOL)
    sizes = [0.1] * 5000 + [1e8] + [0.1] * 5000

    feed(builder, trade(1, -1), *[trade(2 + number, number, 1.0, size) for number, size in enumerate(sizes)])
    candle = builder.close_until(START_US + MINUTE_US)[0]

    assert candle.volume == 100_001_000.0


@given(trade_runs(), st.data())
def test_the_series_has_a_row_for_every_minute_in_order(trades: list[Trade], data: st.DataObject):
    builder = CandleBuilder(SYMBOL)

    candles = []
    for each in trades:
        candles += builder.add(each)
        if data.draw(st.booleans()):
            candles += builder.close_until(each.timestamp_us)

    labels = [candle.timestamp_us for candle in candles]
    assert labels == list(range(labels[0], labels[-1] + 1, MINUTE_US)) if labels else True
    assert all(candle.revision == 0 and candle.final for candle in candles)


@given(trade_runs(max_size=25), st.randoms(use_true_random=False))
def test_late_trades_end_in_the_candles_of_the_true_order(trades: list[Trade], random):
    inner = trades[1:-1]
    late = [each for each in inner if random.random() < 0.3]
    builder, straight = CandleBuilder(SYMBOL), CandleBuilder(SYMBOL)
    horizon = trades[-1].timestamp_us + 5 * MINUTE_US
    for each in trades:
        if each not in late:
            builder.add(each)
        straight.add(each)
    for each in late:
        assert builder.heal([each]).forgotten is None
    builder.close_until(horizon)
    straight.close_until(horizon)

    names = ("timestamp_us", "open", "high", "low", "close", "volume", "trades", "first_trade_id", "last_trade_id")
    late_first, in_order = (
        [[getattr(candle, name) for name in names] for candle in all_of(b, trades, horizon)] for b in (builder, straight)
    )
    assert late_first == in_order
    # Sums of products stand now and then exactly between two digits; then the order of adding decides.
    quotes = [[candle.quote_volume for candle in all_of(each, trades, horizon)] for each in (builder, straight)]
    assert quotes[0] == pytest.approx(quotes[1], abs=1.5e-8)


HOLE = Window(START_US + 10, START_US + 5 * MINUTE_US + 5)


def holed() -> tuple[CandleBuilder, list[Candle]]:
    """Return a builder with a hole over minutes 1 to 6, and the candles it gave."""
    builder = CandleBuilder(SYMBOL)
    feed(builder, trade(1, -1, 90.0), trade(2, 10, 100.0))
    candles = builder.open_hole(HOLE)
    return builder, candles + feed(builder, trade(6, 5 * MINUTE_US + 5, 106.0), trade(7, 6 * MINUTE_US, 107.0))


def test_a_healed_hole_gives_every_minute_its_row():
    builder, before = holed()

    healed = builder.heal([trade(3, MINUTE_US, 103.0), trade(4, MINUTE_US + 1, 104.0), trade(5, 3 * MINUTE_US, 105.0)], hole=HOLE)

    assert [(each.timestamp_us - START_US, each.complete, each.revision) for each in before] == [
        (MINUTE_US, False, 0), (6 * MINUTE_US, False, 0),
    ]  # fmt: skip
    assert [(each.timestamp_us - START_US, each.close, each.trades, each.revision) for each in healed.candles] == [
        (MINUTE_US, 100.0, 1, 1), (2 * MINUTE_US, 104.0, 2, 0), (3 * MINUTE_US, 104.0, 0, 0), (4 * MINUTE_US, 105.0, 1, 0),
        (5 * MINUTE_US, 105.0, 0, 0), (6 * MINUTE_US, 106.0, 1, 1),
    ]  # fmt: skip
    assert {(each.complete, each.origin) for each in healed.candles} == {(True, Origin.HEALED)}


def test_what_is_left_of_a_hole_keeps_its_minutes_without_rows():
    builder, _ = holed()

    first = builder.heal([trade(3, MINUTE_US, 103.0)], hole=HOLE, left=Window(START_US + MINUTE_US, HOLE.end_us)).candles
    rest = builder.heal([trade(4, MINUTE_US + 1), trade(5, 3 * MINUTE_US)], hole=Window(START_US + MINUTE_US, HOLE.end_us)).candles

    assert [(each.timestamp_us - START_US, each.complete) for each in first] == [(MINUTE_US, True), (2 * MINUTE_US, False)]
    assert [(each.timestamp_us - START_US, each.complete, each.revision) for each in rest] == [
        (2 * MINUTE_US, True, 1), (3 * MINUTE_US, True, 0), (4 * MINUTE_US, True, 0), (5 * MINUTE_US, True, 0),
        (6 * MINUTE_US, True, 1),
    ]  # fmt: skip


def test_a_hole_at_the_end_of_the_tape_is_healed_as_if_it_were_live():
    builder = CandleBuilder(SYMBOL)
    feed(builder, trade(1, -1, 90.0), trade(2, 10, 100.0))
    hole = Window(START_US + 10, START_US + 2 * MINUTE_US + 7)
    builder.open_hole(hole)

    healed = builder.heal([trade(3, 20, 103.0), trade(4, 2 * MINUTE_US + 7, 104.0)], hole=hole)

    assert [(each.trades, each.close, each.complete, each.origin) for each in healed.candles] == [
        (2, 103.0, True, Origin.HEALED), (0, 103.0, True, Origin.LIVE),
    ]  # fmt: skip
    assert builder.forming().close == 104.0


def test_a_trade_that_the_venue_does_not_count_is_in_no_candle():
    builder, plain = CandleBuilder(SYMBOL), CandleBuilder(SYMBOL)
    insurance = Trade(SYMBOL, 3, 500.0, 9.0, BUY, START_US + 20, START_US + 20, count=0)
    rest = [trade(4, 30, 101.0), trade(5, MINUTE_US, 102.0)]

    candles = feed(builder, trade(1, -1), trade(2, 10), insurance, *rest)

    assert candles == feed(plain, trade(1, -1), trade(2, 10), *rest)
    assert builder.heal([Trade(SYMBOL, 9, 1.0, 1.0, BUY, START_US + 5, 0, count=0)]).candles == []


def test_without_ids_the_times_say_which_trade_came_last():
    builder = CandleBuilder(SYMBOL, provable=False)
    feed(builder, trade(77, -1), trade(5, 10, 100.0), trade(99, 30, 101.0), trade(1, MINUTE_US))

    revised = builder.heal([trade(3, 5, 98.0), trade(2, 40, 103.0)]).candles

    assert [(each.open, each.close, each.first_trade_id, each.complete) for each in revised] == [(98.0, 103.0, None, None)]


def test_a_builder_that_knows_only_where_the_tape_begins_opens_with_its_first_trade():
    builder = CandleBuilder(SYMBOL)
    builder.recent.known_from_us = START_US

    candles = feed(builder, trade(1, 10), trade(2, MINUTE_US))

    assert [(candle.timestamp_us - START_US, candle.complete) for candle in candles] == [(MINUTE_US, True)]
