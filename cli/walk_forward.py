"""The verb that chooses parameters window after window, and tries each choice on what comes behind its window."""

from pathlib import Path
from typing import Annotated, Any

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
from research.lengths import read_length

Train = Annotated[str, typer.Option(help="Length of the window in which sets are searched: 90d, 36h, 2w.")]
Test = Annotated[str, typer.Option(help="Length of what the best one is tried on behind it.")]
Step = Annotated[str | None, typer.Option(help="From one window to the next; without it the length of --test.")]
Anchored = Annotated[bool, typer.Option("--anchored", help="All windows begin with the first candle, and grow.")]


def walk_forward(  # noqa: PLR0913 - as many as there are options
    strategy: Strategy, symbol: Tried, *, train: Train, test: Test, step: Step = None, anchored: Anchored = False,
    timeframe: Width = "1h", param: Ranges = None, start: Start = None, end: End = None, sampler: SamplerName = "grid",
    sets: Sets = None, seed: Seed = 1, metric: MetricName = "sharpe_ratio", least_trades: LeastTrades = 0,
    balance: Balance = 10_000.0, fee: Fee = None, rule: RuleOptions = None, steps: Listed = None, allow_holes: AllowHoles = False,
    workers: Count = None, dask: Dask = None, report: Report = None, json: Json = False,
) -> None:  # fmt: skip
    """Search the best set in each window, try it on the candles behind it, and join these parts: what choosing would have earned.

    A choice knows nothing of what comes behind its window. Behind it nothing is held at first, and all is left at the end.

    For example:

      tcpdash walk-forward --strategy sma_cross --symbol OKX:BTC-USDT --timeframe 1h --train 90d --test 30d

      tcpdash walk-forward --strategy rsi -s OKX:BTC-USDT --train 180d --test 30d --anchored --sampler optuna --sets 100
    """
    check_folder(report)
    lengths = read_length(train, "--train"), read_length(test, "--test"), None if step is None else read_length(step, "--step")
    trial = read_trial(
        strategy, {}, symbols=symbol, timeframe=timeframe, start=start, end=end, fee=fee, balance=balance, allow_holes=allow_holes,
        rules=rule or [], steps=steps,
    )  # fmt: skip
    from research.backtests import encoded
    from research.searches import Windows, Workers, keep_walk

    wanted = wanted_of(trial, param, sampler=sampler, sets=sets, seed=seed, metric=metric, least_trades=least_trades)
    windows = Windows(train_us=lengths[0], test_us=lengths[1], step_us=lengths[2], anchored=anchored)
    with store() as db, stoppable(db), Bar("windows") as bar:
        told = keep_walk(db, wanted, windows, Workers(count=workers, dask=dask), lambda far: bar.show(far.done, far.total))
    write_report(told, report)
    if json:
        click.echo(encoded(told))
    else:
        _print(told, report)
    if all(each["failed"] and not each["in_sample"] for each in told["windows"]):
        raise typer.Exit(1)


def _print(told: dict[str, Any], report: Path | None) -> None:
    from cli.report import print_report

    print_report(told)
    efficiency = told["efficiency"]
    if efficiency is not None:
        click.echo(f"\nwalk-forward efficiency: {efficiency:.0%} of what a bar earned in sample is left out of sample")
    click.echo(f"kept as {told['id'][:12]}")
    if report is not None:
        click.echo(f"report: {report}")
