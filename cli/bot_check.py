"""Checks files of bots and says what is wrong with each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.bot_files import folder_of, problems_of, read_files, read_named
from cli.bot_words import counted

if TYPE_CHECKING:
    from settings import Settings
    from trading.bots.config import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """A file, and why it cannot be used.

    Attributes:
        file: Its path.
        id: Of the bot that it is, or means to be; None where that cannot be told.
        error: All that is wrong with it; None where nothing is.
    """

    file: str
    id: str | None
    error: "ConfigError | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Files that were checked.

    Attributes:
        where: The folder; None where they were named.
        files: By name, or as they were named.
    """

    where: Path | None
    files: list[CheckedFile]


def check_files(paths: Sequence[Path], settings: "Settings") -> Checked:
    """Return what is wrong with files; with those of the folder of bots where none is named."""
    from trading.bots.config import ConfigError

    if not paths:
        read = read_files(settings)
        usable = [CheckedFile(file=each.file, id=each.config.id, error=None) for each in read.found]
        broken = [CheckedFile(file=each.file, id=each.error.id, error=each.error) for each in read.broken]
        return Checked(where=folder_of(settings), files=sorted([*usable, *broken], key=lambda each: each.file))
    found = [
        CheckedFile(file=file, id=said.id, error=said if isinstance(said, ConfigError) else None)
        for file, said in read_named(paths, settings)
    ]
    return Checked(where=None, files=found)


def print_checked(checked: Checked) -> None:
    """Print them: each file, and below it each problem."""
    for each in checked.files:
        if each.error is None:
            click.echo(f"ok       {each.file}  bot {each.id}")
            continue
        click.echo(f"refused  {each.file}" + (f"  bot {each.id}" if each.id else ""))
        for problem in each.error.problems:
            click.echo(f"         {problem}")
    if not checked.files:
        click.echo(f"no file of a bot is in {checked.where}; `tcpdash bots schema` says what is in one")
        return
    broken = sum(each.error is not None for each in checked.files)
    click.echo(f"{counted(len(checked.files), 'file')}: " + (f"{broken:,} cannot be used" if broken else "all can be used"))


def as_json(checked: Checked) -> list[dict[str, Any]]:
    """Return them as JSON has them."""
    return [
        {
            "file": each.file, "id": each.id, "usable": each.error is None,
            "problems": [] if each.error is None else problems_of(each.error),
        }
        for each in checked.files
    ]  # fmt: skip
