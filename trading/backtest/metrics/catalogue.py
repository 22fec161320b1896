"""The list of all metrics in the order in which they are reported, and the figures of a run by it."""

from math import isfinite, nan
from typing import Any

import numpy as np

from trading.backtest.metrics import (
    benchmark,
    calendar_returns,
    drawdowns,
    extremes,
    positions,
    ratios,
    returns,
    significance,
    trades,
)
from trading.backtest.metrics.arithmetic import defined
from trading.backtest.metrics.facts import Basics, Facts, Trials, facts_of
from trading.backtest.metrics.registry import Metric, metrics_in
from trading.backtest.metrics.run import Run

_GROUPS = (returns, ratios, significance, drawdowns, calendar_returns, benchmark, positions, trades, extremes)

METRICS: dict[str, Metric] = {each.name: each for group in _GROUPS for each in metrics_in(group)}


def measure(run: Run, *, trials: Trials | None = None) -> dict[str, float]:
    """Return all metrics of a run by name, in the order of `METRICS`; NaN is what is not defined, and nothing is infinite."""
    with np.errstate(all="ignore"):
        return measure_facts(facts_of(run, trials=trials))


def measure_facts(facts: Facts) -> dict[str, float]:
    """Return all metrics by name, in the order of `METRICS`, of facts that are there already."""
    with np.errstate(all="ignore"):  # a figure beyond the range of floats is not defined either
        figures = {name: float(each.compute(facts)) for name, each in METRICS.items()}
    return {name: figure if isfinite(figure) else nan for name, figure in figures.items()}


def measure_basics(basics: Basics) -> dict[str, Any]:
    """Return the metrics that sums are enough for, in the order of `METRICS`: arrays of the shape of the sums."""
    with np.errstate(all="ignore"):
        return {name: defined(each.compute(basics)) for name, each in METRICS.items() if each.from_sums}
