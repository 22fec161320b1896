"""The verbs of paper bots."""

from pathlib import Path
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
    with bot_wishes.says_what_goes_on(), store() as db:
        wish = bot_wishes.stop(db, wanted, seconds=seconds)
    _end(wish, seconds=seconds, waited=wait is not None, json=json)


@commands.command()
def show(
    id_: Id,
    *,
    newest: Annotated[int, typer.Option(min=1, help="Show so many of the newest signals, trades and events.")] = 5,
    json: Json = False,
) -> None:
    """Show a bot: configuration, what is wanted and why it does what it does, its account, and whether its ledger adds up.

    Exit code 1 if that does not.

    For example: tcpdash bots show ema-btc --newest 20
    """
    from cli.bot_account import read_bot
    from cli.bot_show import as_json, print_bot

    with store() as db:
        shown = read_bot(db, id_, newest=newest)
    if json:
        _print_json(as_json(shown))
    else:
        print_bot(shown)
    if shown.audit is not None and shown.audit.problems:
        raise typer.Exit(1)


@commands.command()
def log(
    id_: Id,
    *,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only these: event, signal, trade, or a kind of event such as crashed; repeatable.")
    ] = None,
    newest: Annotated[int, typer.Option(min=1, help="Print the newest so many.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written, until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Print events, signals and trades of a bot as they were written, oldest first; with --follow --json an object a line.

    For example:

      tcpdash bots log ema-btc --kind trade --kind crashed --newest 200

      tcpdash bots log ema-btc --follow
    """
    from cli import bot_log

    bot_log.refuse_unknown(kind or ())
    with store() as db:
        told = bot_log.Log(db, id_, kind or ())
        found = told.newest(newest)
        if json and not follow:
            _print_json([bot_log.fields_of(each) for each in found])
            return
        if not found and not follow:
            click.echo(f"nothing{'' if not kind else ' of that kind'} is noted of {id_}")
        say = bot_log.lines_as_json if json else bot_log.lines
        say(found)
        if follow:
            bot_log.follow(told, bot_log.waking(load(), id_), say)


@commands.command()
def explain(
    id_: Id,
    *,
    all_: Annotated[bool, typer.Option("--all", help="Print each execution of both, also those that are the same.")] = False,
    json: Json = False,
) -> None:
    """Line a bot up with a backtest over the stored candles since its account began, and name the reason of every difference.

    Exit code 1 only if that cannot be done.

    For example: tcpdash bots explain ema-btc --all
    """
    from cli.bot_explain import as_json, explained, print_explanation

    with store() as db:
        found = explained(db, id_, load())
    if json:
        _print_json(as_json(found))
    else:
        print_explanation(id_, found, all_=all_)


@commands.command("schema")
def schema_() -> None:
    """Print the JSON schema of a bot's file: each field with its meaning, bounds, default and examples.

    For example: tcpdash bots schema > bot.schema.json
    """
    import msgspec

    from trading.bots.config import schema

    click.echo(msgspec.json.format(msgspec.json.encode(schema()), indent=2))


@commands.command()
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Those of the folder of bots without any.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Check files of bots, and say of each problem the field, what was expected and what was found; exit code 1 if there is one.

    For example: tcpdash bots check config/bots/ema-btc.json
    """
    from cli.bot_check import as_json, check_files, print_checked

    checked = check_files(files or [], load())
    if json:
        _print_json(as_json(checked))
    else:
        print_checked(checked)
    if not all(each.error is None for each in checked.files):
        raise typer.Exit(1)


@commands.command()
def reset(id_: Id, *, yes: Yes = False) -> None:
    """End the account of a stopped bot and begin another; what it did stays stored.

    For example: tcpdash bots reset ema-btc
    """
    from cli.bot_ends import reset_bot

    with store() as db:
        reset_bot(db, id_, yes=yes)


@commands.command()
def delete(id_: Id, *, yes: Yes = False) -> None:
    """Remove a stopped bot with all that it wrote; its file stays, and would bring it back.

    For example: tcpdash bots delete ema-btc
    """
    from cli.bot_ends import delete_bot
    from cli.bot_files import folder_of

    with store() as db:
        delete_bot(db, id_, folder_of(load()), yes=yes)


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
