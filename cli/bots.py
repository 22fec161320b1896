"""The verbs of paper bots."""

from typing import Annotated

import typer

from cli.options import load

commands = typer.Typer(help="Paper bots: strategies that trade with virtual money on live candles.", no_args_is_help=True)


@commands.command()
def run(
    *,
    owner: Annotated[str | None, typer.Option("--name", help="Name of this runner; without it one of machine and process.")] = None,
    most: Annotated[int | None, typer.Option(min=1, help="Take so many bots at most.")] = None,
) -> None:
    """Run bots, against the servers in the settings or those of a running `tcpdash up`; any number of runners share them.

    For example: tcpdash bots run --name second --most 200
    """
    from cli.bot_runner import run_bots
    from cli.logs import log_to

    settings = load()
    log_to(settings.home / "logs" / "bots.log", settings.log.level)
    run_bots(settings, owner=owner, most=most)
