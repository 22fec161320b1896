"""Performance metrics: what a run earned, at what risk, and whether it can be chance."""

from trading.backtest.metrics.accounts import AccountCurve, calculate_performance_metrics
from trading.backtest.metrics.calendar_returns import MonthlyTable, monthly_table, rolling_sharpe
from trading.backtest.metrics.catalogue import METRICS, measure, measure_facts
from trading.backtest.metrics.facts import Facts, Trials, facts_of
from trading.backtest.metrics.registry import Metric, Unit
from trading.backtest.metrics.run import RoundTrips, Run
from trading.backtest.metrics.sums import RunSums, from_sums, names_from_sums

__all__ = [
    "METRICS", "AccountCurve", "Facts", "Metric", "MonthlyTable", "RoundTrips", "Run", "RunSums", "Trials", "Unit",
    "calculate_performance_metrics", "facts_of", "from_sums", "measure", "measure_facts", "monthly_table", "names_from_sums",
    "rolling_sharpe",
]  # fmt: skip
