"""The verb that tries many parameter sets of a strategy on stored candles, and names the best."""

from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from cli.options import End, Json, Start
from cli.read import store
from cli.search import (
    Bar,
    Count,
    Dask,
    LeastTrades,
    MetricName,
    Ranges,
    Report,
    SamplerName,
    Seed,
    Sets,
    check_folder,
    stoppable,
    wanted_of,
    write_report,
)
from cli.trial import AllowHoles, Balance, Fee, Listed, RuleOptions, Strategy, Tried, Width, read_trial

if TYPE_CHECKING:
    from research.sweeps import Progress

Top = Annotated[int, typer.Option(min=1, max=1_000, help="Print so many of the best sets.")]
_MOST_ERRORS = 3


def sweep(  # noqa: PLR0913 - as many as there are options
    strategy: Strategy, symbol: Tried, *, timeframe: Width = "1h", param: Ranges = None, start: Start = None, end: End = None,
    sampler: SamplerName = "grid", sets: Sets = None, seed: Seed = 1, metric: MetricName = "sharpe_ratio",
    least_trades: LeastTrades = 0, top: Top = 20, balance: Balance = 10_000.0, fee: Fee = None, rule: RuleOptions = None,
    steps: Listed = None, allow_holes: AllowHoles = False, workers: Count = None, dask: Dask = None, report: Report = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Try many parameter sets of a strategy on stored candles, on all cores; stopped at any time it goes on from there.

    Sets that break a relation of the strategy (fast < slow) are left out. What the best of many earned is partly luck: the deflated
    Sharpe ratio says how likely it is more, and `tcpdash walk-forward` tries it on data that was not searched.

    For example:

      tcpdash sweep --strategy sma_cross --symbol OKX:BTC-USDT --timeframe 1h --param fast=5:50:5 --param slow=20:200:20

      tcpdash sweep --strategy rsi -s OKX:BTC-USDT --sampler optuna --sets 300 --metric calmar_ratio
    """
    check_folder(report)
    trial = read_trial(
        strategy, {}, symbols=symbol, timeframe=timeframe, start=start, end=end, fee=fee, balance=balance, allow_holes=allow_holes,
        rules=rule or [], steps=steps,
    )  # fmt: skip
    from research.backtests import encoded
    from research.searches import Workers, keep_sweep

    wanted = wanted_of(trial, param, sampler=sampler, sets=sets, seed=seed, metric=metric, least_trades=least_trades)
    with store() as db, stoppable(db), Bar("sets") as bar:
        told = keep_sweep(db, wanted, Workers(count=workers, dask=dask), lambda progress: _show(bar, progress))
    write_report(told, report)
    if json:
        click.echo(encoded(told))
    else:
        _print(told, top)
        if report is not None:
            click.echo(f"report: {report}")
    if told["failed"] == told["sets"]:
        raise typer.Exit(1)


def _show(bar: Bar, progress: "Progress") -> None:
    best = "" if progress.best is None else f"best {progress.best[1]:.4g} at {_words(progress.best[0])}"
    bar.show(progress.done, progress.total, best)


def _print(told: dict[str, Any], top: int) -> None:
    from cli.report import print_report

    print_report(told, top=top)
    for each in told["errors"][:_MOST_ERRORS]:
        click.echo(f"failed: {_words(each['parameters']) or told['strategy']}: {each['error']}")
    click.echo(f"kept as {told['id'][:12]}")
    command = best_again(told)
    if command is not None:
        click.echo(f"try the best: {command}")


def best_again(told: dict[str, Any]) -> str | None:
    """Return the command that backtests the best set of a sweep, with all that the sweep was told; None where there is no best."""
    if not told["results"] or told["results"][0]["metrics"][told["metric"]] is None:
        return None
    from research.asked import command, of_document

    return command(of_document(told, parameters=told["results"][0]["parameters"]))


def _words(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in values.items())
