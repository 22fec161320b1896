"""What numbers and states are called on screens; pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from app.charts.rows import missing_spans, moments
from app.charts.zone import UTC, Zone
from market.timeframe import SECOND_US, Timeframe

SILENT_SECONDS = 5
"""A worker tells the state of its feeds twice a second; after so long a silence its last word is not believed."""

NOTHING = "\N{EN DASH}"
"""Stands for a value that there is not."""

AGE_MEANS = "By the venue's clock against this computer's; while a tape is played, since its receipt."
COMPLETE_MEANS = (
    "The part of the candles in view of which the venue's trade ids prove that no trade is missing, or which were taken closed "
    "from the venue. What is missing counts against it. Of a venue whose ids prove nothing it is unprovable."
)

UNPROVABLE = "unprovable"
"""Stands where completeness would, for a venue whose ids prove nothing."""

Feed = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """How many candles of a view are what.

    Attributes:
        proven: Complete by contiguous ids, or taken closed from the venue.
        doubtful: With a known hole inside.
        unproven: Of a venue whose ids prove nothing.
        missing: Not there at all.
    """

    proven: int
    doubtful: int
    unproven: int
    missing: int

    def __str__(self) -> str:
        named = (
            ("proven complete", self.proven),
            ("not complete", self.doubtful),
            (UNPROVABLE, self.unproven),
            ("missing", self.missing),
        )
        return ", ".join(f"{count:,} {name}" for name, count in named if count or name != UNPROVABLE)

    @property
    def is_unprovable(self) -> bool:
        """Whether there are candles, and not one of them can say more than that nothing is known against it."""
        return self.unproven > 0 and self.proven == 0

    @property
    def share(self) -> str:
        """The proven part of what should be there, as a percentage that is 100 only when nothing is amiss; or `unprovable`."""
        if self.is_unprovable:
            return UNPROVABLE
        whole = self.proven + self.doubtful + self.unproven + self.missing
        return NOTHING if not whole else f"{self.proven * 1000 // whole / 10:g} %"


def completeness(candles: pd.DataFrame, timeframe: Timeframe, expected_us: tuple[int, int] | None = None) -> Completeness:
    """Return how complete some candles are; forming ones do not count.

    Args:
        candles: Oldest first.
        timeframe: Their width.
        expected_us: From when to when there should be candles, UTC epoch microseconds; None for between the first and the last.
    """
    expected = None if expected_us is None else moments(expected_us)
    proofs = candles.loc[candles["final"].astype("bool"), "complete"]
    return Completeness(
        proven=int(proofs.eq(True).sum()),
        doubtful=int(proofs.eq(False).sum()),
        unproven=int(proofs.isna().sum()),
        missing=int(missing_spans(candles, timeframe, expected)["count"].sum()),
    )


def trade_count(trades: "pd.Series[Any]") -> str:
    """Return how many trades some candles have together; where a source did not tell of some of them, that there are more."""
    told = trades.dropna()
    if told.empty:
        return NOTHING
    return f"{'' if len(told) == len(trades) else '≥ '}{int(told.sum()):,}"


def tape_label(symbol: str, feed: Feed | None) -> str | None:
    """Return what has to stand beside prices that are no venue's live ones; None for those that are."""
    tape = (feed or {}).get("tape")
    if symbol.startswith("SYNTHETIC:") or tape == "synthetic":
        return "SYNTHETIC"
    return "REPLAY" if tape else None


def is_of_now(feed: Feed | None) -> bool:
    """Return whether minutes are expected of a feed up to now: a recorded tape that was not shifted keeps the times it has."""
    return feed is not None and feed["tape"] != "recorded"


def feed_state(feed: Feed | None, at_us: int, *, told: bool = True, zone: Zone = UTC) -> tuple[str, str]:
    """Return the state of a feed in one word, and the sentence behind it; `told` is False when nobody could be asked."""
    if not told:
        return "unknown", "How the feed is doing cannot be known at the moment."
    if feed is None:
        return "none", "No worker follows this symbol at the moment; `tcpdash up` starts one. Stored candles are shown."
    silent_us = at_us - feed["at_us"]
    if silent_us > SILENT_SECONDS * SECOND_US:
        return "silent", f"The worker has said nothing for {age(silent_us)}: it was stopped, or hangs. What is shown may be old."
    return feed["state"], _sentence(feed, zone)


def _sentence(feed: Feed, zone: Zone) -> str:
    venue, since, reason = feed["venue"], clock_time(feed["since_us"], zone), feed["reason"]
    why = f": {reason}" if reason else ""
    silence = (
        "no trade has come yet" if feed["trade_us"] is None else f"nobody trades, and {venue} confirms that nothing is missing"
    )
    return {
        "live": f"Trades arrive from {venue}; live since {since}.",
        "quiet": f"Connected to {venue}; {silence}; quiet since {since}.",
        "stale": f"The feed of {venue} is behind since {since}{why}. What is shown may be old; the worker tries again by itself.",
        "healing": f"Trades arrive from {venue}; holes are being filled since {since}, {feed['open_holes']} to go.",
        "down": f"No trades come from {venue} since {since}{why}. The worker tries again by itself.",
    }.get(feed["state"], f"Since {since}{why}.")


def doubt(symbol: str, feed: Feed | None, whole: Completeness) -> str:
    """Return the sentence that says that nothing of a symbol can be proven complete; empty where it can."""
    if is_provable(feed) and not whole.is_unprovable:
        return ""
    venue = symbol.partition(":")[0] if feed is None else feed["venue"]
    return (
        f"Completeness is {UNPROVABLE} here: the trade ids of {venue} do not count up, so that a trade that was lost would leave "
        "no trace in them."
    )


def is_provable(feed: Feed | None) -> bool:
    """Return whether the ids of a feed's venue prove that nothing is missing; what is not known counts as such."""
    return feed is None or feed.get("provable", True)


def trade_age(feed: Feed | None, at_us: int) -> str:
    """Return the age of the last trade: by the venue's time, or by its receipt when a tape is played."""
    moment = None if feed is None else feed["received_us" if feed["tape"] else "trade_us"]
    return NOTHING if moment is None else age(at_us - moment)


def age(microseconds: int) -> str:
    """Return a length of time in its two largest fitting words, `0.4 s`, `3 min`, `5 h`; a clock that is ahead counts as 0."""
    seconds = max(0.0, microseconds / SECOND_US)
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def clock_time(moment_us: int, zone: Zone = UTC) -> str:
    """Return a moment as `2024-08-09 12:30:05 UTC`."""
    return f"{zone.told(moment_us)} {zone.name}"


def price(value: float | None) -> str:
    """Return a price with the digits it has: at most eight after the point, below 1 at most eight that are significant."""
    if value is None:
        return NOTHING
    return f"{Decimal(f'{value:.8g}'):,f}" if abs(value) < 1 else f"{value:,.8f}".rstrip("0").rstrip(".")


def size(count: float) -> str:
    """Return a number of bytes, `12.3 MB`."""
    power = min(4, max(0, len(str(int(count))) - 1) // 3)
    return f"{count / 1000**power:.{1 if power else 0}f} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"
