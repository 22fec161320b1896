"""What the metrics of a run are computed from: everything is worked out once here and shared by all of them."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from market.errors import InputError
from trading.backtest.metrics import passes
from trading.backtest.metrics.arithmetic import ratio, varied
from trading.backtest.metrics.run import DAY_SECONDS, Floats, Integers, RoundTrips, Run, bars_a_year, risk_free_a_bar
from trading.backtest.metrics.tails import Tails, tails_of

_NO_MONTHS = np.empty(0, "datetime64[M]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """How many parameter sets were tried before this one was chosen, and how far apart their results were.

    Attributes:
        count: Independent trials, 1 or more.
        variance: Variance over the trials of their Sharpe ratios per bar (not annualised).

    Raises:
        InputError: If there is no trial, or the variance is not a number of 0 or more.
    """

    count: int
    variance: float

    def __post_init__(self) -> None:
        if self.count < 1 or not 0 <= self.variance < np.inf:
            raise InputError(f"{self.count} trials with a variance of {self.variance} cannot be; expected 1 or more, and 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Returns of the bars in numbers: mean, central moments (means of powers of the distance from the mean), shortfall.

    Attributes:
        count: Returns, one a bar.
        target: Risk-free rate a bar.
        below: Mean of the squares of what returns are short of the target.
    """

    count: Floats
    mean: Floats
    second: Floats
    third: Floats
    fourth: Floats
    below: Floats
    target: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TripTotals:
    """Round trips in numbers, long and short and won and lost apart; `profit` is after fees, in quote currency.

    Attributes:
        count: All round trips; `longs` those that were long, `wins` those with a profit above 0, `losses` those below 0.
        gross_profit: Sum of the profits above 0; `gross_loss` is minus the sum of those below 0.
        variance: Variance of the profits, divided by count - 1; 0 where there are less than two.
        fees: All fees that were paid, also those of a position that is still open where they are known.
        returns: Sum of profit / value at the entry.
        bars: Sum of the bars held.
    """

    count: Floats
    longs: Floats
    wins: Floats
    long_wins: Floats
    losses: Floats
    gross_profit: Floats
    gross_loss: Floats
    variance: Floats
    fees: Floats
    returns: Floats
    bars: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Basics:
    """What can be had from sums alone; arrays of shape (), or (runs,) for many runs at once.

    Attributes:
        final: Value of the account at the last close.
        seconds: From the open of the first bar to the last close, holes among it.
        depth: Largest drawdown, a fraction of the peak.
        risk_free: A fraction a year.
    """

    balance: Floats
    final: Floats
    bars: Floats
    bar_seconds: float
    seconds: Floats
    risk_free: float
    depth: Floats
    moments: Moments
    totals: TripTotals
    trials: Trials | None

    @property
    def bars_a_year(self) -> float:
        """Bars in a year of 365 days without a pause in trading."""
        return bars_a_year(self.bar_seconds)

    @property
    def annual(self) -> float:
        """What turns a deviation per bar, or a ratio to one, into one per year: the root of the bars in a year."""
        return math.sqrt(self.bars_a_year)


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """Returns of the UTC days and months that have bars; the first and the last may be partial.

    Attributes:
        ends: Last bar of each day, shape (days,).
        days: Return of each day, shape (days,).
        of_months: Month of each of `months`, datetime64[M], shape (months,).
        months: Return of each month, shape (months,).
    """

    ends: Integers
    days: Floats
    of_months: npt.NDArray[np.datetime64]
    months: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """Buy and hold from the first close on, without fees, beside the run; both from the second bar on.

    Attributes:
        growth: Last close / first close - 1; `depth` is its largest drawdown.
        means: Mean return a bar of the run and of the benchmark.
        variances: Mean squared distance from those means.
        covariance: Mean product of the distances from those means.
        apart: Variance of the difference, a mean square.
        pairs: Bars compared.
    """

    growth: float
    depth: float
    means: tuple[float, float]
    variances: tuple[float, float]
    covariance: float
    apart: float
    pairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How much was held: sums over `bars` bars of the exposure, a signed fraction of equity."""

    bars: int
    held: int
    absolute: float
    signed: float
    highest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(Basics):
    """All that metrics are computed from; arrays of shape (). `traded` is the value of all that was bought and sold."""

    returns: Floats
    walk: passes.Walk
    falls: passes.Falls
    spread: passes.Spread
    tails: Tails
    periods: Periods
    benchmark: Benchmark | None
    position: Position | None
    trips: RoundTrips
    traded: float


def facts_of(run: Run, *, trials: Trials | None = None) -> Facts:
    """Return what the metrics of a run are computed from."""
    count = len(run.equity)
    returns = np.empty(count, np.float64)
    walk = passes.Walk(*passes.returns_of(run.equity, run.balance, returns))
    falls = passes.Falls(*passes.drawdowns_of(run.equity, run.balance))
    mean = walk.total / max(count, 1)
    target = risk_free_a_bar(run.risk_free, run.bar_seconds)
    spread = passes.Spread(*passes.spread_of(returns, mean, target))
    second = varied(spread.second, walk.squares / max(count, 1))
    moments = Moments(
        count=_array(count), mean=ratio(walk.total, count), second=second, third=_array(spread.third), fourth=_array(spread.fourth),
        below=ratio(spread.below, count), target=target,
    )  # fmt: skip
    return Facts(
        balance=_array(run.balance), final=_array(run.equity[-1] if count else run.balance), bars=_array(count),
        bar_seconds=run.bar_seconds, seconds=_array(run.seconds), risk_free=run.risk_free, depth=_array(falls.depth),
        moments=moments, totals=_totals(run), trials=trials, returns=returns, walk=walk, falls=falls, spread=spread,
        tails=tails_of(returns), periods=_periods(run, walk.ruined), benchmark=_benchmark(run, returns, walk.total),
        position=_position(run), trips=run.trips, traded=_traded(run.trips) if run.traded is None else run.traded,
    )  # fmt: skip


def _periods(run: Run, ruined: int) -> Periods:
    if run.timestamps_us is None or not len(run.equity):
        nothing = np.empty(0, np.float64)
        return Periods(ends=np.empty(0, np.int64), days=nothing, of_months=_NO_MONTHS, months=nothing)
    ends = np.empty(len(run.equity), np.int64)
    ends = ends[: passes.ends_of_days(run.timestamps_us, DAY_SECONDS * 1_000_000, ends)].copy()
    # A close at midnight is the last of the day before it.
    month = (run.timestamps_us[ends] - 1).astype("datetime64[us]").astype("datetime64[M]")
    last = np.append(month[1:] != month[:-1], [True])
    return Periods(
        ends=ends, days=_steps(run, ends, ruined), of_months=month[last], months=_steps(run, ends[last], ruined)
    )  # fmt: skip


def _steps(run: Run, ends: Integers, ruined: int) -> Floats:
    # Of an account that reached zero nothing is left to earn with: what comes after that bar counts as 0.
    values = run.equity[np.minimum(ends, ruined)]
    before = np.concatenate(([run.balance], values[:-1]))
    return np.where(before > 0, values / np.where(before > 0, before, 1.0) - 1.0, 0.0)


def _benchmark(run: Run, returns: Floats, total: float) -> Benchmark | None:
    if run.close is None or not len(run.close):
        return None
    pairs = len(run.close) - 1
    market = np.empty(pairs, np.float64)
    walk = passes.Walk(*passes.returns_of(run.close[1:], run.close[0], market))
    falls = passes.Falls(*passes.drawdowns_of(run.close[1:], run.close[0]))
    means = (total - float(returns[0])) / max(pairs, 1), walk.total / max(pairs, 1)
    covariance, ours, theirs, apart = passes.together(returns[1:], market, *means)
    squares = ours + means[0] * means[0], theirs + means[1] * means[1]  # ** would raise beyond the range of floats
    return Benchmark(
        growth=float(run.close[-1] / run.close[0] - 1), depth=falls.depth, means=means, covariance=covariance, pairs=pairs,
        variances=(float(varied(ours, squares[0])), float(varied(theirs, squares[1]))),
        apart=float(varied(apart, squares[0] + squares[1])),
    )  # fmt: skip


def _position(run: Run) -> Position | None:
    if run.exposure is None or not len(run.exposure):
        return None
    held, absolute, signed, highest = passes.position_of(run.exposure)
    return Position(bars=len(run.exposure), held=held, absolute=absolute, signed=signed, highest=highest)


def _traded(trips: RoundTrips) -> float:
    return float((trips.value + trips.size * trips.exit_price).sum())


def _totals(run: Run) -> TripTotals:
    trips, profit, longs = run.trips, run.trips.profit, run.trips.side > 0
    won, lost = profit > 0, profit < 0
    variance = varied(profit.var(ddof=1), np.square(profit).mean()) if len(trips) > 1 else _array(0)
    return TripTotals(
        count=_array(len(trips)), longs=_array(longs.sum()), wins=_array(won.sum()), long_wins=_array((won & longs).sum()),
        losses=_array(lost.sum()), gross_profit=_array(profit[won].sum()), gross_loss=_array(-profit[lost].sum()),
        variance=variance, fees=_array(trips.fees.sum() if run.fees is None else run.fees),
        returns=_array((profit / trips.value).sum()), bars=_array(trips.bars.sum()),
    )  # fmt: skip


def _array(value: float) -> Floats:
    return np.asarray(value, np.float64)
