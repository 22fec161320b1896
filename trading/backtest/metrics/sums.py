"""The metrics that sums are enough for: a sweep keeps no equity curve, and gets the same numbers.

What a loop has to add up is `RunSums`; which metrics come of it says `METRICS[name].from_sums`, listed by `names_from_sums`.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from trading.backtest.metrics.arithmetic import ratio, varied
from trading.backtest.metrics.catalogue import METRICS, measure_basics
from trading.backtest.metrics.facts import Basics, Moments, Trials, TripTotals
from trading.backtest.metrics.run import Floats, risk_free_a_bar


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSums:
    """What a loop over bars adds up for each run: numbers, or arrays of shape (runs,) for many runs at once.

    With r = equity / equity of the bar before - 1 (the balance before the first bar), 0 after the bar at which equity reached zero:

    Attributes:
        balance: Value of the account before the first bar, positive.
        final: Value at the last close.
        bars: Bars.
        returns: Sum of r; `squares` of r ** 2, `cubes` of r ** 3, `fourths` of r ** 4.
        below: Sum of min(r - f, 0) ** 2, f = the risk-free rate a bar: with none, the sum of the squares of negative returns.
        depth: Largest 1 - equity / highest equity so far, the balance among it.
        trips: Round trips; `longs` those that were long.
        wins: Round trips with a profit above 0, after fees; `long_wins` the long ones of them, `losses` those below 0.
        gross_profit: Sum of the profits above 0; `gross_loss` is minus the sum of those below 0.
        profit_squares: Sum of profit ** 2.
        fees: All fees that were paid.
        trip_returns: Sum of profit / value at the entry.
        trip_bars: Sum of the bars held.
    """

    balance: Any
    final: Any
    bars: Any
    returns: Any
    squares: Any
    cubes: Any
    fourths: Any
    below: Any
    depth: Any
    trips: Any
    longs: Any
    wins: Any
    long_wins: Any
    losses: Any
    gross_profit: Any
    gross_loss: Any
    profit_squares: Any
    fees: Any
    trip_returns: Any
    trip_bars: Any

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, np.asarray(getattr(self, field.name), np.float64))


def from_sums(
    sums: RunSums, *, bar_seconds: float, seconds: float | None = None, risk_free: float = 0.0, trials: Trials | None = None
) -> dict[str, Any]:
    """Return the metrics that sums are enough for, equal to those of the whole run but for rounding.

    The rounding stays below 1e-9 of each value while the mean of the returns (of the profits, for the system quality number) is not
    larger than some hundred times their deviation, as in any real run.

    Args:
        sums: Of one run, or arrays of many.
        bar_seconds: Width of a bar.
        seconds: From the open of the first bar to the last close, holes among it; None for bars times their width.
        risk_free: A fraction a year, the one that `sums.below` was added up with.
        trials: How many sets were tried, for the deflated Sharpe ratio.

    Returns:
        Name to value in the order of the list of metrics; values have the shape of the sums.
    """
    basics = Basics(
        balance=sums.balance, final=sums.final, bars=sums.bars, bar_seconds=bar_seconds, risk_free=risk_free, depth=sums.depth,
        seconds=sums.bars * bar_seconds if seconds is None else np.asarray(seconds, np.float64),
        moments=_moments(sums, risk_free_a_bar(risk_free, bar_seconds)), totals=_totals(sums), trials=trials,
    )  # fmt: skip
    return {name: value[()] for name, value in measure_basics(basics).items()}


def names_from_sums() -> tuple[str, ...]:
    """Return the names of the metrics that sums are enough for, in the order of the list."""
    return tuple(name for name, each in METRICS.items() if each.from_sums)


def _moments(sums: RunSums, target: float) -> Moments:
    mean, square, cube, fourth = (ratio(each, sums.bars) for each in (sums.returns, sums.squares, sums.cubes, sums.fourths))
    return Moments(
        count=sums.bars,
        mean=mean,
        second=varied(square - mean**2, square),
        third=cube - 3 * mean * square + 2 * mean**3,
        fourth=fourth - 4 * mean * cube + 6 * mean**2 * square - 3 * mean**4,
        below=ratio(sums.below, sums.bars),
        target=target,
    )


def _totals(sums: RunSums) -> TripTotals:
    square = ratio(sums.profit_squares, sums.trips)
    around = square - ratio(sums.gross_profit - sums.gross_loss, sums.trips) ** 2
    return TripTotals(
        count=sums.trips, longs=sums.longs, wins=sums.wins, long_wins=sums.long_wins, losses=sums.losses,
        gross_profit=sums.gross_profit, gross_loss=sums.gross_loss, variance=_sample(varied(around, square), sums.trips),
        fees=sums.fees, returns=sums.trip_returns, bars=sums.trip_bars,
    )  # fmt: skip


def _sample(variance: Floats, count: Floats) -> Floats:
    return np.where(count > 1, ratio(variance * count, count - 1), 0.0)
