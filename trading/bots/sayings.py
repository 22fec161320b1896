"""What a bot said after each candle beside what the backtest wanted there."""

from collections.abc import Iterable, Iterator
from math import isnan, nan
from typing import NamedTuple

import numpy as np

from db.bot_rows import SignalRow
from trading.backtest.backtest import Result
from trading.rules import Sizing

_WANTED = {"buy": 1.0, "sell": 0.0}


class Saying(NamedTuple):
    """A candle after which both were asked.

    Attributes:
        place: Number of the candle among those of the symbol.
        minute_us: Its close.
        symbol: `EXCHANGE:BASE-QUOTE`.
        row: What the bot said; None where it said nothing.
        wanted: What the backtest wanted, NaN for nothing new; None where it has no such candle.
        price: Close of the candle in the backtest.
    """

    place: int
    minute_us: int
    symbol: str
    row: SignalRow | None
    wanted: float | None
    price: float

    @property
    def kind(self) -> str:
        """`signal`."""
        return "signal"

    @property
    def same_wish(self) -> bool:
        """Whether both wanted the same."""
        one, other = nan if self.row is None else wanted_of(self.row), nan if self.wanted is None else self.wanted
        return one == other or (isnan(one) and isnan(other))

    @property
    def same(self) -> bool:
        """Whether both said the same of the same candle."""
        return self.row is not None and self.wanted is not None and self.same_wish and self.same_price

    @property
    def same_price(self) -> bool:
        """Whether the candle closed alike for both."""
        return self.row is None or self.row.price is None or self.wanted is None or self.row.price == self.price


def wanted_of(row: SignalRow) -> float:
    """Return which position a signal asks for; NaN for none."""
    if row.action == "refused":
        return nan
    return row.target if row.target is not None else _WANTED.get(row.action, nan)


def sayings(signals: Iterable[SignalRow], result: Result, *, forgotten_us: int | None = None) -> Iterator[Saying]:
    """Yield each candle from the first signal of its symbol that is kept, symbol by symbol, oldest first.

    A size by volatility that is not known yet hides what a backtest would have wanted: there the bot's wish counts as the same.

    Args:
        signals: That are kept.
        result: Of the backtest.
        forgotten_us: Of candles that closed before it only signals are kept that were acted on; None where all are.
    """
    market, volatile = result.market, result.test.rules.sizing is Sizing.VOLATILITY
    rows = {(row.symbol, row.timestamp_us): row for row in signals}
    for number, symbol in enumerate(market.symbols):
        own = sorted(moment for name, moment in rows if name == symbol)
        places = np.flatnonzero(market.there[:, number])
        bars = dict(zip(market.closes_us[places].tolist(), places.tolist(), strict=True))
        begin_us = max(own[0], forgotten_us or 0) if own else None
        moments = sorted({*own, *(moment for moment in bars if begin_us is not None and moment >= begin_us)})
        for place, moment in enumerate(moments):
            row, bar = rows.get((symbol, moment)), bars.get(moment)
            wanted = None if bar is None else float(result.targets[bar, number])
            if volatile and row is not None and wanted is not None and isnan(wanted):
                wanted = wanted_of(row)
            yield Saying(place, moment, symbol, row, wanted, nan if bar is None else float(market.close[bar, number]))
