"""The verb that checks what is stored, and says what is wrong with it and what mends it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from cli.options import Json, load
from cli.read import known_symbol, store
from market.clock import isoformat, parse_time
from market.errors import InputError, did_you_mean
from market.timeframe import BASE, parse_timeframe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.bus import Bus
    from db.operations import DatabaseOperations
    from db.repositories.quality import QualityResult, QualityRun
    from history.quality import Order
    from settings import Settings

_SUITES = ("candles", "trades", "all")
_PLACES = ("timestamp", "timeframe", "trade_id", "start", "first_id")
_HEADER = ("rule", "result", "found", "what")


def quality(
    symbols: Annotated[
        list[str] | None, typer.Argument(metavar="[SYMBOL]…", help="For example OKX:BTC-USDT; all without it.")
    ] = None,
    *,
    timeframe: Annotated[
        str | None, typer.Option(help="Width of the candles that are checked; without it each that is stored.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="From this time on, UTC; without it the first stored row.")] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Up to this time, UTC; without it the newest row, which has to be fresh.")
    ] = None,
    suite: Annotated[str, typer.Option(help="Which checks: candles, trades or all.")] = "all",
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write a report that opens in a browser.")] = None,
    json: Json = False,
) -> None:
    """Check stored candles and trades: that they are whole, possible, fresh, and the venue's own; exit code 1 if they are not.

    What is missing without an explanation is noted as holes (`tcpdash gaps`) and told with the command that fetches it. A rule
    that cannot be checked, because the venue does not answer for example, is told with the reason, and counts as neither.

    For example:

      tcpdash quality

      tcpdash quality OKX:BTC-USDT --from 2024-08-01 --to 2024-09-01 --report quality.html
    """
    runs = _carry_out(symbols or [], timeframe, start, end, suite, report)
    if json:
        import msgspec

        click.echo(msgspec.json.encode([_fields(run) for run in runs]))
    else:
        for run in runs:
            _tell(run)
        if report is not None:
            click.echo(f"report: {report}")
    if any(run.success is False for run in runs):
        raise typer.Exit(1)


def _carry_out(
    symbols: "Sequence[str]", timeframe: str | None, start: str | None, end: str | None, suite: str, page: Path | None
) -> "list[QualityRun]":
    import asyncio

    settings, width = load(), parse_timeframe(timeframe) if timeframe is not None else BASE
    first_us, last_us = parse_time(start) if start else None, parse_time(end) if end else None
    if suite not in _SUITES:
        raise InputError(f"--suite {suite!r} is not one of {', '.join(_SUITES)}{did_you_mean(suite, list(_SUITES))}")
    if first_us is not None and last_us is not None and last_us <= first_us:
        raise InputError(f"--from {start} is not before --to {end}; nothing lies between them")
    if page is not None and not page.absolute().parent.is_dir():
        raise InputError(f"--report {page} cannot be written: there is no folder {page.absolute().parent}; make it first")
    from history.quality import Order, Suite
    from tasks.resources import unproven_venues

    with store() as db:
        named = tuple(dict.fromkeys(known_symbol(db, text) for text in symbols))
        order = Order(
            symbols=named, timeframe=width, every_width=timeframe is None, suite=Suite(suite), start_us=first_us,
            end_us=last_us, kept_days=settings.database.raw_trades_days, unproven=unproven_venues(settings),
        )  # fmt: skip
        runs = asyncio.run(_run(db, settings, order))
    if page is not None:
        from app.reports.quality import quality_report

        page.write_text(quality_report(runs), encoding="utf-8")
    return runs


async def _run(db: "DatabaseOperations", settings: "Settings", order: "Order") -> "list[QualityRun]":
    from history.quality import run_quality
    from tasks.resources import candle_venue

    bus = _bus(settings)
    try:
        return await run_quality(db, order, venue_of=lambda exchange, own: candle_venue(settings, exchange, own), bus=bus)
    finally:
        if bus is not None:
            bus.close()


def _bus(settings: "Settings") -> "Bus | None":
    """Return Redis of the settings or of a running system; None where there is neither, and so nobody who listens."""
    from db.bus import Bus
    from db.home import running_state

    if settings.redis.url is not None:
        return Bus(settings.redis.url.get_secret_value())
    url = (running_state(settings.home) or {}).get("redis", {}).get("url")
    return None if url is None else Bus(url)


def _tell(run: "QualityRun") -> None:
    from cli.table import print_table

    what = f"{run.timeframe} candles" if run.timeframe is not None else run.suite
    verdict = "ok" if run.success else "FAILED"
    click.echo(f"{run.symbol} {what} {isoformat(run.start_us)} to {isoformat(run.end_us)}, {run.rows:,} rows: {verdict}")
    print_table(_HEADER, [_cells(result) for result in run.results], right=("found",))
    for result in run.failed:
        if result.sample:
            click.echo(f"  {result.rule}, for example: {_row(result.sample[0])}")
    if run.missing:
        first, last = isoformat(run.missing[0].start_us), isoformat(run.missing[-1].end_us)
        how = "--trades " if run.suite == "trades" else f"--timeframe {run.timeframe} "
        until = "" if run.suite == "trades" else f" --to {last}"
        click.echo(
            f"  {len(run.missing):,} windows are missing; fetch them: tcpdash backfill {run.symbol} {how}--from {first}{until}"
        )
    click.echo()


def _cells(result: "QualityResult") -> list[str]:
    word = {True: "ok", False: "FAILED" if result.severity == "critical" else "warning", None: "-"}[result.success]
    figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in result.observed.items())
    return [result.rule, word, f"{result.unexpected_count:,}", f"{result.details} {f'({figures})' if figures else ''}".rstrip()]


def _row(row: dict[str, Any]) -> str:
    # JSON in the database has an order of its own; where it is comes first.
    names = sorted(row, key=lambda name: (name not in _PLACES, name))
    cells = ((name, row[name]) for name in names if row[name] is not None)
    return ", ".join(f"{name} {value:.12g}" if isinstance(value, float) else f"{name} {value}" for name, value in cells)


def _fields(run: "QualityRun") -> dict[str, Any]:
    return {
        "id": run.id, "symbol": run.symbol, "timeframe": run.timeframe, "suite": run.suite, "start": isoformat(run.start_us),
        "end": isoformat(run.end_us), "state": run.state, "rows": run.rows, "success": run.success,
        "started": isoformat(run.started_us), "ended": None if run.ended_us is None else isoformat(run.ended_us),
        "missing": [{"start": isoformat(each.start_us), "end": isoformat(each.end_us)} for each in run.missing],
        "results": run.results,
    }  # fmt: skip
