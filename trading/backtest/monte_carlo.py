"""Monte Carlo: what else could have become of a run, by other orders and other draws of its trades or bars.

Each resample has a stream of random numbers of its own, of the seed and its number: the same seed gives the same bytes (by one
version of numpy) on any machine, in however many parts. One resample at a time is in memory, so that 10,000 of 100,000 steps need
no more than their figures and 200 points of each curve.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from market.errors import InputError
from trading.backtest.block_length import block_length
from trading.backtest.resampling import finite, fractions, in_blocks, redrawn, shuffled, walk
from trading.frames import Floats, Integers

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FIGURES = ("final_value", "total_return", "max_drawdown", "sharpe_ratio", "longest_losing_streak")
RUIN = 0.5
"""Without another wish a run is ruined where its equity is at half of the balance, or below."""

_MOST_RESAMPLES = 100_000
_POINTS = 200
_BINS = 40
_SAME = 1e-9  # figures that differ by so small a part of their size are equal: the difference is rounding


class Method(StrEnum):
    """What is drawn."""

    SHUFFLE = "trade-shuffle"
    TRADES = "trade-bootstrap"
    RETURNS = "return-bootstrap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One figure of all resamples.

    Attributes:
        values: In the order of the resamples, shape (resamples,); NaN where it cannot be told (Sharpe of what does not vary).
        actual: That of the real run.
    """

    values: Floats
    actual: float

    @property
    def known(self) -> Floats:
        """The values that are numbers."""
        return self.values[~np.isnan(self.values)]

    @property
    def percentile(self) -> float:
        """Share of the resamples below the real run, and half of those equal to it; 0 to 1, NaN where either is not known."""
        known = self.known
        if not len(known) or np.isnan(self.actual):
            return float("nan")
        equal = np.abs(known - self.actual) <= _SAME * np.maximum(np.abs(known), abs(self.actual))
        return float((((known < self.actual) & ~equal).sum() + 0.5 * equal.sum()) / len(known))

    @property
    def quantiles(self) -> Floats:
        """The values at `QUANTILES`, linear between two; NaN where none is known."""
        known = self.known
        return np.quantile(known, QUANTILES) if len(known) else np.full(len(QUANTILES), np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonteCarlo:
    """What became of all resamples of a run.

    Attributes:
        method: What was drawn.
        steps: Trades, or bars, of the run and of each resample.
        balance: Equity before the first, quote currency.
        seed: Of the random numbers.
        ruin: A fraction of the balance; who is there or below it is ruined.
        compounded: Whether each step is a fraction of the equity before it, or money that is added.
        mean_block: Mean length of the blocks of bars; None where single trades were drawn.
        distributions: By name, those of `FIGURES`. Max drawdown is the deepest fall from a peak, a fraction, the balance among the
            peaks; the Sharpe ratio is mean by deviation (ddof 1) of the steps times sqrt(steps a year), without a risk-free rate; a
            losing streak is steps below 0 one after the other.
        loss_probability: Share of the resamples that end below the balance.
        ruin_probability: Share of them that were ruined at any step.
        marks: Steps at which the fan has a point, 0 (before the first) and the last among them, at most 200.
        fan: Equity at the marks, one row for each of `QUANTILES`, shape (7, marks).
        actual: That of the real run, shape (marks,).
    """

    method: Method
    steps: int
    balance: float
    seed: int
    ruin: float
    compounded: bool
    mean_block: float | None
    distributions: dict[str, Distribution]
    loss_probability: float
    ruin_probability: float
    marks: Integers
    fan: Floats
    actual: Floats


def shuffle_trades(
    profits: ArrayLike,
    balance: float,
    *,
    resamples: int,
    seed: int,
    compounded: bool = True,
    ruin: float = RUIN,
    a_year: float = 1.0,
) -> MonteCarlo:
    """Return what the same round trips in other orders would have given: how deep it could have fallen on the way to the same end.

    Args:
        profits: Of each round trip, quote currency, after fees, in the order of their exits; shape (trips,).
        balance: Equity before the first, quote currency.
        resamples: How many, 1 to 100,000.
        seed: 0 or more.
        compounded: Whether a profit stands for its fraction of the equity before it (the balance and all profits before), which
            then compounds. So it is by default, as positions are a fraction of equity by default, and late profits are large
            because equity was: as money a late win put first would be larger than the account could have made it. False adds the
            money, which is right where positions are of a fixed value. Either way the last equity is that of the real run.
        ruin: A fraction of the balance, 0 to less than 1.
        a_year: Round trips a year, to annualise the Sharpe ratio with; 1 leaves it that of a round trip.

    Raises:
        InputError: If a number is out of its bounds, or equity was 0 or less on the way, of which there is no fraction.
    """
    steps = fractions(profits, balance, compounded)
    return _resampled(
        Method.SHUFFLE, steps, balance, shuffled, resamples=resamples, seed=seed, compounded=compounded, ruin=ruin, a_year=a_year
    )


def bootstrap_trades(
    profits: ArrayLike,
    balance: float,
    *,
    resamples: int,
    seed: int,
    compounded: bool = True,
    ruin: float = RUIN,
    a_year: float = 1.0,
) -> MonteCarlo:
    """Return what as many round trips, drawn from those of a run with replacement, would have given.

    Trades are taken for independent of one another; see `bootstrap_returns` for what is not. Arguments and errors are those
    of `shuffle_trades`.
    """
    steps = fractions(profits, balance, compounded)
    return _resampled(
        Method.TRADES, steps, balance, redrawn, resamples=resamples, seed=seed, compounded=compounded, ruin=ruin, a_year=a_year
    )


def bootstrap_returns(
    returns: ArrayLike, balance: float, *, resamples: int, seed: int, block_bars: float | None = None, ruin: float = RUIN,
    a_year: float = 1.0,
) -> MonteCarlo:  # fmt: skip
    """Return what blocks of the bars of a run, drawn with replacement, would have given: the stationary bootstrap.

    Blocks begin anywhere, have lengths by chance (geometric), and go on at the beginning where the run ends; so what follows one
    another in the market, trends and calm and stormy times, does so in the resamples.

    Source: Politis and Romano, "The Stationary Bootstrap", Journal of the American Statistical Association 89 (1994).

    Args:
        returns: Of the equity in each bar, a fraction, oldest first; shape (bars,).
        balance: Equity before the first bar, quote currency.
        resamples: See `shuffle_trades`; `seed` and `ruin` too.
        seed: See there.
        block_bars: Mean length of the blocks, 1 (single bars) to the number of bars. None for what `block_length` says of the
            returns or of their sizes, whichever is longer: drawdowns come from storms, and the sizes of returns depend on one
            another for longer than the returns do.
        ruin: See there.
        a_year: Bars a year, to annualise the Sharpe ratio with; 1 leaves it that of a bar.

    Raises:
        InputError: If a number is out of its bounds.
    """
    steps = finite(returns, "return")
    if block_bars is None:
        block_bars = max(block_length(steps), block_length(np.abs(steps)))
    if not 1 <= block_bars <= max(len(steps), 1):
        raise InputError(f"the mean length of blocks is {block_bars:g}; expected was 1 to {len(steps)}, the bars of the run")
    mean = float(block_bars)
    return _resampled(
        Method.RETURNS, steps, balance, lambda chance, bars: in_blocks(chance, bars, mean), resamples=resamples, seed=seed,
        compounded=True, ruin=ruin, a_year=a_year, mean_block=mean,
    )  # fmt: skip


def document(found: MonteCarlo) -> dict[str, Any]:
    """Return all of it but the single resamples, for JSON; None for what is not known."""
    names = [f"{100 * quantile:g}" for quantile in QUANTILES]
    return {
        "method": str(found.method), "resamples": len(found.distributions[FIGURES[0]].values), "seed": found.seed,
        "steps": found.steps, "balance": found.balance, "compounded": found.compounded,
        "mean_block": found.mean_block, "ruin": found.ruin,
        "probability": {"loss": found.loss_probability, "ruin": found.ruin_probability},
        "distributions": {name: _described(found.distributions[name], names) for name in FIGURES},
        "fan": {
            "step": found.marks.tolist(), "actual": found.actual.tolist(),
            "quantiles": dict(zip(names, found.fan.tolist(), strict=True)),
        },
    }  # fmt: skip


def _described(figure: Distribution, names: list[str]) -> dict[str, Any]:
    known = figure.known
    low, high = (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)
    spread = high - low > _SAME * max(abs(low), abs(high))
    counts, edges = np.histogram(known, _BINS) if spread else (np.array([len(known)]), np.array([low, high]))
    return {
        "actual": _number(figure.actual), "percentile": _number(figure.percentile), "least": _number(low), "most": _number(high),
        "mean": _number(known.mean() if len(known) else np.nan),
        "quantiles": dict(zip(names, map(_number, figure.quantiles.tolist()), strict=True)),
        "histogram": {"edges": edges.tolist() if len(known) else [], "counts": counts.tolist() if len(known) else []},
    }  # fmt: skip


def _number(value: float) -> float | None:
    return float(value) if isfinite(value) else None


def _resampled(
    method: Method, steps: Floats, balance: float, draw: Callable[[np.random.Generator, int], Integers], *, resamples: int,
    seed: int, compounded: bool, ruin: float, a_year: float, mean_block: float | None = None,
) -> MonteCarlo:  # fmt: skip
    _check(balance, resamples=resamples, seed=seed, ruin=ruin, a_year=a_year)
    marks = np.unique(np.linspace(0, len(steps), min(len(steps) + 1, _POINTS)).round().astype(np.int64))
    figures, curves, centre = np.empty((resamples + 1, 5)), np.empty((resamples + 1, len(marks))), float(steps.mean())
    for number in range(resamples):
        order = draw(np.random.default_rng((seed, number)), len(steps))
        walk(steps, order, compounded, centre, marks, figures, curves, number)
    walk(steps, np.arange(len(steps)), compounded, centre, marks, figures, curves, resamples)
    final, fall, sharpe, streak, least = figures.T
    columns = (balance * final, final - 1.0, fall, sharpe * sqrt(a_year), streak)
    drawn = slice(0, resamples)
    return MonteCarlo(
        method=method, steps=len(steps), balance=balance, seed=seed, ruin=ruin, compounded=compounded, mean_block=mean_block,
        distributions={
            name: Distribution(values=column[drawn], actual=float(column[resamples]))
            for name, column in zip(FIGURES, columns, strict=True)
        },
        loss_probability=float((final[drawn] < 1.0 - _SAME).mean()), ruin_probability=float((least[drawn] <= ruin).mean()),
        marks=marks, fan=balance * np.quantile(curves[drawn], QUANTILES, axis=0), actual=balance * curves[resamples],
    )  # fmt: skip


def _check(balance: float, *, resamples: int, seed: int, ruin: float, a_year: float) -> None:
    for name, value, fits, expected in (
        ("balance", balance, isfinite(balance) and balance > 0, "more than 0"),
        ("number of resamples", resamples, 1 <= resamples <= _MOST_RESAMPLES, f"1 to {_MOST_RESAMPLES}"),
        ("seed", seed, seed >= 0, "0 or more"),
        ("threshold of ruin", ruin, 0 <= ruin < 1, "0 to less than 1, a fraction of the balance"),
        ("number of steps a year", a_year, isfinite(a_year) and a_year > 0, "more than 0"),
    ):
        if not fits:
            raise InputError(f"the {name} is {value:g}; expected was {expected}")
