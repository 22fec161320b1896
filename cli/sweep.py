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
    MetricName,
    Ranges,
    Report,
    SamplerName,
    Seed,
    Sets,
    check_folder,
    read_sampler,
    stoppable,
    write_report,
)
from cli.trial import AllowHoles, Balance, Fee, Listed, RuleOptions, Strategy, Tried, Width, named_values, read_trial

if TYPE_CHECKING:
    from research.sweeps import Progress

Top = Annotated[int, typer.Option(min=1, max=1_000, help="Print so many of the best sets.")]
_BESIDE = ("total_return", "sharpe_ratio", "max_drawdown", "total_trades", "win_rate", "profit_factor")
_TITLES = {
    "total_return": "return", "sharpe_ratio": "Sharpe", "max_drawdown": "drawdown", "total_trades": "trades",
    "win_rate": "win rate", "profit_factor": "profit factor",
}  # fmt: skip


def sweep(  # noqa: PLR0913 - as many as there are options
    strategy: Strategy, symbol: Tried, *, timeframe: Width = "1h", param: Ranges = None, start: Start = None, end: End = None,
    sampler: SamplerName = "grid", sets: Sets = None, seed: Seed = 1, metric: MetricName = "sharpe_ratio", top: Top = 20,
    balance: Balance = 10_000.0, fee: Fee = None, rule: RuleOptions = None, steps: Listed = None, allow_holes: AllowHoles = False,
    workers: Count = None, dask: Dask = None, report: Report = None, json: Json = False,
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
    from research.searches import Wanted, Workers, keep_sweep

    wanted = Wanted(
        test=trial.test, symbols=trial.symbols, ranges=named_values(param or [], "--param"), sampler=read_sampler(sampler),
        sets=sets, seed=seed, metric=metric,
    )  # fmt: skip
    with store() as db, stoppable(), Bar("sets") as bar:
        told = keep_sweep(db, wanted, Workers(count=workers, dask=dask), lambda progress: _show(bar, progress))
    write_report(told, report)
    if json:
        click.echo(encoded(told))
        return
    _print(told, top)
    if report is not None:
        click.echo(f"report: {report}")


def _show(bar: Bar, progress: "Progress") -> None:
    best = "" if progress.best is None else f"best {progress.best[1]:.4g} at {_words(progress.best[0])}"
    bar.show(progress.done, progress.total, best)


def _print(told: dict[str, Any], top: int) -> None:
    from cli.table import print_table

    varied, metric = list(told["space"]), told["metric"]
    names = [metric, *(name for name in _BESIDE if name != metric)]
    rows = [
        [str(place), *(str(each["parameters"][name]) for name in varied), *(_figure(name, each["metrics"][name]) for name in names)]
        for place, each in enumerate(told["results"][:top], start=1)
    ]
    header = ["rank", *varied, *(_TITLES.get(name, name) for name in names)]
    print_table(header, rows, right=header)
    click.echo()
    for sentence in _sentences(told):
        click.echo(sentence)


def _sentences(told: dict[str, Any]) -> list[str]:
    said = [f"{told['sets']:,} sets tried ({told['sampler']})"]
    for count, words in (
        (told["left_out"], "left out because they break a relation"),
        (told["failed"], "failed"),
        (told["undefined"] - told["failed"], "never gained or lost anything"),
    ):
        said += [f"{count:,} {words}"] if count else []
    lines = ["; ".join(said)]
    lines += [f"failed: {_words(each['parameters'])}: {each['error']}" for each in told["errors"][:3]]
    if told["deflated_sharpe_ratio"] is not None:
        lines.append(
            f"deflated Sharpe ratio of the best: {told['deflated_sharpe_ratio']:.3f}, the chance that it is more than the "
            f"luck of the best of {told['trials']['count']:,} sets"
        )
    return [*lines, f"kept as {told['id'][:12]}", *_hint(told)]


def _hint(told: dict[str, Any]) -> list[str]:
    """Return the command that backtests the best set, with all that the sweep was told."""
    if not told["results"] or told["results"][0]["metrics"][told["metric"]] is None:
        return []
    words = [*(f"--symbol {symbol}" for symbol in told["symbols"]), f"--timeframe {told['timeframe']}"]
    words += [f"--start {told['start']}", f"--end {told['end']}"]
    words += [f"--param {pair}" for pair in _words(told["results"][0]["parameters"]).split(", ") if pair]
    return [f"try the best: tcpdash backtest --strategy {told['strategy']} {' '.join(words)}, with the same rules"]


def _words(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in parameters.items())


def _figure(name: str, value: float | None) -> str:
    from trading.backtest.metrics import METRICS, Unit

    if value is None:
        return "-"
    unit = METRICS[name].unit
    if unit is Unit.FRACTION:
        return f"{value:.2%}"
    return f"{value:,.0f}" if unit in {Unit.COUNT, Unit.BARS, Unit.SECONDS} else f"{value:,.2f}"
