"""Sweeps and walk-forwards of stored candles: their pieces are kept as they get done, and what came of them as documents."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from market.clock import isoformat
from market.errors import PlatformError
from research.backtests import finish, prepared, stored_of
from research.jobs import Job, Pool
from research.local import LocalPool
from research.sweeps import Progress, Sweep, run_sweep, sweep_document
from research.walks import Walked, WalkForward, run_walk, walk_document
from trading.backtest.backtest import Backtest
from trading.backtest.coverage import coverage_of
from trading.backtest.document import asked, coverage_document
from trading.backtest.fingerprint import data_fingerprint
from trading.backtest.sweep import Ground, Plan, Sampler, ground_of, plan_of, space_of
from trading.backtest.walk_forward import splits_of

if TYPE_CHECKING:
    import pandas as pd

    from db.operations import DatabaseOperations


_TRIES, _PAUSE_SECONDS = 20, 0.05
"""A process that just ended holds its claims for some milliseconds still, until the database noticed."""


class Stopped(PlatformError):
    """Raised when somebody stopped a search from elsewhere, or another process is at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is searched.

    Attributes:
        test: Strategy, rules and window; the parameters of its strategy do not count.
        symbols: `EXCHANGE:BASE-QUOTE`.
        ranges: By parameter, as people type them; see `trading.backtest.sweep.space_of`.
        sampler: How sets are chosen.
        sets: How many at most; None for what is usual.
        seed: Of chance.
        metric: What sets are ranked by.
        least_trades: Sets with fewer round trips come last.
    """

    test: Backtest
    symbols: tuple[str, ...]
    ranges: Mapping[str, str]
    sampler: Sampler = Sampler.GRID
    sets: int | None = None
    seed: int = 1
    metric: str = "sharpe_ratio"
    least_trades: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Who does it.

    Attributes:
        count: Processes; None for one a core.
        dask: Address of a Dask scheduler, or `local`; None for processes of this machine.
        flow_run: Of Prefect, in which they work; None in a command.
    """

    count: int | None = None
    dask: str | None = None
    flow_run: str | None = None

    def pool(self, job: Job) -> Pool:
        """Return workers for a job, not yet started."""
        if self.dask is None:
            return LocalPool(job, self.count)
        from research.dask_cluster import DaskPool  # noqa: PLC0415 - half a second that nobody else needs

        return DaskPool(job, self.dask, self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """The windows of a walk-forward, lengths in microseconds; see `trading.backtest.walk_forward.splits_of`."""

    train_us: int
    test_us: int
    step_us: int | None = None
    anchored: bool = False


def keep_sweep(
    db: "DatabaseOperations", wanted: Wanted, workers: Workers, told: Callable[[Progress], None] = lambda _: None
) -> dict[str, Any]:
    """Return the document of a sweep; a sweep that was stopped goes on where it was.

    Raises:
        InputError: If something that is wanted cannot be.
        NothingStored: If there is no candle of a symbol.
        HolesError: If the window has holes that were not allowed.
        WorkersError: If workers are lost, or not fit.
        Stopped: If somebody stopped it, or another process is at it.
    """
    ready, frames, ground, plan = _prepared(db, wanted)
    head = _head(ready, frames, "sweep", plan.identity())
    sweep = Sweep(id=head["id"], ground=ground, plan=plan)
    with _Kept(db, head, plan.sets, workers.flow_run) as pieces, workers.pool(sweep) as pool:
        document = sweep_document(run_sweep(sweep, pool, kept=pieces.kept, keep=pieces.keep, told=told), head)
        pieces.finish(document)
    return document


def keep_walk(
    db: "DatabaseOperations", wanted: Wanted, windows: Windows, workers: Workers, told: Callable[[Walked], None] = lambda _: None
) -> dict[str, Any]:
    """Return the document of a walk-forward; one that was stopped goes on where it was.

    Raises:
        InputError: If something that is wanted cannot be.
        NothingStored: If there is no candle of a symbol.
        HolesError: If the window has holes that were not allowed.
        WorkersError: If workers are lost, or not fit.
        Stopped: If somebody stopped it, or another process is at it.
    """
    ready, frames, ground, plan = _prepared(db, wanted)
    splits = splits_of(
        ground.market, train_us=windows.train_us, test_us=windows.test_us, step_us=windows.step_us, anchored=windows.anchored
    )
    lengths = {
        "train_us": windows.train_us, "test_us": windows.test_us, "step_us": windows.step_us or windows.test_us,
        "anchored": windows.anchored,
    }  # fmt: skip
    head = _head(ready, frames, "walk-forward", {**plan.identity(), **lengths})
    walk = WalkForward(id=head["id"], test=ready, ground=ground, plan=plan, splits=splits)
    with _Kept(db, head, len(splits), workers.flow_run) as pieces, workers.pool(walk) as pool:
        document = walk_document(run_walk(walk, pool, kept=pieces.kept, keep=pieces.keep, told=told), head)
        pieces.finish(document)
    return document


def _prepared(db: "DatabaseOperations", wanted: Wanted) -> "tuple[Backtest, dict[str, pd.DataFrame], Ground, Plan]":
    space = space_of(type(wanted.test.strategy), wanted.ranges)
    ready, frames = prepared(db, wanted.test, wanted.symbols)
    ground = ground_of(ready, frames)
    plan = plan_of(
        space, ground, sampler=wanted.sampler, sets=wanted.sets, seed=wanted.seed, metric=wanted.metric,
        least_trades=wanted.least_trades,
    )  # fmt: skip
    return ready, frames, ground, plan


def _head(test: Backtest, frames: "dict[str, pd.DataFrame]", kind: str, plan: dict[str, Any]) -> dict[str, Any]:
    coverage = coverage_of(frames, test.timeframe, start_us=test.start_us, end_us=test.end_us)
    return {
        **asked(test, symbols=list(frames), fingerprint=data_fingerprint(frames), kind=kind, **plan),
        "start": isoformat(min(each.window.start_us for each in coverage)),
        "end": isoformat(max(each.window.end_us for each in coverage)),
        "coverage": [coverage_document(each) for each in coverage],
    }


class _Kept:
    """The pieces of a search in the store, under a claim, so that nobody else does them meanwhile."""

    def __init__(self, db: "DatabaseOperations", head: dict[str, Any], total: int, flow_run: str | None) -> None:
        self._db, self._head, self._total, self._flow_run = db, head, total, flow_run
        self._id = str(head["id"])
        self._done = 0
        self._held = _claimed(db, self._id)

    def __enter__(self) -> "_Kept":
        self._held.__enter__()
        with self._db.transaction() as store:
            store.backtests.begin(stored_of(self._head, total=self._total, flow_run=self._flow_run))
            begun = store.backtests.get(self._id)
        self._done = 0 if begun is None else begun.done
        self._there = set(self._db.backtests.chunk_numbers(self._id))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        try:
            if isinstance(error, KeyboardInterrupt):
                with self._db.transaction() as store:
                    store.backtests.cancel(self._id)
            elif error is not None and not isinstance(error, Stopped):
                with self._db.transaction() as store:
                    store.backtests.fail(self._id, str(error) or type(error).__name__)
        finally:
            self._held.__exit__(kind, error, trace)

    def kept(self, number: int) -> bytes | None:
        return self._db.backtests.chunk(self._id, number) if number in self._there else None

    def keep(self, number: int, sets: int, payload: bytes) -> None:
        self._done += sets
        with self._db.transaction() as store:
            store.backtests.put_chunk(self._id, number, sets, payload)
            wanted = store.backtests.progress(self._id, self._done, self._total)
        if not wanted:
            raise Stopped(f"somebody stopped {self._id[:12]}; what is done is kept, and the same command goes on from there")

    def finish(self, document: dict[str, Any]) -> None:
        with self._db.transaction() as store:
            finish(store, document)


@contextmanager
def _claimed(db: "DatabaseOperations", name: str) -> Iterator[None]:
    from db.claims import Claims, Purpose  # noqa: PLC0415 - it needs SQLAlchemy

    claims = Claims(db.engine, Purpose.RESEARCH)
    try:
        tries = 1
        while (taken := claims.claim([name])) and tries < _TRIES:
            tries += 1
            time.sleep(_PAUSE_SECONDS)
        if taken:
            raise Stopped(f"another process is at {name[:12]}; wait for it: `tcpdash backtests {name[:12]}` shows what came of it")
        yield
    finally:
        claims.close()
