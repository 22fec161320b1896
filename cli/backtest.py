"""The verbs that try a strategy on stored candles, and that show what was tried before."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from cli.options import End, Json, Start
from cli.read import store
from cli.search import Report, check_folder, write_report
from cli.strategy_check import blaming
from cli.trial import AllowHoles, Balance, Fee, Listed, RuleOptions, Strategy, Tried, Width, named_values, read_trial
from market.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from db.backtest_runs import StoredBacktest

Params = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="Parameter of the strategy; repeatable.")
]
Inside = Annotated[
    str | None,
    typer.Option(help="Fill orders inside finer candles where they are stored, for example 1m: what came first is seen."),
]
EngineName = Annotated[
    str,
    typer.Option("--engine", metavar="kernel|events", help="events asks the strategy bar by bar, as a bot does: the same, slower."),
]
WarmUp = Annotated[
    int,
    typer.Option(metavar="BARS", min=0, help="Let the strategy see so many bars before --start, as a bot does; none is traded."),
]
Resamples = Annotated[
    int, typer.Option(metavar="N", min=0, max=100_000, help="Shuffle and resample its trades and returns N times.")
]
Chance = Annotated[int, typer.Option(help="Of the chance of --monte-carlo: the same seed, the same numbers.")]
Kept = Annotated[bool, typer.Option("--keep/--no-keep", help="Whether the result is stored; `tcpdash backtests` lists them.")]
_KINDS = ("backtest", "sweep", "walk-forward")
_HEADER = (
    "id",
    "kind",
    "state",
    "strategy",
    "symbols",
    "width",
    "from (UTC)",
    "to (UTC)",
    "return",
    "Sharpe",
    "drawdown",
    "trades",
)
_RIGHT = ("return", "Sharpe", "drawdown", "trades")


def backtest(  # noqa: PLR0913 - as many as there are options
    strategy: Strategy, symbol: Tried, *, timeframe: Width = "1h", param: Params = None, start: Start = None, end: End = None,
    balance: Balance = 10_000.0, fee: Fee = None, rule: RuleOptions = None, steps: Listed = None, allow_holes: AllowHoles = False,
    inside: Inside = None, engine: EngineName = "kernel", warm_up: WarmUp = 0, monte_carlo: Resamples = 0, seed: Chance = 0,
    report: Report = None, kept: Kept = True, json: Json = False,
) -> None:  # fmt: skip
    """Try a strategy on stored candles, with virtual money.

    Orders are filled at the open of the candle after the one that decided them, and pay the venue's fee. What else there is is said
    by rules: fill_at (next-open, close), stop_loss, take_profit, trailing_stop, time_exit, limit_offset, slippage, volume_share,
    sizing (fraction, value, volatility), size, short, leverage, cooldown_bars, max_drawdown, daily_loss …

    For example:

      tcpdash backtest --strategy sma_cross --param fast=10 --param slow=30 --symbol OKX:BTC-USDT --timeframe 1h

      tcpdash backtest --strategy rsi -s BINANCE:BTC-USDT -t 15m --start 2024-06-01 -r stop_loss=0.05 --inside 1m --report rsi.html
    """
    check_folder(report)
    trial = read_trial(
        strategy, named_values(param or [], "--param"), symbols=symbol, timeframe=timeframe, start=start, end=end, fee=fee,
        balance=balance, allow_holes=allow_holes, rules=rule or [], steps=steps, inside=inside, engine=engine,
        warm_up=warm_up,
    )  # fmt: skip
    from research.backtests import keep, run_backtest
    from trading.backtest.document import document

    with store() as db:
        with blaming(type(trial.test.strategy), other_code=True):
            told = document(run_backtest(db, trial.test, trial.symbols), resamples=monte_carlo, seed=seed)
        if kept:
            keep(db, told)
    _show(told, report, json=json)


def backtests(
    id_: Annotated[str | None, typer.Argument(metavar="[ID]", help="Its first digits are enough; without it a list.")] = None,
    *,
    strategy: Annotated[str | None, typer.Option(help="Only those of this strategy.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Only those with this symbol.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only those of this kind: backtest, sweep, walk-forward.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Print the newest so many.")] = 20,
    report: Report = None,
    delete: Annotated[bool, typer.Option("--delete", help="Remove the one that is named, with its trades.")] = False,
    json: Json = False,
) -> None:
    """List what was tried, or show one of it again: the same numbers that its run said.

    For example:

      tcpdash backtests --strategy sma_cross --limit 5

      tcpdash backtests 3f2a --report again.html
    """
    check_folder(report)
    if id_ is None and (report is not None or delete):
        raise InputError("--report and --delete need an ID: which one is meant? `tcpdash backtests` lists them")
    _check_kind(kind)
    with store() as db:
        if id_ is None:
            named = symbol and symbol.strip().upper()
            _list(db.backtests.list(kind=kind, strategy=strategy, symbol=named, newest=limit), json=json)
            return
        found = db.backtests.find(id_)
        if delete:
            with db.transaction() as writing:
                writing.backtests.delete(found.id)
            click.echo(f"removed {found.id}")
            return
        if found.state != "done":
            _unfinished(found, report, json=json)
            return
        from research.backtests import document_of

        _show(document_of(db, found), report, json=json)


def _unfinished(found: "StoredBacktest", report: Path | None, *, json: bool) -> None:
    """Say how far a run is, or was, of which there is no result."""
    if report is not None:
        raise InputError(f"--report needs a result, and {found.kind} {found.id[:12]} is {found.state}")
    if json:
        import msgspec

        click.echo(msgspec.json.encode(_row(found)))
        return
    words = "" if found.state == "running" else "; the same command goes on from there"
    why = f": {found.error}" if found.error else ""
    click.echo(f"{found.kind} {found.id[:12]} of {found.strategy} is {found.state}{why}")
    click.echo(f"{found.done:,} of {found.total:,} are done{words}")


def _check_kind(kind: str | None) -> None:
    if kind is not None and kind not in _KINDS:
        raise InputError(f"--kind {kind!r} is not one of {', '.join(_KINDS)}{did_you_mean(kind, list(_KINDS))}")


def _show(told: dict[str, Any], report: Path | None, *, json: bool) -> None:
    write_report(told, report)
    if json:
        from research.backtests import encoded

        click.echo(encoded(told))
        return
    from cli.report import print_report

    print_report(told)
    if report is not None:
        click.echo(f"report: {report}")


def _list(found: "list[StoredBacktest]", *, json: bool) -> None:
    if json:
        import msgspec

        click.echo(msgspec.json.encode([_row(each) for each in found]))
    elif found:
        from cli.table import print_table

        print_table(_HEADER, [_cells(each) for each in found], right=_RIGHT)
    else:
        click.echo("nothing was tried yet; begin with `tcpdash backtest --strategy sma_cross --symbol …`")


def _row(found: "StoredBacktest") -> dict[str, Any]:
    from market.clock import isoformat

    return {
        "id": found.id, "kind": found.kind, "state": found.state, "strategy": found.strategy, "parameters": found.parameters,
        "symbols": list(found.symbols), "timeframe": found.timeframe, "start": isoformat(found.start_us),
        "end": isoformat(found.end_us), "final_value": found.final_value, "total_return": found.total_return,
        "metrics": found.metrics, "done": found.done, "total": found.total, "started": isoformat(found.started_us),
        "error": found.error,
    }  # fmt: skip


def _cells(found: "StoredBacktest") -> list[str]:
    from market.clock import isoformat

    metrics = found.metrics or {}

    def number(name: str, form: str) -> str:
        value = metrics.get(name)
        return "-" if value is None else format(value, form)

    return [
        found.id[:12], found.kind, found.state, found.strategy, ",".join(found.symbols), found.timeframe, isoformat(found.start_us),
        isoformat(found.end_us), number("total_return", ".2%"), number("sharpe_ratio", ".2f"), number("max_drawdown", ".2%"),
        number("total_trades", ".0f"),
    ]  # fmt: skip
