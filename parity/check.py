"""Holds what a bot did equal to a backtest over the stored candles: signals, orders, executions and equity, to the last digit."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from db.bot_rows import OrderRow, StoredBot, TradeRow
from market.clock import isoformat
from parity.again import Again, again, said_of
from research.explained import beside, told_by
from trading.bots.explain import Explanation, explain, is_compared
from trading.registry import Registry

if TYPE_CHECKING:
    from db.operations import DatabaseOperations

_Row = TypeVar("_Row")


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
    test = beside(db, stored, registry)
    compared, wanted = explain(told_by(db, stored), test.result, test.minutes), again(test)
    until_us, run = compared.until_us, stored.run
    trades = [row for row in db.bots.trades(bot, run=run) if is_compared(row, until_us)]
    orders = [row for row in db.bots.orders(bot, run=run) if row.made_us <= until_us]
    signals = [said_of(row) for row in db.bots.signals(bot, run=run) if row.timestamp_us <= until_us]
    postings = [row for row in db.bots.postings(bot, run=run) if row.timestamp_us <= until_us]
    found = [
        f"{isoformat(each.minute_us)} {each.kind}: {each.bot} | {each.backtest}: {each.sentence}" for each in compared.differences
    ]
    found += _unequal(stored, compared, wanted)
    found += _different("signal", signals, wanted.signals, lambda row: (row.timestamp_us, row.symbol))
    found += _different("order", _settled(orders, until_us), _settled(wanted.orders, until_us), lambda row: row.number)
    found += _different("execution", map(_plain, trades), map(_plain, wanted.trades), lambda row: row.number)
    found += _different("posting", postings, wanted.postings, lambda row: (row.entry, row.account))
    return Verdict(
        bot=bot, signals=len(signals), orders=len(orders), fills=len(trades), parts=_parts(trades, orders), equity=compared.bot,
        caught_up=sum(row.caught_up for row in trades), differences=found,
    )  # fmt: skip


def _unequal(stored: StoredBot, compared: Explanation, wanted: Again) -> Iterator[str]:
    if not wanted.whole:
        yield "equity: the compiled backtest, the one that asks bar by bar and the virtual broker differ among themselves"
    if wanted.equity != compared.bot:
        yield f"equity: {compared.bot} of the bot, {wanted.equity} of the backtest's ledger"
    if stored.acted_until_us == compared.until_us and stored.equity != compared.bot:
        yield f"equity: {stored.equity} in the table of bots, {compared.bot} by its performance and executions"


def _different(what: str, ours: Iterable[_Row], theirs: Iterable[_Row], key: Callable[[_Row], Hashable]) -> Iterator[str]:
    """Yield in what rows differ, those of the bot and those of the backtest."""
    one, other = {key(row): row for row in ours}, {key(row): row for row in theirs}
    for place in dict.fromkeys([*one, *other]):
        if one.get(place) != other.get(place):
            yield f"{what} {place}: {one.get(place)} of the bot, {other.get(place)} of the backtest"


def _settled(orders: Sequence[OrderRow], until_us: int) -> list[OrderRow]:
    """Return orders without what depends on when they were acted on; how one went on behind the end is not told."""
    found = []
    for row in orders:
        ended = row.ended_us is not None and row.ended_us <= until_us
        open_ended = row if ended else replace(row, state="working", reason="", ended_us=None, filled=Decimal(0), value=Decimal(0))
        found.append(replace(open_ended, caught_up=False))
    return found


def _plain(row: TradeRow) -> TradeRow:
    """Return an execution without what depends on when it was acted on."""
    return replace(row, caught_up=False, revision=0)


def _parts(trades: Sequence[TradeRow], orders: Sequence[OrderRow]) -> int:
    """Return how many executions were not all of their order."""
    own = {row.number: row for row in orders}
    return sum(row.size != own[row.order].filled or own[row.order].state != "filled" for row in trades if row.order in own)
