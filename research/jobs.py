"""Jobs: work that is cut to pieces, done in any order by any worker; and how a job travels there, user's strategies included."""

import hashlib
import io
import pickle
import platform
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from market.errors import InputError, PlatformError
from trading.backtest.fingerprint import code_version
from trading.memory import remember_from_now_on
from trading.registry import Registry
from trading.strategy import BaseStrategy


class Piece(Protocol):
    """A part of a job."""

    @property
    def number(self) -> int:
        """Which one, from 0."""
        ...


class Job(Protocol):
    """Work in pieces; the bytes of a piece depend on the job and the piece alone."""

    def do(self, piece: Any, stopped: Callable[[], bool]) -> bytes:
        """Return what comes of a piece.

        Raises:
            Interrupted: If `stopped` said so.
        """
        ...


class Pool(Protocol):
    """Workers that have a job."""

    def __enter__(self) -> Self:
        """Start the workers."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop them."""
        ...

    def run(self, pieces: Iterable[Any]) -> Iterator[tuple[int, bytes]]:
        """Yield what came of each piece with its number, as they get done."""
        ...


class WorkersError(PlatformError):
    """Raised when workers are lost, cannot be reached, or are not fit for a job."""


_GOES_ON = "what is done stays, and the same command goes on from there"


def workers_lost(why: str) -> WorkersError:
    """Return the error of a job whose workers are gone."""
    return WorkersError(f"{why}; {_GOES_ON}")


def packed(job: Job) -> bytes:
    """Return a job as bytes; a strategy from a user's file travels as the text of that file.

    Raises:
        InputError: If the strategy was written nowhere a worker could read it.
    """
    buffer = io.BytesIO()
    _Packer(buffer, protocol=5).dump(job)
    return buffer.getvalue()


@lru_cache(maxsize=2)
def unpacked(payload: bytes) -> Job:
    """Return a job from its bytes; a worker that is given the same ones again has it still."""
    job: Job = pickle.loads(payload)  # noqa: S301 - our own bytes, from the process that started this one or its scheduler
    return job


def do_piece(job: Job, piece: Any, stopped: Callable[[], bool]) -> bytes:
    """Return what comes of a piece; this thread remembers the indicators of the job's pieces before.

    Raises:
        Interrupted: If `stopped` said so.
    """
    if getattr(_own, "job", None) is not job:
        _own.job, _own.context = job, copy_context()
        _own.context.run(remember_from_now_on)
    payload: bytes = _own.context.run(job.do, piece, stopped)
    return payload


_own = threading.local()


def abilities() -> dict[str, str]:
    """Return what has to be the same where pieces of one job are done, so that their bytes are the same."""
    known = {name: version(name) for name in ("numpy", "numba", "TA-Lib", "pandas")}
    return {"tcpdash": code_version(), "python": ".".join(platform.python_version_tuple()[:2]), **known}


class _Packer(pickle.Pickler):
    def reducer_override(self, given: Any) -> Any:
        if not (isinstance(given, type) and issubclass(given, BaseStrategy)) or given.__module__.startswith("trading."):
            return NotImplemented
        path = getattr(sys.modules.get(given.__module__), "__file__", None)
        if path is None or not Path(path).is_file():
            raise InputError(f"strategy {given.name} is in no file, so that no worker can read it; save it, or use --workers 1")
        return _strategy_from, (given.name, Path(path).name, given.file_text or Path(path).read_bytes())


@lru_cache(maxsize=16)
def _strategy_from(name: str, file: str, text: bytes) -> type[BaseStrategy]:
    """Return a strategy from the text of its file."""
    with tempfile.TemporaryDirectory(prefix=f"strategy-{hashlib.sha256(text).hexdigest()[:8]}-") as folder:
        Path(folder, file).write_bytes(text)
        return Registry(Path(folder)).get(name)
