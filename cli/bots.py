"""The verbs of paper bots."""

from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from cli.options import Json, load
from cli.read import store

if TYPE_CHECKING:
    from cli.bot_wishes import Wish

commands = typer.Typer(
    help="Paper bots: strategies that trade with virtual money on live candles. Each is a JSON file of config/bots; "
    "`tcpdash bots schema` says what is in one.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)

Id = Annotated[str, typer.Argument(metavar="ID", help="As `tcpdash bots list` prints it.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Which bots, as `tcpdash bots list` prints them.")]
All = Annotated[bool, typer.Option("--all", help="All bots.")]
Wait = Annotated[
    float | None,
    typer.Option("--wait", min=0, help="Wait so many seconds for the runners, 5 without it; exit code 1 if they did not do it."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


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


@commands.command("list")
def list_(
    *,
    state: Annotated[
        str | None, typer.Option(help="Only those that are stopped, starting, catching-up, running, waiting, crashed or parked.")
    ] = None,
    json: Json = False,
) -> None:
    """List bots: what is wanted of each, what it does and why, and what it is worth; and files that cannot be used.

    For example:

      tcpdash bots list

      tcpdash bots list --state parked --json
    """
    from cli.bot_files import read_files
    from cli.bot_list import Listing

    settings = load()
    with store() as db:
        listing = Listing(db, read_files(settings), state)
    if json:
        _print_json(listing.as_json())
    else:
        listing.print()


@commands.command()
def start(
    ids: Ids = None,
    *,
    all_: All = False,
    from_now: Annotated[
        bool, typer.Option("--from-now", help="Skip the candles that were missed, instead of catching up with them.")
    ] = False,
    wait: Wait = None,
    json: Json = False,
) -> None:
    """Want bots to run: a runner takes them and goes on where they were; one that is parked gets another chance.

    For example:

      tcpdash bots start ema-btc

      tcpdash bots start --all --from-now --wait 30
    """
    from cli import bot_wishes
    from cli.bot_files import read_files

    settings, wanted = load(), bot_wishes.named(ids, every=all_)
    seconds = bot_wishes.seconds_to_wait(settings, wait)
    with store() as db:
        wish = bot_wishes.start(db, read_files(settings), wanted, from_now=from_now, seconds=seconds)
    _end(wish, seconds=seconds, waited=wait is not None, json=json)


@commands.command()
def stop(ids: Ids = None, *, all_: All = False, wait: Wait = None, json: Json = False) -> None:
    """Stop bots: nothing that they do counts from then on; what they hold stays as it is. It works while Redis is down.

    For example:

      tcpdash bots stop ema-btc

      tcpdash bots stop --all
    """
    from cli import bot_wishes

    settings, wanted = load(), bot_wishes.named(ids, every=all_)
    seconds = bot_wishes.seconds_to_wait(settings, wait)
    with store() as db:
        wish = bot_wishes.stop(db, wanted, seconds=seconds)
    _end(wish, seconds=seconds, waited=wait is not None, json=json)


def _end(wish: "Wish", *, seconds: float, waited: bool, json: bool) -> None:
    from cli.bot_wishes import as_json, print_wish

    if json:
        _print_json(as_json(wish, seconds=seconds))
    else:
        print_wish(wish, seconds=seconds)
    if waited and len(wish.reached) < len(wish.bots):
        raise typer.Exit(1)


def _print_json(value: Any) -> None:
    import msgspec

    click.echo(msgspec.json.encode(value))
