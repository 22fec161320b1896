"""Who runs the servers of a TCPDASH_HOME: one process at a time, and the others attach to it or wait for it."""

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from db import child, schema
from db.embedded import PostgresServer
from market.clock import monotonic
from market.errors import StoreError

POSTGRES_FOLDER, REDIS_FOLDER = "postgres", "redis"
_LOCK, _STATE = "lock", "state.json"


class Home:
    """The folder of one installation, owned by this process.

    Attributes:
        folder: TCPDASH_HOME.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def publish(self, state: Mapping[str, Any]) -> None:
        """Tell others what runs here, so that they attach: `{"postgres": {"url": …}, "redis": {"url": …}}` and what else helps."""
        fresh = self.folder / f"{_STATE}.new"
        fresh.touch(mode=0o600)  # an address may hold a password
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode({**state, "pid": os.getpid()}), indent=2))
        fresh.replace(self.folder / _STATE)

    def withdraw(self) -> None:
        """Take back what was published."""
        (self.folder / _STATE).unlink(missing_ok=True)


@contextmanager
def own(folder: Path, *, timeout_seconds: float = 1.0) -> Iterator[Home]:
    """Be the one process that runs servers in a home, until the block ends.

    Raises:
        StoreError: If another process does, and does not end in time.
    """
    with ExitStack() as stack:
        if not child.wait_until(lambda: _lock(folder, stack), timeout_seconds):
            raise _in_use(folder)
        home = Home(folder)
        home.withdraw()  # of an owner that crashed
        stack.callback(home.withdraw)
        yield home


@contextmanager
def connect(folder: Path, *, timeout_seconds: float = 30.0, bin_folder: Path | None = None, share: bool = False) -> Iterator[str]:
    """Yield the address of the database of a home: that of the running system, or of a PostgreSQL started for the block.

    A database that is started here is brought to the newest schema.

    Args:
        folder: TCPDASH_HOME; made when missing.
        timeout_seconds: How long to wait for another command that has PostgreSQL for itself.
        bin_folder: Where PostgreSQL's programs are; None takes the wheel's.
        share: Let other commands attach to what is started here; for blocks that last.

    Raises:
        StoreError: If the home stays in use for longer.
        ServerError: If PostgreSQL does not start.
    """
    deadline = monotonic() + timeout_seconds
    with ExitStack() as stack:
        while not _lock(folder, stack):
            running = running_state(folder)
            if running is not None and "postgres" in running:
                yield running["postgres"]["url"]
                return
            if monotonic() > deadline:
                raise _in_use(folder)
            time.sleep(child.POLL_SECONDS)
        home = Home(folder)
        home.withdraw()
        server = PostgresServer(folder / POSTGRES_FOLDER, bin_folder=bin_folder)
        stack.callback(server.stop)
        server.start()
        schema.upgrade(server.url)
        if share:
            stack.callback(home.withdraw)
            home.publish({"postgres": {"url": server.url}})
        yield server.url


def running_state(folder: Path) -> dict[str, Any] | None:
    """Return what the owner of a home published; None when nobody runs there, or does not share."""
    try:
        state: dict[str, Any] = msgspec.json.decode((folder / _STATE).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    return state if state.get("pid") == _owner(folder) and _is_locked(folder) else None


def _lock(folder: Path, stack: ExitStack) -> bool:
    """Try to take the lock for as long as the stack lives."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = stack.enter_context((folder / _LOCK).open("a+"))
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be used as TCPDASH_HOME ({error.strerror}); choose a folder that can be written"
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return True


def _is_locked(folder: Path) -> bool:
    with (folder / _LOCK).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _owner(folder: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int((folder / _LOCK).read_text())
    return None


def _in_use(folder: Path) -> StoreError:
    return StoreError(
        f"{folder} is in use by process {_owner(folder)}, another tcpdash command;"
        " wait for it to end, or set TCPDASH_HOME to another folder"
    )
