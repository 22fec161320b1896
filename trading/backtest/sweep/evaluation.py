"""Evaluation of parameter sets: the figures of each that sums are enough for, or what it raised."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from math import nan
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from market.errors import InputError, did_you_mean
from trading.backtest.market import Market
from trading.backtest.metrics import METRICS, RunSums, Trials, from_sums
from trading.backtest.simulate import Sums
from trading.backtest.sweep.ground import Ground
from trading.backtest.sweep.space import Space
from trading.memory import remembered

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

COLUMNS = (
    "final_value", "net_profit", "total_return", "cagr", "average_return", "volatility", "downside_deviation", "skew", "kurtosis",
    "sharpe_ratio", "sortino_ratio", "calmar_ratio", "probabilistic_sharpe_ratio", "minimum_track_record", "max_drawdown",
    "trades_a_day", "total_trades", "winning_trades", "win_rate", "gross_profit", "gross_loss", "profit_factor", "expectancy",
    "average_win", "exposure_time", "fees",
)  # fmt: skip
"""The figures of a set, in this order. Of a position that is still open at the end only its value and its fees count. Figures that
need each round trip are those of the set's own backtest.
"""

_PLACES = {each.name: place for place, each in enumerate(fields(Sums))}
_numbers_of = attrgetter(*_PLACES)
_MOST_ERRORS, _LONGEST_ERROR = 20, 200


class Interrupted(Exception):
    """Raised inside an evaluation that was asked to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of some sets.

    Attributes:
        values: Shape (sets, columns), NaN where a figure is not defined, or the set raised.
        failed: Whether a set raised, shape (sets,).
        errors: First words of the first errors, by the set's number in the space.
    """

    values: Floats
    failed: NDArray[np.bool_]
    errors: dict[int, str] = field(default_factory=dict)


def evaluate(ground: Ground, space: Space, numbers: Integers, *, stopped: Callable[[], bool] = lambda: False) -> Figures:
    """Return what came of some sets, in the order of `numbers`; a set that raises does not end the others.

    Args:
        ground: Candles, strategy and rules.
        space: Where the numbers are those of sets.
        numbers: Shape (sets,).
        stopped: Asked before each set.

    Raises:
        Interrupted: If `stopped` said so.
    """
    places = space.places(numbers)
    sums = np.full((len(numbers), len(_PLACES)), nan)
    failed, errors = np.zeros(len(numbers), bool), {}
    with remembered():
        for row in np.lexsort((np.arange(len(places)), *places.T[::-1])).tolist():  # neighbours have indicators in common
            if stopped():
                raise Interrupted
            try:
                sums[row] = _numbers_of(ground.sums(space.parameters(places[row].tolist())))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's strategy may raise anything
                failed[row] = True
                errors[int(numbers[row])] = _words_of(error)
    first = dict(sorted(errors.items())[:_MOST_ERRORS])
    return Figures(values=figures_of(sums, ground.balance, ground.market), failed=failed, errors=first)


def figures_of(sums: Floats, balance: float, market: Market) -> Floats:
    """Return the columns of sets.

    Args:
        sums: The fields of `Sums`, shape (sets, fields).
        balance: In the quote currency.
        market: The candles that they were tried on.
    """
    with np.errstate(all="ignore"):
        known = from_sums(_run_sums(sums, balance), bar_seconds=market.timeframe.width_us / 1e6, seconds=_seconds(market))
        known["exposure_time"] = sums[:, _PLACES["inside"]] / sums[:, _PLACES["bars"]]
    return np.column_stack([np.where(np.isnan(sums[:, 0]), nan, known[name]) for name in COLUMNS])


def figures_of_run(sums: Sums, balance: float, market: Market) -> dict[str, float]:
    """Return the figures of one run by name; see `figures_of`."""
    return dict(zip(COLUMNS, figures_of(np.array([_numbers_of(sums)]), balance, market)[0].tolist(), strict=True))


def deflated_sharpe_ratio(ground: Ground, space: Space, number: int, trials: Trials) -> float:
    """Return the deflated Sharpe ratio of the set that was the best of some trials."""
    sums = np.array([_numbers_of(ground.sums(space.set(number)))])
    return float(
        from_sums(_run_sums(sums, ground.balance), bar_seconds=bar_seconds(ground), trials=trials)["deflated_sharpe_ratio"][0]
    )


def bar_seconds(ground: Ground) -> float:
    """Return the width of a bar in seconds."""
    return ground.market.timeframe.width_us / 1e6


def column_of(metric: str) -> int:
    """Return the place of a metric that sets can be ranked by.

    Raises:
        InputError: If it is none of them.
    """
    known = [name for name in COLUMNS if METRICS[name].higher_is_better is not None]
    if metric not in known:
        raise InputError(f"metric {metric!r} cannot rank a sweep; expected one of {', '.join(known)}{did_you_mean(metric, known)}")
    return COLUMNS.index(metric)


def _seconds(market: Market) -> float:
    """Return how long candles last from the open of the first to the close of the last, holes among them."""
    closes = market.closes_us
    return float(closes[-1] - closes[0] + market.timeframe.width_us) / 1e6 if len(closes) else 0.0


def _words_of(error: BaseException) -> str:
    """Return what an error says as a line that any file, terminal and database takes."""
    text = f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
    return "".join(each if each.isprintable() else " " for each in text)


def _run_sums(sums: Floats, balance: float) -> RunSums:
    given = {name: sums[:, place] for name, place in _PLACES.items()}
    unknown = np.full(len(sums), nan)
    return RunSums(
        balance=np.full(len(sums), balance), final=given["equity"], bars=given["bars"], returns=given["first"],
        squares=given["second"], cubes=given["third"], fourths=given["fourth"], below=given["below"], depth=given["drawdown"],
        trips=given["trips"], wins=given["wins"], gross_profit=given["gains"], gross_loss=-given["losses"], longs=unknown,
        long_wins=unknown, losses=unknown, profit_squares=unknown, fees=given["fees"], trip_returns=unknown, trip_bars=unknown,
    )  # fmt: skip
