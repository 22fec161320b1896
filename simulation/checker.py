"""Holds what was stored and published against the exchange's own tape."""

from collections import Counter
from collections.abc import Iterator, Sequence

from db.repositories.gaps import Gap
from market.candle import Candle
from market.timeframe import BASE, MINUTE_US, SECOND_US
from market.trade import Trade
from replay.bars import Bar
from simulation.market import page_of
from simulation.memory import MemoryDatabase
from simulation.minutes import Minutes
from simulation.scenario import Scenario
from simulation.truth import true_minutes

_LOST = {"open", "unrecoverable"}
# So few trades may all fall between two lines, or be those that were misprinted: where that happened no tape begins with them.
_FEW = 2
_LOSES_SOME = {"close-without-frame", "zero-price", "hole", "hole-late", "rotation", "notice", "slow-consumer", "garbage"}
_DEAF = {"ack-without-data", "stall", "freeze", "drop", "accept-then-drop"}
_SECRET = {"hole", "hole-late", "stall", "ack-without-data", "freeze", "reorder", "delist"}
_NO_ANSWER = {"rest-lag", "rest-429", "rest-418", "rest-error", "rest-down", "clock"}
_ASKED_WITHIN_US = 30 * SECOND_US


class Checker:
    """One run's stored tape against the true one.

    Args:
        scenario: What was run.
        database: What was stored.
        truth: The true trades by symbol.
        lost: Symbols that the exchange gave up: what is missing of them cannot be had.
    """

    def __init__(self, scenario: Scenario, database: MemoryDatabase, truth: dict[str, list[Trade]], lost: set[str]) -> None:
        self._scenario, self._truth, self._lost = scenario, truth, lost
        self._trades = {symbol: _of(database, "trades", symbol) for symbol in scenario.symbols}
        self._candles = {symbol: _of(database, "candles", symbol) for symbol in scenario.symbols}
        self._gaps: dict[str, list[Gap]] = {symbol: _of(database, "gaps", symbol) for symbol in scenario.symbols}
        self._marks = {mark.symbol: mark for mark in database.rows["watermarks"].values()}
        self._provable = not scenario.venue.startswith("BYBIT")
        self._minutes = Minutes(scenario, truth)

    def while_running(self) -> Iterator[str]:
        """Yield what is wrong at any moment: what was never true, what stands twice, what is missing and not noted."""
        for symbol in self._scenario.symbols:
            yield from self._untrue(symbol)
            yield from self._minutes.wrong(self._candles[symbol])
            if self._provable and self._scenario.keep_trades:
                yield from self._unnoted(symbol)

    def after_quiet(self) -> Iterator[str]:
        """Yield what is wrong once everything had time to heal."""
        yield from self.while_running()
        for symbol in self._scenario.symbols:
            yield from (
                f"{symbol}: still open is {gap}" for gap in self._gaps[symbol] if gap.state == "open" and symbol not in self._lost
            )
            if self._provable and self._scenario.keep_trades and symbol not in self._lost:
                yield from self._unequal(symbol)
            if not self._provable and self._scenario.keep_trades:
                yield from self._unasked(symbol)
            if (self._scenario.keep_trades or symbol not in self._lost) and self._scenario.double is None:
                yield from self._wrong_candles(symbol)

    # -- trades --------------------------------------------------------------------------------------------------

    def _untrue(self, symbol: str) -> Iterator[str]:
        truth = {trade.trade_id: trade for trade in self._truth[symbol]}
        seen: Counter[int] = Counter()
        for trade in self._trades[symbol]:
            if not self._provable:
                seen[trade.trade_id] += 1
                continue
            ids = range(trade.first_id, trade.trade_id + 1)
            seen.update(ids)
            parts = [truth.get(number) for number in ids]
            if None in parts or any(part is not None and part.price != trade.price for part in parts):
                yield f"{symbol}: never happened: {trade}"
            elif round(sum(part.size for part in parts if part is not None), 8) != trade.size:
                yield f"{symbol}: another size: {trade}"
        yield from (f"{symbol}: stored {count} times: trade {number}" for number, count in seen.items() if count > 1)

    def _unnoted(self, symbol: str) -> Iterator[str]:
        stored = self._ids(symbol)
        if not stored or symbol not in self._marks:
            return
        noted = {number for gap in self._gaps[symbol] if gap.first_id is not None and gap.last_id is not None
                 and gap.state != "alarm" for number in range(gap.first_id, gap.last_id + 1)}  # fmt: skip
        first, last = min(stored), self._marks[symbol].trade_id
        silent = [trade.trade_id for trade in self._truth[symbol] if first <= trade.trade_id <= last]
        missing = [number for number in silent if number not in stored and number not in noted]
        if missing:
            yield f"{symbol}: below the watermark {last}, missing and not in the ledger: {_some(missing)}"

    def _unequal(self, symbol: str) -> Iterator[str]:
        stored = self._ids(symbol)
        missing = [trade.trade_id for trade in self._truth[symbol] if stored and trade.trade_id >= min(stored)]
        missing = [number for number in missing if number not in stored]
        few = len(self._truth[symbol]) <= _FEW and bool(_LOSES_SOME & self._scenario.kinds)
        if not stored and self._truth[symbol] and not few and not self._may_be_unheard:
            yield f"{symbol}: nothing was stored of {len(self._truth[symbol])} trades"
        if missing:
            yield f"{symbol}: missing after quiet: {_some(missing)}"

    def _unasked(self, symbol: str) -> Iterator[str]:
        """Yield what is missing of a venue without ids although the newest page would have had it."""
        if self._scenario.kinds & _SECRET or not self._trades[symbol]:
            return  # what was lost without a sign nobody asks for
        first_us, stored = min(trade.timestamp_us for trade in self._trades[symbol]), self._ids(symbol)
        given_up = [gap for gap in self._gaps[symbol] if gap.state == "unrecoverable"]
        missing = [
            trade.trade_id for trade in self._truth[symbol] if trade.timestamp_us > first_us and trade.trade_id not in stored
            and not any(gap.start_us <= trade.timestamp_us <= gap.end_us for gap in given_up)
        ]  # fmt: skip
        if missing:
            yield f"{symbol}: missing after quiet, and in no hole that cannot be filled: {_some(missing)}"
        if self._scenario.kinds & _NO_ANSWER:
            return
        for gap in given_up:
            moments = [trade.timestamp_us for trade in self._truth[symbol] if trade.timestamp_us >= gap.start_us]
            if sum(moment_us <= gap.end_us + _ASKED_WITHIN_US for moment_us in moments) < page_of(self._scenario):
                yield f"{symbol}: given up, and one page has it all: {gap}"

    @property
    def _may_be_unheard(self) -> bool:
        # Nobody may ever have heard of the symbol.
        return self._scenario.died or bool(_DEAF & self._scenario.kinds)

    def _ids(self, symbol: str) -> set[int]:
        return {number for trade in self._trades[symbol] for number in range(trade.first_id, trade.trade_id + 1)}

    # -- candles -------------------------------------------------------------------------------------------------

    def _wrong_candles(self, symbol: str) -> Iterator[str]:
        candles = sorted(self._candles[symbol], key=lambda candle: candle.timestamp_us)
        if not candles:
            if len(true_minutes(self._truth[symbol])) > 2 and not self._may_be_unheard and symbol not in self._lost:
                yield f"{symbol}: no minute was stored of {len(self._truth[symbol])} trades"
            return
        lost = [gap for gap in self._gaps[symbol] if gap.state in _LOST]
        whole = self._provable and symbol not in self._lost
        minutes = true_minutes(self._known(symbol, candles))
        labels = {candle.timestamp_us for candle in candles}
        for label in range(candles[0].timestamp_us, candles[-1].timestamp_us, MINUTE_US):
            if label not in labels and not _overlap(lost, label):
                yield f"{symbol}: no candle closes at {label}"
        price: float | None = None
        for number, candle in enumerate(candles):
            bar = minutes.get(candle.timestamp_us)
            if self._is_known(symbol, candle, first=not number) and not _overlap(lost, candle.timestamp_us):
                yield from self._wrong(candle, bar, price, first=number == 0, whole=whole)
            price = candle.close
        newest = max((trade.timestamp_us for trade in self._truth[symbol]), default=0)
        if whole and candles[-1].timestamp_us < BASE.open_of(newest) and not lost:
            yield f"{symbol}: the last candle closes at {candles[-1].timestamp_us}, the last trade was at {newest}"

    def _is_known(self, symbol: str, candle: Candle, *, first: bool) -> bool:
        # What a process had of its first minute dies with it where trades are not kept.
        mark = self._marks.get(symbol)
        if not self._scenario.keep_trades and mark is not None and mark.since_us is not None and candle.open_us < mark.since_us:
            return False
        return not first or self._scenario.keep_trades

    def _known(self, symbol: str, candles: Sequence[Candle]) -> list[Trade]:
        if not self._provable or symbol in self._lost:
            return sorted(self._trades[symbol], key=_order_by_id if self._provable else _order_by_time)
        if self._scenario.keep_trades:
            first = min((trade.first_id for trade in self._trades[symbol]), default=0)
        else:
            first = candles[0].first_trade_id or 0
        return [trade for trade in self._truth[symbol] if trade.trade_id >= first]

    def _wrong(self, candle: Candle, bar: Bar | None, price: float | None, *, first: bool, whole: bool) -> Iterator[str]:
        if bar is None:
            expected = price if price is not None else candle.open
            if candle.trades or (candle.open, candle.high, candle.low, candle.close, candle.volume) != (*[expected] * 4, 0.0):
                yield f"a minute without trades is not flat at {expected}: {candle}"
        else:
            ours = [candle.high, candle.low, candle.volume, candle.trades, candle.taker_buy_volume]
            theirs = [bar.high, bar.low, bar.volume, bar.trades, bar.taker_volume]
            if self._provable:
                ours += [candle.open, candle.close]
                theirs += [bar.open, bar.close]
            if ours != theirs:
                yield f"not what the trades make: {candle} is not {bar}"
        if whole and candle.complete is not True and not first:
            yield f"whole and not called so: {candle}"
        if not self._provable and candle.complete is True:
            yield f"called complete without proof: {candle}"


def _order_by_id(trade: Trade) -> int:
    return trade.trade_id


def _order_by_time(trade: Trade) -> int:
    return trade.timestamp_us


def _of(database: MemoryDatabase, table: str, symbol: str) -> list:  # type: ignore[type-arg]  # rows of that table
    return [row for row in database.rows[table].values() if row.symbol == symbol]


def _overlap(gaps: Sequence[Gap], label: int) -> bool:
    return any(gap.start_us < label and gap.end_us >= label - MINUTE_US for gap in gaps)


def _some(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:8])) + (f" and {len(numbers) - 8} more" if len(numbers) > 8 else "")
