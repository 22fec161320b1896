"""The plan of a sweep: which sets in which chunks, the same on every machine, however many cores it has."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from market.errors import InputError
from trading.backtest.metrics import METRICS
from trading.backtest.sweep.chunks import VERSION, Chunk, Rows
from trading.backtest.sweep.evaluation import COLUMNS, column_of
from trading.backtest.sweep.permutation import shuffled
from trading.backtest.sweep.space import Space

if TYPE_CHECKING:
    from trading.backtest.sweep.ground import Ground

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_GUIDED = 10_000
"""A guide looks at all that it was told each time it is asked; beyond so many sets that takes longer than trying them."""
MOST_KEPT = 50_000
"""Of a sweep of so many sets all are kept, and of a larger one so many of the best, or some fewer."""
MOST_SHOWN = 2_000
"""So many of the best sets a chunk keeps at least: so many can be shown, wherever they lie. More make no better picture."""

_GUIDED_ROUND, _GUIDED_CHUNK = 40, 10
_LEAST_SECONDS, _MOST_SECONDS, _CHUNKS = 0.25, 2.0, 64
_SET_SECONDS, _BAR_SECONDS, _ASKED_SECONDS = 6e-5, 8e-9, 6e-5


class Sampler(StrEnum):
    """How sets are chosen: all of them, by chance, or by Optuna from what came of those before."""

    GRID = "grid"
    RANDOM = "random"
    OPTUNA = "optuna"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which sets a sweep tries, and what it keeps of them.

    Attributes:
        space: The sets there are.
        sampler: How they are chosen.
        sets: How many are tried.
        seed: Of chance.
        metric: What they are ranked by.
        chunk: Sets of a chunk.
        least_trades: Sets with fewer round trips come last.
    """

    space: Space
    sampler: Sampler
    sets: int
    seed: int
    metric: str
    chunk: int
    least_trades: int = 0

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-self.sets // self.chunk)

    @property
    def round(self) -> int:
        """How many sets are tried before the next ones can be chosen."""
        return _GUIDED_ROUND if self.sampler is Sampler.OPTUNA else self.sets

    @property
    def kept(self) -> int:
        """How many rows of a chunk are kept, the best ones: all of them in a sweep of up to 50,000 sets."""
        return self.chunk if self.sets <= MOST_KEPT else max(MOST_SHOWN, -(-MOST_KEPT // self.chunks))

    @property
    def higher_is_better(self) -> bool:
        """Which way the metric is better."""
        return bool(METRICS[self.metric].higher_is_better)

    def identity(self) -> dict[str, Any]:
        """Return what makes it this plan, as it can be written as JSON: equal plans have equal chunks."""
        return {
            "space": {axis.name: list(axis.values) for axis in self.space.axes if len(axis.values) > 1},
            "parameters": {axis.name: axis.values[0] for axis in self.space.axes if len(axis.values) == 1},
            "relations": [list(pair) for pair in self.space.relations], "sampler": str(self.sampler), "sets": self.sets,
            "seed": self.seed, "metric": self.metric, "least_trades": self.least_trades, "chunk": self.chunk, "layout": VERSION,
        }  # fmt: skip

    def layout(self, first: int = 0, chosen: Integers | None = None) -> Iterator[Chunk]:
        """Yield the chunks of all sets, or of a round that a guide chose; `first` is how many sets come before."""
        end = self.sets if chosen is None else first + len(chosen)
        for begin in range(first, end, self.chunk):
            count = min(self.chunk, end - begin)
            own = b"" if chosen is None else chosen[begin - first : begin - first + count].astype("<i8").tobytes()
            yield Chunk(number=begin // self.chunk, first=begin, count=count, chosen=own)

    def numbers(self, chunk: Chunk) -> Integers:
        """Return the numbers of a chunk's sets in the space, in the order in which they come in the sweep."""
        if chunk.chosen:
            return np.frombuffer(chunk.chosen, "<i8").astype(np.int64)
        numbers = np.arange(chunk.first, chunk.first + chunk.count, dtype=np.int64)
        return shuffled(numbers, len(self.space), self.seed) if self.sampler is Sampler.RANDOM else numbers

    def figure(self, values: Floats) -> Floats:
        """Return what rows are ranked by, shape (rows,); NaN where it is not defined, or there were too few trades."""
        few = values[:, COLUMNS.index("total_trades")] < self.least_trades
        return np.where(few, np.nan, values[:, column_of(self.metric)])

    def best(self, numbers: Integers, values: Floats) -> Integers:
        """Return the rows in their order from the best on; of equals the lower number first, last those without a figure."""
        figure = self.figure(values)
        return np.lexsort((numbers, -figure if self.higher_is_better else figure))

    def fits(self, chunk: Chunk, rows: Rows) -> bool:
        """Return whether rows are those of a chunk."""
        if rows.sets != chunk.count or rows.values.shape[1:] != (len(COLUMNS),):
            return False
        own = np.sort(self.numbers(chunk))
        return len(rows.numbers) == min(self.kept, chunk.count) and bool(np.isin(rows.numbers, own).all())


def plan_of(
    space: Space,
    ground: "Ground",
    *,
    sampler: Sampler = Sampler.GRID,
    sets: int | None = None,
    seed: int = 1,
    metric: str = "sharpe_ratio",
    least_trades: int = 0,
) -> Plan:
    """Return the plan of a sweep.

    Args:
        space: The sets there are.
        ground: Says how long a set will take, of which the size of chunks is made.
        sampler: How sets are chosen.
        sets: How many are tried at most; None for all of a grid, 1,000 by chance, 200 with Optuna.
        seed: Of chance.
        metric: What they are ranked by.
        least_trades: Sets with fewer round trips come last, whatever their figure: a lucky trade says nothing.

    Raises:
        InputError: If the metric cannot rank, or so many sets cannot be tried.
    """
    column_of(metric)
    wanted = wanted_sets(space, sampler, sets)
    chunk = _GUIDED_CHUNK if sampler is Sampler.OPTUNA else _chunk_size(wanted, _seconds_a_set(ground))
    return Plan(space=space, sampler=sampler, sets=wanted, seed=seed, metric=metric, chunk=chunk, least_trades=least_trades)


def wanted_sets(space: Space, sampler: Sampler, sets: int | None = None) -> int:
    """Return how many sets are tried; `sets` and errors as of `plan_of`."""
    usual = {Sampler.GRID: len(space), Sampler.RANDOM: 1_000, Sampler.OPTUNA: 200}[sampler]
    wanted = min(usual if sets is None else sets, len(space))
    if wanted < 1:
        raise InputError(f"{sets} sets cannot be tried; expected 1 or more")
    if sampler is Sampler.GRID and wanted < len(space):
        raise InputError(
            f"a grid of {len(space):,} sets is tried whole; leave --sets out, narrow it with --param, or use --sampler random"
        )
    if sampler is Sampler.OPTUNA and wanted > MOST_GUIDED:
        raise InputError(
            f"Optuna slows down with each set; expected at most {MOST_GUIDED:,}, found {wanted:,}: use --sampler random"
        )
    return wanted


def _chunk_size(sets: int, seconds: float) -> int:
    """Return how many sets make chunks that are long beside what handing them out costs, and short beside the whole."""
    least, most = int(_LEAST_SECONDS / seconds), int(_MOST_SECONDS / seconds)
    return max(1, least, min(-(-sets // _CHUNKS), most))


def _seconds_a_set(ground: "Ground") -> float:
    """Return how long a set takes, roughly: it may depend on nothing but what the sweep is of."""
    from trading.strategy import BaseStrategy  # noqa: PLC0415 - brings pandas along

    asked = ground.strategy.targets is BaseStrategy.targets
    return _SET_SECONDS + ground.market.there.size * (_ASKED_SECONDS if asked else _BAR_SECONDS)
