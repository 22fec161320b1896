"""The folder of bots for the pages: where it is, which file is whose, and what is wrong with a text."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.bots import files as bot_files
from app.bots.files import BotFile
from app.bots.seen import Seen
from app.data.connections import settings
from app.data.strategies import WISH_SECONDS, form_desk, strategies
from db.home import running_state
from trading.bots.problems import ConfigError, Problem

if TYPE_CHECKING:
    from trading.bots.config import BotConfig

FILE = "the text"
"""What a text is called that is in no file yet."""
TYPED_SECONDS = 1.0
"""So long a form waits for a user's own strategy; who saves waits longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a text says.

    Attributes:
        config: What a bot of it does; None where it cannot be used.
        problems: All that is wrong with it.
        is_whole: Whether a user's own strategy has been asked too, where it is one.
    """

    config: "BotConfig | None"
    problems: list[Problem]
    is_whole: bool = True


def folder() -> Path:
    """Return the folder of bots: that of the settings, or where that is not there the one that a running `tcpdash up` uses."""
    named = settings().bots.folder
    if named.exists():
        return named
    running = (running_state(settings().home) or {}).get("bots", {}).get("folder")
    return named if running is None else Path(running)


def file_of(shown: Seen) -> BotFile | None:
    """Return the file of a bot as it is now; None where this process has none of it.

    Raises:
        InputError: If it cannot be read.
    """
    return bot_files.find(folder(), shown.id, shown.line.bot.config_file)


def place_of(file: str | Path) -> str:
    """Return how a file is told to people: by its place in the folder of bots, and where it is none of there by its path."""
    path = Path(file)
    return str(path.relative_to(folder())) if path.is_relative_to(folder()) else str(path)


def check(text: str, *, wait_seconds: float = TYPED_SECONDS) -> Checked:
    """Return what a text says as the file of a bot, with all that is wrong with it.

    What a user's own strategy says of its parameters beyond what it declares is found out by a process apart.

    Args:
        text: What the file says.
        wait_seconds: For so long at most to wait for that process, and for a user's files to be read.
    """
    from trading.bots.config import read_config  # noqa: PLC0415 - a second, which the list of bots does not need

    known = strategies(wait_seconds=min(wait_seconds, WISH_SECONDS))
    try:
        config = read_config(text.encode("utf-8", "surrogatepass"), known, file=FILE)
    except ConfigError as error:
        return Checked(config=None, problems=error.problems)
    if known.get(config.strategy).file_text is None:
        return Checked(config=config, problems=[])
    found = form_desk().reading(text, FILE, wait_seconds=wait_seconds)
    if found is None:
        return Checked(config=config, problems=[], is_whole=False)
    if found.refused is not None:
        return Checked(config=None, problems=found.refused.problems)
    problem = Problem(field="strategy", expected="one that can be asked", found=found.problem)
    return Checked(config=None, problems=[problem]) if found.problem else Checked(config=config, problems=[])
