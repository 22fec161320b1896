"""Rows of a file as candles: decoded column by column, and the bad ones named."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from history.files.layouts import PRICES, Layout
from history.files.moments import NO_MOMENT, Moments
from history.files.numbers import Floats, to_floats
from history.files.source import Batch
from market.clock import isoformat
from market.timeframe import Timeframe

_OPTIONAL = ("quote_volume", "trades", "taker_buy_volume")
_EARLIEST_US = 946_684_800_000_000  # 2000: before any venue of ours
_SHOWN_CHARACTERS = 40
# What the codecs of venues take too: sums of such numbers fit into a double, and counts into a bigint.
_PRICE_BELOW, _AMOUNT_BELOW, _COUNT_BELOW = 1e18, 1e30, 2**31

Mask = NDArray[np.bool_]
Rule = tuple[Mask, Callable[[int], str]]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a batch.

    Attributes:
        opens: UTC epoch microseconds; `NO_MOMENT` where there is no time.
        numbers: The columns of numbers that the file has.
        complete: 1, 0, or -1 where it is not known; None when the file does not say.
        places: Where each row stands.
        label: What a time is of its candle: `open` or `close`.
        cells: The text of a cell, for messages.
    """

    opens: NDArray[np.int64]
    numbers: Mapping[str, Floats]
    complete: NDArray[np.int32] | None
    places: NDArray[np.int64]
    label: str
    cells: Callable[[str, int], str]

    def __len__(self) -> int:
        return len(self.opens)

    def value(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers."""
        return self.numbers[name].values

    def empty(self) -> Mask:
        """Return where a row has a time and no price at all: a span in which nothing happened, as some sources write it."""
        found: Mask = self.opens != NO_MOMENT
        for name in PRICES:
            column = self.numbers[name]
            found &= np.isnan(column.values)
            if column.wrong is not None:
                found &= ~column.wrong
        return found


def decode(batch: Batch, layout: Layout, moments: Moments, timeframe: Timeframe) -> Rows:
    """Return the rows of a batch."""
    if layout.day_us is None:
        opens = moments.read(batch.columns[layout.columns["time"]])
    else:
        opens = _since_midnight(batch.columns[layout.columns["time"]], layout.day_us)
    if layout.closes:
        opens = np.where(opens == NO_MOMENT, NO_MOMENT, opens - timeframe.width_us)
    numbers = {
        name: to_floats(batch.columns[layout.columns[name]])
        for name in (*PRICES, "volume", *_OPTIONAL)
        if name in layout.columns
    }  # fmt: skip
    complete = _standing(batch.columns[layout.columns["complete"]]) if "complete" in layout.columns else None

    def cell(name: str, row: int) -> str:
        return repr(str(batch.columns[layout.columns[name]][row].as_py()))[:_SHOWN_CHARACTERS]

    return Rows(opens, numbers, complete, batch.places, "close" if layout.closes else "open", cell)


def rules(rows: Rows, timeframe: Timeframe, now_us: int) -> Iterator[Rule]:
    """Yield what makes a row bad, the first reasons first, each with its words."""
    opens = rows.opens
    yield opens == NO_MOMENT, lambda row: f"time {rows.cells('time', row)} cannot be read"
    yield (opens < _EARLIEST_US) | (opens > now_us), lambda row: _odd_moment(rows, row, now_us)
    for name, column in rows.numbers.items():
        if column.wrong is not None:
            yield column.wrong, lambda row, name=name: f"{name} {rows.cells(name, row)} is no number"  # type: ignore[misc]
    yield from _price_rules(rows)
    yield from _optional_rules(rows)
    aligned = (opens - timeframe.origin_us) % timeframe.width_us == 0
    yield ~aligned, lambda row: f"time {rows.cells('time', row)} is not the {rows.label} of a candle of {timeframe}"


def _price_rules(rows: Rows) -> Iterator[Rule]:
    open_, high, low, close, volume = (rows.value(name) for name in (*PRICES, "volume"))
    for name in PRICES:
        price = rows.value(name)
        yield ~((price > 0) & (price < _PRICE_BELOW)), lambda row, name=name: f"{name} {rows.cells(name, row)} is no price"  # type: ignore[misc]
    yield ~((volume >= 0) & (volume < _AMOUNT_BELOW)), lambda row: f"volume {rows.cells('volume', row)} is no amount"
    for name, price in (("open", open_), ("close", close), ("low", low)):
        yield high < price, lambda row, name=name: f"high {rows.cells('high', row)} is below {name} {rows.cells(name, row)}"  # type: ignore[misc]
    for name, price in (("open", open_), ("close", close)):
        yield low > price, lambda row, name=name: f"low {rows.cells('low', row)} is above {name} {rows.cells(name, row)}"  # type: ignore[misc]


def _optional_rules(rows: Rows) -> Iterator[Rule]:
    for name in _OPTIONAL:
        if name not in rows.numbers:
            continue
        value = rows.value(name)
        bad = ~np.isnan(value) & ~((value >= 0) & (value < _AMOUNT_BELOW))
        if name == "trades":
            bad |= np.isfinite(value) & ((value != np.rint(value)) | (value >= _COUNT_BELOW))
        yield bad, lambda row, name=name: f"{name} {rows.cells(name, row)} cannot be"  # type: ignore[misc]


def columns_of(rows: Rows, keep: Any, timeframe: Timeframe) -> dict[str, NDArray[Any]]:
    """Return some rows as the columns of a series, their times as closes."""
    columns: dict[str, NDArray[Any]] = {name: column.values[keep] for name, column in rows.numbers.items()}
    if "trades" in columns:
        columns["trades"] = np.where(np.isnan(columns["trades"]), -1, columns["trades"]).astype(np.int64)
    columns["timestamp"] = rows.opens[keep] + timeframe.width_us
    size = len(columns["timestamp"])
    columns["complete"] = np.ones(size, np.int32) if rows.complete is None else rows.complete[keep]
    return columns


def _since_midnight(column: pa.Array, day_us: int) -> NDArray[np.int64]:
    milliseconds = to_floats(column).values
    whole = np.isfinite(milliseconds) & (milliseconds >= 0) & (milliseconds < 86_400_000)
    return np.where(whole, day_us + np.where(whole, milliseconds, 0).astype(np.int64) * 1_000, NO_MOMENT)


def _standing(column: pa.Array) -> NDArray[np.int32]:
    texts = pc.utf8_lower(pc.cast(column, pa.string()))
    found = pc.if_else(pc.equal(texts, "true"), 1, pc.if_else(pc.equal(texts, "false"), 0, -1))
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int32)


def _odd_moment(rows: Rows, row: int, now_us: int) -> str:
    moment = int(rows.opens[row])
    if moment > now_us:
        return f"time {rows.cells('time', row)} is in the future{_read_as(moment)}"
    return f"time {rows.cells('time', row)} is before 2000{_read_as(moment)}"


def _read_as(moment_us: int) -> str:
    try:
        return f": read as {isoformat(moment_us)}"
    except OverflowError:
        return ""
