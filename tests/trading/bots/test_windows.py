from hypothesis import given
from hypothesis import strategies as st

from market.candle import Candle
from market.rollup import roll_up
from market.timeframe import MINUTE_US, Timeframe
from trading.bots.minutes import Minute
from trading.bots.windows import Window
from trading.position import Bar

ONE, TWO = Bar(1.0, 3.0, 1.0, 2.0, 1.0), Bar(2.0, 2.0, 0.5, 1.5, 0.25)


def fed(window, *bars, revision=0, begin=0):
    return [window.add(Minute((begin + place) * MINUTE_US, bar, revision)) for place, bar in enumerate(bars, 1)]


def candles(window, count=9):
    stamps, prices = window.newest(count)
    return [(stamp // MINUTE_US, *row) for stamp, row in zip(stamps.tolist(), prices.tolist(), strict=True)]


def test_a_candle_closes_with_its_last_minute_and_is_made_of_those_in_which_somebody_traded():
    window = Window(Timeframe.M5, 3)
    quiet = Bar(9.0, 9.0, 9.0, 9.0, 0.0)

    assert fed(window, quiet, ONE, TWO, quiet, quiet, revision=2) == [False, False, False, False, True]
    assert (candles(window), window.revision) == ([(5, 1.0, 3.0, 0.5, 9.0, 1.25)], 10)


def test_a_candle_that_lacks_a_minute_does_not_close_and_behind_it_all_begins_anew():
    window = Window(Timeframe.M5, 3)
    fed(window, *[ONE] * 5, ONE, None, ONE, ONE, ONE)

    assert [row[0] for row in candles(window)] == [5]
    assert fed(window, *[TWO] * 5, begin=10)[-1]
    assert [row[0] for row in candles(window)] == [15]


def test_a_window_that_begins_inside_a_candle_leaves_that_out():
    window = Window(Timeframe.M5, 3)
    fed(window, *[ONE] * 8, begin=2)

    assert [row[0] for row in candles(window)] == [10]


def test_stored_candles_that_do_not_touch_begin_it_anew():
    window = Window(Timeframe.M1, 5)
    window.warm([stamp * MINUTE_US for stamp in (1, 2, 4, 5)], [ONE] * 4)

    assert [row[0] for row in candles(window)] == [4, 5]


@given(st.lists(st.sampled_from([ONE, TWO, None, ONE, TWO]), max_size=60), st.integers(1, 4))
def test_a_window_holds_the_newest_candles_of_roll_up(bars, kept):
    window = Window(Timeframe.M5, kept)
    fed(window, *bars)

    members = [Candle("A:B-C", Timeframe.M1, place * MINUTE_US, *bar, complete=True) for place, bar in enumerate(bars, 1) if bar]
    whole = [each for each in roll_up(members, Timeframe.M5) if each.final and each.complete]
    run = []
    for each in whole:
        touches = run and run[-1].timestamp_us == each.timestamp_us - 5 * MINUTE_US
        run = [*run, each] if touches else [each]
    assert candles(window) == [
        (each.timestamp_us // MINUTE_US, each.open, each.high, each.low, each.close, each.volume) for each in run[-kept:]
    ]
