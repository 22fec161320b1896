"""How much time a chart shows: so many of the newest candles, a length of time up to them, or a window of the past; pure.

In words a window is `2026-01-01T00:00/2026-01-02T12:30`, as a clock on the wall of a time zone shows its ends. Where clocks are put
back they show an hour twice: an end of the second time has its offset, `2026-10-25T02:05+01:00`, and `fold` 1 as a `datetime`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.charts.rows import MAX_BARS
from market.clock import from_datetime, to_datetime
from market.timeframe import DAY_US, MINUTE_US, Timeframe

LIVE, ALL, WINDOW = "live", "all", "window"

QUICK: Mapping[str, int] = {
    "6 h": 6 * 60 * MINUTE_US, "1 d": DAY_US, "1 week": 7 * DAY_US, "1 month": 30 * DAY_US, "1 year": 365 * DAY_US,
}  # fmt: skip
"""Lengths up to the newest candle, in microseconds."""

RANGES = (LIVE, *QUICK, ALL, WINDOW)

EARLIEST, LATEST = datetime(2009, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - as a clock on the wall shows it
"""What the ends of a window may be."""

_LEAST_BARS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a chart shows.

    Attributes:
        timeframe: The one that is drawn.
        bars: So many spans of it, 2,000 at most.
        start_us: Begin of a window of the past, UTC epoch microseconds; None for the newest candles, which move.
        end_us: Its end.
        said: What there is to say where another timeframe is drawn than was asked for; empty where not.
    """

    timeframe: Timeframe
    bars: int
    start_us: int | None = None
    end_us: int | None = None
    said: str = ""

    @property
    def moves(self) -> bool:
        """Whether it shows the newest candles."""
        return self.start_us is None


def newest(timeframe: Timeframe, span_us: int, name: str) -> Shown:
    """Return a length of time up to the newest candle.

    Args:
        timeframe: The narrowest that may be drawn.
        span_us: How long.
        name: What it is called.
    """
    drawn = fitting(timeframe, span_us)
    return Shown(timeframe=drawn, bars=_bars(drawn, span_us), said=_told(timeframe, drawn, span_us, name))


def since(timeframe: Timeframe, start_us: int, end_us: int, name: str) -> Shown:
    """Return all from a moment on up to another, or to the candle that forms then.

    Args:
        timeframe: The narrowest that may be drawn.
        start_us: UTC epoch microseconds.
        end_us: The present, or the end of the last candle, likewise.
        name: What it is called.
    """
    spans = {each: each.close_of(end_us - 1) - each.open_of(start_us) for each in _from(timeframe)}
    drawn = next((each for each, span_us in spans.items() if _count(each, span_us) <= MAX_BARS), _from(timeframe)[-1])
    return Shown(timeframe=drawn, bars=_bars(drawn, spans[drawn]), said=_told(timeframe, drawn, spans[timeframe], name))


def window(timeframe: Timeframe, start_us: int, end_us: int) -> Shown:
    """Return a window of the past; one that ends before it begins is taken the other way round, and none is empty.

    Args:
        timeframe: The narrowest that may be drawn.
        start_us: UTC epoch microseconds.
        end_us: Likewise.
    """
    start_us, end_us = min(start_us, end_us), max(start_us, end_us)
    end_us = max(end_us, start_us + timeframe.width_us)
    drawn = fitting(timeframe, end_us - start_us)
    said = _told(timeframe, drawn, end_us - start_us, "This window")
    return Shown(timeframe=drawn, bars=_bars(drawn, end_us - start_us), start_us=start_us, end_us=end_us, said=said)


def fitting(timeframe: Timeframe, span_us: int) -> Timeframe:
    """Return the narrowest timeframe, no narrower than one, of which a chart can show so much time."""
    wider = _from(timeframe)
    return next((each for each in wider if _count(each, span_us) <= MAX_BARS), wider[-1])


def moved(start_us: int, end_us: int, step: float) -> tuple[int, int]:
    """Return a window moved by a part of its length, later if that is above 0."""
    by_us = round((end_us - start_us) * step)
    return start_us + by_us, end_us + by_us


def scaled(start_us: int, end_us: int, factor: float) -> tuple[int, int]:
    """Return a window made longer by a factor around its middle, or shorter; ten minutes at least."""
    middle, length = (start_us + end_us) // 2, max(round((end_us - start_us) * factor), _LEAST_BARS * MINUTE_US)
    return middle - length // 2, middle - length // 2 + length


def on_the_wall(moment_us: int, name: str) -> datetime:
    """Return what a clock of a time zone shows at a moment, to the minute."""
    bounded = min(max(to_datetime(moment_us), EARLIEST.replace(tzinfo=UTC)), LATEST.replace(tzinfo=UTC))
    return bounded.astimezone(ZoneInfo(name)).replace(second=0, microsecond=0, tzinfo=None)


def moment_of(wall: datetime, name: str) -> int:
    """Return when a clock of a time zone shows that, UTC epoch microseconds."""
    return from_datetime(wall.replace(tzinfo=ZoneInfo(name)))


def window_words(ends: Iterable[datetime], name: str) -> str:
    """Return a window in words, its ends as a clock of a time zone shows them."""
    clear = (each.replace(tzinfo=ZoneInfo(name)) if each.fold else each for each in ends)
    return "/".join(each.isoformat(timespec="minutes") for each in clear)


def window_named(said: str | None, name: str) -> tuple[datetime, datetime] | None:
    """Return both ends that words name, as a clock of a time zone shows them; None where they name none."""
    try:
        start, end = (_wall(datetime.fromisoformat(each), name) for each in (said or "").split("/"))
    except (ValueError, OverflowError):
        return None
    return (start, end) if all(EARLIEST <= each <= LATEST for each in (start, end)) else None


def _wall(found: datetime, name: str) -> datetime:
    return found if found.tzinfo is None else found.astimezone(ZoneInfo(name)).replace(tzinfo=None)


def _from(timeframe: Timeframe) -> list[Timeframe]:
    return [each for each in Timeframe if each.width_us >= timeframe.width_us]


def _count(timeframe: Timeframe, span_us: int) -> int:
    return -(-span_us // timeframe.width_us)


def _bars(timeframe: Timeframe, span_us: int) -> int:
    return min(MAX_BARS, max(1, _count(timeframe, span_us)))


def _told(asked: Timeframe, drawn: Timeframe, span_us: int, name: str) -> str:
    if drawn is asked:
        return ""
    return f"{name} in {asked} candles: {_count(asked, span_us):,}, and {MAX_BARS:,} are drawn at most, so {drawn} is drawn."
