"""A small generated market, seeded: minutes of trades in a list, made in a millisecond, for simulations of any venue."""

from bisect import bisect_left
from collections.abc import Sequence
from random import Random

from exchanges.base import Instrument
from market.clock import parse_time
from market.errors import InputError
from market.symbol import full_symbol
from market.trade import Side, Trade
from replay.fills import merged
from replay.source import Frame, Source
from replay.tape import RecordedSeries

START_US = parse_time("2024-08-09T09:00:20")
"""Where a small market begins unless it is told: not on a full minute."""

_MINUTE_MS = 60_000
_QUIET, _BURST = 0.15, 0.3  # every seventh minute is silent, as many are bursts
_BURST_MS = 3000
_AT_ONCE = 0.25
_AT_BORDER = 0.6
_SAME_ORDER = 0.7


class SmallMarket(Source):
    """A generated market that begins and ends: bursts and silent minutes, trades in one millisecond, trades at the full minute.

    The same arguments give the same market; each symbol is its own, whatever others there are.

    Args:
        venue: First part of its symbols; any venue's.
        symbols: What it trades: `BTC-USDT`, or with the venue in front.
        seed: Another seed is another market.
        start_us: Where it begins, UTC epoch microseconds, a whole millisecond.
        seconds: How long it lasts.
        rate: Mean number of trades in a second of each symbol.
    """

    def __init__(
        self,
        venue: str,
        symbols: Sequence[str] = ("BTC-USDT",),
        *,
        seed: int = 1,
        start_us: int = START_US,
        seconds: float = 300.0,
        rate: float = 1.0,
    ) -> None:
        if not (seconds > 0 and rate > 0 and start_us % 1000 == 0):
            raise InputError(f"a small market needs a length and a rate above zero and a start at a whole millisecond; "
                             f"found {seconds} s, {rate} trades a second, {start_us} µs")  # fmt: skip
        start_ms, length_ms = start_us // 1000, max(1, round(seconds * 1000))
        named = [full_symbol(venue, symbol) for symbol in symbols]
        instruments = [Instrument(symbol, "0.01", "0.0001", "live") for symbol in named]
        super().__init__(venue, "synthetic", instruments, start_us, (start_ms + length_ms) * 1000)
        count = max(1, round(length_ms * rate / 1000))
        self._fills = {symbol: _fills_of(symbol, seed, start_ms, start_ms + length_ms, count) for symbol in named}
        self._aggregates: dict[str, RecordedSeries] = {}

    def fills(self, symbol: str) -> RecordedSeries:
        """Return the single fills of a symbol."""
        return self._fills[symbol]

    def aggregates(self, symbol: str) -> RecordedSeries:
        """Return the fills merged where they share millisecond, side and price, numbered from 1."""
        if symbol not in self._aggregates:
            trades = list(merged(self._fills[symbol].trades))
            self._aggregates[symbol] = RecordedSeries(trades, range(1, len(trades) + 1))
        return self._aggregates[symbol]

    def frames(self, symbol: str, channel: str, start_us: int, end_us: int) -> list[Frame] | None:  # noqa: ARG002
        """Return None: nothing of it was ever on a wire."""
        return None

    def trades(self, symbol: str) -> Sequence[Trade]:
        """Return all the fills of a symbol, oldest first: what a perfect collector ends up with."""
        return self._fills[symbol].trades


def _fills_of(symbol: str, seed: int, start_ms: int, stop_ms: int, count: int) -> RecordedSeries:
    chance = Random(f"{seed} {symbol}")  # noqa: S311 - a market, no secret
    draw = chance.random
    first_id, ticks = 1 + int(draw() * 2_000_000_000), 1_000 + int(draw() * 9_000_000)
    trades: list[Trade] = []
    last_ms, side = -1, Side.BUY
    for number, time_ms in enumerate(_times(chance, start_ms, stop_ms, count), first_id):
        if time_ms != last_ms or draw() > _SAME_ORDER:
            side = Side.BUY if draw() < 0.5 else Side.SELL
            ticks = max(1, ticks + int(draw() * 41) - 20)
        size = (1 + int(10_000 * draw() ** 4)) / 10_000
        trades.append(Trade(symbol, number, ticks / 100, size, side, time_ms * 1000, time_ms * 1000))
        last_ms = time_ms
    return RecordedSeries(trades, range(first_id, first_id + count))


def _times(chance: Random, start_ms: int, stop_ms: int, count: int) -> list[int]:
    """Return when the trades happen, milliseconds, rising; some at once, and some on either side of a full minute."""
    draw = chance.random
    spans, weights = _minutes(chance, start_ms, stop_ms)
    times = sorted([first + int(draw() * width) for first, width in chance.choices(spans, weights, k=count)])
    for place in range(1, count):
        if draw() < _AT_ONCE:
            times[place] = times[place - 1]
    for border in range((start_ms // _MINUTE_MS + 1) * _MINUTE_MS, stop_ms, _MINUTE_MS):
        place = bisect_left(times, border)
        if 0 < place < count and times[place] < border + _MINUTE_MS and draw() < _AT_BORDER:
            times[place] = border
            if times[place - 1] > border - _MINUTE_MS:
                times[place - 1] = border - 1
    return times


def _minutes(chance: Random, start_ms: int, stop_ms: int) -> tuple[list[tuple[int, int]], list[float]]:
    """Return of each minute where its trades begin and over how many milliseconds they are spread, and how many it gets."""
    spans, weights = [], []
    for minute in range(start_ms // _MINUTE_MS, (stop_ms - 1) // _MINUTE_MS + 1):
        first, last = max(start_ms, minute * _MINUTE_MS), min(stop_ms, (minute + 1) * _MINUTE_MS)
        kind = chance.random()
        if _QUIET <= kind < _BURST and last - first > _BURST_MS:
            first += int(chance.random() * (last - first - _BURST_MS))
            last = first + _BURST_MS
        spans.append((first, last - first))
        weights.append(0.0 if kind < _QUIET else (4.0 if kind < _BURST else 0.3 + chance.random()))
    if not any(weights):
        weights[-1] = 1.0
    return spans, weights
