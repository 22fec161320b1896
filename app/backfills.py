"""A backfill as somebody asks for it on a page, checked as the command line does, and how far one is; pure."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from app.charts.zone import UTC, Zone
from app.words import NOTHING, age
from db.repositories.backfills import Backfill
from history.backfill.order import DAYS
from market.clock import isoformat, parse_time
from market.errors import InputError
from market.symbol import Symbol
from market.timeframe import BASE, DAY_US, MINUTE_US, Timeframe, parse_timeframe
from market.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants filled.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Width of the candles.
        start_us: From this moment on, UTC epoch microseconds.
        end_us: Up to this moment; None for the newest closed candle.
        trades: Fetch trades and make the candles of them.
        again: Ask also for what the venue said already that it does not have.
    """

    symbol: str
    timeframe: Timeframe
    start_us: int
    end_us: int | None = None
    trades: bool = False
    again: bool = False

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the flow `backfill`."""
        told = {"symbol": self.symbol, "timeframe": str(self.timeframe), "start": isoformat(self.start_us)}
        end = {} if self.end_us is None else {"end": isoformat(self.end_us)}
        return told | end | {"trades": self.trades, "again": self.again}

    def command(self) -> str:
        """Return the command line that does the same."""
        words = ["tcpdash", "backfill", self.symbol, "--from", isoformat(self.start_us)]
        words += ["--timeframe", str(self.timeframe)] if self.timeframe is not BASE else []
        words += [] if self.end_us is None else ["--to", isoformat(self.end_us)]
        words += [*(["--trades"] if self.trades else []), *(["--again"] if self.again else [])]
        return shlex.join(words)

    def window(self, at_us: int) -> Window:
        """Return the whole candles that it is about, at a moment; they may be none."""
        width = self.timeframe
        start_us = width.close_of(self.start_us - 1)
        return Window(start_us, max(start_us, width.open_of(min(at_us if self.end_us is None else self.end_us, at_us))))


def asked(symbol: str, *, timeframe: str, start: str, end: str, trades: bool, again: bool, at_us: int) -> Asked:
    """Return what the fields of a form ask for.

    Args:
        symbol: As it was typed.
        timeframe: `1m`.
        start: A day or a moment in UTC; empty for 30 days before `at_us`.
        end: Likewise; empty for the newest closed candle.
        trades: Fetch trades.
        again: Ask again for what the venue does not have.
        at_us: The present, UTC epoch microseconds.

    Raises:
        InputError: If they cannot be meant; the text says which, and what would do.
    """
    one, width = str(Symbol.parse(symbol.strip().upper())), parse_timeframe(timeframe)
    start_us = parse_time(start.strip()) if start.strip() else at_us - at_us % DAY_US - DAYS * DAY_US
    end_us = parse_time(end.strip()) if end.strip() else None
    if start_us >= at_us:
        raise InputError(f"from {isoformat(start_us)} is in the future; take an earlier one")
    if end_us is not None and end_us <= start_us:
        raise InputError(f"from {isoformat(start_us)} is not before to {isoformat(end_us)}; nothing lies between them")
    if trades and (end_us is not None or again or width is not BASE):
        raise InputError(
            f"trades are fetched back from what is stored, and make {BASE} candles: take {BASE}, no end, and not 'ask again'"
        )
    return Asked(symbol=one, timeframe=width, start_us=start_us, end_us=end_us, trades=trades, again=again)


def not_in(window: Window, spans: Sequence[Window]) -> list[Window]:
    """Return what is left of a window without some spans, oldest first."""
    left, start_us = [], window.start_us
    for span in sorted(each for each in spans if each.overlaps(window)):
        if span.start_us > start_us:
            left.append(Window(start_us, span.start_us))
        start_us = max(start_us, span.end_us)
    return [*left, Window(start_us, window.end_us)] if start_us < window.end_us else left


def lacking(days: pd.DataFrame, windows: Sequence[Window]) -> int:
    """Return about how many minutes of some windows are not stored; what a day has is taken to be spread over what it can have.

    Args:
        days: As `db.days.select` returns them, of one symbol.
        windows: That do not touch.
    """
    begins, ends, present = (days[name].to_numpy() for name in ("start_us", "end_us", "present"))
    stored = 0.0
    for window in windows:
        shared = np.minimum(ends, window.end_us) - np.maximum(begins, window.start_us)
        stored += float((present * np.clip(shared, 0, None) / (ends - begins)).sum())
    return max(0, round(sum(each.width_us for each in windows) / MINUTE_US - stored))


@dataclass(frozen=True, slots=True, kw_only=True)
class Far:
    """How far a backfill is.

    Attributes:
        share: From 0 to 1.
        told: In words: counts, rate, and how long it still takes.
    """

    share: float
    told: str


def far(each: Backfill) -> Far:
    """Return how far a backfill is, by what its process wrote last."""
    share = min(each.fetched / each.wanted, 1.0) if each.wanted else 1.0 if each.state == "done" else 0.0
    seconds = (each.updated_us - each.started_us) / 1e6
    words = [
        f"{each.fetched:,} of {each.wanted:,} candles ({share:.0%})",
        f"{each.stored:,} rows stored",
        f"{each.requests:,} requests",
    ]
    if each.fetched and seconds > 0:
        rate = each.fetched / seconds
        words.append(f"{rate:,.0f} candles and {each.requests / seconds:,.1f} requests a second")
        if each.state == "running":
            words.append(f"{age(round((each.wanted - each.fetched) / rate * 1e6))} left")
    return Far(share=share, told=", ".join(words))


def backfill_table(found: Sequence[Backfill], *, zone: Zone = UTC) -> pd.DataFrame:
    """Return one row for each backfill, the newest first."""
    return pd.DataFrame(
        [
            {
                "id": each.id,
                "symbol": each.symbol,
                "width": each.timeframe,
                "source": each.source,
                f"from ({zone.name})": zone.told(each.start_us, "%Y-%m-%d %H:%M"),
                f"to ({zone.name})": zone.told(each.end_us, "%Y-%m-%d %H:%M"),
                "state": each.state,
                "wanted": f"{each.wanted:,}",
                "fetched": f"{each.fetched:,}",
                "stored": f"{each.stored:,}",
                "requests": f"{each.requests:,}",
                "conflicts": f"{each.conflicts:,}",
                f"begun ({zone.name})": zone.told(each.started_us),
                "took": age(each.updated_us - each.started_us),
                "why": each.error or NOTHING,
            }
            for each in reversed(found)
        ]
    )
