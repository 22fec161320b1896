"""How each day and minute is stored, in words and rows of charts; pure."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from app.charts.zone import Zone
from market.timeframe import MINUTE_US
from market.window import Window

MISSING, INCOMPLETE, UNPROVABLE, NO_TRADES, COMPLETE = "missing", "incomplete", "unprovable", "no trades", "complete"
WAITS = "not counted"

GLYPHS: Final[Mapping[str, str]] = {
    MISSING: "\N{MULTIPLICATION SIGN}", INCOMPLETE: "~", WAITS: "…", UNPROVABLE: "?", NO_TRADES: "\N{EN DASH}", COMPLETE: "✓",
}  # fmt: skip
"""What stands for each state where there is no room for a word; the worst first."""

MEANS: Final[Mapping[str, str]] = {
    MISSING: "minutes are not stored",
    INCOMPLETE: "trades are known to be missing",
    WAITS: "changed lately; the next refresh of the rollups counts it",
    UNPROVABLE: "the venue's ids prove nothing",
    NO_TRADES: "nobody traded, and nothing is missing",
    COMPLETE: "proven whole, or taken closed from the venue",
}

LEGEND = " · ".join(f"**{glyph}** {state}: {MEANS[state]}" for state, glyph in GLYPHS.items())

_WORST = {state: number for number, state in enumerate(GLYPHS)}


def day_rows(days: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of a calendar, one for each symbol and day.

    Args:
        days: As `db.days.select` returns them.

    Returns:
        Columns symbol, column (`2026-11-26`, what the cell stands over), day (the same), state, glyph, told (in words), holes.
    """
    labels, lacking = days["day"].dt.strftime("%Y-%m-%d"), days["expected"] - days["present"]
    told = [_told(*row) for row in zip(lacking, days["expected"], days["counted"], strict=True)]
    rows = pd.DataFrame({"symbol": days["symbol"], "column": labels, "day": labels, "state": day_states(days)})
    return rows.assign(glyph=rows["state"].map(GLYPHS), told=told, holes=days["open_holes"].astype("int64"))


def week_rows(days: pd.DataFrame) -> pd.DataFrame:
    """Return the same with a cell for each week, which is what its worst day is; `column` is its Monday, `day` the worst day.

    `holes` are the most of a day.
    """
    cells = day_rows(days)
    monday = (days["day"] - pd.to_timedelta(days["day"].dt.day_of_week, unit="D")).dt.strftime("%Y-%m-%d")
    cells = cells.assign(column=monday, rank=cells["state"].map(_WORST))
    worst = cells.sort_values(["symbol", "column", "rank", "day"], kind="stable").groupby(["symbol", "column"], sort=True)
    rows = worst.first().reset_index()
    counts = cells.groupby(["symbol", "column"], sort=True)["state"].agg(_counted).reset_index(drop=True)
    holes = worst["holes"].max().reset_index(drop=True)  # one that lasts is open on several days
    columns = rows[["symbol", "column", "day", "state", "glyph"]]
    return columns.assign(told=counts, holes=holes)


def day_states(days: pd.DataFrame) -> list[str]:
    """Return the state of each day: the worst thing that can be said of it."""
    conditions = [~days["counted"], days["present"] < days["expected"], days["incomplete"], days["unproven"], days["quiet"]]
    return [str(state) for state in np.select(conditions, [WAITS, MISSING, INCOMPLETE, UNPROVABLE, NO_TRADES], COMPLETE)]


def summary(states: Sequence[str]) -> str:
    """Return how many days are in which state, the worst first: `3 missing, 27 complete`."""
    return _counted(pd.Series(states, dtype="str")) or "no day"


def minute_rows(minutes: pd.DataFrame, window: Window, *, zone: Zone) -> pd.DataFrame:
    """Return the cells of a day by hour and minute, with those that are not stored.

    Args:
        minutes: 1m candles as `get_candles` returns them.
        window: Where minutes are expected.
        zone: In which hours are told.

    Returns:
        Columns hour (`26 Nov 14:00`), minute (0 to 59), state, glyph, span, trades, close, origin, revision (words), in the order
        of time.
    """
    start = pd.Timestamp(window.start_us, unit="us", tz="UTC")
    opens = pd.date_range(start, periods=window.width_us // MINUTE_US, freq="min")
    labels = (opens + pd.Timedelta(MINUTE_US, unit="us")).astype("datetime64[us, UTC]")
    stored = minutes.astype({"revision": "Int64"}).set_index("timestamp").reindex(labels)
    moved = zone.moved(pd.Series(opens))
    rows = pd.DataFrame({"hour": moved.dt.strftime("%d %b %H:00"), "minute": moved.dt.minute, "state": _minute_states(stored)})
    span = moved.dt.strftime("%H:%M") + " to " + (moved + pd.Timedelta(MINUTE_US, unit="us")).dt.strftime("%H:%M")
    told = {
        name: stored[name].astype("str").where(stored[name].notna(), "not told").where(stored["close"].notna(), "").tolist()
        for name in _TOLD
    }
    return rows.assign(glyph=rows["state"].map(GLYPHS), span=span, **told)


_TOLD = ("trades", "close", "origin", "revision")


def _minute_states(stored: pd.DataFrame) -> list[str]:
    complete = stored["complete"].astype("boolean")
    quiet = (stored["trades"].astype("Int64") == 0) | (stored["trades"].isna() & (stored["volume"] == 0))
    conditions = [
        stored["close"].isna().to_numpy(), complete.eq(False).fillna(False).to_numpy(bool), complete.isna().to_numpy(),
        quiet.fillna(False).to_numpy(bool),
    ]  # fmt: skip
    return [str(state) for state in np.select(conditions, [MISSING, INCOMPLETE, UNPROVABLE, NO_TRADES], COMPLETE)]


def _told(lacking: int, expected: int, counted: bool) -> str:
    if not counted:
        return "waits for the next refresh"
    return f"{lacking:,} of {expected:,} minutes missing" if lacking else f"all {expected:,} minutes stored"


def _counted(states: "pd.Series[str]") -> str:
    counts = states.value_counts()
    return ", ".join(f"{counts[state]:,} {state}" for state in GLYPHS if state in counts)
