"""Sums are enough for the metrics that say so, and give the same numbers as the whole run."""

from math import isnan

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.trading.backtest.metrics.worked import RUN, run_of, trips_of
from trading.backtest.metrics import METRICS, RoundTrips, Run, RunSums, Trials, facts_of, from_sums, measure, names_from_sums
from trading.backtest.metrics.run import risk_free_a_bar

TRIALS = Trials(count=7, variance=0.01)


def plain_sums(run: Run) -> RunSums:
    """Add up what a loop over the bars would."""
    target = risk_free_a_bar(run.risk_free, run.bar_seconds)
    sums = dict.fromkeys(("returns", "squares", "cubes", "fourths", "below"), 0.0)
    depth, peak, before, lost = 0.0, run.balance, run.balance, False
    for value in run.equity:
        r = 0.0 if lost else value / before - 1
        lost = lost or value <= 0
        for power, name in enumerate(("returns", "squares", "cubes", "fourths"), start=1):
            sums[name] += r**power
        sums["below"] += min(r - target, 0) ** 2
        peak = max(peak, value)
        depth, before = max(depth, 1 - value / peak), value
    trips = run.trips
    return RunSums(
        balance=run.balance, final=run.equity[-1], bars=len(run.equity), depth=depth, **sums, trips=len(trips),
        longs=sum(trips.side > 0), wins=sum(trips.profit > 0), long_wins=sum((trips.profit > 0) & (trips.side > 0)),
        losses=sum(trips.profit < 0), gross_profit=sum(p for p in trips.profit if p > 0),
        gross_loss=-sum(p for p in trips.profit if p < 0), profit_squares=sum(trips.profit**2), fees=sum(trips.fees),
        trip_returns=sum(trips.profit / trips.value), trip_bars=sum(trips.bars),
    )  # fmt: skip


def varies(values: np.ndarray) -> bool:
    """Return whether the mean is no more than some ten times the deviation, or there is nothing to vary."""
    return bool((values == 0).all() or values.var() > 0.01 * (values**2).mean())


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Return runs of several bars with round trips, some of which lose everything."""
    returns = np.array(draw(st.lists(st.integers(-400, 400), min_size=2, max_size=60))) / 10_000
    equity = 1_000 * np.cumprod(1 + returns)
    if draw(st.booleans()):
        equity[draw(st.integers(0, len(equity) - 1))] = draw(st.sampled_from([0.0, -100.0, 1e-3]))
    profits = draw(st.lists(st.integers(-500, 500).map(float), max_size=12))
    sides = np.array(draw(st.lists(st.sampled_from([1, -1]), min_size=len(profits), max_size=len(profits))), np.int64)
    width, risk_free = draw(st.sampled_from([60, 3_600, 86_400])), draw(st.sampled_from([0.0, 0.05]))
    trips = trips_of(*profits, side=sides, fees=np.abs(sides) * 0.25) if profits else RoundTrips()
    return run_of(equity=equity, balance=1_000.0, bar_seconds=width, risk_free=risk_free, trips=trips)


@given(runs())
def test_sums_give_the_numbers_of_the_whole_run(run: Run):
    assume(varies(facts_of(run).returns) and varies(run.trips.profit))

    summed = from_sums(plain_sums(run), bar_seconds=run.bar_seconds, risk_free=run.risk_free, trials=TRIALS)

    whole = measure(run, trials=TRIALS)
    for name, value in summed.items():
        assert value == pytest.approx(whole[name], rel=1e-9, abs=1e-9, nan_ok=True), name


def test_the_worked_run_comes_out_of_its_sums():
    summed = from_sums(plain_sums(RUN), bar_seconds=RUN.bar_seconds, trials=TRIALS)

    whole = measure(RUN, trials=TRIALS)
    np.testing.assert_allclose(list(summed.values()), [whole[name] for name in summed], rtol=1e-12)


def test_many_runs_at_once_are_each_alone():
    alone = [plain_sums(run_of(110, 99, 118.8, trips=trips_of(*profits))) for profits in ((5.0, -2.0), (1.0,), (-3.0, -4.0, 1.0))]
    stacked = RunSums(**{name: np.array([getattr(each, name) for each in alone]) for name in RunSums.__dataclass_fields__})

    together = from_sums(stacked, bar_seconds=60)

    for i, each in enumerate(alone):
        one = from_sums(each, bar_seconds=60)
        np.testing.assert_array_equal([together[name][i] for name in one], list(one.values()))


def test_no_bars_and_no_trades_are_not_defined_rather_than_infinite():
    empty = RunSums(**{**dict.fromkeys(RunSums.__dataclass_fields__, 0), "balance": 100, "final": 100})

    summed = from_sums(empty, bar_seconds=60)

    assert summed["total_return"] == summed["total_trades"] == 0
    assert all(isnan(summed[name]) for name in ("sharpe_ratio", "win_rate", "average_return", "volatility", "cagr"))
    assert not any(np.isinf(value) for value in summed.values())


def test_the_list_says_which_metrics_sums_are_enough_for():
    summed = from_sums(plain_sums(RUN), bar_seconds=RUN.bar_seconds)

    assert tuple(summed) == names_from_sums() == tuple(name for name in METRICS if METRICS[name].from_sums)
    assert {"sharpe_ratio", "sortino_ratio", "max_drawdown", "cagr", "win_rate", "deflated_sharpe_ratio"} <= set(summed)
    assert {"omega_ratio", "ulcer_index", "best_day", "alpha"}.isdisjoint(summed)
