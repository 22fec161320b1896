"""Makes minutes anew that no builder remembers, from all their trades and from what is stored of them."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from market.candle import Candle, Origin
from market.recent import RecentCandles
from market.timeframe import BASE
from market.trade import Trade
from market.window import Window


class Rebuilt(msgspec.Struct, frozen=True):
    """What came of some minutes.

    Attributes:
        candles: Those that changed, oldest first.
        short: Closes of minutes that had more fills than there are trades: they stay as they were.
    """

    candles: list[Candle]
    short: list[int]


def rebuild(
    symbol: str,
    window: Window,
    trades: Iterable[Trade],
    stored: Sequence[Candle],
    *,
    holes: Sequence[Window] = (),
    since_us: int | None = None,
    decimals: int = 8,
    provable: bool = True,
) -> Rebuilt:
    """Return the candles of whole minutes as their trades say, each a revision of the stored one.

    Args:
        symbol: `EXCHANGE:BASE-QUOTE`.
        window: Whole minutes.
        trades: All that are known of them.
        stored: The candles stored of them, the one before them, and those behind them up to the next with trades.
        holes: Where trades are missing still; both ends belong to it.
        since_us: Where the tape begins; None where it is not known, then nothing is complete.
        decimals: Digits after the point to which sums are rounded.
        provable: Whether the venue's ids prove that nothing is missing.
    """
    first, last = window.start_us + BASE.width_us, window.end_us
    labels = [first, last, *(candle.timestamp_us for candle in stored)]
    recent = RecentCandles(symbol, BASE, decimals=decimals, provable=provable, remembered=_minutes(min(labels), max(labels)))
    recent.holes, recent.known_from_us = list(holes), since_us
    recent.begin(min(labels))
    for candle in stored:
        recent.adopt(candle)
    groups = _by_minute(trades, window)
    short = [label for label, group in groups.items() if _is_short(recent.get(label), group)]
    for label in groups.keys() - set(short):
        recent.replace(label, sorted(groups[label], key=_by_id if provable else _by_time))
    candles: list[Candle] = []
    for start, end in _between(first, max(last, *labels), short):
        candles += recent.revise(start, min(end, last), end, Origin.HEALED)
    return Rebuilt(candles, short)


def _by_minute(trades: Iterable[Trade], window: Window) -> dict[int, list[Trade]]:
    width, start_us = BASE.width_us, window.start_us
    groups: dict[int, list[Trade]] = {label: [] for label in range(start_us + width, window.end_us + 1, width)}
    for trade in trades:
        label = trade.timestamp_us - (trade.timestamp_us - start_us) % width + width
        if label in groups:  # looked up, not asked of the timeframe: of a long hole there are millions
            groups[label].append(trade)
    return groups


def _between(first: int, last: int, short: Sequence[int]) -> Iterator[tuple[int, int]]:
    # Neither the price nor the standing of a minute that stays as it is may change: nothing is proven of it.
    width = BASE.width_us
    for label in short:
        yield first, label - width
        first = label + width
    yield first, last


def _is_short(stored: Candle | None, trades: Sequence[Trade]) -> bool:
    # Of a venue's own candle without a count nobody knows how many there should be.
    return stored is not None and (stored.trades is None or stored.trades > sum(trade.count for trade in trades))


def _by_id(trade: Trade) -> int:
    return trade.trade_id


def _by_time(trade: Trade) -> int:
    return trade.timestamp_us


def _minutes(first: int, last: int) -> int:
    return (last - first) // BASE.width_us + 1
