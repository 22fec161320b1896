"""Each shipped rule by hand, on a few bars."""

import numpy as np
import pytest

from market.errors import InputError
from tests.trading.bars import bars
from trading import Action, BaseStrategy
from trading.strategies import SHIPPED, BollingerReversion, BuyAndHold, DonchianBreakout, EmaCross, Macd, Rsi, SmaCross

nan = np.nan


def wanted(strategy: BaseStrategy, closes: list[float]) -> list[float]:
    return strategy.targets(bars(closes)).tolist()


def same(found: list[float], expected: list[float]) -> bool:
    return np.array_equal(found, expected, equal_nan=True)


def test_sma_cross_is_long_while_the_fast_average_is_above():
    # Averages of 2: -, 1, 1.5, 3, 3, 1.5; of 3: -, -, 4/3, 7/3, 7/3, 7/3.
    closes = [1, 1, 2, 4, 1, 2]

    assert same(wanted(SmaCross({"fast": 2, "slow": 3}), closes), [nan, nan, 1, 1, 1, 0])


def test_sma_cross_goes_short_where_it_may():
    # Averages of 1: the closes; of 2: -, 1, 1.5, 1, 0.5.
    assert same(wanted(SmaCross({"fast": 1, "slow": 2, "short": True}), [1, 1, 2, 0, 1]), [nan, 0, 1, -1, 1])


@pytest.mark.parametrize("price", [0.1, 1e-9 / 3, 1e9 + 0.1])
@pytest.mark.parametrize("strategy", [SmaCross({"short": True}), EmaCross({"short": True}), Macd({"short": True})])
def test_a_cross_in_a_flat_market_is_out(strategy: BaseStrategy, price: float):
    # Before it the price was a thousand times higher, which running averages remember in their last digits.
    closes = [1000 * price, 1003 * price] + [price] * 1500

    assert set(wanted(strategy, closes)[-500:]) == {0.0}


@pytest.mark.parametrize("strategy", [SmaCross({"short": True}), EmaCross({"short": True}), Macd({"short": True})])
def test_a_cross_is_out_where_all_that_moves_is_rounding(strategy: BaseStrategy):
    closes = 61_000.7 * (1 + 1e-13 * np.random.default_rng(1).normal(size=500).cumsum())

    assert set(wanted(strategy, closes)[50:]) == {0.0}


def test_ema_cross_is_long_while_the_fast_average_is_above():
    # Of 1 bar: the closes. Of 3: -, -, 2, then half of the way to the close: 3, 2, 2.
    assert same(wanted(EmaCross({"fast": 1, "slow": 3}), [1, 2, 3, 4, 1, 2]), [nan, nan, 1, 1, 0, 0])


def test_ema_cross_goes_short_where_it_may():
    assert same(wanted(EmaCross({"fast": 1, "slow": 3, "short": True}), [1, 2, 3, 4, 1, 2]), [nan, nan, 1, 1, -1, 0])


def test_macd_is_long_above_its_signal_line():
    # Averages of 2 and 3 from bar 2 on: 2.5 and 2, then 2.5 + 2/3 * 2.5 = 25/6 and 3.5: MACD 1/2, 2/3, and then
    # 25/18 and 7/4: -13/36. The line of 2 begins at bar 3 with 7/12 and goes two thirds of the way: -5/108.
    strategy = Macd({"fast": 2, "slow": 3, "signal": 2})
    assert same(wanted(strategy, [1, 2, 3, 5, 0]), [nan, nan, nan, 1, 0])

    shown = strategy.get_indicators()
    assert shown["macd"].tolist()[3:] == pytest.approx([2 / 3, -13 / 36])
    assert shown["signal"].tolist()[3:] == pytest.approx([7 / 12, -5 / 108])


def test_macd_goes_short_where_it_may():
    strategy = Macd({"fast": 2, "slow": 3, "signal": 2, "short": True})

    assert same(wanted(strategy, [1, 2, 3, 5, 0]), [nan, nan, nan, 1, -1])


def test_rsi_buys_what_is_oversold_and_leaves_what_is_overbought():
    # Moves of two bars, then smoothed by half: falls only, RSI 0; up 3 beside 1 / 2: 75; down 1: (0.75, 0.75): 50.
    closes = [10, 9, 8, 11, 10]

    assert same(wanted(Rsi({"period": 2}), closes), [nan, nan, 1, 0, nan])
    assert same(wanted(Rsi({"period": 2, "short": True}), closes), [nan, nan, 1, -1, nan])


def test_rsi_at_its_threshold_wishes_nothing():
    assert same(wanted(Rsi({"period": 2, "overbought": 75}), [10, 9, 8, 11]), [nan, nan, 1, nan])


@pytest.mark.parametrize("closes", [[5.0] * 50, [5.0, 6.0, 5.5] + [5.0] * 400])
def test_rsi_wishes_nothing_in_a_market_that_stands_still(closes: list[float]):
    assert np.isnan(wanted(Rsi({"period": 5, "oversold": 60}), closes)[-1])


def test_bollinger_reversion_buys_below_the_band_and_leaves_at_the_middle():
    # Windows of 3, bands of one deviation. 10 10 7: mean 9, deviation sqrt(2). 10 7 9: 26/3, 1.25: the close is above the middle.
    # 7 9 8: 8, the close is at the middle. 9 8 8.1: 8.37, 0.45: between. 8 8.1 9: above.
    closes = [10, 10, 7, 9, 8, 8.1, 9]

    assert same(wanted(BollingerReversion({"period": 3, "width": 1}), closes), [nan, nan, 1, 0, 0, nan, 0])


def test_bollinger_reversion_with_short_leaves_either_side_where_the_middle_is_crossed():
    # 7 9 8: at the middle. 9 8 8.1: below it, 8.37, inside the band. 8 8.1 9: above the band 8.37 + 0.45.
    # 8.1 9 8.6: 8.57, just above the middle, as before: no wish. 9 8.6 8.7: 8.77: below it now, inside the band: left.
    strategy = BollingerReversion({"period": 3, "width": 1, "short": True})
    closes = [10, 10, 7, 9, 8, 8.1, 9, 8.6, 8.7]

    assert same(wanted(strategy, closes), [nan, nan, 1, 0, 0, nan, -1, nan, 0])


@pytest.mark.parametrize("price", [0.1, 1e-9 / 3, 1e9 + 0.1])
def test_bollinger_reversion_buys_nothing_in_a_flat_market(price: float):
    closes = [1000 * price, 1003 * price] + [price] * 100

    assert set(wanted(BollingerReversion({"period": 5}), closes)[20:]) == {0.0}


def test_donchian_breakout_buys_a_new_high_and_leaves_at_a_new_low():
    # Highs of the 3 bars before: 3 at bar 3, where the close is 3: not above. Then 3, 4, 4; lows of the 2 bars before.
    closes = [1, 2, 3, 3, 4, 3.5, 2.5]

    assert same(wanted(DonchianBreakout({"enter": 3, "leave": 2}), closes), [nan, nan, nan, nan, 1, nan, 0])


def test_donchian_breakout_with_short_turns_around_at_the_long_channel():
    # The low of the 3 bars before bar 6 is 3 (the open of bar 4); 2.5 is below it.
    closes = [1, 2, 3, 3, 4, 3.5, 2.5]

    assert same(wanted(DonchianBreakout({"enter": 3, "leave": 1, "short": True}), closes), [nan, nan, nan, nan, 1, nan, -1])


def test_buy_and_hold_is_always_long():
    assert wanted(BuyAndHold(), [3, 2, 1]) == [1, 1, 1]
    assert BuyAndHold().process_data(bars([3])).action is Action.BUY


@pytest.mark.parametrize("kind", SHIPPED, ids=lambda kind: kind.name)
def test_each_says_its_rule_its_source_and_its_parameters(kind: type[BaseStrategy]):
    assert "Source: " in (kind.__doc__ or "")
    assert [parameter.name for parameter in kind.declared() if not parameter.about] == []


@pytest.mark.parametrize("kind", [kind for kind in SHIPPED if kind is not BuyAndHold], ids=lambda kind: kind.name)
def test_each_says_why_with_its_numbers(kind: type[BaseStrategy]):
    rng = np.random.default_rng(3)
    strategy, data = kind(), bars(100 * np.exp(np.cumsum(rng.normal(0, 0.01, 900))))
    reasons = {}
    for end in range(100, 900):
        signal = strategy.process_data(data.iloc[:end])
        reasons[signal.action] = signal.reason

    assert {Action.BUY, Action.SELL} <= set(reasons)
    for reason in reasons.values():
        assert any(letter.isdigit() for letter in reason)
        assert not any(mark in reason for mark in ("{", "nan"))


@pytest.mark.parametrize("kind", SHIPPED, ids=lambda kind: kind.name)
def test_a_sweep_of_all_values_runs(kind: type[BaseStrategy]):
    data = bars(np.linspace(1, 2, 30))
    for parameter in kind.declared():
        for value in parameter.sweep:
            try:
                strategy = kind({parameter.name: value})
            except InputError:
                continue  # against the default of another one
            assert strategy.targets(data).shape == (30,)
