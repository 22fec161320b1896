"""The `tcpdash` command and what becomes of its errors."""

import os
import sys
from collections.abc import Callable

import click
import typer

from cli import alerts, bots, database, flows, local, page, read, run, strategies
from cli.backfill import backfill, backfills
from cli.backtest import backtest, backtests
from cli.coverage import coverage
from cli.doctor import doctor
from cli.gaps import gaps
from cli.importing import import_
from cli.quality import quality
from cli.sweep import sweep
from cli.walk_forward import walk_forward
from market.errors import InputError, PlatformError

app = typer.Typer(
    name="tcpdash",
    help="Crypto market data that proves itself complete, and paper trading on top of it.\n\n"
    "Start with `tcpdash demo` (no account, no network), or `tcpdash up --exchange okx --symbols BTC-USDT,ETH-USDT`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(*, debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error.")) -> None:
    """Take the options that all verbs have."""
    if debug:
        os.environ["TCPDASH_DEBUG"] = "1"


_VERBS: tuple[Callable[..., None], ...] = (
    run.up, run.demo, run.stream, local.replay, local.record, read.candles, read.trades, gaps, coverage, doctor,
)  # fmt: skip
for verb in _VERBS:
    app.command()(verb)
app.command("import")(import_)
app.command()(backfill)
app.command()(backfills)
app.command()(quality)
app.command()(backtest)
app.command()(backtests)
app.command()(sweep)
app.command("walk-forward")(walk_forward)
app.add_typer(page.commands, name="app")
app.add_typer(database.commands, name="db")
app.add_typer(alerts.commands, name="alerts")
app.add_typer(flows.commands, name="flows")
app.add_typer(strategies.commands, name="strategies")
app.add_typer(bots.commands, name="bots")


def main() -> None:
    """Run the command; an error that was raised on purpose becomes one clear sentence.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    try:
        app()
    except (PlatformError, ValueError) as error:
        if os.environ.get("TCPDASH_DEBUG") or not _is_ours(error):
            raise
        click.echo(f"tcpdash: {error}", err=True)
        sys.exit(2 if isinstance(error, InputError | ValueError) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `tcpdash candles … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _is_ours(error: Exception) -> bool:
    return isinstance(error, PlatformError) or type(error).__name__ == "BadSettings"
