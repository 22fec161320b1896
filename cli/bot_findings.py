"""What is wrong with bots and their files, for `tcpdash doctor`."""

from typing import TYPE_CHECKING, NamedTuple

from cli.bot_words import counted, is_left_alone, listed, shortened
from market.errors import InputError

if TYPE_CHECKING:
    from db.bot_rows import StoredBot
    from db.operations import DatabaseOperations
    from settings import Settings

_PATIENCE_US = 15_000_000


class Told(NamedTuple):
    """What was found, and what to do about it."""

    state: str
    found: str
    fix: str = ""


def bots_told(db: "DatabaseOperations", settings: "Settings") -> list[Told]:
    """Return what is wrong with bots; that there are none, or that all are well, where nothing is."""
    from cli.bot_files import read_files

    with db.transaction() as store:
        clock_us, bots = store.bots.clock_us(), store.bots.list()
    files = read_files(settings)
    told = [*_parked(bots), *_left_alone(bots, clock_us)]
    told += [
        Told("warning", f"a file cannot be used: {shortened(str(each.error), 300)}", _fix_of(each.error)) for each in files.broken
    ]
    known = {each.id for each in files.broken}
    told += [
        Told(
            "warning",
            f"the file of {bot.id}: {shortened(bot.problem, 300)}",
            f"mend it or put it back, or `tcpdash bots delete {bot.id}`",
        )
        for bot in bots
        if bot.problem is not None and bot.id not in known
    ]
    if told:
        return told
    running = sum(bot.wanted == "running" for bot in bots)
    return [Told("ok", f"{counted(len(bots), 'bot')}, {running:,} wanted to run" if bots else "there are none")]


def _parked(bots: "list[StoredBot]") -> list[Told]:
    return [
        Told(
            "warning", f"{bot.id} is parked: {shortened(bot.reason, 300)}",
            f"`tcpdash bots log {bot.id} --kind event` says more; then `tcpdash bots start {bot.id}`",
        )
        for bot in bots
        if bot.state == "parked" and bot.wanted == "running"
    ]  # fmt: skip


def _left_alone(bots: "list[StoredBot]", clock_us: int) -> list[Told]:
    """Return those that no runner has for longer than it takes one to find them."""
    left = [bot.id for bot in bots if is_left_alone(bot, clock_us) and bot.state_us < clock_us - _PATIENCE_US]
    if not left:
        return []
    words = f"{counted(len(left), 'bot')} wanted to run, and no runner has {'it' if len(left) == 1 else 'them'}: {listed(left)}"
    return [Told("warning", words, "`tcpdash up` or `tcpdash bots run` runs them; `tcpdash bots stop` if they are not to run")]


def _fix_of(error: InputError) -> str:
    return f"`tcpdash bots check {getattr(error, 'file', '')}` says more, `tcpdash bots schema` what is in such a file"
