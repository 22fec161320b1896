"""Stored wider candles against what the stored minutes make of them; in numpy, beside the SQL that made them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.series import PRICES, CandleSeries
from market.timeframe import Timeframe

Columns = dict[str, NDArray[Any]]

_RELATIVE, _ABSOLUTE = 1e-9, 2e-8  # sums are rounded to eight digits, and carry the noise of floats


def rolled(columns: Columns, narrow: Timeframe, wide: Timeframe) -> Columns:
    """Return wider candles made of narrower ones in order: timestamp, prices, volume, and `minutes`, the number of members.

    Prices are those of members in which somebody traded, as everywhere in this program.
    """
    labels = _labels(columns["timestamp"], narrow, wide)
    starts = np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1]])) if len(labels) else np.empty(0, np.int64)
    if not len(starts):
        return {name: columns[name][:0] for name in ("timestamp", *PRICES, "minutes")}
    traded, size = columns["volume"] > 0, len(labels)
    first = np.minimum.reduceat(np.where(traded, np.arange(size), size), starts)
    some = first < size
    first = np.where(some, first, starts)
    ends = np.append(starts[1:], size) - 1
    high = np.maximum.reduceat(np.where(traded, columns["high"], -np.inf), starts)
    low = np.minimum.reduceat(np.where(traded, columns["low"], np.inf), starts)
    return {
        "timestamp": labels[starts],
        "open": columns["open"][first],
        "high": np.where(some, high, np.maximum.reduceat(columns["high"], starts)),
        "low": np.where(some, low, np.minimum.reduceat(columns["low"], starts)),
        "close": columns["close"][ends],
        "volume": np.add.reduceat(columns["volume"], starts),
        "minutes": np.add.reduceat(columns["minutes"], starts),
    }


def differing(stored: CandleSeries, made: Columns, *, both_ways: bool) -> Columns:
    """Return a row for each candle that was compared: timestamp, and `differs`, 1 where it is not the same, as numbers.

    Args:
        stored: What is kept.
        made: What the minutes make.
        both_ways: Whether a candle that only one side has differs; else it is not compared.
    """
    labels = stored.columns["timestamp"]
    _, mine, other = np.intersect1d(labels, made["timestamp"], return_indices=True)
    differs = np.zeros(len(mine), bool)
    for name in PRICES:
        ours, theirs = stored.columns[name][mine], made[name][other]
        tolerance = _ABSOLUTE + _RELATIVE * np.abs(theirs) if name == "volume" else 0.0
        differs |= ~(np.abs(ours - theirs) <= tolerance)
    stamps = [labels[mine]]
    if both_ways:
        alone = np.setxor1d(labels, made["timestamp"])
        repeated = np.setdiff1d(np.arange(len(labels)), np.unique(labels, return_index=True)[1])
        stamps += [alone, labels[repeated]]
    flags = np.concatenate([differs, np.ones(sum(map(len, stamps[1:])), bool)])
    return {"timestamp": np.concatenate(stamps), "differs": flags.astype(np.float64)}


def shown(columns: Any, label: int) -> str:
    """Return a candle as a person compares it: open, high, low, close and volume."""
    places = np.flatnonzero(columns["timestamp"] == label)
    return " ".join(f"{columns[name][places[0]]:.12g}" for name in PRICES) if len(places) else "absent"


def chain(minutes: Columns, base: Timeframe, widths: tuple[Timeframe, ...]) -> Iterator[tuple[Timeframe, Columns]]:
    """Yield the candles of each width, each made of the one before it."""
    columns, narrow = minutes, base
    for wide in widths:
        columns = rolled(columns, narrow, wide)
        yield wide, columns
        narrow = wide


def _labels(stamps: NDArray[np.int64], narrow: Timeframe, wide: Timeframe) -> NDArray[np.int64]:
    opens = stamps - narrow.width_us - wide.origin_us
    return np.asarray(opens // wide.width_us * wide.width_us + wide.width_us + wide.origin_us)
