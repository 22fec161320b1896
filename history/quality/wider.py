"""Stored wider candles against what the stored minutes make of them; in numpy, beside the SQL that made them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.series import NO_ID, NULLS, PRICES, CandleSeries
from market.timeframe import BASE, Timeframe

Columns = dict[str, NDArray[Any]]

COMPARED = (*PRICES, "quote_volume", "trades", "taker_buy_volume", "first_trade_id", "last_trade_id", "complete")
"""Columns of a candle that are made of those of narrower ones."""

_VOLUMES = ("volume", "quote_volume", "taker_buy_volume")
_RELATIVE, _ABSOLUTE = 1e-9, 2e-8  # sums are rounded to eight digits, and carry the noise of floats


def rolled(columns: Columns, narrow: Timeframe, wide: Timeframe) -> Columns:
    """Return wider candles made of narrower ones in order: timestamp, what is compared, and `minutes`, the number of members.

    Prices are those of members in which somebody traded, as everywhere in this program.
    """
    labels = _labels(columns["timestamp"], narrow, wide)
    starts = np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1]])) if len(labels) else np.empty(0, np.int64)
    if not len(starts):
        return {name: columns[name][:0] for name in ("timestamp", *COMPARED, "minutes")}
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
        **_sums(columns, starts, wide),
    }


def _sums(columns: Columns, starts: NDArray[np.int64], wide: Timeframe) -> Columns:
    """Return what is added up or joined of each run of members: null where one is, as in SQL."""
    counts, complete, ids = columns["trades"], columns["complete"], columns["first_trade_id"]
    highest = np.iinfo(np.int64).max
    first = np.minimum.reduceat(np.where(ids == NO_ID, highest, ids), starts)
    minutes = np.add.reduceat(columns["minutes"], starts)
    least, unknown = np.minimum.reduceat(np.where(complete < 0, 1, complete), starts), np.minimum.reduceat(complete, starts) < 0
    return {
        **{name: np.add.reduceat(columns[name], starts) for name in _VOLUMES},
        "trades": np.where(np.minimum.reduceat(counts, starts) == NULLS["trades"], -1, np.add.reduceat(counts, starts)),
        "first_trade_id": np.where(first == highest, NO_ID, first),
        "last_trade_id": np.maximum.reduceat(columns["last_trade_id"], starts),
        "complete": np.where((minutes < wide.width_us // BASE.width_us) | (least == 0), 0, np.where(unknown, -1, 1)),
        "minutes": minutes,
    }


def differing(stored: CandleSeries, made: Columns, *, both_ways: bool) -> Columns:
    """Return a row for each candle that was compared: timestamp, and `differs`, 1 where it is not the same, as numbers.

    Args:
        stored: What is kept.
        made: What the minutes make.
        both_ways: Whether it was made of them, to the last column, and a candle that only one side has differs; else only prices
            and volume are compared, of candles that both have.
    """
    labels = stored.columns["timestamp"]
    _, mine, other = np.intersect1d(labels, made["timestamp"], return_indices=True)
    differs = np.zeros(len(mine), bool)
    for name in COMPARED if both_ways else PRICES:
        ours, theirs = stored.columns[name][mine], made[name][other]
        tolerance = _ABSOLUTE + _RELATIVE * np.abs(theirs) if name in _VOLUMES else 0.0
        same = ours == theirs if ours.dtype.kind == "i" else np.abs(ours - theirs) <= tolerance
        if name in NULLS and ours.dtype.kind == "f":
            same |= np.isnan(ours) & np.isnan(theirs)
        differs |= ~same
    stamps = [labels[mine]]
    if both_ways:
        alone = np.setxor1d(labels, made["timestamp"])
        repeated = np.setdiff1d(np.arange(len(labels)), np.unique(labels, return_index=True)[1])
        stamps += [alone, labels[repeated]]
    flags = np.concatenate([differs, np.ones(sum(map(len, stamps[1:])), bool)])
    return {"timestamp": np.concatenate(stamps), "differs": flags.astype(np.float64)}


def shown(columns: Any, label: int, *, all_of_it: bool) -> str:
    """Return a candle as a person compares it: open, high, low, close and volume, and where wanted the rest by name."""
    places = np.flatnonzero(columns["timestamp"] == label)
    if not len(places):
        return "absent"
    prices = " ".join(f"{columns[name][places[0]]:.12g}" for name in PRICES)
    rest = ((name, columns[name][places[0]]) for name in COMPARED[len(PRICES) :] if all_of_it)
    return " ".join([prices, *(f"{name} {value}" for name, value in rest if not (np.isnan(value) or value == NULLS[name]))])


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
