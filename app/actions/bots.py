"""Wishes about bots: what is wanted of them, and what their files say; each is checked again here, and recorded.

A file is written inside the transaction of its wish, behind all else, and gets its old text again when that does not commit.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from app.access import operator
from app.actions.wishing import wished
from app.bots import files as bot_files
from app.bots.files import BotFile
from app.data import bots as data
from app.data.bot_folder import FILE, check, folder
from app.data.connections import settings
from db.store import Store
from market.errors import InputError
from trading.bots.problems import ConfigError

if TYPE_CHECKING:
    from trading.bots.config import BotConfig

_ALL = "all bots"
_SAVE_SECONDS = 90.0  # a process may have to start, and others may be asked before


def start(ids: Sequence[str], *, from_now: bool = False) -> list[str]:
    """Wish that bots run; return those for which that changes something.

    Args:
        ids: Of which.
        from_now: Whether they skip the candles that were missed.

    Raises:
        InputError: If an id is of no bot; then nothing changes.
    """
    with _wished("start bot", _subject(ids), bots=list(ids), from_now=from_now) as (store, name):
        return store.bots.wish("running", _some(ids), by=name, from_now=from_now)


def stop(ids: Sequence[str]) -> list[str]:
    """Wish that bots stop: nothing that they do counts from then on; return those for which that changes something.

    Raises:
        InputError: If an id is of no bot; then nothing changes.
    """
    with _wished("stop bot", _subject(ids), bots=list(ids)) as (store, name):
        return store.bots.wish("stopped", _some(ids), by=name)


def stop_all() -> list[str]:
    """Wish that all bots stop, also those that this page does not show; return those for which that changes something."""
    with _wished("stop bot", _ALL) as (store, name):
        return store.bots.wish("stopped", None, by=name)


def park(bot: str, reason: str) -> None:
    """Park a bot with a reason, until somebody starts it again.

    Raises:
        InputError: If there is no such bot, it is not wanted to run, it is parked, or there is no reason.
    """
    said = " ".join(reason.split())[:500]
    with _wished("park bot", bot, reason=said) as (store, name):
        store.bots.park(bot, said, by=name)


def reset(bot: str) -> None:
    """Give a stopped bot a new account; what it wrote of the old one stays.

    Raises:
        InputError: If there is no such bot, it is wanted to run, or a runner still has it.
    """
    with _wished("reset bot", bot) as (store, name):
        store.bots.reset(bot, by=name)


def delete(bot: str, file: BotFile | None) -> None:
    """Remove a stopped bot with all that it wrote, and its file, without which nothing brings it back.

    Args:
        bot: Its id.
        file: As who wishes it saw it; None where this process has none.

    Raises:
        InputError: If there is no such bot, it is wanted to run, a runner still has it, or its file is another one by now.
    """
    if file is not None:
        _refuse_outside(file)
    with ExitStack() as files, _wished("delete bot", bot, file=None if file is None else file.path.name) as (store, _):
        store.bots.delete(bot)
        if file is not None:
            files.enter_context(bot_files.removed(file))


def create(text: str, *, cloned_from: str | None = None) -> str:
    """Make a bot: write its file, and register it; return its id.

    Args:
        text: What its file says.
        cloned_from: The id of the bot that it was copied from.

    Raises:
        InputError: If the text cannot be used, or there is such a bot or file.
    """
    config = _usable("create bot", text)
    details = {} if cloned_from is None else {"cloned_from": cloned_from}
    action, place = "clone bot" if cloned_from else "create bot", folder()
    with ExitStack() as files, _wished(action, config.id, **details) as (store, name):
        if _put(store, config, str(place / f"{config.id}.json"), by=name) != "created":
            raise InputError(f"expected a new bot, found that there is one called {config.id} already; choose another id")
        files.enter_context(bot_files.created(place, config.id, text))
    return config.id


def edit(bot: str, text: str, file: BotFile) -> str:
    """Write another text into the file of a bot, and take it over; return what that did: `changed` or `same`.

    Args:
        bot: Its id.
        text: What its file says from now on.
        file: As it was when the edit began; one that somebody changed meanwhile is left alone.

    Raises:
        InputError: If the text cannot be used or is of another bot, the file changed meanwhile, or it cannot be written.
    """
    config = _usable("edit bot", text)
    if config.id != bot:
        raise InputError(f"id: expected {bot!r}, whose file this is, found {config.id!r}; clone the bot to get one of another id")
    _refuse_outside(file)
    with ExitStack() as files, _wished("edit bot", bot, file=file.path.name) as (store, name):
        store.bots.line(bot)  # one that is not there is not made
        did = _put(store, config, str(file.path), by=name)  # who edits the same bot waits here
        files.enter_context(bot_files.replaced(file, text))
    return did


@contextmanager
def _wished(action: str, subject: str, **details: Any) -> Iterator[tuple[Store, str]]:
    try:
        with wished(action, subject, **details) as (store, name):
            yield store, name
    finally:
        data.changed()


def _usable(action: str, text: str) -> "BotConfig":
    operator(action)  # before any strategy is tried
    checked = check(text, wait_seconds=_SAVE_SECONDS)
    if checked.config is None:
        raise ConfigError(FILE, checked.problems)
    if not checked.is_whole:
        raise InputError(
            f"strategy {checked.config.strategy} does not answer: it is still being asked what it says of its parameters"
        )
    return checked.config


def _put(store: Store, config: "BotConfig", file: str, *, by: str) -> str:
    from trading.bots.config import as_dict, digest  # noqa: PLC0415 - who looks only need not wait for it

    venues = {symbol.partition(":")[0] for symbol in config.symbols}
    starts = config.autostart or venues <= {venue.upper() for venue in settings().bots.start_new}
    return store.bots.put_config(config.id, as_dict(config), digest=digest(config), file=file, autostart=starts, by=by)


def _refuse_outside(file: BotFile) -> None:
    if file.path.parent != folder():
        raise InputError(f"expected a file of {folder()}, found {file.path}; nothing was written")


def _some(ids: Sequence[str]) -> Sequence[str]:
    if not ids:
        raise InputError("expected one bot or more, found none")
    return ids


def _subject(ids: Sequence[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{len(ids)} bots"
