"""Bars as a venue's REST answers and candle channels give them: complete series, labelled by their open, any interval.

The sums here are made apart from `market`'s candles on purpose: the local exchange is what those are held equal to.
"""

from collections.abc import Iterable
from datetime import datetime
from math import fsum

import msgspec

from market.clock import from_datetime, to_datetime
from market.timeframe import DAY_US, MINUTE_US, SECOND_US
from market.trade import Side, Trade

HOUR_US = 60 * MINUTE_US
_DECIMALS = 8
_UNITS_US = {"s": SECOND_US, "m": MINUTE_US, "h": HOUR_US, "d": DAY_US, "w": 7 * DAY_US}
_FIRST_MONDAY_US = 4 * DAY_US


class Bar(msgspec.Struct, frozen=True, gc=False):
    """What happened over the span that begins at `open_us`.

    Attributes:
        volume: In the base currency.
        quote_volume: In the quote currency.
        trades: Number of fills.
        taker_volume: The part of `volume` in which the taker bought; `taker_quote` likewise.
        first_id: Lowest fill id, -1 in a span without trades; `last_id` likewise.
    """

    open_us: int
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0
    quote_volume: float = 0.0
    trades: int = 0
    taker_volume: float = 0.0
    taker_quote: float = 0.0
    first_id: int = -1
    last_id: int = -1


class Interval(msgspec.Struct, frozen=True):
    """The width of bars and where they begin.

    Attributes:
        width_us: Length of one span; of months a lower bound.
        origin_us: A moment at which a span begins.
        months: Length in calendar months, 0 when `width_us` says it all.
    """

    width_us: int
    origin_us: int = 0
    months: int = 0

    def open_of(self, moment_us: int) -> int:
        """Return the begin of the span that holds a moment."""
        if not self.months:
            return (moment_us - self.origin_us) // self.width_us * self.width_us + self.origin_us
        local = to_datetime(moment_us - self.origin_us)
        month = (local.year * 12 + local.month - 1) // self.months * self.months
        return from_datetime(datetime(month // 12, month % 12 + 1, 1)) + self.origin_us  # noqa: DTZ001 - taken as UTC

    def next_open(self, open_us: int) -> int:
        """Return the begin of the span after the one that begins at `open_us`."""
        if not self.months:
            return open_us + self.width_us
        # 31 days a month and one more always reach into the next span, and never beyond it.
        return self.open_of(open_us + (self.months * 31 + 1) * DAY_US)

    @property
    def longest_us(self) -> int:
        """Length of the longest span."""
        return self.months * 31 * DAY_US or self.width_us

    def first_open(self, moment_us: int) -> int:
        """Return the first begin of a span at or after a moment."""
        open_us = self.open_of(moment_us)
        return open_us if open_us == moment_us else self.next_open(open_us)


def parse_interval(text: str, *, day_begins_us: int = 0) -> Interval | None:
    """Return the interval of a text as `1m`, `4h`, `1w` or `1M`; None when it is none.

    Args:
        text: A number and a unit of s, m, h, d, w (lower case) or M for months.
        day_begins_us: How long after midnight UTC intervals of six hours and more begin; may be negative.
    """
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdecimal()) or number.startswith("0") or len(number) > 3:
        return None
    if unit == "M":
        return Interval(28 * DAY_US * int(number), day_begins_us, int(number))
    if unit not in _UNITS_US:
        return None
    width = int(number) * _UNITS_US[unit]
    origin = _FIRST_MONDAY_US if unit == "w" else 0
    return Interval(width, origin + (day_begins_us if width >= 6 * HOUR_US else 0))


def bar_of_trades(open_us: int, trades: list[Trade]) -> Bar:
    """Return the bar of some trades, oldest first; there must be one."""
    prices = [trade.price for trade in trades]
    bought = [trade for trade in trades if trade.side is Side.BUY]
    return Bar(
        open_us, prices[0], max(prices), min(prices), prices[-1],
        _sum(trade.size for trade in trades), _sum(trade.price * trade.size for trade in trades),
        sum(trade.count for trade in trades),
        _sum(trade.size for trade in bought), _sum(trade.price * trade.size for trade in bought),
        trades[0].first_id, trades[-1].trade_id,
    )  # fmt: skip


def bar_of_bars(open_us: int, parts: list[Bar]) -> Bar:
    """Return the bar of narrower bars that had trades, oldest first; there must be one."""
    return Bar(
        open_us, parts[0].open, max(part.high for part in parts), min(part.low for part in parts), parts[-1].close,
        _sum(part.volume for part in parts), _sum(part.quote_volume for part in parts), sum(part.trades for part in parts),
        _sum(part.taker_volume for part in parts), _sum(part.taker_quote for part in parts),
        parts[0].first_id, parts[-1].last_id,
    )  # fmt: skip


def flat_bar(open_us: int, price: float) -> Bar:
    """Return the bar of a span in which nobody traded: the previous close, volume 0."""
    return Bar(open_us, price, price, price, price)


def bars_of_trades(trades: Iterable[Trade], width_us: int) -> list[Bar]:
    """Return the bars of the spans that had trades, oldest first; each trade counts by its own time, if it counts at all."""
    groups: dict[int, list[Trade]] = {}
    for trade in trades:
        if trade.count:
            groups.setdefault(trade.timestamp_us // width_us * width_us, []).append(trade)
    return [bar_of_trades(open_us, groups[open_us]) for open_us in sorted(groups)]


def _sum(values: Iterable[float]) -> float:
    return round(fsum(values), _DECIMALS)
