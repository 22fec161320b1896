"""The verbs that fill what is missing of the past from the venues, and that tell how far that is."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from cli.options import Json, load
from cli.read import store
from market.clock import isoformat, parse_time
from market.errors import InputError, PlatformError
from market.symbol import Symbol
from market.timeframe import parse_timeframe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from db.operations import DatabaseOperations
    from db.repositories.backfills import Backfill, Conflict
    from history.backfill import CandleVenue, Order, Outcome, Progress
    from settings import Settings

    Found: TypeAlias = list[Outcome | PlatformError]

_DAYS = 30
_HEADER = (
    "id", "symbol", "width", "source", "from (UTC)", "to (UTC)", "state", "wanted", "fetched", "stored", "requests", "conflicts",
    "started (UTC)", "error",
)  # fmt: skip
_DIFFERING = ("symbol", "width", "close (UTC)", "which", "open", "high", "low", "close", "volume")
_NUMBERS = ("id", "wanted", "fetched", "stored", "requests", "conflicts")


def backfill(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL", help="For example OKX:BTC-USDT BITSTAMP:BTC-USD.")],
    *,
    timeframe: Annotated[str, typer.Option(help="Width of the candles, as the venue has them.")] = "1m",
    start: Annotated[str | None, typer.Option("--from", help=f"From this time on, UTC; without it {_DAYS} days back.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Up to this time, UTC; without it the newest closed candle.")] = None,
    trades: Annotated[
        bool, typer.Option("--trades", help="Fetch trades, back from what is stored, and make candles of them: they are proven.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Ask also for what the venue said already that it does not have.")] = False,
    parallel: Annotated[int, typer.Option(min=1, max=32, help="Questions under way at once at each venue.")] = 8,
    json: Json = False,
) -> None:
    """Fetch exactly what is missing of the past, as fast as the venue's limits allow; stopped at any time it goes on from there.

    Venues: okx, binance, binanceusdm, bybit, bybitlinear, coinbase, kraken, and whatever else ccxt knows (candles only).

    For example:

      tcpdash backfill OKX:BTC-USDT OKX:ETH-USDT --from 2024-01-01

      tcpdash backfill COINBASE:BTC-USD --timeframe 1h --from 2020-01-01 --to 2021-01-01

      tcpdash backfill KRAKEN:BTC-USD --from 2024-08-01 --trades
    """
    outcomes = _carry_out(_orders(symbols, timeframe, start, end, trades=trades, again=again, parallel=parallel), json=json)
    _tell(outcomes, json=json)
    if any(isinstance(outcome, PlatformError) or outcome.error for outcome in outcomes):
        raise typer.Exit(1)


def backfills(
    symbol: Annotated[str | None, typer.Argument(help="For example OKX:BTC-USDT; all symbols without it.")] = None,
    *,
    conflicts: Annotated[
        bool, typer.Option("--conflicts", help="Print instead the candles of which the venue says something else than its trades.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Print the newest so many.")] = 20,
    json: Json = False,
) -> None:
    """Print the backfills that were begun and how far each came; one whose process is gone is interrupted.

    Where a candle made of trades is proven whole and differs from the venue's own, ours stays, and both are kept: --conflicts
    prints them, those of backfills and of reconciling.

    For example:

      tcpdash backfills OKX:BTC-USDT --limit 5

      tcpdash backfills OKX:BTC-USDT --conflicts
    """
    one = None if symbol is None else str(Symbol.parse(symbol.strip().upper()))
    with store() as db:
        if conflicts:
            _print_conflicts(db.backfills.conflicts(one, newest=limit), one, json=json)
            return
        found = db.backfills.list(one, newest=limit)
    if json:
        import msgspec

        click.echo(msgspec.json.encode([_row(each) for each in found]))
    elif found:
        from cli.table import print_table

        print_table(_HEADER, [_cells(each) for each in found], right=_NUMBERS)
    else:
        click.echo("no backfill was begun" + (f" of {one}" if one else "") + "; begin one with `tcpdash backfill SYMBOL`")


# -- what is wanted ------------------------------------------------------------------------------------------------------


def _orders(
    symbols: "Sequence[str]", timeframe: str, start: str | None, end: str | None, *, trades: bool, again: bool, parallel: int
) -> "dict[str, Order]":
    """Return what is wanted of each venue.

    Raises:
        InputError: If it cannot be.
    """
    from history.backfill import Order

    first_us, last_us = parse_time(start) if start else None, parse_time(end) if end else None
    if trades and end is not None:
        raise InputError("--to cannot be had with --trades: it goes back from what is stored, so that nothing is left out between")
    if trades and again:
        raise InputError("--again cannot be had with --trades: trades that are stored are known to be whole")
    if first_us is not None and last_us is not None and last_us <= first_us:
        raise InputError(f"--from {start} is not before --to {end}; nothing lies between them")
    named: dict[str, list[str]] = {}
    for text in symbols:
        parsed = Symbol.parse(text.strip().upper())
        named.setdefault(parsed.exchange, []).append(str(parsed))
    return {
        exchange: Order(
            symbols=tuple(dict.fromkeys(own)), timeframe=parse_timeframe(timeframe), start_us=first_us, end_us=last_us, again=again,
            trades=trades, parallel=parallel,
        )
        for exchange, own in named.items()
    }  # fmt: skip


def _carry_out(orders: "dict[str, Order]", *, json: bool) -> "Found":
    import asyncio

    from cli.bars import Bars

    settings = load()
    with store() as db, ExitStack() as stack:
        bars = None if json else stack.enter_context(Bars())
        try:
            return asyncio.run(_run(db, settings, orders, bars))
        except (KeyboardInterrupt, asyncio.CancelledError):
            stack.close()
            click.echo("cancelled; what was stored stays, and the same command goes on from there", err=True)
            raise typer.Exit(130) from None


async def _run(db: "DatabaseOperations", settings: "Settings", orders: "dict[str, Order]", bars: "Progress | None") -> "Found":
    """Return what came of each symbol; a venue at which nothing could begin gives its error."""
    import asyncio
    import signal

    from tasks.resources import candle_venue

    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    venues = [candle_venue(settings, exchange, order.symbols) for exchange, order in orders.items()]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_fill(db, *pair, bars)) for pair in zip(venues, orders.values(), strict=True)]
    found = [task.result() for task in tasks]
    wrong = [each for outcomes in found for each in outcomes if isinstance(each, InputError)]
    if wrong and len(orders) == 1:
        raise wrong[0]
    return [each for outcomes in found for each in outcomes]


async def _fill(db: "DatabaseOperations", venue: "CandleVenue", order: "Order", bars: "Progress | None") -> "Found":
    from history.backfill import run_backfill

    try:
        return list(await run_backfill(db, venue, order, bars))
    except PlatformError as error:
        return [error]


# -- what came of it -----------------------------------------------------------------------------------------------------


def _tell(outcomes: "Sequence[Outcome | PlatformError]", *, json: bool) -> None:
    if json:
        import msgspec

        click.echo(msgspec.json.encode([_fields(outcome) for outcome in outcomes]))
        return
    for outcome in outcomes:
        if isinstance(outcome, PlatformError):
            click.echo(f"tcpdash: {outcome}", err=True)
            continue
        click.echo(_sentence(outcome))
        for note in outcome.notes:
            click.echo(f"  {note}", err=True)
        if outcome.error:
            click.echo(f"tcpdash: {outcome.error}", err=True)


def _sentence(outcome: "Outcome") -> str:
    done = outcome.standing
    where = f"{done.symbol} {done.timeframe} {isoformat(outcome.start_us)} to {isoformat(outcome.end_us)}: "
    if not done.wanted and not outcome.error:
        words = "nothing is left to ask for" if outcome.missing else "nothing was missing"
    else:
        rate = f"{done.requests / done.seconds:.1f}" if done.seconds else "0"
        words = f"{done.fetched:,} of {done.wanted:,} missing candles asked for, {done.stored:,} rows stored, "
        words += f"{done.requests:,} requests in {done.seconds:.1f} s ({rate} a second)"
    if done.conflicts:
        words += f"; {done.conflicts:,} differ from ours, which stay: `tcpdash backfills {done.symbol} --conflicts`"
    if outcome.missing:
        words += f"; {outcome.missing:,} are missing still"
    return where + words


def _fields(outcome: "Outcome | PlatformError") -> dict[str, Any]:
    if isinstance(outcome, PlatformError):
        return {"state": "failed", "error": str(outcome)}
    done = outcome.standing
    return {
        "id": outcome.id, "symbol": done.symbol, "timeframe": str(done.timeframe), "start": isoformat(outcome.start_us),
        "end": isoformat(outcome.end_us), "state": outcome.state, "wanted": done.wanted, "fetched": done.fetched,
        "stored": done.stored, "missing": outcome.missing, "requests": done.requests, "conflicts": done.conflicts,
        "seconds": round(done.seconds, 3), "notes": outcome.notes, "error": None if outcome.error is None else str(outcome.error),
    }  # fmt: skip


def _print_conflicts(found: "Sequence[Conflict]", symbol: str | None, *, json: bool) -> None:
    if json:
        import msgspec

        rows = [
            {
                "symbol": each.symbol, "timeframe": str(each.timeframe), "timestamp": isoformat(each.timestamp_us),
                "ours": each.ours, "theirs": each.theirs,
            }
            for each in found
        ]  # fmt: skip
        click.echo(msgspec.json.encode(rows))
    elif found:
        from cli.table import print_table

        print_table(_DIFFERING, [cells for each in found for cells in _both(each)], right=_DIFFERING[4:])
    else:
        click.echo("no candle" + (f" of {symbol}" if symbol else "") + " that is proven differs from what its venue said of it")


def _both(each: "Conflict") -> list[list[str]]:
    where = [each.symbol, str(each.timeframe), isoformat(each.timestamp_us)]
    return [
        [*where, which, *(str(values[name]) for name in _DIFFERING[4:])]
        for which, values in (("ours", each.ours), ("theirs", each.theirs))
    ]  # fmt: skip


def _row(each: "Backfill") -> dict[str, Any]:
    from dataclasses import asdict

    values = asdict(each)
    for name in ("start", "end", "started", "updated"):
        values[name] = isoformat(values.pop(f"{name}_us"))
    return values


def _cells(each: "Backfill") -> list[str]:
    counts = [f"{count:,}" for count in (each.wanted, each.fetched, each.stored, each.requests, each.conflicts)]
    window = [isoformat(moment)[:16] for moment in (each.start_us, each.end_us)]
    started = isoformat(each.started_us)[:19]
    return [str(each.id), each.symbol, each.timeframe, each.source, *window, each.state, *counts, started, each.error or "-"]
