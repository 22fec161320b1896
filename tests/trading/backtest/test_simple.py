"""The entry point of notebooks: one call, and its result can be measured as it is."""

import numpy as np
import pandas as pd
import pytest

from market.candle import Candle
from market.errors import InputError
from market.timeframe import Timeframe
from tests.trading.bars import bars, walk
from trading import backtest_strategy_simple, calculate_performance_metrics
from trading.backtest.backtest import Backtest
from trading.backtest.coverage import HolesError
from trading.registry import Registry
from trading.rules import Rules
from trading.signal import Action

CROSS = Registry().create("sma_cross", {"fast": 5, "slow": 20})


def test_the_keys_say_what_came_of_it():
    frame = walk(2_000)
    found, result = backtest_strategy_simple(CROSS, frame, 5_000.0), Backtest(CROSS, Timeframe.M1, balance=5_000.0).run(frame)

    assert list(found) == ["final_value", "total_return", "signals", "portfolio_progression"]
    assert found["final_value"] == result.final_value == found["portfolio_progression"][-1]
    assert found["total_return"] == found["final_value"] / 5_000.0 - 1.0
    assert len(found["portfolio_progression"]) == 2_000
    assert [signal.timestamp_us for signal in found["signals"]] == [result.market.closes_us[bar] for bar, _, _ in result.signals]


def test_signals_are_what_the_strategy_says_there():
    found = backtest_strategy_simple(CROSS, walk(500))["signals"]

    assert [signal.action for signal in found[:4]] == [Action.BUY, Action.SELL] * 2 or found[0].action is Action.SELL
    assert all(signal.reason and signal.indicators for signal in found)


def test_metrics_know_the_width_and_the_round_trips_of_a_progression():
    found = backtest_strategy_simple(CROSS, walk(2_000))
    result = Backtest(CROSS, Timeframe.M1).run(walk(2_000))

    measured = calculate_performance_metrics(found["portfolio_progression"])

    assert measured["sharpe_ratio"] == result.metrics["sharpe_ratio"]
    assert measured["max_drawdown"] == result.metrics["max_drawdown"]
    assert (measured["win_rate"], measured["total_trades"]) == (result.metrics["win_rate"], len(result.trips.closed))
    apart = {name for name in measured if measured[name] != pytest.approx(result.metrics[name], nan_ok=True)}
    assert all(np.isnan(measured[name]) for name in apart)  # only what needs the market or the position is not known
    assert len(apart) == 12
    equity = np.array([10_000.0, *found["portfolio_progression"]])
    returns = equity[1:] / equity[:-1] - 1.0
    assert measured["sharpe_ratio"] == pytest.approx(returns.mean() / returns.std(ddof=1) * np.sqrt(365 * 24 * 60))


def test_candles_may_be_a_table_values_or_mappings():
    frame = walk(200)
    table = frame.reset_index()
    values = [
        Candle("OKX:BTC-USDT", Timeframe.M1, int(index.value // 1000), row.open, row.high, row.low, row.close, row.volume)
        for index, row in zip(frame.index, frame.itertuples(), strict=True)
    ]
    kinds = [frame, table, table.to_dict("records"), values]

    ends = {backtest_strategy_simple(CROSS, kind)["final_value"] for kind in kinds}

    assert len(ends) == 1


def test_rules_can_be_given():
    frame = bars([100.0, 100.0, 110.0])

    found = backtest_strategy_simple(Registry().create("buy_and_hold"), frame, rules=Rules(taker_fee=0.0))

    assert found["final_value"] == 11_000.0


def test_holes_are_refused_unless_they_are_allowed_and_signals_stay_on_their_side():
    frame = walk(300).drop(walk(300).index[100:150])

    with pytest.raises(HolesError):
        backtest_strategy_simple(CROSS, frame)
    found = backtest_strategy_simple(CROSS, frame, allow_holes=True)

    assert len(found["portfolio_progression"]) == 250
    assert not any("warming up" in signal.reason for signal in found["signals"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "there is no candle to try the strategy on"),
        ([{"close": 1.0}, {"close": 2.0}], "needs its close as `timestamp`"),
        (walk(1), "the width of one candle alone is not known"),
        (bars([1.0] * 5, steps=7), r"candles are 420 s apart; that is not the width of"),
        (walk(5).drop(columns="volume"), "no column 'volume'"),
        (walk(5).iloc[::-1], "not in the order of their closes"),
    ],
)
def test_what_are_no_candles_is_refused_in_words(data, message):
    with pytest.raises(InputError, match=message):
        backtest_strategy_simple(CROSS, data)


def test_a_width_that_candles_name_counts():
    frame = bars([100.0, 100.0, 110.0], steps=60).assign(timeframe="1h")

    assert backtest_strategy_simple(CROSS, frame)["portfolio_progression"].bar_seconds == 3_600.0
    assert isinstance(frame, pd.DataFrame)
