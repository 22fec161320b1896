"""Parts of the document of a backtest as rows that charts draw."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from app.charts.zone import UTC, Zone

Document = Mapping[str, Any]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def curve_rows(document: Document, *, zone: Zone = UTC) -> pd.DataFrame:
    """Return the curve of a run: columns timestamp (as the zone shows it), equity, benchmark, drawdown and exposure (fractions)."""
    curve = document.get("curve") or {}
    stamps = pd.to_datetime(pd.Series(curve.get("timestamp", []), dtype="object"), utc=True, format="ISO8601")
    numbers = {name: _numbers(curve.get(name), len(stamps)) for name in ("equity", "benchmark", "drawdown", "exposure")}
    return pd.DataFrame({"timestamp": zone.moved(stamps), **numbers})


def _numbers(values: Any, length: int) -> "pd.Series[float]":
    return pd.Series(values if values else [None] * length, dtype="float64")


def hole_rows(document: Document, *, zone: Zone = UTC) -> pd.DataFrame:
    """Return where candles are missing, by time: columns symbol, begin, end (as the zone shows it), bars and told (in words)."""
    rows = [{"symbol": each["symbol"], **hole} for each in document.get("coverage") or () for hole in each.get("holes") or ()]
    if not rows:
        return pd.DataFrame({"symbol": [], "begin": [], "end": [], "bars": [], "told": []})
    frame = pd.DataFrame(rows).rename(columns={"start": "begin"})
    for name in ("begin", "end"):
        frame[name] = zone.moved(pd.to_datetime(frame[name], utc=True, format="ISO8601"))
    frame["told"] = minute(frame["begin"]) + " to " + minute(frame["end"]) + f" {zone.name}"
    return frame.sort_values("begin", ignore_index=True)[["symbol", "begin", "end", "bars", "told"]]


def trade_rows(document: Document, *, zone: Zone = UTC) -> pd.DataFrame:
    """Return the trades of a run by their exits; `entered` and `left` are moments in the zone, `entry`, `exit` words."""
    frame = pd.DataFrame(list(document.get("trades") or ()))
    if frame.empty:
        return pd.DataFrame({name: pd.Series(dtype="str" if name in _TRADE_WORDS else "float64") for name in _TRADE_COLUMNS})
    for name in ("entered", "left"):
        frame[name] = zone.moved(pd.to_datetime(frame[name], utc=True, format="ISO8601"))
    frame["entry"], frame["exit"] = minute(frame["entered"]), minute(frame["left"])
    frame["hole"] = frame["touches_hole"].map({True: "touches a hole", False: "no"})
    return frame


_TRADE_WORDS = ("symbol", "side", "reason", "entered", "left", "entry", "exit", "hole")
_TRADE_COLUMNS = (
    "number", *_TRADE_WORDS, "bars", "size", "entry_price", "exit_price", "profit", "return", "fees", "value", "best", "worst",
    "touches_hole",
)  # fmt: skip


def month_rows(document: Document) -> pd.DataFrame:
    """Return one row a month: columns year (text), month (`Jan` to `Dec`) and gain (a fraction)."""
    months = document.get("monthly") or {}
    named = [(text[:4], _MONTHS[int(text[5:7]) - 1], gain) for text, gain in sorted(months.items()) if gain is not None]
    return pd.DataFrame(named, columns=["year", "month", "gain"])


def year_gains(document: Document) -> dict[str, float]:
    """Return the return of each year, its months compounded."""
    rows = month_rows(document)
    return {str(year): float(np.prod(1 + gains.to_numpy()) - 1) for year, gains in rows.groupby("year")["gain"]}


def return_rows(document: Document) -> pd.DataFrame:
    """Return the histogram of daily returns: columns low, high (fractions) and days."""
    histogram = document.get("returns") or {}
    edges, counts = histogram.get("edges") or [], histogram.get("counts") or []
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "days": counts}, dtype="float64")


def minute(moments: "pd.Series[pd.Timestamp]") -> "pd.Series[str]":
    """Return moments as `2024-08-09 12:30`."""
    return moments.dt.strftime("%Y-%m-%d %H:%M")
