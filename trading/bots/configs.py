"""Keeps the table of bots as the folder of their files says it: what is new, edited, broken or gone."""

import logging
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from db.bot_rows import EventRow
from market.clock import monotonic
from market.errors import StoreUnreachable
from trading.bots.config import BotConfig, as_dict, digest
from trading.bots.folder import Broken, Change, Folder, Found, Reader
from trading.bots.hosts import Hosts
from trading.bots.reading import read_apart

if TYPE_CHECKING:
    from db.operations import DatabaseOperations
    from db.store import Store

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_IDLE_SECONDS = 30.0


def put(store: "Store", found: Found, *, start_new: Collection[str] = ()) -> str:
    """Take over what a file says; return whether that was `created`, `changed` or the `same`.

    Args:
        store: Where bots are.
        found: The file.
        start_new: Venues whose bots are started, as those are of which the file says so, unless somebody has said what is wanted.
    """
    config = found.config
    venues = {symbol.partition(":")[0] for symbol in config.symbols}
    autostart = config.autostart or venues <= {venue.upper() for venue in start_new}
    return store.bots.put_config(config.id, as_dict(config), digest=digest(config), file=found.file, autostart=autostart)


class Configs:
    """Looks at the folder of bots and at that of strategies once a second, from a thread of its own.

    Files are read by a process apart: a user's strategy looks at its parameters, and may hang over it.

    Args:
        db: The store.
        folder: Of the bots' files.
        strategies: Of a user's own strategies; None for none.
        on_strategies: Called when a file of a strategy has changed.
        start_new: See `put`.
    """

    def __init__(
        self, db: "DatabaseOperations", folder: Path, strategies: Path | None, *, on_strategies: Callable[[], None],
        start_new: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._db, self._folder, self._strategies, self._on_strategies = db, Folder(folder), strategies, on_strategies
        self._start_new = start_new
        self._hosts: Hosts | None = None
        self._asked = 0.0
        self._waiting: list[Change] = []
        self._seen = self._print()
        self._reader: Reader = self._read
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="configs", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """End; what is read just now is waited for."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join()
        self._end_hosts()

    def look(self) -> None:
        """Take over what has changed since the last look.

        Raises:
            StoreUnreachable: If the database does not answer; what could not be taken over waits.
        """
        seen = self._print()
        if seen != self._seen:
            self._seen, self._reader = seen, self._read  # another one: what files say is asked again
            self._end_hosts()
            self._on_strategies()
        self._waiting += self._folder.changes(self._reader, monotonic())
        while self._waiting:
            self._take_over(self._waiting[0])
            del self._waiting[0]
        if monotonic() >= self._asked + _IDLE_SECONDS:  # files change seldom, and processes take memory
            self._end_hosts()

    def _end_hosts(self) -> None:
        if self._hosts is not None:
            self._hosts.close()
            self._hosts = None

    def _run(self) -> None:
        while not self._ends.wait(_LOOK_SECONDS):
            try:
                self.look()
            except StoreUnreachable as error:
                logger.warning("bots' files wait: %s", error)
            except Exception:
                logger.exception("bots' files wait")  # the next look may do better; without this thread no edit would count

    def _take_over(self, change: Change) -> None:
        with self._db.transaction() as store:
            if isinstance(change, Found):
                what = put(store, change, start_new=self._start_new)
                logger.info("bot %s file=%s %s", change.config.id, change.file, what)
            elif isinstance(change, Broken):
                logger.warning("bot file refused: %s", change.error)
                known = {bot.id for bot in store.bots.list()}
                if change.id in known:
                    store.bots.note_problem(str(change.id), change.error.in_folder)
                else:
                    details = {"file": Path(change.file).name}
                    store.bots.add_event(EventRow(kind="problem", text=change.error.in_folder, details=details))
            elif change.id is not None:
                if change.id not in {bot.id for bot in store.bots.list()}:  # it was deleted before its file
                    return
                gone = "is gone" if change.now is None else f"is that of {change.now} now"
                logger.info("bot %s file=%s %s", change.id, change.file, gone)
                place = Path(change.file).name
                store.bots.wish("stopped", [change.id], by=f"its file: {place} {gone}")
                store.bots.note_problem(change.id, f"{place} {gone}; the bot was stopped then, what it did is kept")

    def _print(self) -> tuple[tuple[str, int, int], ...]:
        """Return what tells the files of strategies from what they were."""
        files = [] if self._strategies is None else sorted(self._strategies.glob("*.py"))
        found = []
        for file in files:
            try:
                stat = file.stat()
            except OSError:  # it went just now
                continue
            found.append((file.name, stat.st_mtime_ns, stat.st_size))
        return tuple(found)

    def _read(self, data: bytes, file: str) -> BotConfig:
        self._asked = monotonic()
        self._hosts = self._hosts or Hosts(self._strategies, size=1)
        return read_apart(self._hosts, data, file)
