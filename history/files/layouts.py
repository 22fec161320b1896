"""Which columns of a file are what: found out by its content, with the formats of the venues known by their look."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from history.files.foreign import name_of_trades
from history.files.formats import Format
from history.files.source import Head
from market.clock import from_datetime
from market.errors import InputError
from market.symbol import Symbol
from market.timeframe import DAY_US


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a row everything is.

    Attributes:
        format: Its name.
        columns: Position of each column of ours that the file has: time, open, high, low, close, volume, and perhaps
            quote_volume, trades, taker_buy_volume, complete, symbol, timeframe.
        closes: Whether times are those of the close; elsewhere they are those of the open.
        day_us: Begin of the day that times are counted from in milliseconds; None where they are whole times.
    """

    format: Format
    columns: Mapping[str, int]
    closes: bool = False
    day_us: int | None = None


PRICES = ("open", "high", "low", "close")
NEEDED = ("time", *PRICES, "volume")

_FIRST_SIX = dict(zip(NEEDED, range(6), strict=True))
_KRAKEN = {**_FIRST_SIX, "trades": 6}
_KRAKEN_REST = {**_FIRST_SIX, "volume": 6, "trades": 7}
_BINANCE = {**_FIRST_SIX, "quote_volume": 7, "trades": 8, "taker_buy_volume": 9}
_BITFINEX = {"time": 0, "open": 1, "close": 2, "high": 3, "low": 4, "volume": 5}

# Names in small letters and digits, the best first.
_NAMES = {
    "time": (
        *("opentime", "starttime", "start", "unix", "unixtimestamp", "timestamp", "datetime", "date", "time", "timems", "ts", "t"),
        "indexlevel0",
    ),
    "open": ("open", "openprice", "o"),
    "high": ("high", "highprice", "h"),
    "low": ("low", "lowprice", "l"),
    "close": ("close", "closeprice", "c"),
    "volume": ("volume", "vol", "basevolume", "volumebase", "baseassetvolume", "volumefrom", "v"),
    "quote_volume": ("quotevolume", "quoteassetvolume", "volumequote", "volccyquote", "volquote", "volumeto", "q"),
    "trades": ("trades", "count", "tradecount", "tradescount", "numberoftrades", "n"),
    "taker_buy_volume": ("takerbuyvolume", "takerbuybasevolume", "takerbuybaseassetvolume"),
    "complete": ("complete",),
    "symbol": ("symbol", "pair", "tic", "instrumentname", "instid"),
    "timeframe": ("timeframe",),
}
_OURS = {"symbol", "timeframe", "timestamp", "complete", "origin", "revision"}
_CLOCK = re.compile(r"\s*\d{1,2}:\d{2}")
_COUNTS = re.compile(r"\d+(\.0*)?")
_DATE = re.compile(r"(?<!\d)(20\d{2})([01]\d)([0-3]\d)(?!\d)")


def find_layout(head: Head, wanted: Format, symbol: Symbol) -> Layout:
    """Return the layout of a file.

    Args:
        head: Its begin.
        wanted: What a person said it is.
        symbol: What it is of: names of volumes may hold its coins, and those of derivatives may be counted in contracts.

    Raises:
        InputError: If it is none that is known, or another one than was said.
    """
    if not head.rows:
        raise InputError("has no row below its header" if head.names else "has no rows")
    trades = name_of_trades(head.names, head.rows[0])
    if trades is not None:
        raise InputError(
            f"holds {trades}, and only candles are loaded; download the candles (klines, OHLC) of the same time, or let"
            " `tcpdash backfill` fetch them from the venue"
        )
    found = [_in_base(layout, symbol) for layout in (_named(head, head.names, symbol) if head.names else _unnamed(head))]
    layouts = [layout for layout in found if wanted in {Format.AUTO, layout.format}]
    if not layouts:
        told = " or ".join(layout.format for layout in found)
        raise InputError(f"does not look like {wanted} but like {told}; leave --format out" if found else _unknown(head))
    if len(layouts) > 1:
        ways = " or ".join(layout.format for layout in layouts)
        raise InputError(f"can be read in more than one way: say which one by --format {ways}; it begins with {_row(head)}")
    return layouts[0]


def plain(name: str) -> str:
    """Return a name in small letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _named(head: Head, names: Sequence[str], symbol: Symbol) -> list[Layout]:
    known = [plain(name) for name in names]
    base, quote = symbol.base.lower(), symbol.quote.lower()
    # OKX counts `vol` of derivatives in contracts, and has what that is in coins beside it.
    in_coins = ("volccy",) if symbol.suffix else ()
    # CryptoDataDownload calls the base `Volume BTC`, and what it is worth `Volume USD`, once just `volume`.
    wanted: dict[str, Iterable[str]] = {
        **_NAMES,
        "volume": (*in_coins, f"volume{base}", *_NAMES["volume"]),
        "quote_volume": (f"volume{quote}", *_NAMES["quote_volume"]),
    }  # fmt: skip
    columns = {ours: known.index(name) for ours, several in wanted.items() if (name := _first(several, known)) is not None}
    missing = [ours for ours in NEEDED if ours not in columns]
    if missing:
        raise InputError(f"has no column for {' and '.join(missing)}; its columns are {', '.join(names)}")
    twice = sorted({names[at] for at in columns.values() if known.count(known[at]) > 1})
    if twice:
        raise InputError(f"has more than one column {', '.join(twice)}; leave only the one that is meant")
    if {"date", "time"} <= set(known) and _CLOCK.match(head.rows[0][known.index("time")]):
        raise InputError("has its times in two columns, date and time; join them in one, as 2024-08-09T23:55:00")
    if set(known) >= _OURS:
        return [Layout(Format.TCPDASH, columns, closes=True)]
    extra = {"complete", "timeframe"}
    columns = {ours: at for ours, at in columns.items() if ours not in extra}
    return [Layout(Format.BINANCE if set(known) >= {"opentime", "closetime"} else Format.OHLCV, columns)]


def _in_base(layout: Layout, symbol: Symbol) -> Layout:
    """Return the layout with the volume in coins: Binance's futures that are paid in coins have it in place of the quote's."""
    columns = dict(layout.columns)
    if layout.format is not Format.BINANCE or not symbol.suffix or symbol.quote != "USD" or "quote_volume" not in columns:
        return layout
    columns["volume"] = columns.pop("quote_volume")
    columns.pop("taker_buy_volume", None)
    return replace(layout, columns=columns)


def _first(names: Iterable[str], known: Sequence[str]) -> str | None:
    return next((name for name in names if name in known), None)


def _unnamed(head: Head) -> list[Layout]:
    width, first = len(head.rows[0]), head.rows[0]
    if width in {11, 12} and _is_epoch(first[6]):
        return [Layout(Format.BINANCE, _BINANCE)]
    if width == 8 and all(_COUNTS.fullmatch(row[7]) for row in head.rows if len(row) == width):
        return [Layout(Format.KRAKEN, _KRAKEN_REST)]
    if width == 7 and all(_COUNTS.fullmatch(row[6]) for row in head.rows if len(row) == width):
        return [Layout(Format.KRAKEN, _KRAKEN)]
    if width != 6:
        return []
    if (day_us := _day_of(head)) is not None:
        return [Layout(Format.LEAN, _FIRST_SIX, day_us=day_us)]
    if re.fullmatch(r"\d{8} \d{2}:\d{2}", first[0]):
        return [Layout(Format.LEAN, _FIRST_SIX)]
    fits = {order: _fit(head.rows, columns) for order, columns in ((Format.OHLCV, _FIRST_SIX), (Format.BITFINEX, _BITFINEX))}
    best = max(fits.values())
    return [Layout(order, _BITFINEX if order is Format.BITFINEX else _FIRST_SIX) for order, fit in fits.items() if fit == best]


def _day_of(head: Head) -> int | None:
    """Return the day of a file whose times are milliseconds since midnight, as its name says it."""
    if not all(row[0].isdigit() and int(row[0]) < DAY_US // 1_000 for row in head.rows):
        return None
    for name in head.member:
        if found := _DATE.search(name):
            year, month, day = map(int, found.groups())
            return from_datetime(datetime(year, month, day, tzinfo=UTC))
    raise InputError(
        "has times in milliseconds since midnight, and its name does not say the day; name it as LEAN does, 20180404_….csv"
    )


def _fit(rows: Sequence[Sequence[str]], columns: Mapping[str, int]) -> int:
    """Return in how many rows nothing is above the high or below the low."""
    count = 0
    for row in rows:
        try:
            open_, high, low, close = (float(row[columns[name]]) for name in PRICES)
        except (ValueError, IndexError):
            continue
        count += low <= min(open_, close) and max(open_, close) <= high
    return count


def _is_epoch(cell: str) -> bool:
    return cell.strip().isdigit() and len(cell.strip()) >= 10


def _unknown(head: Head) -> str:
    width = len(head.rows[0])
    return (
        f"has {width} columns without names, which is no known format; put a line above that names them"
        f" (timestamp,open,high,low,close,volume); it begins with {_row(head)}"
    )


def _row(head: Head) -> str:
    return repr(",".join(head.rows[0])[:80])
