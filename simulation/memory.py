"""A database in memory that keeps the promises of the repositories, and that can die between any two writes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from db.bulk import RowsExist
from db.repositories.feeds import Feed
from db.repositories.gaps import Gap
from db.repositories.watermarks import Watermark
from market.candle import Candle, Origin
from market.errors import StoreUnreachable
from market.rollup import roll_up
from market.timeframe import BASE, DAY_US, Timeframe
from market.trade import Trade

Key = tuple[Any, ...]


class Crash(BaseException):
    """Raised where the process dies: nothing may catch it and go on."""


class MemoryDatabase:
    """Tables as dictionaries; what a transaction changed is taken back unless it commits.

    Attributes:
        rows: The tables by name, each by natural key.
        writes: Writes so far; the crash point counts in them.
        crash_at: The write before which the process dies, None for never.
        away: Whether it cannot be reached.
        dead: Whether the process that used it died: nobody may use it until it is revived.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[Key, Any]] = {
            name: {} for name in ("trades", "candles", "gaps", "watermarks", "symbols", "feeds")
        }
        self.writes = 0
        self.crash_at: int | None = None
        self.away = self.dead = False
        self._undo: list[Callable[[], object]] = []

    def revive(self) -> None:
        """Let a new process use it."""
        self.dead, self.crash_at = False, None

    @contextmanager
    def begin(self) -> Iterator["MemoryStore"]:
        """Open a transaction: it commits on a clean exit and rolls back on an exception."""
        if self.dead:
            raise Crash
        if self.away:
            raise StoreUnreachable("the database is away")
        self._undo = []
        try:
            yield MemoryStore(self)
            self.point()  # the process may die before the commit
        except BaseException:
            while self._undo:
                self._undo.pop()()
            raise
        self._undo = []
        self.point()  # and behind it, before it knows

    def point(self) -> None:
        """Die here if it is time."""
        self.writes += 1
        if self.crash_at is not None and self.writes >= self.crash_at:
            self.dead = True
            raise Crash

    def put(self, table: str, key: Key, row: Any) -> None:
        """Write a row."""
        rows = self.rows[table]
        before = rows.get(key)
        self._undo.append((lambda: rows.pop(key, None)) if before is None else (lambda: rows.__setitem__(key, before)))
        rows[key] = row

    def remove(self, table: str, key: Key) -> None:
        """Remove a row if it is there."""
        rows = self.rows[table]
        before = rows.pop(key, None)
        if before is not None:
            self._undo.append(lambda: rows.__setitem__(key, before))


class MemoryStore:
    """All repositories in one transaction."""

    def __init__(self, database: MemoryDatabase) -> None:
        self.market_data = _Candles(database)
        self.raw_trades = _Trades(database)
        self.watermarks = _Watermarks(database)
        self.gaps = _Gaps(database)
        self.symbols = _Symbols(database)
        self.feeds = _Feeds(database)


class _Repository:
    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database


class _Trades(_Repository):
    def append(self, trades: Sequence[Trade]) -> int:
        self._db.point()
        rows = self._db.rows["trades"]
        keys = [(trade.symbol, trade.timestamp_us, trade.trade_id) for trade in trades]
        if len(set(keys)) < len(keys) or any(key in rows for key in keys):
            raise RowsExist("some are stored already")
        return self.insert_trades(trades)

    def insert_trades(self, trades: Sequence[Trade]) -> int:
        self._db.point()
        rows, new = self._db.rows["trades"], 0
        for trade in trades:
            key = (trade.symbol, trade.timestamp_us, trade.trade_id)
            if key not in rows:
                self._db.put("trades", key, trade)
                new += 1
        return new

    def get_trades(self, symbol: str, start_us: int, end_us: int) -> list[Trade]:
        rows = self._db.rows["trades"].values()
        inside = [trade for trade in rows if trade.symbol == symbol and start_us <= trade.timestamp_us < end_us]
        return sorted(inside, key=lambda trade: (trade.timestamp_us, trade.trade_id))

    def differing(self, trades: Sequence[Trade]) -> list[tuple[Trade, Trade]]:
        stored = {(trade.symbol, trade.trade_id): trade for trade in self._db.rows["trades"].values()}
        pairs = [(stored[trade.symbol, trade.trade_id], trade) for trade in trades if (trade.symbol, trade.trade_id) in stored]
        return [
            (first, other)
            for first, other in pairs
            if first.id_span == other.id_span and not first.agrees(other) and abs(first.timestamp_us - other.timestamp_us) < DAY_US
        ]


class _Series:
    def __init__(self, candles: Iterable[Candle]) -> None:
        self._candles = list(candles)

    def candles(self) -> Iterator[Candle]:
        return iter(self._candles)


class _Candles(_Repository):
    def upsert_candles(self, candles: Iterable[Candle]) -> int:
        self._db.point()
        rows, changed = self._db.rows["candles"], 0
        for candle in candles:
            if not candle.final:
                raise ValueError("a forming candle is not stored")
            key = (candle.symbol, candle.timeframe, candle.timestamp_us)
            before = rows.get(key)
            if before is None or candle.revision > before.revision or _gives_way(before, candle):
                self._db.put("candles", key, candle)
                changed += 1
        return changed

    def get_series(self, symbol: str, timeframe: Timeframe, start_us: int | None = None, end_us: int | None = None) -> _Series:
        minutes = self._of(symbol)
        if timeframe is BASE:
            return _Series(candle for candle in minutes if _inside(candle, start_us, end_us))
        last_us = minutes[-1].timestamp_us if minutes else 0
        wider = [candle for candle in roll_up(minutes, timeframe) if candle.timestamp_us <= last_us]
        return _Series(candle for candle in wider if _inside(candle, start_us, end_us))

    def get_last_traded(self, symbol: str, timeframe: Timeframe) -> Candle | None:
        assert timeframe is BASE
        traded = [candle for candle in self._of(symbol) if candle.trades and candle.origin is not Origin.EXCHANGE]
        return traded[-1] if traded else None

    def _of(self, symbol: str) -> list[Candle]:
        found = [candle for candle in self._db.rows["candles"].values() if candle.symbol == symbol]
        return sorted(found, key=lambda candle: candle.timestamp_us)


def _gives_way(stored: Candle, other: Candle) -> bool:
    return stored.origin is Origin.EXCHANGE and other.origin is not Origin.EXCHANGE


def _inside(candle: Candle, start_us: int | None, end_us: int | None) -> bool:
    return (start_us is None or start_us <= candle.timestamp_us) and (end_us is None or candle.timestamp_us <= end_us)


class _Watermarks(_Repository):
    def get(self, symbol: str) -> Watermark | None:
        mark: Watermark | None = self._db.rows["watermarks"].get((symbol,))
        return mark

    def set(self, symbol: str, trade_id: int, timestamp_us: int, since_us: int | None = None) -> None:
        self._db.point()
        before = self.get(symbol)
        if before is not None:
            since_us = before.since_us if since_us is None else since_us
            if trade_id < before.trade_id:
                return
        self._db.put("watermarks", (symbol,), Watermark(symbol, trade_id, timestamp_us, since_us))

    def restart(self, symbol: str, trade_id: int, timestamp_us: int, since_us: int | None = None) -> None:
        self._db.remove("watermarks", (symbol,))
        self.set(symbol, trade_id, timestamp_us, since_us)


class _Gaps(_Repository):
    def open(self, gap: Gap) -> int:
        self._db.point()
        if gap.key not in self._db.rows["gaps"]:
            self._db.put("gaps", gap.key, gap)
        return list(self._db.rows["gaps"]).index(gap.key) + 1

    def progress(self, gap: Gap) -> bool:
        self._db.point()
        before = self._db.rows["gaps"].get(gap.key)
        if before is None or not _may_change(before, gap):
            return False
        evidence = before.evidence if gap.evidence is None and before.state != "open" else gap.evidence
        after = replace(before, state=gap.state, recovered=gap.recovered, missing=gap.missing, evidence=evidence)
        self._db.put("gaps", gap.key, after)
        return True

    def list(
        self, symbol: str | None = None, state: str | None = None, *, start_us: int | None = None, end_us: int | None = None
    ) -> list[Gap]:
        found = [
            gap
            for gap in self._db.rows["gaps"].values()
            if symbol in {None, gap.symbol}
            and state in {None, gap.state}
            and (start_us is None or gap.end_us >= start_us)
            and (end_us is None or gap.start_us <= end_us)
        ]
        return sorted(found, key=lambda gap: gap.start_us)


def _may_change(stored: Gap, step: Gap) -> bool:
    if stored.state == "open":
        return True
    return step.state != "open" and stored.state != "alarm" and stored.recovered < step.recovered


class _Symbols(_Repository):
    def upsert(self, listed: Sequence[Any]) -> int:
        for one in listed:
            self._db.put("symbols", (one.symbol,), one)
        return len(listed)


class _Feeds(_Repository):
    def set(self, feed: Feed) -> None:
        self._db.point()
        self._db.put("feeds", (feed.symbol,), feed)

    def list(self) -> list[Feed]:
        return [self._db.rows["feeds"][key] for key in sorted(self._db.rows["feeds"])]
