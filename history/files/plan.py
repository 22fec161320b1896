"""What is to be loaded from a file, found out before anything is read as a whole or stored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from exchanges import VENUES, BinanceUsdm, BybitLinear
from history.files.documents import JsonFile
from history.files.errors import FileRefused
from history.files.formats import Format
from history.files.layouts import Layout, find_layout
from history.files.moments import Moments, moments_of, zone_of
from history.files.names import Name, agrees, read_name, timeframe_named
from history.files.opening import Kind, Opened, open_file
from history.files.source import Source
from history.files.tables import TableFile
from history.files.text import TextFile
from market.errors import InputError, did_you_mean
from market.symbol import Symbol, full_symbol
from market.timeframe import Timeframe, parse_timeframe

_INVENTED = "SYNTHETIC"
_OF_FUTURES = {BinanceUsdm.name, BybitLinear.name}
# How we write the swap of a pair, where spot has the same name without it.
_SWAPS = {"BINANCE": "BINANCEUSDM:{}", "BYBIT": "BYBITLINEAR:{}", "OKX": "OKX:{}-SWAP"}
_READERS: dict[Kind, Callable[[Opened], Source]] = {
    Kind.TEXT: TextFile,
    Kind.JSON: JsonFile,
    Kind.PARQUET: TableFile,
    Kind.FEATHER: TableFile,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person said of files.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`; None takes the pair from each file's name.
        exchange: The venue, where the symbol does not say it.
        timeframe: Width of the candles; None takes it from each file's name.
        format: Layout of the columns.
        time_zone: Of times that do not say theirs; None is UTC.
    """

    symbol: str | None = None
    exchange: str | None = None
    timeframe: str | None = None
    format: Format = Format.AUTO
    time_zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A file that can be loaded.

    Attributes:
        source: Gives its rows.
        kind: What the file is made of.
        layout: Which column is what.
        moments: How its times are read.
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of its candles.
        notes: What a person should know.
    """

    source: Source
    kind: Kind
    layout: Layout
    moments: Moments
    symbol: str
    timeframe: Timeframe
    notes: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        """Where it is."""
        return self.source.file


def plan(file: Path, wish: Wish) -> Plan:
    """Return how a file is loaded.

    Raises:
        FileRefused: If it is nothing that can be loaded, or contradicts the wish.
        InputError: If the wish itself cannot be.
    """
    opened = open_file(file)
    name = read_name(opened.names)
    if name.prices:
        raise FileRefused(
            file, f"holds {name.prices} prices by its name, which nobody traded at; load the file without -{name.prices}"
        )
    symbol = _symbol(file, name, wish)
    timeframe = _timeframe(file, name, wish)
    source = _READERS[opened.kind](opened)
    try:
        layout = find_layout(source.head, wish.format, symbol)
    except InputError as error:
        raise FileRefused(file, str(error)) from error
    _check_cells(source, layout, symbol, timeframe)
    moments = _moments(source, layout, zone_of(wish.time_zone))
    says_utc = layout.format is Format.LEAN or "utc" in source.head.preamble.lower()
    notes = tuple(_notes(symbol.exchange, assumed=moments.naive and wish.time_zone is None and not says_utc))
    return Plan(
        source=source, kind=opened.kind, layout=layout, moments=moments, symbol=str(symbol), timeframe=timeframe, notes=notes
    )  # fmt: skip


def _symbol(file: Path, name: Name, wish: Wish) -> Symbol:
    if wish.symbol is None and not name.pair:
        raise FileRefused(file, "does not say its pair by its name; name it by --symbol EXCHANGE:BASE-QUOTE")
    text = wish.symbol or name.pair
    if wish.exchange is not None:
        text = full_symbol(wish.exchange, text)
    elif ":" not in text:
        raise InputError(f"of which exchange is {text}? give --symbol EXCHANGE:{text.upper()}, or --exchange")
    symbol = Symbol.parse(text.strip().upper())
    if symbol.exchange == _INVENTED:
        raise InputError(f"{symbol} is of the generated market, with which no real candles are mixed; name the venue they are from")
    if name.letters and not agrees(name.letters, symbol):
        raise FileRefused(file, f"is of {name.letters} by its name, and not of {symbol}; correct --symbol, or rename the file")
    if name.future and not symbol.suffix and symbol.exchange not in _OF_FUTURES:
        swap = _SWAPS.get(symbol.exchange, f"{symbol.exchange}:{{}}-SWAP").format(symbol.pair)
        raise FileRefused(
            file, f"is of a future or swap by its name, and {symbol} is spot; name it by --symbol, for example {swap}"
        )
    return symbol


def _timeframe(file: Path, name: Name, wish: Wish) -> Timeframe:
    given = None if wish.timeframe is None else parse_timeframe(wish.timeframe)
    try:
        named = timeframe_named(name.width)
    except InputError as error:
        raise FileRefused(file, str(error)) from error
    if given is None and named is None:
        raise FileRefused(file, "does not say its timeframe by its name; name it by --timeframe, for example --timeframe 1h")
    if given is not None and named is not None and given is not named:
        raise FileRefused(file, f"holds {named} candles by its name, and not {given}; correct --timeframe, or rename the file")
    found = given or named
    assert found is not None
    return found


def _moments(source: Source, layout: Layout, zone: ZoneInfo | None) -> Moments:
    at = layout.columns["time"]
    column = next(iter(source.batches([at], lambda _: None))).columns[at]
    sample = source.head.rows[0][at]
    moments = moments_of(column.type, sample, zone)
    if moments is None:
        raise FileRefused(
            source.file,
            f"has times like {sample!r}, which cannot be read in one way only; write them as 2024-08-09T23:55:00, or as epoch"
            " seconds",
        )
    if zone is not None and not moments.naive:
        raise FileRefused(source.file, f"has times like {sample!r}, which need no --time-zone; leave it out")
    return moments


def _notes(exchange: str, *, assumed: bool) -> Iterator[str]:
    if assumed:
        yield "times do not say their zone and were taken as UTC; --time-zone names another"
    if exchange not in VENUES:
        yield f"{exchange} is no venue that can be followed live{did_you_mean(exchange, list(VENUES))}"


def _check_cells(source: Source, layout: Layout, symbol: Symbol, timeframe: Timeframe) -> None:
    """Refuse a file whose first row names another symbol or timeframe."""
    first, columns = source.head.rows[0], layout.columns
    told = first[columns["symbol"]] if "symbol" in columns else None
    if told is not None and told != str(symbol) and not agrees(told, symbol):
        raise FileRefused(source.file, f"is of {told} by its first row, and not of {symbol}; correct --symbol")
    told = first[columns["timeframe"]] if "timeframe" in columns else None
    if told is not None and told != str(timeframe):
        raise FileRefused(source.file, f"holds {told} candles by its first row, and not {timeframe}; correct --timeframe")
