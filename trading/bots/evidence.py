"""What speaks for a reason why a bot and a backtest differ: revisions, what is stored, holes, stops, and other configurations."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from db.bot_rows import EventRow, SignalRow
from market.clock import isoformat
from market.timeframe import MINUTE_US, Timeframe
from trading.backtest.market import completeness
from trading.frames import timestamps_us

if TYPE_CHECKING:
    import pandas as pd

_BORDER_US = 2 * MINUTE_US  # until a bot that was started goes on with the newest minute
_RULES = {"sizing", "orders", "slippage", "stops", "protections"}
_OTHER = {"strategy", "parameters", "symbols", "timeframe", "balance"}


class Cause(StrEnum):
    """Why a bot and a backtest differ."""

    PRICE = "price"
    LATE = "late candle"
    REVISED = "revised candle"
    MISSING = "missing data"
    FEE = "fee"
    RULE = "rule"
    STOPPED = "stopped"
    CONFIGURATION = "configuration"


class Found(NamedTuple):
    """A reason and a sentence that says it."""

    cause: Cause
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Minutes:
    """Stored minutes of one symbol.

    Attributes:
        closes_us: UTC epoch microseconds, shape (minutes,), rising.
        revisions: How often each changed after it had closed, shape (minutes,).
        whole: Whether it is not known to lack trades, shape (minutes,).
    """

    closes_us: NDArray[np.int64]
    revisions: NDArray[np.int64]
    whole: NDArray[np.bool_]

    def revision(self, start_us: int, end_us: int) -> int:
        """Return the sum of the revisions of the minutes that close behind `start_us`, up to `end_us`."""
        return int(self.revisions[self._between(start_us, end_us)].sum())

    def lacking(self, start_us: int, end_us: int) -> int | None:
        """Return the close of the first minute between that is not stored or known to lack trades; None where all are there."""
        rows = self._between(start_us, end_us)
        known = self.closes_us[rows][self.whole[rows]]
        wanted = np.arange(start_us + MINUTE_US, end_us + 1, MINUTE_US)
        absent = wanted[~np.isin(wanted, known)]
        return int(absent[0]) if len(absent) else None

    def begins_before(self, moment_us: int) -> bool:
        """Return whether anything is stored from before a moment."""
        return len(self.closes_us) > 0 and int(self.closes_us[0]) <= moment_us

    def _between(self, start_us: int, end_us: int) -> slice:
        first, last = np.searchsorted(self.closes_us, [start_us, end_us], side="right").tolist()
        return slice(first, last)


def minutes_of(frame: "pd.DataFrame") -> Minutes:
    """Return what there is to know of stored minutes, as `market_data.get_candles` gives them."""
    return Minutes(
        closes_us=timestamps_us(frame), revisions=np.asarray(frame["revision"], np.int64), whole=completeness(frame) != 0
    )


class Evidence:
    """What is known of the time over which a bot and a backtest are compared.

    Args:
        timeframe: Width of the candles that are decided on.
        lookback: So many of them decide.
        until_us: Up to which moment is compared.
        minutes: What is stored now, by symbol.
        signals: What the bot said.
        events: Of the bot, oldest first; those before its last `reset` do not count. Their times are of the clock of the database,
            which is that of the market for a bot that runs live. In the details are read: of `started` whether `from_now`, of any
            `skipped_us` (which time of the market was left out: begin and end), of `hole` `symbol` and `from_us`, of
            `configured` `changes`: what was and what is, by path of the field.
    """

    def __init__(
        self, timeframe: Timeframe, *, lookback: int, until_us: int, minutes: Mapping[str, Minutes],
        signals: Iterable[SignalRow], events: Sequence[EventRow],
    ) -> None:  # fmt: skip
        self._width, self._lookback, self._until_us, self._minutes = timeframe, lookback, until_us, minutes
        self._signals: dict[str, list[SignalRow]] = defaultdict(list)
        for signal in sorted(signals, key=lambda row: row.timestamp_us):
            self._signals[signal.symbol].append(signal)
        self._reach_us = (lookback + 1) * timeframe.width_us
        resets = [place for place, event in enumerate(events) if event.kind == "reset"]
        counted = events[resets[-1] + 1 :] if resets else events
        self._skipped = list(_skipped(counted))
        self._holes = [
            (event.details.get("symbol"), int(event.details["from_us"]))
            for event in counted if event.kind == "hole" and "from_us" in event.details
        ]  # fmt: skip
        self._changes = [(event.at_us, _changes(event)) for event in counted if event.kind == "configured"]

    def direct(self, symbol: str, minute_us: int, *, revision: int | None = None) -> Found | None:
        """Return what happened just there: a stop, a hole, or a candle that was revised behind the bot's back.

        Args:
            symbol: Of which symbol.
            minute_us: Close of the minute, or of the candle that was decided on.
            revision: Of the minute as the bot had it, where it says so.
        """
        return self._stopped(minute_us) or self._missing(symbol, minute_us) or self._revised(symbol, minute_us, revision)

    def window(self, symbol: str, close_us: int) -> Found | None:
        """Return which minute is lacking among the candles that decide at a close, where one is."""
        minutes = self._minutes.get(symbol)
        if minutes is None or not len(minutes.closes_us):
            return None
        start_us = max(close_us - self._lookback * self._width.width_us, int(minutes.closes_us[0]) - MINUTE_US)
        lacking = minutes.lacking(start_us, close_us)
        return None if lacking is None else Found(Cause.MISSING, _not_whole(lacking, symbol))

    def configured(self, minute_us: int, *, only_fee: bool) -> Found | None:
        """Return which other configuration was in force there, where one was."""
        changed = {
            name: values for at_us, changes in self._changes if at_us > minute_us - self._width.width_us
            for name, values in changes.items()
        }  # fmt: skip
        for fields, cause in (({"fees"}, Cause.FEE), (_RULES, Cause.RULE), (_OTHER, Cause.CONFIGURATION)):
            own = [name for name in changed if name.partition(".")[0] in fields]
            if own and (cause is Cause.FEE or not only_fee):
                old, new = changed[own[0]]
                more = f", and {len(own) - 1} more" if len(own) > 1 else ""
                return Found(cause, f"the bot ran with {own[0]} {old!r}, which is {new!r} now{more}")
        return None

    def caught_up(self, symbol: str, minute_us: int) -> bool:
        """Return whether the last thing that the bot said before was said when newer candles were there."""
        signals = self._signals[symbol]
        place = bisect_right(signals, minute_us, key=lambda row: row.timestamp_us) - 1
        return place >= 0 and signals[place].caught_up

    def outcome(self, symbol: str, minute_us: int) -> str:
        """Return why nothing came of the last signal before, where nothing did; else nothing."""
        signals = self._signals[symbol]
        place = bisect_left(signals, minute_us, key=lambda row: row.timestamp_us) - 1
        return "" if place < 0 or signals[place].acted else signals[place].outcome

    def _span(self, minute_us: int) -> tuple[int, int]:
        close_us = self._width.close_of(minute_us - 1)
        return close_us - self._width.width_us, close_us

    def _stopped(self, minute_us: int) -> Found | None:
        for start_us, end_us in self._skipped:
            if start_us < minute_us <= end_us:
                times = f"from {isoformat(start_us)} to {isoformat(end_us)}"
                return Found(Cause.STOPPED, f"the bot was stopped {times}, and started again without catching up")
        return None

    def _missing(self, symbol: str, minute_us: int) -> Found | None:
        for name, from_us in self._holes:
            if name == symbol and from_us - self._width.width_us < minute_us <= from_us + self._reach_us:
                return Found(Cause.MISSING, f"minutes of {symbol} from {isoformat(from_us)} on were not there when the bot acted")
        begin_us, close_us = self._span(minute_us)
        others = [other for other in self._minutes if other != symbol]
        spans = [(name, begin_us, close_us) for name in (symbol, *others)]
        spans.append((symbol, begin_us - self._width.width_us, begin_us))
        if minute_us == close_us < self._until_us:
            spans.append((symbol, close_us, close_us + self._width.width_us))
        for name, start_us, end_us in spans:
            minutes = self._minutes.get(name)
            lacking = None if minutes is None else minutes.lacking(start_us, end_us)
            if minutes is not None and lacking is not None and (start_us >= begin_us or minutes.begins_before(start_us)):
                return Found(Cause.MISSING, _not_whole(lacking, name))
        return None

    def _revised(self, symbol: str, minute_us: int, revision: int | None) -> Found | None:
        minutes = self._minutes.get(symbol)
        if minutes is None:
            return None
        stored = minutes.revision(minute_us - MINUTE_US, minute_us)
        if revision is not None and revision < stored:
            return Found(Cause.REVISED, _revised(f"the minute {isoformat(minute_us)}", revision, stored))
        begin_us, close_us = self._span(minute_us)
        signals = self._signals[symbol]
        first = bisect_left(signals, begin_us - self._lookback * self._width.width_us, key=lambda row: row.timestamp_us)
        for signal in reversed(signals[first : bisect_right(signals, close_us, key=lambda row: row.timestamp_us)]):
            stored = minutes.revision(signal.timestamp_us - self._width.width_us, signal.timestamp_us)
            if signal.revision < stored:
                what = f"the candle {isoformat(signal.timestamp_us)}"
                return Found(Cause.REVISED, _revised(what, signal.revision, stored))
        return None


def _not_whole(minute_us: int, symbol: str) -> str:
    return f"the minute {isoformat(minute_us)} of {symbol} is not stored whole"


def _revised(what: str, had: int, stored: int) -> str:
    return f"{what} was revised after the bot had acted on it: it had revision {had}, stored is {stored}"


def _changes(event: EventRow) -> dict[str, Any]:
    changes = event.details.get("changes", {})
    return {str(name): values for name, values in changes.items()} if isinstance(changes, dict) else {}


def _skipped(events: Sequence[EventRow]) -> Iterator[tuple[int, int]]:
    """Yield the times that a bot left out, because it was stopped and started with what is new from then on."""
    stopped_us = None
    for event in events:
        if "skipped_us" in event.details:
            start_us, end_us = event.details["skipped_us"]
            yield start_us, end_us
        elif event.kind == "stopped":
            stopped_us = event.at_us
        elif event.kind == "started" and event.details.get("from_now") and stopped_us is not None:
            yield stopped_us, event.at_us + _BORDER_US
