"""Workers of a Dask cluster, here or elsewhere: each has the job once, and what a lost one was doing is done again."""

import logging
import socket
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.metadata import version
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

from research.jobs import Job, WorkersError, abilities, do_piece, packed, unpacked, workers_lost
from research.local import usable_cores

LOCAL = "local"
"""What is given instead of an address for a cluster that lives as long as the job."""

_AHEAD = 2
_TRIES = 5
_PATIENCE_SECONDS, _LOOK_SECONDS = 60, 5
_CONNECT_SECONDS = 10


class DaskPool:
    """Workers of a Dask cluster; at most three pieces a thread of theirs are under way.

    Args:
        job: What is done.
        address: Of the scheduler, `tcp://host:8786`; or `local` for a cluster on the loopback of this machine.
        workers: How many a local cluster has; None for one a core.
    """

    def __init__(self, job: Job, address: str, workers: int | None = None) -> None:
        self._job, self._address = job, address
        self._workers = workers or usable_cores()
        self._stack = ExitStack()
        self._client: Any = None
        self._shared: Any = None

    def __enter__(self) -> Self:
        """Connect, look whether the workers are fit, and give them the job.

        Raises:
            WorkersError: If nobody answers, nobody works there, or a worker has other versions than this machine.
        """
        payload = packed(self._job)
        with ExitStack() as stack:
            where = stack.enter_context(_local_cluster(self._workers)) if self._address == LOCAL else self._address
            self._client = stack.enter_context(_client(where, self._address))
            self._refuse_others()
            self._payload = payload
            self._share()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._shared = None
        self._stack.close()

    def run(self, pieces: Iterable[Any]) -> Iterator[tuple[int, bytes]]:
        """Yield what came of each piece with its number, as they get done.

        Raises:
            WorkersError: If a piece lost its workers again and again, or all of them are gone.
        """
        waiting = iter(pieces)
        most = _AHEAD * max(sum(self._client.nthreads().values()), 1)
        under_way: dict[Any, tuple[Any, Any, int]] = {}
        done: SimpleQueue[Any] = SimpleQueue()
        try:
            for piece in waiting:
                self._hand_out(piece, 1, under_way, done)
                while len(under_way) >= most:
                    yield from self._take(under_way, done)
            while under_way:
                yield from self._take(under_way, done)
        finally:
            self._client.cancel([future for future, _, _ in under_way.values()]) if under_way else None

    def _hand_out(self, piece: Any, attempt: int, under_way: dict[Any, Any], done: "SimpleQueue[Any]") -> None:
        future = self._client.submit(_do, self._shared, piece, pure=False)
        under_way[future.key] = future, piece, attempt
        future.add_done_callback(lambda ended: done.put(ended.key))

    def _take(self, under_way: dict[Any, Any], done: "SimpleQueue[Any]") -> Iterator[tuple[int, bytes]]:
        """Yield the piece that is done next, or hand it out again."""
        future, piece, attempt = under_way.pop(self._next(done))
        try:
            result = future.result()
        except CancelledError:  # its bytes, or the job's, were on a worker that is gone
            if attempt == _TRIES:
                raise workers_lost(f"piece {piece.number} lost its worker {_TRIES} times") from None
            self._share_again()
            self._hand_out(piece, attempt + 1, under_way, done)
            return
        except Exception as error:
            if type(error).__name__ == "KilledWorker":
                raise workers_lost(f"piece {piece.number} ended every worker that took it, perhaps for want of memory") from error
            raise
        yield piece.number, result

    def _next(self, done: "SimpleQueue[Any]") -> Any:
        """Return the key of the next that is done; while nothing is, look whether anybody works at all."""
        alone = 0
        while True:
            try:
                return done.get(timeout=_LOOK_SECONDS)
            except Empty:
                there = self._client.status == "running" and bool(self._client.nthreads())
                alone = 0 if there else alone + _LOOK_SECONDS
                if alone >= _PATIENCE_SECONDS:
                    raise workers_lost(f"the Dask cluster at {self._address} has had no worker for {alone} s") from None

    def _share_again(self) -> None:
        """Give the job out again if no worker has it any more."""
        if self._shared.status == "finished":
            return
        try:
            self._share()
        except (TimeoutError, OSError) as error:
            raise workers_lost(f"the Dask cluster at {self._address} has no worker any more") from error

    def _share(self) -> None:
        """Give the job to all workers, as bytes; those that come later take it from them."""
        self._shared = self._client.scatter(self._payload, broadcast=True, hash=False)

    def _refuse_others(self) -> None:
        """Refuse workers whose results could differ from those of this machine.

        Raises:
            WorkersError: If there is none, or one differs.
        """
        try:
            self._client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
            known = self._client.run(_abilities)
        except TimeoutError as error:
            raise WorkersError(
                f"the Dask cluster at {self._address} has no worker; start one with `dask worker {self._address}`"
            ) from error
        except Exception as error:
            raise WorkersError(
                f"workers of the Dask cluster at {self._address} cannot take the job ({type(error).__name__}: {error}); "
                "install the same tcpdashboard on each of them"
            ) from error
        own = _abilities()
        for worker, theirs in known.items():
            differing = [f"{name} {theirs.get(name)} (here {own[name]})" for name in own if theirs.get(name) != own[name]]
            if differing:
                raise WorkersError(f"Dask worker {worker} has {', '.join(differing)}; results could differ: install the same there")


def _abilities() -> dict[str, str]:
    return {**abilities(), "distributed": version("distributed")}


def _do(payload: bytes, piece: Any) -> bytes:
    return do_piece(unpacked(payload), piece, _never)


def _never() -> bool:
    return False


@contextmanager
def _client(where: Any, address: str) -> Iterator[Any]:
    dask: Any = import_module("distributed")
    addressing: Any = import_module("distributed.comm.addressing")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other versions, which are refused with words of ours
        try:
            if where == address:  # a client that reached nobody takes twenty seconds to go
                socket.create_connection(addressing.get_address_host_port(address, strict=True), _CONNECT_SECONDS).close()
            client = dask.Client(where, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, RuntimeError) as error:
            raise WorkersError(
                f"no Dask scheduler answers at {address} ({error}); expected an address like tcp://127.0.0.1:8786, or local"
            ) from error
    with client:
        yield client


@contextmanager
def _local_cluster(workers: int) -> Iterator[Any]:
    """Yield a cluster on the loopback, without its dashboard and its pages."""
    dask: Any = import_module("dask")
    distributed: Any = import_module("distributed")
    quiet: dict[str, Any] = {
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        # Without the threshold for giving memory back that Dask sets: with it every large array is made of fresh pages.
        "distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1},
    }
    with dask.config.set(quiet):
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", memory_limit=None,
            dashboard_address=None, silence_logs=logging.CRITICAL,
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        )  # fmt: skip
        with cluster:
            yield cluster
