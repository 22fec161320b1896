"""The verb that loads files of candles."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from cli.options import Json
from cli.read import store
from history.files.formats import Format
from market.clock import isoformat, now_us

if TYPE_CHECKING:
    import sqlalchemy as sa

    from history.files.errors import FileRefused
    from history.files.plan import Plan, Wish
    from history.files.result import Difference, Loaded
    from market.window import Window

_SHOWN = 5


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="csv (also .gz, .zip, .bz2), json, parquet or feather.")],
    *,
    symbol: Annotated[
        str | None, typer.Option("--symbol", "-s", help="EXCHANGE:BASE-QUOTE; without it the file's name says the pair.")
    ] = None,
    exchange: Annotated[str | None, typer.Option("--exchange", "-e", help="The venue, where --symbol does not say it.")] = None,
    timeframe: Annotated[
        str | None, typer.Option("--timeframe", "-t", help="Width of the candles; without it the file's name says it.")
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", "-f", help="What the columns are, where the content leaves a doubt.")
    ] = Format.AUTO,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help="Of times that do not say theirs, as Asia/Shanghai; UTC without it.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, store nothing.")] = False,
    json: Json = False,
) -> None:
    """Load candles from files: public dumps of Binance and Kraken, data of freqtrade, csv, json, parquet and feather.

    What a file is, its content says. Times in files are those of the open, as all venues write them. A file is loaded as a
    whole or not at all: bad rows are named; gaps are none, and are counted. Candles that are stored already stay as they are.

    For example:

      tcpdash import BTCUSDT-1m-2024-*.zip --symbol BINANCE:BTC-USDT

      tcpdash import user_data/data/kraken/*.feather --exchange kraken

      tcpdash import btc.csv --symbol OKX:BTC-USDT --timeframe 1h --time-zone Asia/Shanghai --dry-run
    """
    from history.files.plan import Wish

    wish = Wish(symbol=symbol, exchange=exchange, timeframe=timeframe, format=format_, time_zone=time_zone)
    _report(_load_all(files, wish, dry_run=dry_run, quiet=json), json=json)


def _report(loading: "Iterator[Loaded | FileRefused]", *, json: bool) -> None:
    import msgspec

    from history.files.errors import FileRefused

    results: list[Loaded | FileRefused] = []
    try:
        for result in loading:
            results.append(result)
            if not json:
                _print(result)
    finally:  # what was stored is told, though the rest cannot be
        if json and results:
            click.echo(msgspec.json.encode([_row(result) for result in results]))
    refused = sum(isinstance(result, FileRefused) for result in results)
    if refused and len(results) > 1:
        click.echo(f"tcpdash: {refused} of {len(results)} files refused", err=True)
    if refused:
        raise typer.Exit(1)


def _load_all(files: Sequence[Path], wish: "Wish", *, dry_run: bool, quiet: bool) -> "Iterator[Loaded | FileRefused]":
    """Yield what comes of each file; all of them are looked at before the first one is loaded."""
    from history.files.errors import FileRefused

    plans = []
    for file in files:
        try:
            plans.append(_plan(file, wish))
        except FileRefused as error:
            yield error
    if not plans:
        return
    with nullcontext() if dry_run else store() as db:
        for plan in plans:
            try:
                with _bar(plan.file.name, quiet=quiet) as progress:
                    yield _load(None if db is None else db.engine, plan, progress)
            except FileRefused as error:
                yield error


def _plan(file: Path, wish: "Wish") -> "Plan":
    from history.files.plan import plan

    return plan(file, wish)


def _load(engine: "sa.Engine | None", plan: "Plan", progress: Callable[[float], None]) -> "Loaded":
    from history.files.load import load

    return load(engine, plan, now_us=now_us(), progress=progress)


@contextmanager
def _bar(name: str, *, quiet: bool) -> Iterator[Callable[[float], None]]:
    """Yield what draws a bar on a terminal, and nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=1.0)
        yield lambda part: bar.update(task, completed=part)


def _print(loaded: "Loaded | FileRefused") -> None:
    from history.files.errors import FileRefused

    if isinstance(loaded, FileRefused):
        click.echo(f"tcpdash: {loaded}", err=True)
        return
    plan, span = loaded.plan, loaded.span
    assert span is not None
    what = f"{plan.symbol} {plan.timeframe} from {isoformat(span.start_us)} to {isoformat(span.end_us)}"
    click.echo(f"{plan.file.name} ({plan.kind}, {plan.layout.format}): {_many(loaded.candles, 'candle')} of {what}")
    if loaded.stored is None:
        click.echo("  nothing stored: a dry run")
    else:
        click.echo(f"  {loaded.stored:,} stored, {loaded.unchanged:,} unchanged")
    for sentence in (*_told(loaded), *plan.notes):
        click.echo(f"  {sentence}")


def _told(loaded: "Loaded") -> Iterator[str]:
    if loaded.gap_count:
        shown = ", ".join(f"{isoformat(gap.start_us)} to {isoformat(gap.end_us)}" for gap in loaded.gaps[:_SHOWN])
        more = f", and {loaded.gap_count - _SHOWN:,} more" if loaded.gap_count > _SHOWN else ""
        yield f"{_many(loaded.gap_count, 'gap')}, {_many(loaded.missing, 'candle')} missing: {shown}{more}"
    if loaded.different:
        first = loaded.differences[0]
        yield (
            f"{_many(loaded.different, 'candle')} stored with other numbers, and kept so; the first closes at"
            f" {isoformat(first.timestamp_us)}: stored {_numbers(first.stored)}, in the file {_numbers(first.read)}"
        )
    if loaded.repeated:
        yield f"{_many(loaded.repeated, 'row')} more than once, with the same numbers"
    if loaded.empty:
        yield f"{_many(loaded.empty, 'row')} without a price left out"
    if loaded.forming:
        yield (
            "the last candle is not over yet and was left out"
            if loaded.forming == 1
            else f"{loaded.forming} rows of a candle that is not over yet left out"
        )


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _numbers(numbers: Sequence[float]) -> str:
    return "/".join(f"{number:.12g}" for number in numbers)


def _row(result: "Loaded | FileRefused") -> dict[str, Any]:
    from history.files.errors import BadRows, FileRefused

    if isinstance(result, FileRefused):
        bad = {"bad_rows": result.count, "first": result.first} if isinstance(result, BadRows) else {}
        return {"file": _name(result.file), "error": result.reason, **bad}
    plan, span = result.plan, result.span
    assert span is not None
    return {
        "file": _name(plan.file),
        "kind": str(plan.kind),
        "format": str(plan.layout.format),
        "symbol": plan.symbol,
        "timeframe": str(plan.timeframe),
        "start": isoformat(span.start_us),
        "end": isoformat(span.end_us),
        "rows": result.rows,
        "candles": result.candles,
        "stored": result.stored,
        "unchanged": result.unchanged,
        "different": result.different,
        "differences": [_difference(each) for each in result.differences],
        "repeated": result.repeated,
        "empty": result.empty,
        "forming": result.forming,
        "gap_count": result.gap_count,
        "missing": result.missing,
        "gaps": [_gap(gap, plan.timeframe.width_us) for gap in result.gaps],
        "notes": list(plan.notes),
    }


def _name(file: Path) -> str:
    # A name on disk need not be UTF-8, and json has to be.
    return os.fsencode(file).decode(errors="replace")


def _difference(difference: "Difference") -> dict[str, Any]:
    return {"timestamp": isoformat(difference.timestamp_us), "stored": difference.stored, "file": difference.read}


def _gap(gap: "Window", width_us: int) -> dict[str, Any]:
    return {"start": isoformat(gap.start_us), "end": isoformat(gap.end_us), "missing": gap.width_us // width_us}
