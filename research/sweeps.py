"""Sweeps: all chunks of a plan done by some workers, those that are kept left as they are, and the best sets found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from trading.backtest.sweep import COLUMNS, Chunk, Found, Ground, Plan, Ranking, Rows, search, try_chunk
from trading.backtest.sweep.chunks import pack, unpack
from trading.backtest.sweep.plan import MOST_SHOWN
from trading.parameters import Value

if TYPE_CHECKING:
    from research.jobs import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A sweep that can be done in pieces, its chunks.

    Attributes:
        id: Of the run; bytes of another one are not taken for its own.
        ground: What sets are tried on.
        plan: Which sets.
    """

    id: str
    ground: Ground
    plan: Plan

    def do(self, piece: Chunk, stopped: Callable[[], bool]) -> bytes:
        """Return what came of a chunk.

        Raises:
            Interrupted: If `stopped` said so.
        """
        return pack(try_chunk(self.ground, self.plan, piece, stopped=stopped), self._identity)

    def read(self, piece: Chunk, payload: bytes) -> Rows | None:
        """Return the rows of a chunk; None if the bytes are not what `do` gives."""
        rows = unpack(payload, self._identity, piece.number)
        return rows if rows is not None and self.plan.fits(piece, rows) else None

    @property
    def _identity(self) -> bytes:
        return self.id.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a sweep is.

    Attributes:
        done: Sets that were tried, those of an earlier run among them.
        total: Sets that will be.
        failed: Sets that raised.
        best: Parameters of the best set so far and its figure; None while there is none.
    """

    done: int
    total: int
    failed: int
    best: tuple[dict[str, Value], float] | None


Kept = Callable[[int], bytes | None]
Keep = Callable[[int, int, bytes], None]


def run_sweep(
    sweep: Sweep,
    pool: "Pool",
    *,
    kept: Kept = lambda _: None,
    keep: Keep = lambda *_: None,
    told: Callable[[Progress], None] = lambda _: None,
) -> Found:
    """Return what a sweep found: the same, to the last bit, with any workers, and stopped and gone on with as often as you like.

    Args:
        sweep: What is tried.
        pool: Workers that have it, started.
        kept: Gives the bytes of a chunk that was done before; None for one that was not.
        keep: Takes the number of a chunk that was done, how many sets it has, and its bytes.
        told: Takes how far it is, after each chunk.
    """

    def tell(ranking: Ranking) -> None:
        told(Progress(done=ranking.sets, total=sweep.plan.sets, failed=ranking.failed, best=ranking.best()))

    return search(sweep.ground, sweep.plan, lambda chunks: _round(sweep, pool, chunks, kept, keep), tell)


def _round(sweep: Sweep, pool: "Pool", chunks: Iterator[Chunk], kept: Kept, keep: Keep) -> Iterator[Rows]:
    """Yield the rows of some chunks: of those that are kept first, of the others as they get done."""
    missing: dict[int, Chunk] = {}
    for chunk in chunks:
        payload = kept(chunk.number)
        rows = None if payload is None else sweep.read(chunk, payload)
        if rows is None:
            missing[chunk.number] = chunk
        else:
            yield rows
    for number, payload in pool.run(list(missing.values())):
        chunk = missing[number]
        rows = sweep.read(chunk, payload)
        assert rows is not None, "a worker gave what no chunk is"
        keep(number, chunk.count, payload)
        yield rows


def sweep_document(found: Found, head: dict[str, Any]) -> dict[str, Any]:
    """Return what a sweep found as values that JSON can say; what is not defined is None.

    Args:
        found: What came of it.
        head: What decided it, as `trading.backtest.document.asked` says it, with its window and coverage.
    """
    trials, results = found.trials, [_result(found, place) for place in range(min(MOST_SHOWN, len(found.numbers)))]
    best = results[0]["metrics"] if results else {}
    return {
        **head,
        "left_out": found.plan.space.left_out,
        "failed": found.failed,
        "undefined": found.undefined,
        "trials": None if trials is None else {"count": trials.count, "variance": trials.variance},
        "deflated_sharpe_ratio": or_none(found.deflated),
        "results": results,
        "errors": [{"parameters": found.plan.space.set(number), "error": error} for number, error in sorted(found.errors.items())],
        "metrics": best,
        "final_value": best.get("final_value"),
        "total_return": best.get("total_return"),
        "trades": [],
    }


def _result(found: Found, place: int) -> dict[str, Any]:
    figures = dict(zip(COLUMNS, map(or_none, found.values[place].tolist()), strict=True))
    return {"parameters": found.parameters(place), "metrics": figures}


def or_none(value: float) -> float | None:
    """Return a number as JSON can say it: what is not finite is null."""
    return value if isfinite(value) else None
