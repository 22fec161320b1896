"""A bot's account: broker, ledger and orders, minute by minute, and the rows that are kept of it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from db.bot_rows import EventRow, OrderRow, PerformanceRow, PostingRow, SignalRow, TradeRow
from trading import broker_state
from trading.bots.ledger import CAPITAL, CASH, Booked, Ledger
from trading.bots.orders import Before, Moment, OrderBook
from trading.broker import Broker
from trading.fills import Reason
from trading.position import Bar, Fill
from trading.rules import Listing, Rules, word_of

_STOPS = {Reason.STOP_LOSS, Reason.TRAILING_STOP}


class Rows(NamedTuple):
    """What is to be kept, oldest first."""

    signals: list[SignalRow]
    orders: list[OrderRow]
    trades: list[TradeRow]
    postings: list[PostingRow]
    performance: list[PerformanceRow]
    events: list[EventRow]


class Account:
    """Trades minutes as a backtest does inside finer candles, books what was filled, and remembers what there is to keep.

    Args:
        rules: How orders are made and filled.
        listings: What the venues say of the symbols, in the order of positions.
        balance: In the quote currency.
        at_us: When it begins, time of the market.
    """

    def __init__(self, rules: Rules, listings: Mapping[str, Listing], balance: Decimal, *, at_us: int) -> None:
        self.symbols, self.listings = tuple(listings), dict(listings)
        self.broker = Broker(rules, list(listings.values()), float(balance))
        self.ledger, self._book = Ledger(balance), OrderBook(self.symbols)
        self._entry, self._trade, self._revisions = 1, 0, [0] * len(listings)
        self.rows = Rows([], [], [], [], [], [])
        for account, amount in ((CAPITAL, balance.copy_negate()), (CASH, balance)):
            self.rows.postings.append(PostingRow(entry=1, account=account, amount=amount, trade=None, timestamp_us=at_us))

    @property
    def marks(self) -> dict[str, float]:
        """The last price of each symbol, 0 before the first."""
        return {symbol: position.mark for symbol, position in zip(self.symbols, self.broker.positions, strict=True)}

    @property
    def exposure(self) -> dict[str, float]:
        """Value of what is held by symbol, below 0 for short, in the quote currency."""
        pairs = zip(self.symbols, self.broker.positions, strict=True)
        return {symbol: position.size * position.mark for symbol, position in pairs if position.is_open}

    def trade(self, bars: Sequence[Bar | None], revisions: Sequence[int], moment: Moment) -> None:
        """Fill orders inside a minute of each symbol, None where there is none, and value what is held at its end."""
        self._revisions = list(revisions)
        before = self._book.before(self.broker)
        self.broker.trade(bars)
        self.broker.close(bars)
        self._keep(before, moment)

    def leave(self, number: int, moment: Moment) -> None:
        """Leave what is held of a symbol at its last price: behind it there is a hole.

        That counts as of the last decision, which a backtest, knowing of the hole, would not have made.
        """
        before, broker = self._book.before(self.broker), self.broker
        broker.decision -= 1
        broker.close_out(number, broker.positions[number].mark)
        broker.decision += 1
        self._keep(before, moment)

    def decide(
        self, bars: Sequence[Bar | None], targets: Sequence[float], scales: Sequence[float] | None, moment: Moment, *,
        day: int,
    ) -> list[bool]:  # fmt: skip
        """Make orders of what is wanted; return for which symbols something came of it."""
        before = self._book.before(self.broker)
        old = [(position.acted, position.size * target) for position, target in zip(self.broker.positions, targets, strict=True)]
        lost_day = self.broker.protections.lost_day
        self.broker.decide(bars, targets, scales=scales, day=day)
        if self.broker.protections.lost_day != lost_day:
            limit, equity = self.broker.rules.daily_loss, self.broker.equity
            text = f"{limit:.2%} or more was lost since the UTC day began; all is left until it ends (protections.daily_loss)"
            self.rows.events.append(EventRow(kind="daily-loss", text=text, details={"equity": equity, "limit": limit}))
        pairs = zip(old, self.broker.positions, strict=True)
        told = [was != position.acted or (held < 0.0 and position.is_turning) for (was, held), position in pairs]
        self._keep(before, moment, decided=True)
        return told

    def value(self, at_us: int) -> PerformanceRow:
        """Return what the account is worth now; of one moment the last one counts."""
        ledger, marks = self.ledger, self.marks
        equity, peak = ledger.equity(marks), self.broker.protections.peak
        return PerformanceRow(
            timestamp_us=at_us, equity=equity, cash=ledger.cash, exposure=Decimal(repr(sum(map(abs, self.exposure.values())))),
            fees=ledger.fees, profit=ledger.profit, drawdown=max(0.0, 1.0 - float(equity) / peak) if peak > 0.0 else 0.0,
        )  # fmt: skip

    def take_rows(self) -> Rows:
        """Return what is to be kept since the last call."""
        rows, self.rows = self.rows, Rows([], [], [], [], [], [])
        orders, self._book.changed = self._book.changed, {}
        return rows._replace(orders=[orders[number] for number in sorted(orders)])

    def state(self) -> dict[str, Any]:
        """Return all that `restored` needs, as plain values that JSON keeps to the last digit."""
        return {
            "broker": broker_state.state_of(self.broker), "ledger": self.ledger.state(), "orders": self._book.state(),
            "entry": self._entry, "trade": self._trade,
            "listings": {symbol: [one.tick, one.lot, one.least_value] for symbol, one in self.listings.items()},
        }  # fmt: skip

    @classmethod
    def restored(cls, state: Mapping[str, Any], rules: Rules) -> "Account":
        """Return the account that a state is of; its rules may be others than before.

        Raises:
            LedgerError: If its ledger does not add up.
        """
        listings = {
            symbol: Listing(tick=tick, lot=lot, least_value=least) for symbol, (tick, lot, least) in state["listings"].items()
        }
        account = cls(rules, listings, Decimal(0), at_us=0)
        account.rows.postings.clear()
        account.ledger = Ledger.restored(state["ledger"])
        broker_state.restore(account.broker, state["broker"])
        account._book.restore(state["orders"])
        account._entry, account._trade = state["entry"], state["trade"]
        return account

    def _keep(self, before: Sequence[Before], moment: Moment, *, decided: bool = False) -> None:
        """Book what was filled since the last call, and note what became of orders."""
        taken, self.broker.fills = self.broker.fills, []
        fills = [(fill, self.ledger.book(self.symbols[fill.symbol], fill.size, fill.price, fill.fee)) for fill in taken]
        orders = self._book.note(self.broker, before, fills, moment, decided=decided)
        for (fill, booked), order in zip(fills, orders, strict=True):
            self._booked(fill, booked, order, moment)
        if fills:
            self.ledger.check()

    def _booked(self, fill: Fill, booked: Booked, order: int, moment: Moment) -> None:
        self._entry, self._trade = self._entry + 1, self._trade + 1
        for account, amount in booked.postings.items():
            self.rows.postings.append(
                PostingRow(entry=self._entry, account=account, amount=amount, trade=self._trade, timestamp_us=moment.at_us)
            )
        row = self._row(fill, booked, order, moment)
        self.rows.trades.append(row)
        if fill.reason in _STOPS:
            symbol = row.symbol
            what = f"{word_of(fill.reason)} of {symbol} at {fill.price:.8g}"
            self.rows.events.append(EventRow(kind="stop-hit", text=what, details={"trade": row.number, "symbol": symbol}))

    def _row(self, fill: Fill, booked: Booked, order: int, moment: Moment) -> TradeRow:
        return TradeRow(
            number=self._trade, order=order, symbol=self.symbols[fill.symbol], timestamp_us=moment.at_us,
            side="buy" if fill.size > 0.0 else "sell",
            price=booked.price, size=booked.size.copy_abs(), value=booked.value, fee=booked.fee, profit=booked.profit,
            position=booked.position, cash=booked.cash, reason=word_of(fill.reason),
            revision=self._revisions[fill.symbol], caught_up=moment.caught_up,
        )  # fmt: skip
