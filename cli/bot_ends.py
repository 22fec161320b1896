"""Ends accounts of bots, and bots; a person is asked before."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import typer

from cli.bot_files import id_of
from cli.bot_words import amount, moment
from market.errors import InputError

if TYPE_CHECKING:
    from db.bot_rows import StoredBot
    from db.operations import DatabaseOperations


def reset_bot(db: "DatabaseOperations", bot_id: str, *, yes: bool) -> None:
    """End the account of a bot and begin another.

    Raises:
        InputError: If there is no such bot, it is wanted to run, or a runner still has it.
    """
    bot = _stopped(db, bot_id)
    _ask(f"End account {bot.run} of {bot.id}{_worth(bot)}, and begin another?", yes=yes)
    db.bots.reset(bot_id)
    click.echo(f"account {bot.run} of {bot.id} is ended; the next one begins when it is started: `tcpdash bots start {bot.id}`")


def delete_bot(db: "DatabaseOperations", bot_id: str, folder: Path, *, yes: bool) -> None:
    """Remove a bot with all that it wrote.

    Args:
        db: The store.
        bot_id: Which bot.
        folder: Of the bots' files.
        yes: Whether nobody is to be asked.

    Raises:
        InputError: If there is no such bot, it is wanted to run, or a runner still has it.
    """
    bot = _stopped(db, bot_id)
    _ask(f"Remove {bot.id}{_worth(bot)} with all its signals, trades and events, for ever?", yes=yes)
    db.bots.delete(bot_id)
    click.echo(f"{bot.id} is removed with all that it wrote")
    file = Path(bot.config_file)
    if any(id_of(each) in (bot_id, None) for each in (file, folder / file.name) if each.exists()):
        click.echo(
            f"its file {file} is still there: the next runner that looks at it makes the bot anew; remove it, too, to be rid of it"
        )


def _stopped(db: "DatabaseOperations", bot_id: str) -> "StoredBot":
    bot = db.bots.get(bot_id)
    if bot.wanted != "stopped":
        raise InputError(f"bot {bot_id} is wanted to run; stop it first: `tcpdash bots stop {bot_id}`")
    return bot


def _worth(bot: "StoredBot") -> str:
    return "" if bot.equity is None else f", worth {amount(bot.equity)} at {moment(bot.acted_until_us)} UTC"


def _ask(question: str, *, yes: bool) -> None:
    """Ask, unless that is not wished; where the answer is no, or nobody is there who could give one, this command ends."""
    if yes:
        return
    try:
        agreed = typer.confirm(question)
    except typer.Abort:  # the input is over
        agreed = False
    if not agreed:
        click.echo("nothing was changed; with --yes nobody is asked", err=True)
        raise typer.Exit(1)
