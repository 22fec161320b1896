"""Each indicator by hand where its rule is short, else by its definition in plain numpy; and what holds for all of them."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import InputError
from tests.trading.bars import candle_frames, walk
from trading import indicators as ind

nan = np.nan
WALK = walk(400)
COLUMNS = {name: WALK[name].to_numpy() for name in WALK.columns}
OPEN, HIGH, LOW, CLOSE, VOLUME = COLUMNS.values()

# Called with a mapping of arrays of any length; the number of bars without a value.
ALL: dict[str, tuple[Callable, int]] = {
    "sma": (lambda b: ind.sma(b["close"], 5), 4),
    "ema": (lambda b: ind.ema(b["close"], 5), 4),
    "wma": (lambda b: ind.wma(b["close"], 5), 4),
    "standard_deviation": (lambda b: ind.standard_deviation(b["close"], 5), 4),
    "highest": (lambda b: ind.highest(b["close"], 5), 4),
    "lowest": (lambda b: ind.lowest(b["close"], 5), 4),
    "highest of one": (lambda b: ind.highest(b["close"], 1), 0),
    "lowest of one": (lambda b: ind.lowest(b["close"], 1), 0),
    "roc": (lambda b: ind.roc(b["close"], 5), 5),
    "rsi": (lambda b: ind.rsi(b["close"], 5), 5),
    "macd": (lambda b: ind.macd(b["close"], 3, 6, 4), 8),
    "bollinger": (lambda b: ind.bollinger(b["close"], 5, 2.0), 4),
    "donchian": (lambda b: ind.donchian(b["high"], b["low"], 5), 5),
    "previous": (lambda b: ind.previous(b["close"]), 1),
    "atr": (lambda b: ind.atr(b["high"], b["low"], b["close"], 5), 5),
    "adx": (lambda b: ind.adx(b["high"], b["low"], b["close"], 5), 9),
    "cci": (lambda b: ind.cci(b["high"], b["low"], b["close"], 5), 4),
    "mfi": (lambda b: ind.mfi(b["high"], b["low"], b["close"], b["volume"], 5), 5),
    "stochastic": (lambda b: ind.stochastic(b["high"], b["low"], b["close"], period=5), 8),
    "obv": (lambda b: ind.obv(b["close"], b["volume"]), 0),
}
each = pytest.mark.parametrize(("indicator", "warm_up"), ALL.values(), ids=ALL)


def several(found) -> tuple[np.ndarray, ...]:
    return found if isinstance(found, tuple) else (found,)


@pytest.fixture
def touched_settings() -> Iterator[None]:
    """TA-Lib as another library of the process may leave it."""
    for name in ("EMA", "RSI", "ATR", "ADX"):
        talib.set_unstable_period(name, 20)
    yield
    for name in ("EMA", "RSI", "ATR", "ADX"):
        talib.set_unstable_period(name, 0)


def test_simple_average_by_hand():
    np.testing.assert_allclose(ind.sma([1, 2, 3, 7], 3), [nan, nan, 2, 4])


def test_exponential_average_by_hand():
    # Begins with (1 + 2 + 3) / 3, then half of the way to 7: the weight is 2 / (3 + 1).
    np.testing.assert_allclose(ind.ema([1, 2, 3, 7], 3), [nan, nan, 2, 4.5])


def test_weighted_average_by_hand():
    np.testing.assert_allclose(ind.wma([1, 2, 3], 3), [nan, nan, (1 + 4 + 9) / 6])


def test_standard_deviation_by_hand():
    # Mean 2; (1 + 0 + 1) / 3.
    np.testing.assert_allclose(ind.standard_deviation([1, 2, 3], 3), [nan, nan, np.sqrt(2 / 3)])


def test_rsi_by_hand():
    # Moves 1, 2, -1: rises 3, falls 1, so 75. Then 2: averages (1 * 2 + 2) / 3 = 4/3 and (1/3 * 2) / 3 = 2/9: 600/7.
    np.testing.assert_allclose(ind.rsi([1, 2, 4, 3, 5], 3), [nan, nan, nan, 75, 600 / 7])


def test_macd_is_the_difference_of_two_averages():
    value, signal, difference = ind.macd(CLOSE, 3, 6, 4)

    np.testing.assert_allclose(value[300:], (ind.ema(CLOSE, 3) - ind.ema(CLOSE, 6))[300:])
    np.testing.assert_allclose(difference, value - signal)


def test_bollinger_bands_by_hand():
    upper, middle, lower = ind.bollinger([1, 2, 3], 3, 2.0)

    assert (upper[2], middle[2], lower[2]) == pytest.approx((2 + 2 * np.sqrt(2 / 3), 2, 2 - 2 * np.sqrt(2 / 3)))


def test_donchian_channel_is_of_the_bars_before():
    upper, lower = ind.donchian([1, 5, 2, 9], [1, 4, 0, 8], 2)

    np.testing.assert_array_equal(upper, [nan, nan, 5, 5])
    np.testing.assert_array_equal(lower, [nan, nan, 1, 0])


def test_the_value_of_the_bar_before_by_hand():
    np.testing.assert_array_equal(ind.previous([3, 1, 2]), [nan, 3, 1])


def test_highest_and_lowest_are_of_the_current_bar_too():
    np.testing.assert_array_equal(ind.highest([1, 5, 2, 9], 2), [nan, 5, 5, 9])
    np.testing.assert_array_equal(ind.lowest([1, 5, 2, 9], 2), [nan, 1, 2, 2])


def test_true_range_by_hand():
    # True ranges: 12 - 9 = 3 beside the close before, 10; then |20 - 11| = 9 as the bar opened far above.
    np.testing.assert_allclose(ind.atr([10, 12, 20], [10, 9, 19], [10, 11, 20], 2), [nan, nan, (3 + 9) / 2])


def test_stochastic_by_hand():
    # Closes at 3/4, 1/2 and 1 of a range from 0 to 4.
    k, d = ind.stochastic([4, 4, 4], [0, 0, 0], [3, 2, 4], period=1, slowing=1, signal=3)

    assert (k[2], d[2]) == pytest.approx((100, 75))


def test_rate_of_change_by_hand():
    np.testing.assert_allclose(ind.roc([2, 3, 5], 2), [nan, nan, 150])


def test_balance_of_volume_by_hand():
    np.testing.assert_array_equal(ind.obv([1, 2, 2, 1], [5, 7, 9, 4]), [5, 12, 12, 8])


def test_channel_index_by_hand():
    # Typical prices 1, 2, 6: mean 3, mean deviation (2 + 1 + 3) / 3 = 2; (6 - 3) / (0.015 * 2).
    assert ind.cci([1, 2, 6], [1, 2, 6], [1, 2, 6], 3)[2] == pytest.approx(100)


def test_money_flow_by_hand():
    # Up 2 * 10 = 20 and down 1 * 5 = 5: 100 * 20 / 25.
    assert ind.mfi([1, 2, 1], [1, 2, 1], [1, 2, 1], [3, 10, 5], 2)[2] == pytest.approx(80)


def test_a_trend_in_one_direction_has_the_highest_index():
    rising = np.arange(1.0, 60.0)

    assert ind.adx(rising + 1, rising - 1, rising, 5)[-1] == pytest.approx(100)


@each
def test_an_indicator_is_as_long_as_its_input_and_warms_up(indicator: Callable, warm_up: int):
    for length in (0, 1, warm_up, warm_up + 1, 300):
        for found in several(indicator({name: column[:length] for name, column in COLUMNS.items()})):
            assert found.shape == (length,)
            assert found.dtype == np.float64
            assert np.isnan(found).sum() == min(length, warm_up)


@each
def test_an_indicator_warms_up_from_the_first_number(indicator: Callable, warm_up: int):
    begun = {name: column[:100] for name, column in COLUMNS.items()}
    later = {name: np.concatenate([np.full(7, nan), column]) for name, column in begun.items()}

    for found, expected in zip(several(indicator(later)), several(indicator(begun)), strict=True):
        np.testing.assert_array_equal(found, np.concatenate([np.full(7, nan), expected]))


@each
def test_an_indicator_of_nothing_but_nan_is_nan(indicator: Callable, warm_up: int):
    for found in several(indicator(dict.fromkeys(COLUMNS, np.full(30, nan)))):
        assert np.isnan(found).all()


@each
def test_nan_after_a_number_is_refused(indicator: Callable, warm_up: int):
    broken = {name: column[:50].copy() for name, column in COLUMNS.items()}
    for column in broken.values():
        column[40] = nan

    with pytest.raises(InputError, match="found it after a number at row 40"):
        indicator(broken)


@each
def test_an_indicator_takes_whole_numbers_and_any_layout(indicator: Callable, warm_up: int):
    whole = {name: np.round(column[:100]).astype(np.int64) for name, column in COLUMNS.items()}
    forms = (lambda column: column, lambda column: np.repeat(column, 2)[::2], lambda column: column.tolist())

    expected = several(indicator({name: column.astype(np.float64) for name, column in whole.items()}))
    for form in forms:
        found = several(indicator({name: form(column) for name, column in whole.items()}))
        for one, right in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, right)


@each
def test_an_indicator_does_not_depend_on_settings_of_the_process(indicator: Callable, warm_up: int, request: pytest.FixtureRequest):
    expected = several(indicator(COLUMNS))
    request.getfixturevalue("touched_settings")

    for found, right in zip(several(indicator(COLUMNS)), expected, strict=True):
        np.testing.assert_array_equal(found, right)
    assert talib.get_unstable_period("EMA") == 20


@each
@settings(max_examples=30)
@given(frame=candle_frames(), end=st.integers(0, 600))
def test_an_indicator_does_not_see_the_future(indicator: Callable, warm_up: int, frame, end: int):
    part_of, whole_of = several(indicator(frame.iloc[:end])), several(indicator(frame))

    for part, whole in zip(part_of, whole_of, strict=True):
        np.testing.assert_array_equal(part, whole[:end])


SCALED = [name for name in ALL if name not in {"obv", "mfi"}]


@pytest.mark.parametrize("name", SCALED)
def test_an_indicator_is_the_same_however_small_the_prices(name: str):
    tiny = 2.0**-80  # a power of two scales without rounding
    unitless = name in {"rsi", "adx", "cci", "stochastic", "roc"}

    found = several(ALL[name][0]({column: values * tiny for column, values in COLUMNS.items()}))
    for small, right in zip(found, several(ALL[name][0](COLUMNS)), strict=True):
        np.testing.assert_allclose(small / (1.0 if unitless else tiny), right, rtol=1e-9)


@pytest.mark.parametrize("period", [0, -1, 10**7])
def test_a_period_that_makes_no_sense_is_refused(period: int):
    with pytest.raises(InputError, match="indicator SMA cannot be made"):
        ind.sma(CLOSE, period)


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(InputError, match=r"one dimension and length, found shapes \[\(400,\), \(400,\), \(399,\)\]"):
        ind.atr(HIGH, LOW, CLOSE[1:], 5)


def test_a_table_is_refused():
    with pytest.raises(InputError, match="one dimension"):
        ind.sma(np.ones((5, 2)), 2)


@pytest.mark.parametrize("period", [1, 2, 14, 200])
def test_after_the_lookback_an_average_has_forgotten(period: int):
    far = np.concatenate([[1e12], np.linspace(1.0, 2.0, ind.ema_lookback(period))])

    assert ind.ema(far, period)[-1] == pytest.approx(ind.ema(far[1:], period)[-1], rel=1e-7)


@pytest.mark.parametrize("period", [2, 14, 100])
def test_after_the_lookback_wilder_has_forgotten(period: int):
    far = np.concatenate([[1e9], 1.5 + np.sin(np.arange(ind.wilder_lookback(period)))])

    assert ind.rsi(far, period)[-1] == pytest.approx(ind.rsi(far[1:], period)[-1], rel=1e-7)


def test_lookbacks_by_hand():
    # 0.5 ** 67 is the first power below 1e-20; an average of one bar remembers nothing.
    assert (ind.ema_lookback(3), ind.ema_lookback(1), ind.wilder_lookback(2)) == (3 + 67, 1, 2 + 67 + 1)
