"""The candles that pages hold: closed ones read from the store once, then extended when the live edge jumps."""

import threading
from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np
import pandas as pd

from db.series import PRICES, CandleSeries, series_of
from market.candle import Candle
from market.timeframe import Timeframe

if TYPE_CHECKING:
    from db.bounds import Moment

MAX_HELD = 2_000
_OVERLAP = 10  # candles that are read again with every extension: late trades revise the newest ones
_ATTEMPTS = 5  # reads for one jump: the store may be a moment behind Redis, and a hole never comes
_POLL_SECONDS = 10.0  # between reads while nothing tells of jumps
_REREAD_SECONDS = 300.0  # between reads of everything: imports and backfills of other processes tell nobody


class CandleReader(Protocol):
    """What is needed of `db.market_data`."""

    def get_bars(
        self, symbol: str, timeframe: Timeframe | str, start: "Moment" = None, end: "Moment" = None, *, newest: int | None = None
    ) -> pd.DataFrame:
        """Return candles, oldest first, with one statement."""


class HeldCandles:
    """Candles of one symbol and timeframe, shared by all sessions.

    A live tick costs no query: the store is read when a candle closes, when a hole opens or closes, when more is wanted than
    is held, and every five minutes. What was seen at the live edge stays until the store has it, also while the store is away.
    """

    def __init__(self, symbol: str, timeframe: Timeframe) -> None:
        self.symbol, self.timeframe = symbol, timeframe
        self._lock = threading.Lock()
        self._closed = self._frame_of([])
        self._version = 0
        self._seen: dict[int, Candle] = {}
        self._due_us: int | None = None
        self._attempts = self._bars = 0
        self._holes: int | None = None
        self._read_at = self._all_read_at = float("-inf")

    def take(self, edge: Candle | None, *, due_us: int | None) -> None:
        """Note what the live edge says.

        Args:
            edge: The newest candle of this timeframe, final or forming; None when none is published.
            due_us: Close of the newest candle that must be over, UTC epoch microseconds; None when nothing tells.
        """
        with self._lock:
            if edge is not None:
                self._seen[edge.timestamp_us] = edge
                while len(self._seen) > MAX_HELD:
                    del self._seen[min(self._seen)]
            if due_us != self._due_us:
                self._due_us, self._attempts = due_us, 0

    def refresh(self, store: CandleReader, *, bars: int, holes: int | None, at_seconds: float) -> None:
        """Read what is missing, if anything.

        Args:
            store: Where closed candles are.
            bars: How many are wanted.
            holes: Open holes as the feed counts them; when the number changes, closed candles did too.
            at_seconds: A clock that never goes back.
        """
        with self._lock:
            stale = at_seconds - self._all_read_at >= _REREAD_SECONDS
            if stale or bars > self._bars or holes != self._holes:
                self._read_all(store, bars)
                self._bars, self._holes, self._all_read_at = bars, holes, at_seconds
            elif self._is_behind(at_seconds):
                self._read_all(store, bars) if self._closed.empty else self._read_more(store)
            else:
                return
            self._attempts, self._read_at = self._attempts + 1, at_seconds

    def frame(self, bars: int) -> pd.DataFrame:
        """Return the newest candles, oldest first: closed ones, then those that the store does not have yet (`final` false)."""
        with self._lock:
            last_us = self._last_us()
            live = [candle for label, candle in sorted(self._seen.items()) if last_us is None or label > last_us]
            parts = [part for part in (self._closed, self._frame_of(live)) if not part.empty]
        whole = pd.concat(parts, ignore_index=True) if parts else self._closed
        final = [True] * (len(whole) - len(live)) + [candle.final for candle in live]
        since = whole["timestamp"].max() - pd.Timedelta(bars * self.timeframe.width_us, unit="us")
        newest: pd.DataFrame = whole.assign(final=np.array(final, dtype=bool))[whole["timestamp"] > since].reset_index(drop=True)
        return newest

    @property
    def version(self) -> int:
        """A number that changes when closed candles are read."""
        return self._version

    def _is_behind(self, at_seconds: float) -> bool:
        if self._due_us is None:
            return at_seconds - self._read_at >= _POLL_SECONDS
        last_us = self._last_us()
        return (last_us is None or last_us < self._due_us) and self._attempts < _ATTEMPTS

    def _read_all(self, store: CandleReader, bars: int) -> None:
        self._replace(store.get_bars(self.symbol, self.timeframe, newest=bars))

    def _read_more(self, store: CandleReader) -> None:
        start_us = (self._last_us() or 0) - _OVERLAP * self.timeframe.width_us
        newer = store.get_bars(self.symbol, self.timeframe, start_us)
        if not newer.empty:
            older = self._closed[self._closed["timestamp"] < newer["timestamp"].iloc[0]]
            self._replace(pd.concat([older, newer], ignore_index=True) if len(older) else newer)

    def _replace(self, closed: pd.DataFrame) -> None:
        self._closed = closed.tail(MAX_HELD).reset_index(drop=True)
        self._version += 1
        last_us = self._last_us()
        self._seen = {label: candle for label, candle in self._seen.items() if last_us is None or label > last_us}

    def _last_us(self) -> int | None:
        return None if self._closed.empty else int(self._closed["timestamp"].iloc[-1].value // 1_000)

    def _frame_of(self, candles: list[Candle]) -> pd.DataFrame:
        if not candles:
            return CandleSeries.of(self.symbol, self.timeframe, dict.fromkeys(("timestamp", *PRICES), ())).frame()
        return series_of(msgspec.structs.replace(candle, final=True) for candle in candles)[0].frame()
