"""Performance metrics: what a run earned, at what risk, and whether it can be chance.

Each has its formula in its docstring. Where another tool has another number for the same run, it is for one of these reasons:

- A year has 365 days of 24 hours, and what is annualised is so from the width of a bar; others take 252 days.
- Rates of growth, and trades and turnover in a time, are reckoned over all the time from the first open to the last close, holes
  among it; others count bars.
- The balance before the first bar is the first peak, and the first return leads from it.
- A drawdown is a depth, positive; value at risk and expected shortfall are returns, negative for a loss, from history.
- Trades are round trips after fees: neither signals, nor fills, nor bars that gained. Who broke even neither won nor lost.
- Deviations have the divisor n - 1; skewness and kurtosis are moments with the divisor n; the downside deviation looks at all bars.
- What has no denominator is NaN, not infinite; what comes after a close at zero or below earns nothing.
"""

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
