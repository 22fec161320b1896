"""A generated market: seeded, the same at every run, and random-access in time and in ids."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from exchanges.base import Instrument
from market.errors import InputError
from market.timeframe import MINUTE_US
from market.trade import Side, Trade
from replay.bars import HOUR_US, Bar
from replay.noise import trends
from replay.source import Frame, Series, Source

VENUE = "SYNTHETIC"
OPENED_US = 1_577_836_800_000_000
"""When the generated market opened: 2020-01-01. It has traded in every hour since."""

Ints = NDArray[np.int64]
_FIRST_HOUR = OPENED_US // HOUR_US
_LAST_HOUR = 2**26  # far beyond the year 9999; later moments are not computed
_HOURS_KEPT = 64
_MINUTE_MS = 60_000
_GRID = 721  # prices are computed every five seconds of an hour, both ends included, and joined by straight lines
_KEPT_US = 1500 * HOUR_US
_QUIET_MINUTES = 5
_BURSTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """How one symbol of the generated market trades.

    Attributes:
        pair: `BTC-USDT`.
        price: The level around which the price moves.
        fills: Fills in each hour.
        orders: Taker orders in each hour; each fills at least once.
        price_digits: Digits of the price after the point; `size_digits` likewise.
        median_size: Median size of a fill, in the base currency.
    """

    pair: str
    price: float
    fills: int
    orders: int
    price_digits: int
    size_digits: int
    median_size: float


CHARACTERS = (
    Character(pair="BTC-USDT", price=60_000.0, fills=10_800, orders=7_200, price_digits=1, size_digits=5, median_size=0.004),
    Character(pair="ETH-USDT", price=3_000.0, fills=7_200, orders=5_000, price_digits=2, size_digits=4, median_size=0.06),
    Character(pair="SOL-USDT", price=150.0, fills=3_600, orders=2_700, price_digits=2, size_digits=3, median_size=0.9),
)


class _Hour:
    """The fills of one hour as columns; prices in ticks, sizes in lots."""

    def __init__(self, character: Character, seed: int, hour: int) -> None:
        chance = np.random.default_rng((seed, hour))
        orders, fills = character.orders, character.fills
        order_ms = _order_times(chance, orders)
        # Every order fills once; the other fills go to orders by chance.
        self.order_fills: Ints = 1 + np.bincount(chance.integers(0, orders, fills - orders), minlength=orders).astype(np.int64)
        self.order_ends: Ints = np.cumsum(self.order_fills)
        buys = chance.random(orders) < 0.5
        grid = np.linspace(0.0, 3600.0, _GRID)
        level = character.price * np.exp(trends(seed, hour * 3600.0 + grid, 60.0, 0.0003, 10))
        mid = np.interp(order_ms / 1000.0, grid, level) * 10.0**character.price_digits
        depth = chance.geometric(0.5, orders) - 1  # ticks that an order walks into the book
        ticks = np.where(buys, np.ceil(mid) + depth, np.floor(mid) - depth)
        lots = np.rint(character.median_size * 10.0**character.size_digits * np.exp(1.3 * chance.standard_normal(fills)))
        self.times_us: Ints = hour * HOUR_US + np.repeat(order_ms, self.order_fills) * 1000
        self.buys: NDArray[np.bool_] = np.repeat(buys, self.order_fills)
        self.ticks: Ints = np.repeat(np.maximum(1, ticks).astype(np.int64), self.order_fills)
        self.lots: Ints = np.maximum(1, lots).astype(np.int64)
        self.order_times_us: Ints = hour * HOUR_US + order_ms * 1000


def _order_times(chance: np.random.Generator, orders: int) -> Ints:
    """Return when the orders of an hour come, milliseconds of the hour, all different and rising.

    A few minutes are silent and a few are bursts.
    """
    weights = np.exp(0.6 * chance.standard_normal(60))
    special = chance.permutation(60)
    weights[special[:_QUIET_MINUTES]] = 0.0
    weights[special[-_BURSTS:]] *= 6.0
    counts = chance.multinomial(orders, weights / weights.sum())
    minute = np.repeat(np.arange(60), counts)
    # Sorted draws from a minute that lacks as many milliseconds as it has orders, each moved by its rank, never meet.
    rank = np.arange(orders) - np.repeat(np.cumsum(counts) - counts, counts)
    free = _MINUTE_MS - np.repeat(counts, counts)
    # The draws of each minute follow those of the one before, which a stable sort makes use of.
    drawn = np.sort(minute + chance.random(orders), kind="stable") - minute
    result: Ints = minute * _MINUTE_MS + np.floor(drawn * free).astype(np.int64) + rank
    return result


class _Generated:
    """One symbol: its hours, made when asked for and kept for a while."""

    def __init__(self, character: Character, seed: int) -> None:
        self.character = character
        self.symbol = f"{VENUE}:{character.pair}"
        self.tick, self.lot = 10**character.price_digits, 10**character.size_digits
        self._seed = (seed % 2**30 << 32) + crc32(character.pair.encode())
        self.hour = lru_cache(_HOURS_KEPT)(self._make)

    def _make(self, hour: int) -> _Hour:
        return _Hour(self.character, self._seed, hour + _FIRST_HOUR)

    def minutes(self, hour: int) -> list[Bar]:
        """Return the minutes of an hour that had trades, oldest first."""
        opens, starts = np.unique(self.hour(hour).times_us // MINUTE_US * MINUTE_US, return_index=True)
        return self._bars(hour, opens, starts)

    def whole_hour(self, hour: int) -> Bar:
        """Return an hour as one bar."""
        [bar] = self._bars(hour, np.array([(hour + _FIRST_HOUR) * HOUR_US]), np.array([0]))
        return bar

    def _bars(self, hour: int, opens: Ints, starts: Ints) -> list[Bar]:
        columns = self.hour(hour)
        ends = np.append(starts[1:], len(columns.ticks)) - 1
        values, buys = columns.ticks * columns.lots, columns.buys
        sums = [np.add.reduceat(each, starts) for each in (columns.lots, values, columns.lots * buys, values * buys)]
        rows = zip(
            opens.tolist(), columns.ticks[starts].tolist(), np.maximum.reduceat(columns.ticks, starts).tolist(),
            np.minimum.reduceat(columns.ticks, starts).tolist(), columns.ticks[ends].tolist(),
            *(each.tolist() for each in sums), starts.tolist(), ends.tolist(), strict=True,
        )  # fmt: skip
        tick, lot, first_id = self.tick, self.lot, hour * self.character.fills + 1
        return [
            Bar(
                open_us, first / tick, high / tick, low / tick, last / tick, lots / lot, value / (tick * lot),
                end - start + 1, taker / lot, taker_value / (tick * lot), first_id + start, first_id + end,
            )
            for open_us, first, high, low, last, lots, value, taker, taker_value, start, end in rows
        ]  # fmt: skip


class _GeneratedSeries(Series):
    """Fills or aggregates of one symbol: every hour has as many as every other, so a number tells its hour."""

    def __init__(self, market: _Generated, an_hour: int) -> None:
        self.market, self.an_hour = market, an_hour

    def at(self, moment_us: int) -> int:
        """Return the position of the first trade at or after a moment."""
        hour = moment_us // HOUR_US - _FIRST_HOUR
        if not 0 <= hour < _LAST_HOUR:
            return max(0, hour) * self.an_hour
        return hour * self.an_hour + int(np.searchsorted(self.times(self.market.hour(hour)), moment_us))

    def find(self, number: int) -> int:
        """Return the position of the first trade with this number or a higher one; numbers begin with 1."""
        return max(0, number - 1)

    def slice(self, start: int, stop: int) -> list[Trade]:
        """Return the trades at positions from `start` to before `stop`."""
        start, found = max(0, start), list[Trade]()
        while start < stop:
            hour, first = divmod(start, self.an_hour)
            last = min(self.an_hour, first + stop - start)
            found += self.trades(hour, first, last)
            start += last - first
        return found

    def numbers(self, start: int, stop: int) -> Sequence[int]:
        """Return the numbers of the trades that `slice` returns."""
        return range(max(0, start) + 1, max(0, stop) + 1)

    def times(self, columns: _Hour) -> Ints:
        """Return the times of an hour's trades."""
        return columns.times_us

    def trades(self, hour: int, first: int, last: int) -> list[Trade]:
        """Return the trades of an hour from its place `first` to before `last`."""
        columns, market, inside = self.market.hour(hour), self.market, slice(first, last)
        rows = zip(
            range(hour * self.an_hour + first + 1, hour * self.an_hour + last + 1), columns.ticks[inside].tolist(),
            columns.lots[inside].tolist(), columns.buys[inside].tolist(), columns.times_us[inside].tolist(), strict=True,
        )  # fmt: skip
        return [
            Trade(market.symbol, number, ticks / market.tick, lots / market.lot, Side.BUY if buy else Side.SELL, time, time)
            for number, ticks, lots, buy, time in rows
        ]


class _GeneratedAggregates(_GeneratedSeries):
    """The taker orders: the fills of each merged."""

    def times(self, columns: _Hour) -> Ints:
        """Return the times of an hour's orders."""
        return columns.order_times_us

    def trades(self, hour: int, first: int, last: int) -> list[Trade]:
        """Return the orders of an hour from its place `first` to before `last`."""
        columns, market, inside = self.market.hour(hour), self.market, slice(first, last)
        starts = columns.order_ends[inside] - columns.order_fills[inside]
        lots = np.add.reduceat(columns.lots[: columns.order_ends[last - 1]], starts)
        before = hour * market.character.fills
        rows = zip(
            columns.order_ends[inside].tolist(), columns.ticks[starts].tolist(), lots.tolist(), columns.buys[starts].tolist(),
            columns.order_times_us[inside].tolist(), columns.order_fills[inside].tolist(), strict=True,
        )  # fmt: skip
        return [
            Trade(
                market.symbol, before + end, ticks / market.tick, lots / market.lot, Side.BUY if buy else Side.SELL,
                time, time, fills, fills,
            )
            for end, ticks, lots, buy, time, fills in rows
        ]  # fmt: skip


class SyntheticMarket(Source):
    """A generated market. It can be asked about any moment since it opened, the future included, in any order.

    What it has not told before it has to make first, a millisecond for an hour. So that no question takes long, bars wider
    than an hour reach back no further than hourly ones do on the largest page of any venue.

    Args:
        seed: Another seed is another market.
        pairs: The pairs that it trades, all it knows if None.
    """

    def __init__(self, *, seed: int = 1, pairs: Sequence[str] | None = None) -> None:
        known = {character.pair: character for character in CHARACTERS}
        unknown = [pair for pair in pairs or () if pair not in known]
        if unknown:
            raise InputError(f"the generated market has no {unknown[0]!r}; it trades {', '.join(known)}")
        self._markets = {f"{VENUE}:{pair}": _Generated(known[pair], seed) for pair in pairs or known}
        super().__init__(VENUE, "synthetic", [_instrument(market) for market in self._markets.values()])
        self.kept_us = _KEPT_US
        self._fills = {symbol: _GeneratedSeries(each, each.character.fills) for symbol, each in self._markets.items()}
        self._aggregates = {symbol: _GeneratedAggregates(each, each.character.orders) for symbol, each in self._markets.items()}

    def fills(self, symbol: str) -> Series:
        """Return the single fills of a symbol."""
        return self._fills[symbol]

    def aggregates(self, symbol: str) -> Series:
        """Return the taker orders of a symbol."""
        return self._aggregates[symbol]

    def frames(self, symbol: str, channel: str, start_us: int, end_us: int) -> list[Frame] | None:  # noqa: ARG002
        """Return None: nothing of it was ever on a wire."""
        return None

    def minutes(self, symbol: str, start_us: int, end_us: int) -> list[Bar]:
        """Return the one-minute bars of whole minutes in [start, end) that had trades, oldest first."""
        hours = range(max(0, start_us // HOUR_US - _FIRST_HOUR), max(0, -(-end_us // HOUR_US) - _FIRST_HOUR))
        bars = [bar for hour in hours for bar in self._markets[symbol].minutes(hour)]
        first, last = (bisect_left(bars, moment, key=lambda bar: bar.open_us) for moment in (start_us, end_us))
        return bars[first:last]

    def _fold_hour(self, symbol: str, hour: int) -> Bar | None:
        return self._markets[symbol].whole_hour(hour - _FIRST_HOUR) if hour >= _FIRST_HOUR else None


def _instrument(market: _Generated) -> Instrument:
    character = market.character
    return Instrument(market.symbol, f"{10.0**-character.price_digits:.{character.price_digits}f}",
                      f"{10.0**-character.size_digits:.{character.size_digits}f}", "live")  # fmt: skip
