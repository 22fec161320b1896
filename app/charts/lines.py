"""Indicators of a strategy as lines: which lie over the price and which in a panel below, broken where candles are missing."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.charts.zone import UTC, Zone
from market.timeframe import Timeframe

Floats = NDArray[np.float64]
Places = tuple[tuple[str, ...], ...]
"""Names of the lines over the price, then of those in each panel below it."""

MOST_LINES = 6
"""So many are drawn in one place."""

_PANELS = 3
_ALIKE = 20.0
_OSCILLATORS = ("rsi", "macd", "signal", "hist", "adx", "atr", "stoch", "obv", "roc", "cci", "mfi", "momentum", "score", "strength")


def places(series: Mapping[str, Floats], candles: pd.DataFrame) -> Places:
    """Return where the lines are drawn: over the price what moves with it, the others in panels of like sizes.

    Args:
        series: Shape (candles,) each, by name; NaN where there is no value. Those without any value are left out.
        candles: Columns high, low and close.
    """
    over: list[str] = []
    panels: list[tuple[float, list[str]]] = []
    for name, values in series.items():
        known = np.abs(values[np.isfinite(values)])
        if not len(known):
            continue
        if _moves_with_the_price(name, values, candles):
            over.append(name)
            continue
        size = max(float(known.max()), 1e-300)
        like = [names for first, names in panels if 1 / _ALIKE <= size / first <= _ALIKE]
        if like or len(panels) == _PANELS:
            (like or [panels[-1][1]])[0].append(name)
        else:
            panels.append((size, [name]))
    return tuple(tuple(names[:MOST_LINES]) for names in (over, *(names for _, names in panels)))


def line_rows(
    series: Mapping[str, Floats], closes: "pd.Series[pd.Timestamp]", where: Places, timeframe: Timeframe, *, zone: Zone = UTC
) -> pd.DataFrame:
    """Return the rows of the lines: begin (the middle of the candle, as the zone shows it), value, name and place.

    The warm-up is left out; where candles are missing, or a value, there is a row without one, so that no line is drawn through.
    """
    width = pd.Timedelta(timeframe.width_us, unit="us")
    middles = zone.moved(closes.reset_index(drop=True)) - width / 2
    holes = np.flatnonzero(middles.diff().to_numpy() > width.to_timedelta64()) if len(middles) > 1 else np.empty(0, int)
    parts = [
        _line(series[name], middles, holes, width, name=name, place=place) for place, names in enumerate(where) for name in names
    ]
    if not parts:
        return pd.DataFrame(
            {"begin": middles.head(0), "value": [], "name": pd.Series(dtype="str"), "place": pd.Series(dtype="int64")}
        )
    return pd.concat(parts, ignore_index=True)


def last_values(series: Mapping[str, Floats], where: Places) -> str:
    """Return the last value that each line has, in words: `fast 101.25, slow 100.9`."""
    drawn = {name: series[name][np.isfinite(series[name])] for names in where for name in names}
    return ", ".join(f"{name} {values[-1]:.8g}" for name, values in drawn.items() if len(values))


def _line(
    values: Floats, middles: "pd.Series[pd.Timestamp]", holes: NDArray[Any], width: pd.Timedelta, **fixed: Any
) -> pd.DataFrame:
    finite = np.flatnonzero(np.isfinite(values))
    first = int(finite[0]) if len(finite) else len(values)
    shown = np.where(np.isfinite(values), values, np.nan)
    rows = pd.DataFrame({"begin": middles.iloc[first:], "value": shown[first:]})
    breaks = middles.iloc[holes[holes > first]] - width
    if len(breaks):
        rows = pd.concat([rows, pd.DataFrame({"begin": breaks, "value": np.nan})]).sort_values("begin", kind="stable")
    return rows.assign(**fixed)


def _moves_with_the_price(name: str, values: Floats, candles: pd.DataFrame) -> bool:
    if name.lower().startswith(_OSCILLATORS):
        return False
    low, high = float(candles["low"].min()), float(candles["high"].max())
    known = np.isfinite(values)
    near = (values[known] >= low - (high - low)) & (values[known] <= high + (high - low))
    away = np.abs(values[known] - candles["close"].to_numpy(np.float64)[known])
    return bool(near.mean() >= 0.8 and np.median(away) <= max(high - low, 0.02 * high))
