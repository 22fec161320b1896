"""The verbs that read the store."""

import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click
import typer

from cli.options import End, Json, Start, load
from market.clock import parse_time
from market.errors import InputError, PlatformError, did_you_mean
from market.symbol import Symbol
from market.timeframe import parse_timeframe

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from db import DatabaseOperations

_CANDLE_COLUMNS = [
    *("symbol", "timeframe", "timestamp", "open", "high", "low", "close", "volume", "quote_volume", "trades"),
    *("complete", "origin", "revision"),
]
_TRADE_COLUMNS = ["symbol", "timestamp", "trade_id", "price", "size", "side", "count"]


class Format(StrEnum):
    """How a table is printed."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


Out = Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file instead of the terminal.")]


def candles(
    symbol: Annotated[str, typer.Argument(help="For example OKX:BTC-USDT.")],
    timeframe: Annotated[str, typer.Argument(help="1s 5s 15s 30s 1m 5m 15m 30m 1h 4h 12h 1d 1w.")] = "1m",
    *,
    start: Start = None,
    end: End = None,
    format_: Annotated[Format, typer.Option("--format", "-f", help="How to print them.")] = Format.CSV,
    json: Json = False,
    out: Out = None,
) -> None:
    """Print stored candles; the timestamp of a candle is its close, and --start and --end are both included.

    Example: tcpdash candles BINANCE:BTC-USDT 5m --start 2024-08-08T23:55 --format json
    """
    width = parse_timeframe(timeframe)
    bounds = read_bounds(start, end)
    with store() as db:
        frame = db.market_data.get_candles(known_symbol(db, symbol), width, *bounds)
    _print(frame[_CANDLE_COLUMNS], Format.JSON if json else format_, out)


def trades(
    symbol: Annotated[str, typer.Argument(help="For example OKX:BTC-USDT.")],
    *,
    start: Start = None,
    end: End = None,
    limit: Annotated[int, typer.Option(min=1, help="Print the newest so many.")] = 1_000_000,
    format_: Annotated[Format, typer.Option("--format", "-f", help="How to print them.")] = Format.CSV,
    json: Json = False,
    out: Out = None,
) -> None:
    """Print stored trades, oldest first."""
    bounds = read_bounds(start, end)
    with store() as db:
        frame = db.raw_trades.get_raw_trades(known_symbol(db, symbol), "trade", *bounds).tail(limit)
    _print(frame[_TRADE_COLUMNS], Format.JSON if json else format_, out)


@contextmanager
def store(*, check: bool = True) -> "Iterator[DatabaseOperations]":
    """Yield the database of the settings, of a running `tcpdash up`, or the embedded one started for this command."""
    from contextlib import ExitStack

    from db import schema
    from db.home import connect
    from db.operations import get_database_operations

    settings = load()
    with ExitStack() as stack:
        if settings.database.url is not None:
            url = settings.database.url.get_secret_value()
        else:
            url = stack.enter_context(connect(settings.home, bin_folder=settings.database.binaries))
        db = get_database_operations(url)
        stack.callback(db.close)
        if check:
            schema.check(db.engine)
        yield db


def read_bounds(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """Return the moments of --start and --end, UTC epoch microseconds; None where there is none.

    Raises:
        InputError: If one of them is no moment, or the end is before the start.
    """
    first, last = parse_time(start) if start else None, parse_time(end) if end else None
    if first is not None and last is not None and last < first:
        raise InputError(f"--end {end} is before --start {start}")
    return first, last


def told_where(symbol: str | None, start: str | None, end: str | None) -> str:
    """Return what was asked for, as the end of a sentence that says that there is nothing; empty where all was."""
    parts = (("of", symbol), ("from", start), ("up to", end))
    return "".join(f" {word} {text}" for word, text in parts if text)


def known_symbol(db: "DatabaseOperations", text: str) -> str:
    """Return the symbol that a person typed, if anything is stored of it.

    Raises:
        SymbolError: If it is none.
        NothingStored: If nothing is.
    """
    symbol = str(Symbol.parse(text.strip().upper()))
    stored = sorted({*db.market_data.symbols(), *db.watermarks.symbols()})  # of a new one no minute may have closed yet
    if symbol not in stored:
        there = ", ".join(stored) or "nothing yet; start with `tcpdash demo` or `tcpdash up`"
        raise NothingStored(f"nothing is stored of {symbol}{did_you_mean(symbol, stored)}; stored is {there}")
    return symbol


class NothingStored(PlatformError):
    """Raised when a symbol was asked for that the store does not have."""


def _print(frame: "pd.DataFrame", how: Format, out: Path | None) -> None:
    if how is Format.PARQUET:
        if out is None and sys.stdout.isatty():
            raise InputError("parquet is not text; give a file with --out, or pipe the output")
        frame.to_parquet(out or sys.stdout.buffer, index=False)
        return
    frame = frame.assign(timestamp=frame["timestamp"].map(lambda moment: moment.isoformat().replace("+00:00", "Z")))
    if how is Format.JSON:
        text = frame.to_json(orient="records", double_precision=15) + "\n"
    else:
        lower = {name: frame[name].map({True: "true", False: "false"}) for name in ("complete",) if name in frame}
        text = frame.assign(**lower).to_csv(index=False, lineterminator="\n")
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
