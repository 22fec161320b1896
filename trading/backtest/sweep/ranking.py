"""The best sets of a sweep, found chunk by chunk without keeping the others, and whether the very best can be chance."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from trading.backtest.metrics import Trials
from trading.backtest.metrics.run import bars_a_year
from trading.backtest.sweep.chunks import Chunk, Rows
from trading.backtest.sweep.evaluation import COLUMNS, Figures, bar_seconds, deflated_sharpe_ratio, evaluate
from trading.backtest.sweep.ground import Ground
from trading.backtest.sweep.plan import MOST_KEPT, Plan
from trading.parameters import Value

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_SHARPE = COLUMNS.index("sharpe_ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a sweep found.

    Attributes:
        plan: Of the sweep.
        numbers: The best sets in the space, best first, shape (rows,): all of them in a sweep of up to 50,000.
        values: Their figures, shape (rows, columns).
        sets: How many were tried.
        failed: How many of them raised; `errors` are the first, by their sets' numbers.
        undefined: How many have no Sharpe ratio, those that failed among them: mostly because they never traded.
        trials: How many sets have a Sharpe ratio, and how far these are apart; None where none has one.
        deflated: Deflated Sharpe ratio of the best set; NaN without trials.
    """

    plan: Plan
    numbers: Integers
    values: Floats
    sets: int
    failed: int
    undefined: int
    errors: dict[int, str]
    trials: Trials | None
    deflated: float

    def figures(self, place: int) -> dict[str, float]:
        """Return the figures of the set at a place, 0 for the best, by name."""
        return dict(zip(COLUMNS, self.values[place].tolist(), strict=True))

    def parameters(self, place: int) -> dict[str, Value]:
        """Return the parameters of the set at a place, 0 for the best."""
        return self.plan.space.set(int(self.numbers[place]))


class Ranking:
    """Takes what came of chunks in any order, keeps the best rows, and says what was found once all are there."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._numbers, self._values = np.empty(0, np.int64), np.empty((0, len(COLUMNS)))
        self._waiting: list[Rows] = []
        self._sums: dict[int, tuple[int, int, int, float, float]] = {}
        self._errors: dict[int, str] = {}

    @property
    def sets(self) -> int:
        """How many sets were told of."""
        return sum(each[0] for each in self._sums.values())

    @property
    def failed(self) -> int:
        """How many of them raised."""
        return sum(each[1] for each in self._sums.values())

    def add(self, rows: Rows) -> None:
        """Take what came of a chunk."""
        self._sums[rows.chunk] = rows.sets, rows.failed, rows.sharpes, rows.mean, rows.spread
        self._errors = dict(sorted({**self._errors, **rows.errors}.items())[:20])
        self._waiting.append(rows)
        if sum(len(each.numbers) for each in self._waiting) >= MOST_KEPT:
            self._merge()

    def best(self) -> tuple[dict[str, Value], float] | None:
        """Return the parameters of the best set so far and its figure in the metric; None while there is none."""
        self._merge()
        figure = float(self._plan.figure(self._values[:1])[0]) if len(self._numbers) else float("nan")
        return None if np.isnan(figure) else (self._plan.space.set(int(self._numbers[0])), figure)

    def found(self, ground: Ground) -> Found:
        """Return what was found; `ground` is what the sets were tried on."""
        self._merge()
        trials = self._trials()
        ranked = self.best() is not None
        deflated = deflated_sharpe_ratio(ground, self._plan.space, int(self._numbers[0]), trials) if trials and ranked else np.nan
        sharpes = sum(each[2] for each in self._sums.values())
        return Found(
            plan=self._plan, numbers=self._numbers, values=self._values, sets=self.sets, failed=self.failed,
            undefined=self.sets - sharpes, errors=self._errors, trials=trials, deflated=float(deflated),
        )  # fmt: skip

    def _merge(self) -> None:
        if not self._waiting:
            return
        numbers = np.concatenate([self._numbers, *(rows.numbers for rows in self._waiting)])
        values = np.concatenate([self._values, *(rows.values for rows in self._waiting)])
        best = self._plan.best(numbers, values)[:MOST_KEPT]
        self._numbers, self._values, self._waiting = numbers[best], values[best], []

    def _trials(self) -> Trials | None:
        """Return the trials of all chunks, put together in the order of their numbers, so that rounding is always the same."""
        count, mean, spread = 0, 0.0, 0.0
        for chunk in sorted(self._sums):
            _, _, more, its_mean, its_spread = self._sums[chunk]
            if more:
                apart, total = its_mean - mean, count + more
                mean += apart * more / total
                spread += its_spread + apart * apart * count * more / total
                count = total
        return Trials(count=count, variance=spread / max(count - 1, 1)) if count else None


def rows_of(plan: Plan, chunk: Chunk, figures: Figures, *, seconds: float) -> Rows:
    """Return what is kept of a chunk.

    Args:
        plan: Of the sweep.
        chunk: Which one.
        figures: Of its sets, in the order of `plan.numbers`.
        seconds: Width of a bar.
    """
    numbers = plan.numbers(chunk)
    sharpes = figures.values[:, _SHARPE] / sqrt(bars_a_year(seconds))
    sharpes = sharpes[np.isfinite(sharpes)]
    mean = float(sharpes.mean()) if len(sharpes) else 0.0
    best = plan.best(numbers, figures.values)[: plan.kept]
    best = best[np.argsort(numbers[best])]
    return Rows(
        chunk=chunk.number, sets=len(numbers), failed=int(figures.failed.sum()), sharpes=len(sharpes), mean=mean,
        spread=float(np.square(sharpes - mean).sum()), numbers=numbers[best], values=figures.values[best], errors=figures.errors,
    )  # fmt: skip


def try_chunk(ground: Ground, plan: Plan, chunk: Chunk, *, stopped: Callable[[], bool] = lambda: False) -> Rows:
    """Return what came of a chunk: a function of its arguments alone.

    Raises:
        Interrupted: If `stopped` said so.
    """
    figures = evaluate(ground, plan.space, plan.numbers(chunk), stopped=stopped)
    return rows_of(plan, chunk, figures, seconds=bar_seconds(ground))
