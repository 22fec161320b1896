"""Which spans have no candle, which of them are explained, and what of the tape they are. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from db.repositories.gaps import Gap
from db.series import NO_ID, ORIGINS, CandleSeries
from market.candle import Origin
from market.timeframe import Timeframe
from market.window import Window, united

CAUSE = "quality"
"""Of holes that a check found."""

_EXCHANGE = ORIGINS.index(Origin.EXCHANGE)
_MOST_STEPS = 2_000


class Missing(NamedTuple):
    """Consecutive spans without a candle.

    Attributes:
        window: All of them.
        ids: The lowest and the highest trade id that happened in them; None where that is not known.
    """

    window: Window
    ids: tuple[int, int] | None


def missing_in(series: CandleSeries, expected: Window, width_us: int) -> list[Missing]:
    """Return what is missing of a window, oldest first.

    Args:
        series: Its rows; keys may come twice, and rows lie where none should.
        expected: Of which every span should have a candle.
        width_us: Of a candle.
    """
    labels = series.columns["timestamp"]
    good = np.flatnonzero(
        (labels > expected.start_us) & (labels <= expected.end_us) & ((labels - expected.start_us) % width_us == 0)
    )
    stamps = labels[good]
    edges = np.concatenate([[expected.start_us], stamps, [expected.end_us + width_us]])
    found = []
    for place in np.flatnonzero(np.diff(edges) > width_us).tolist():
        window = Window(int(edges[place]), int(edges[place + 1]) - width_us)
        inner = 0 < place < len(edges) - 2
        found.append(Missing(window, _ids(series, int(good[place - 1]), int(good[place])) if inner else None))
    return found


def _ids(series: CandleSeries, before: int, behind: int) -> tuple[int, int] | None:
    """Return the ids between two rows, if both sides are proven by ids and leave some out."""
    last, first = _nearest(series, before, -1, "last_trade_id"), _nearest(series, behind, 1, "first_trade_id")
    return (last + 1, first - 1) if last is not None and first is not None and last + 1 < first else None


def _nearest(series: CandleSeries, row: int, step: int, name: str) -> int | None:
    # A span in which nobody traded has no ids; the next one has.
    columns = series.columns
    for place in range(row, row + step * min(_MOST_STEPS, len(series)), step):
        if not 0 <= place < len(series) or columns["complete"][place] != 1 or columns["origin"][place] == _EXCHANGE:
            return None
        if columns[name][place] != NO_ID:
            return int(columns[name][place])
        if columns["volume"][place] != 0:
            return None
    return None


def joined(missing: Iterable[Missing]) -> list[Missing]:
    """Return what is missing with neighbours as one; of such the ids are not known."""
    found: list[Missing] = []
    for each in missing:
        if found and found[-1].window.end_us == each.window.start_us:
            found[-1] = Missing(Window(found[-1].window.start_us, each.window.end_us), None)
        else:
            found.append(each)
    return found


def covers_of(gaps: Iterable[Gap], timeframe: Timeframe) -> list[Window]:
    """Return the spans that holes of the ledger explain: each that shares a moment with one.

    What a check noted itself explains nothing: it is missing until it is there.
    """
    return [
        Window(timeframe.open_of(gap.start_us), timeframe.close_of(max(gap.start_us, gap.end_us - 1)))
        for gap in gaps
        if gap.cause != CAUSE
    ]


def explained_ids(gaps: Iterable[Gap]) -> list[Window]:
    """Return the ids of which the ledger says why they are not there, as half-open windows."""
    found = []
    for gap in gaps:
        if gap.first_id is None or gap.last_id is None:
            continue
        if gap.state == "filled":
            evidence = gap.evidence if isinstance(gap.evidence, dict) else {}
            found += [Window(low, high + 1) for low, high in (each["ids"] for each in evidence.get("never_existed", ()))]
        elif gap.state != "alarm" and (gap.cause != CAUSE or gap.state != "open"):
            found.append(Window(gap.first_id, gap.last_id + 1))
    return found


def without(missing: Sequence[Missing], covers: Iterable[Window]) -> list[Missing]:
    """Return what is left of windows (in order, apart) without the time that others cover; of a part the ids are not known."""
    union = united(covers)
    ends = np.array([cover.end_us for cover in union], np.int64)
    left = []
    for each in missing:
        at_us, window = each.window.start_us, each.window
        for cover in union[_first_behind(ends, at_us) :]:
            if cover.start_us >= window.end_us:
                break
            if cover.start_us > at_us:
                left.append(Missing(Window(at_us, cover.start_us), None))
            at_us = max(at_us, cover.end_us)
        if at_us < window.end_us:
            left.append(each if at_us == window.start_us else Missing(Window(at_us, window.end_us), None))
    return left


def _first_behind(ends: NDArray[np.int64], moment_us: int) -> int:
    return int(np.searchsorted(ends, moment_us, side="right"))


def spans_in(windows: Iterable[Window], width_us: int) -> int:
    """Return how many candles some windows have room for."""
    return sum(window.width_us for window in windows) // width_us
