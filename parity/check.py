"""Holds what a bot did equal to a backtest over the stored candles: signals, orders, executions and equity, to the last digit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from db.bot_rows import OrderRow
from market.clock import isoformat
from parity.orders import orders_of
from research.explained import beside, compare_with_backtest
from trading.registry import Registry

if TYPE_CHECKING:
    from db.operations import DatabaseOperations


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a bot did, and in what it differs from the backtest.

    Attributes:
        bot: Its id.
        signals: How many candles it was asked after.
        orders: How many it made.
        fills: How many executions.
        parts: How many of these were not all of their order.
        caught_up: How many of these were of minutes that were not the newest.
        equity: At the last close, in the quote currency.
        differences: Each in a sentence.
    """

    bot: str
    signals: int = 0
    orders: int = 0
    fills: int = 0
    parts: int = 0
    caught_up: int = 0
    equity: Decimal = Decimal(0)
    differences: Sequence[str] = ()

    def __str__(self) -> str:
        verdict = f"{len(self.differences)} DIFFERENCES" if self.differences else "same"
        return (
            f"{self.bot:36} {self.signals:5} signals {self.orders:4} orders {self.fills:4} fills ({self.parts:3} in part, "
            f"{self.caught_up:3} caught up)  equity {self.equity:.4f}  {verdict}"
        )


def verdict_on(db: "DatabaseOperations", bot: str, registry: Registry) -> Verdict:
    """Return what a bot did, and in what it differs from the backtest over what is stored.

    Raises:
        InputError: If there is no such bot, or it has not come to the close of a candle yet.
    """
    stored = db.bots.get(bot)
    compared, test = compare_with_backtest(db, bot, registry), beside(db, stored, registry)
    until_us, run = compared.until_us, stored.run
    trades = [row for row in db.bots.trades(bot, run=run) if row.timestamp_us <= until_us]
    orders = [row for row in db.bots.orders(bot, run=run) if row.made_us <= until_us]
    wanted, equity = orders_of(test)
    found = [
        f"{isoformat(each.minute_us)} {each.kind}: {each.bot} | {each.backtest}: {each.sentence}" for each in compared.differences
    ]
    candles = int(test.result.market.there.sum())
    if compared.signals != candles:
        found.append(f"the bot was asked after {compared.signals} candles, the backtest after {candles}")
    if equity != compared.bot:
        found.append(f"the equity is {compared.bot} of the bot and {equity} of its orders made anew")
    later = any(row.timestamp_us > until_us for row in db.bots.trades(bot, run=run))
    if stored.acted_until_us == until_us and not later and stored.equity != compared.bot:
        found.append(f"the equity is {stored.equity} in the table of bots and {compared.bot} by its executions")
    found += _different(orders, wanted, until_us)
    own = {row.number: row for row in orders}
    return Verdict(
        bot=bot, signals=compared.signals, orders=len(orders), fills=len(trades), equity=compared.bot, differences=found,
        parts=sum(row.order not in own or row.size != own[row.order].filled or own[row.order].state != "filled" for row in trades),
        caught_up=sum(row.caught_up for row in trades),
    )  # fmt: skip


def _different(orders: Sequence[OrderRow], wanted: Sequence[OrderRow], until_us: int) -> Iterator[str]:
    """Yield in what orders differ from those of the backtest; how one that still worked at the end went on is not told."""
    ours = {row.number: row for row in orders}
    theirs = {row.number: row for row in wanted}
    for number in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(number), theirs.get(number)
        if one is None or other is None:
            yield f"order {number}: {one} of the bot, {other} of the backtest"
        elif other.state == "working" and (one.ended_us is None or one.ended_us > until_us):
            if _begun(one) != _begun(other):
                yield f"order {number}: {one} of the bot, {other} of the backtest"
        elif replace(one, caught_up=False) != other:
            yield f"order {number}: {one} of the bot, {other} of the backtest"


def _begun(order: OrderRow) -> tuple[object, ...]:
    return order.symbol, order.kind, order.side, order.target, order.price, order.made_us
