"""Reads a column of times, however they are written, as UTC epoch microseconds."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from history.files.numbers import to_floats
from market.clock import from_datetime
from market.errors import InputError

NO_MOMENT = np.iinfo(np.int64).min
"""Stands where there is no time, or none that can be read."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}(:\d{2}(:\d{2}([.,]\d+)?)?)?)?(?P<zone> ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?")
# Others that can be read in one way only: LEAN, MetaTrader, CryptoDataDownload.
_PATTERNS = {
    r"\d{8} \d{2}:\d{2}": "%Y%m%d %H:%M",
    r"\d{4}\.\d{2}\.\d{2} \d{2}:\d{2}": "%Y.%m.%d %H:%M",
    r"\d{4}-\d{2}-\d{2} \d{2}-[AP]M": "%Y-%m-%d %I-%p",
}
_US = pa.timestamp("us")
_US_UTC = pa.timestamp("us", "UTC")


@dataclass(frozen=True, slots=True)
class Moments:
    """How the times of a file are read.

    Attributes:
        read: Gives UTC epoch microseconds, `NO_MOMENT` where a cell is no time.
        naive: Whether the times do not say their zone.
    """

    read: Callable[[pa.Array], NDArray[np.int64]]
    naive: bool


def moments_of(kind: pa.DataType, sample: str, zone: ZoneInfo | None) -> Moments | None:
    """Return how a column is read, None when its first cell is no time that can be read in one way only.

    Args:
        kind: Type of the column.
        sample: Its first cell as text.
        zone: Of times that do not say theirs; None is UTC.
    """
    place = str(zone or "UTC")
    if pa.types.is_timestamp(kind):
        return Moments(lambda column: _of_timestamps(column, place), kind.tz is None)
    if pa.types.is_date(kind):
        return Moments(lambda column: _of_timestamps(pc.cast(column, _US), place), naive=True)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return Moments(_of_numbers, naive=False)
    text = sample.strip()
    if _NUMBER.fullmatch(text):
        return Moments(_of_numbers, naive=False)
    if iso := _ISO.fullmatch(text):
        aware = iso["zone"] is not None
        return Moments(lambda column: _of_iso(column, place, aware=aware), not aware)
    pattern = next((each for known, each in _PATTERNS.items() if re.fullmatch(known, text)), None)
    if pattern is None:
        return None
    return Moments(
        lambda column: _of_timestamps(pc.strptime(column, format=pattern, unit="us", error_is_null=True), place), naive=True
    )


def looks_like_time(text: str) -> bool:
    """Return whether a text is a time that is no number, in a form that is read."""
    return _ISO.fullmatch(text) is not None or any(re.fullmatch(known, text) for known in _PATTERNS)


def zone_of(name: str | None) -> ZoneInfo | None:
    """Return the time zone of that name.

    Raises:
        InputError: If there is none.
    """
    try:
        return None if name is None else ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InputError(f"time zone {name!r} is not known; a name is like UTC, Europe/Berlin or Asia/Shanghai") from error


def epoch_us(values: NDArray[np.float64], whole: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Return epoch seconds, milliseconds, microseconds or nanoseconds as microseconds; their size says which they are."""
    found = np.full(len(values), NO_MOMENT, np.int64)
    size = np.abs(values)
    for low, high, factor in ((0.0, 1e11, 1e6), (1e11, 1e14, 1e3), (1e14, 1e17, 1.0), (1e17, 1e19, 1e-3)):
        rows = (size >= low) & (size < high)
        if not rows.any():
            continue
        if whole is None:
            found[rows] = np.rint(values[rows] * factor).astype(np.int64)
        else:
            found[rows] = whole[rows] * int(factor) if factor >= 1 else whole[rows] // 1000
    return found


def _of_numbers(column: pa.Array) -> NDArray[np.int64]:
    try:
        whole = pc.cast(column, pa.int64())
    except pa.ArrowInvalid:
        return epoch_us(to_floats(column).values)
    if whole.null_count:
        return epoch_us(to_floats(column).values)
    integers = whole.to_numpy(zero_copy_only=False)
    return epoch_us(integers.astype(np.float64), integers)


def _of_iso(column: pa.Array, place: str, *, aware: bool) -> NDArray[np.int64]:
    if aware:
        column = pc.replace_substring_regex(column, r" ?(Z|UTC)\s*$", "Z")
    for unit in ("us", "ns"):
        try:
            typed = pc.cast(column, pa.timestamp(unit, "UTC" if aware else None))
        except pa.ArrowInvalid:
            continue
        return _of_timestamps(typed, place)
    return np.array([_of_cell(cell, ZoneInfo(place)) for cell in column.to_pylist()], np.int64)


def _of_cell(cell: str | None, zone: ZoneInfo) -> int:
    # Of a block in which some cell is no time.
    try:
        moment = datetime.fromisoformat((cell or "").strip())
    except ValueError:
        return NO_MOMENT
    if moment.tzinfo is not None:
        return from_datetime(moment)
    early, late = (from_datetime(moment.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    return early if early == late else NO_MOMENT


def _of_timestamps(column: Any, place: str) -> NDArray[np.int64]:
    """Return Arrow's timestamps as microseconds; those without a zone are those of a place."""
    if column.type.tz is None:
        early, late = (
            _as_integers(pc.assume_timezone(column, place, ambiguous=which, nonexistent=which)) for which in ("earliest", "latest")
        )
        # Clocks that are put back show an hour twice, and skip one when they are put forward: nothing says what is meant.
        return np.where(early == late, early, NO_MOMENT)
    return _as_integers(column)


def _as_integers(column: Any) -> NDArray[np.int64]:
    moments = pc.cast(column, _US_UTC, safe=False).cast(pa.int64())
    return np.asarray(moments.fill_null(NO_MOMENT).to_numpy(zero_copy_only=False), np.int64)
