"""Refuses files whose rows are closer or wider apart than their timeframe, or beside its grid."""

from pathlib import Path

import numpy as np

from history.files.errors import FileRefused
from history.files.moments import NO_MOMENT
from history.files.rows import Rows
from market.timeframe import SECOND_US, Timeframe


def refuse_other_spacing(file: Path, rows: Rows, timeframe: Timeframe) -> None:
    """Look at the first rows: are most of them as far apart as they should, and where candles begin?

    Raises:
        FileRefused: If they are not: with the likely reason instead of a reason for each row.
    """
    opens = np.unique(rows.opens[rows.opens != NO_MOMENT])
    if len(opens) < 3:
        return
    steps, counts = np.unique(np.diff(opens), return_counts=True)
    usual = int(steps[np.argmax(counts)])
    if usual < timeframe.width_us:
        raise FileRefused(file, f"has rows {told_width(usual)} apart, closer than candles of {timeframe}; correct --timeframe")
    offsets, counts = np.unique((opens - timeframe.origin_us) % timeframe.width_us, return_counts=True)
    offset = int(offsets[np.argmax(counts)])
    if offset and counts.max() * 2 > len(opens):
        raise FileRefused(
            file,
            f"has times like {rows.cells('time', 0)}, {told_width(offset)} after the {rows.label} of a candle of {timeframe}; if"
            " they are local times, name their --time-zone; if they are closes, write opens instead",
        )


def refuse_other_width(file: Path, spacing_us: int, timeframe: Timeframe) -> None:
    """Look at all rows: does the grid that they lie on have the width of the timeframe?

    Raises:
        FileRefused: If it is a wider one: a file of 1h candles fits into minutes as well.
    """
    if spacing_us > timeframe.width_us:
        raise FileRefused(
            file,
            f"has rows that are all whole {told_width(spacing_us)} apart, wider than candles of {timeframe}; correct --timeframe",
        )


def told_width(width_us: int) -> str:
    """Return a width as a timeframe where it is one, else in seconds."""
    known = next((each for each in Timeframe if each.width_us == width_us), None)
    return str(known) if known is not None else f"{width_us / SECOND_US:g}s"
