"""Executions as a bot wrote them and as a backtest made them, in one form: exact decimals, and the minute of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from db.bot_rows import TradeRow
from trading.backtest.backtest import Result
from trading.backtest.round_trips import last_known
from trading.bots.ledger import EXACT, Ledger, added, exact
from trading.rules import word_of


class Execution(NamedTuple):
    """What was filled.

    Attributes:
        minute_us: Close of the minute inside which it was, or of the wider candle where the backtest had no minutes of it.
        symbol: `EXCHANGE:BASE-QUOTE`.
        side: `buy` or `sell`.
        reason: As `TradeRow.reason`.
        price: In the quote currency.
        size: In the base currency, above 0.
        fee: In the quote currency.
    """

    minute_us: int
    symbol: str
    side: str
    reason: str
    price: Decimal
    size: Decimal
    fee: Decimal

    @property
    def fee_rate(self) -> float:
        """The fee as a fraction of the value; 0 of what is worth nothing."""
        value = float(self.price) * float(self.size)
        return float(self.fee) / value if value else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What an account holds.

    Attributes:
        cash: In the quote currency; what came for short positions is in it.
        sizes: By symbol, in the base currency, below 0 for short.
    """

    cash: Decimal
    sizes: Mapping[str, Decimal]

    def equity(self, marks: Mapping[str, float]) -> Decimal:
        """Return cash and the value of what is held, each symbol at its last price, exactly."""
        equity = self.cash
        for symbol, size in self.sizes.items():
            if size:
                equity = added(equity, EXACT.multiply(size, exact(marks[symbol])))
        return equity


def of_bot(trades: Sequence[TradeRow], balance: Decimal) -> tuple[list[Execution], Holding]:
    """Return what a bot filled, oldest first, and what its account holds behind it, as it was written."""
    cash = trades[-1].cash if trades else balance
    found = [Execution(row.timestamp_us, row.symbol, row.side, row.reason, row.price, row.size, row.fee) for row in trades]
    return found, Holding(cash=cash, sizes={row.symbol: row.position for row in trades})


def of_backtest(result: Result, balance: Decimal) -> tuple[list[Execution], Holding]:
    """Return what a backtest filled, oldest first, booked as a bot books it, and what its account holds behind it."""
    market, ledger, found = result.market if result.finer is None else result.finer.market, Ledger(balance), []
    closes = market.closes_us.tolist()
    for fill in result.outcome.fills:
        symbol = market.symbols[fill.symbol]
        booked = ledger.book(symbol, fill.size, fill.price, fill.fee)
        side, reason = "buy" if fill.size > 0.0 else "sell", word_of(fill.reason)
        found.append(Execution(closes[fill.bar], symbol, side, reason, booked.price, booked.size.copy_abs(), booked.fee))
    return found, Holding(cash=ledger.cash, sizes=dict(ledger.sizes))


def marks_of(result: Result) -> dict[str, float]:
    """Return the last price that is known of each symbol; 0 where nothing is."""
    closes = result.market.close
    return {
        symbol: 0.0 if np.isnan(closes[:, number]).all() else float(last_known(closes[:, number])[-1])
        for number, symbol in enumerate(result.market.symbols)
    }
