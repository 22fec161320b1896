"""Starts and stops bots: writes what is wanted of them, waits for the runners, and says what came of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import click

from cli.bot_words import counted, has_runner, is_left_alone, listed, moment, why
from market.errors import InputError, StoreUnreachable, did_you_mean

if TYPE_CHECKING:
    from cli.bot_files import Files
    from db.bot_rows import StoredBot
    from db.operations import DatabaseOperations
    from settings import Settings

Wanted = Literal["running", "stopped"]
WAIT_SECONDS = 5.0
_BY = "the command line"
_FAILED = ("crashed", "parked")
_WORDS = {"running": ("started", "was wanted to run already"), "stopped": ("stopped", "was stopped already")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was wished, and what came of it.

    Attributes:
        wanted: `running` or `stopped`.
        changed: Ids of the bots for which that changed something.
        bots: Those that were named, as they are now.
        reached: Ids of those that do what is wanted of them; one that crashed or is parked does not.
        all: All bots there are.
        clock_us: Of the database, when they were read.
        notes: What else there is to say.
    """

    wanted: Wanted
    changed: list[str]
    bots: "list[StoredBot]"
    reached: set[str]
    all: "list[StoredBot]"
    clock_us: int
    notes: list[str]


def named(ids: Sequence[str] | None, *, every: bool) -> list[str] | None:
    """Return the ids of a command line, None for all.

    Raises:
        InputError: If there are none, or `--all` beside them.
    """
    if every and ids:
        raise InputError(f"--all is all bots; leave it out, or leave out {listed(ids)}")
    if not every and not ids:
        raise InputError("say which bots, `tcpdash bots list` prints their ids, or --all")
    return None if every else list(dict.fromkeys(ids or ()))


def start(
    db: "DatabaseOperations", files: "Files", ids: list[str] | None, *, from_now: bool, seconds: float
) -> Wish:  # fmt: skip
    """Wish that bots run; those of the folder that nobody took over yet are registered first.

    Args:
        db: The store.
        files: Of the folder of bots.
        ids: Of the bots; None for all.
        from_now: Whether they skip the candles that were missed.
        seconds: How long to wait until runners have them.

    Raises:
        InputError: If an id is of no bot, or its file cannot be used and never could.
    """
    from trading.bots.config import as_dict, digest

    with db.transaction() as store:
        known = {bot.id: bot for bot in store.bots.list()}
        _refuse_unknown(ids, known, files)
        for each in files.found:
            config = each.config
            if config.id not in known and (ids is None or config.id in ids):
                store.bots.put_config(config.id, as_dict(config), digest=digest(config), file=each.file, autostart=False)
        changed = store.bots.wish("running", ids, by=_BY, from_now=from_now)
    wish = _waited(db, "running", changed, ids, seconds=seconds)
    wish.notes.extend(_notes_of_files(wish.bots, files))
    if from_now:
        rest = [bot.id for bot in wish.bots if bot.id not in changed]
        wish.notes.extend(f"{bot} was wanted to run already, so that --from-now changes nothing; stop it first" for bot in rest)
    return wish


def stop(db: "DatabaseOperations", ids: list[str] | None, *, seconds: float) -> Wish:
    """Wish that bots stop: that counts with the commit, whatever their runners do.

    Args:
        db: The store; nothing else is asked.
        ids: Of the bots; None for all.
        seconds: How long to wait until runners have given them back.

    Raises:
        InputError: If an id is of no bot.
    """
    changed = db.bots.wish("stopped", ids, by=_BY)
    return _waited(db, "stopped", changed, ids, seconds=seconds)


@contextmanager
def says_what_goes_on() -> Iterator[None]:
    """Say what bots do that could not be stopped, as the database does not answer."""
    try:
        yield
    except StoreUnreachable:
        click.echo(
            "this may not be noted: while the database is away bots do nothing, then they go on; stop them again once it answers",
            err=True,
        )
        raise


def seconds_to_wait(settings: "Settings", wait: float | None) -> float:
    """Return how long to wait for runners: not at all where nothing runs on this home, and no server is named."""
    from db.home import running_state

    alone = settings.database.url is None and running_state(settings.home) is None
    return (0.0 if alone else WAIT_SECONDS) if wait is None else wait


def print_wish(wish: Wish, *, seconds: float) -> None:
    """Say what changed, and what bots do now."""
    width = max((len(bot.id) for bot in wish.bots), default=0)
    for bot in wish.bots:
        click.echo(f"{bot.id:<{width}}  {_now(bot, wish)}")
    if not wish.bots:
        click.echo("there are no bots")
    for sentence in [*_notes_of_runners(wish, seconds), *wish.notes]:
        click.echo(sentence)


def as_json(wish: Wish, *, seconds: float) -> dict[str, Any]:
    """Return it as JSON has it."""
    return {
        "wanted": wish.wanted,
        "changed": wish.changed,
        "bots": [
            {
                "id": bot.id, "state": bot.state, "reason": why(bot, wish.clock_us), "reached": bot.id in wish.reached,
                "runner": bot.lease_owner if has_runner(bot, wish.clock_us) else None,
            }
            for bot in wish.bots
        ],
        "notes": [*_notes_of_runners(wish, seconds), *wish.notes],
    }  # fmt: skip


def _refuse_unknown(ids: list[str] | None, known: "dict[str, StoredBot]", files: "Files") -> None:
    from trading.bots.folder import Broken

    for bot in ids or ():
        if bot in known:
            continue
        file = files.of(bot)
        if isinstance(file, Broken):
            raise InputError(f"bot {bot} cannot be started: {file.error}")
        if file is None:
            there = sorted({*known, *(each.config.id for each in files.found)})
            hint = did_you_mean(bot, there)
            raise InputError(f"bot {bot!r} is not known{hint}" + ("" if hint else f"; a bot is a file of {files.folder}"))


def _waited(db: "DatabaseOperations", wanted: Wanted, changed: list[str], ids: list[str] | None, *, seconds: float) -> Wish:
    from db.child import wait_until

    found: list[Wish] = []

    def look() -> bool:
        with db.transaction() as store:
            clock_us, bots = store.bots.clock_us(), store.bots.list()
        some = [bot for bot in bots if ids is None or bot.id in ids]
        reached = {bot.id for bot in some if _is_reached(bot, wanted, clock_us)}
        found[:] = [Wish(wanted=wanted, changed=changed, bots=some, reached=reached, all=bots, clock_us=clock_us, notes=[])]
        return all(bot.id in reached or bot.state in _FAILED for bot in some)

    wait_until(look, seconds)
    return found[0]


def _is_reached(bot: "StoredBot", wanted: Wanted, clock_us: int) -> bool:
    if bot.wanted != wanted:  # somebody else wished something else meanwhile
        return True
    if wanted == "stopped":
        return not has_runner(bot, clock_us)
    return has_runner(bot, clock_us) and bot.state not in {"starting", *_FAILED}


def _now(bot: "StoredBot", wish: Wish) -> str:
    done, before = _WORDS[wish.wanted]
    word = done if bot.id in wish.changed else before
    if bot.wanted != wish.wanted:
        return f"{word}; since then somebody else wishes that it is {bot.wanted}"
    if bot.wanted == "stopped":
        behind = "" if bot.acted_until_us is None else f", acted until {moment(bot.acted_until_us)} UTC"
        rest = f"; {bot.lease_owner} has not given it back yet, but nothing that it does counts any more"
        return word + behind + (rest if has_runner(bot, wish.clock_us) else "")
    if is_left_alone(bot, wish.clock_us):
        return f"{word}, waits for a runner"
    reason, runner = why(bot, wish.clock_us), f" (runner {bot.lease_owner})" if has_runner(bot, wish.clock_us) else ""
    return f"{word}, is {bot.state}{runner}" + (f": {reason}" if reason else "")


def _notes_of_runners(wish: Wish, seconds: float) -> list[str]:
    left = [bot for bot in wish.bots if bot.wanted == "running" and is_left_alone(bot, wish.clock_us)]
    if not left:
        return []
    runners = sorted({bot.lease_owner for bot in wish.all if bot.lease_owner and has_runner(bot, wish.clock_us)})
    waited = f" within {seconds:g} s" if seconds else ""
    what = f"no runner has taken {listed([bot.id for bot in left])}{waited}; "
    if runners:
        return [what + f"{listed(runners)} have others, and take {counted(len(left), 'bot')} more as bots.most and --most let them"]
    return [what + "start one with `tcpdash bots run`, or the whole system with `tcpdash up`"]


def _notes_of_files(bots: "list[StoredBot]", files: "Files") -> list[str]:
    from trading.bots.folder import Broken

    notes = []
    for bot in bots:
        file = files.of(bot.id)
        if isinstance(file, Broken):
            notes.append(f"the file of {bot.id} cannot be used, so that it does what the file said before: {file.error}")
        elif bot.problem is not None:
            notes.append(f"{bot.id} does what its file said last: {bot.problem}")
        elif file is None and files.folder.exists():
            notes.append(f"no file of {files.folder} is that of {bot.id}; it does what {bot.config_file} said last")
    return notes
