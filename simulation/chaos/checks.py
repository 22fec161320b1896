"""What has to be true of the accounts whatever died: they are those of a run that nothing disturbed, to the last digit."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from db.bot_rows import OrderRow, StoredBot, TradeRow
from market.clock import isoformat
from market.errors import PlatformError
from market.timeframe import BASE, MINUTE_US
from market.trade import Trade
from research.explained import compare_with_backtest
from simulation.chaos.fences import Fences
from simulation.chaos.home import Home
from simulation.chaos.replayed import Replayed, replay
from simulation.truth import true_minutes
from trading.bots.config import from_dict
from trading.bots.ledger import added
from trading.bots.minutes import Minute
from trading.fills import Slippage
from trading.position import Bar
from trading.registry import Registry
from trading.rules import Rules

_ROUNDING = 1e-9
_LONGEST = 1_500

Minutes = dict[str, dict[int, Minute]]


class Checks:
    """Checks all bots of a home.

    Args:
        home: Whose servers run still; its runners are down.
        trades: All of the tape, by symbol.

    Attributes:
        counts: How many rows there are, by kind.
        most: How many sentences there are of each bot.
    """

    def __init__(self, home: Home, trades: Mapping[str, Sequence[Trade]]) -> None:
        self._home, self._trades = home, trades
        self.counts: Counter[str] = Counter()
        self.most = 3

    def all(self, last_us: int | None) -> Iterator[str]:
        """Yield what is wrong.

        Args:
            last_us: Up to which minute all bots have to have acted; None where they had not come to it.
        """
        db = self._home.database
        minutes = {symbol: self._minutes(symbol) for symbol in self._trades}
        for symbol, found in minutes.items():
            yield from self._first(self._stored(symbol, found, last_us), symbol)
        for bot in db.bots.list():
            stored = db.bots.get(bot.id)
            if last_us is not None and (stored.acted_until_us or 0) < last_us:
                yield f"{bot.id} acted until {stored.acted_until_us} only, and not until {last_us}"
            if stored.lease_owner is not None:
                yield f"{bot.id} was not given back by {stored.lease_owner}"
            if stored.account is not None:
                yield from self._first(self._bot(stored, minutes), bot.id)
        fences = Fences(db)
        yield from self._first(fences.wrong(), "leases")
        self.counts += fences.counts

    def _first(self, wrong: Iterator[str], whose: str) -> Iterator[str]:
        """Yield the first few of what is wrong, and how many more there are."""
        found = list(wrong)
        yield from (f"{whose}: {words[:_LONGEST]}" for words in found[: self.most])
        if len(found) > self.most:
            yield f"{whose}: and {len(found) - self.most} more"

    def _minutes(self, symbol: str) -> dict[int, Minute]:
        columns = self._home.database.market_data.get_series(symbol, BASE).columns
        prices = [columns[name].tolist() for name in ("open", "high", "low", "close", "volume")]
        rows = zip(columns["timestamp"].tolist(), zip(*prices, strict=True), columns["revision"].tolist(), strict=True)
        whole = np.asarray(columns["complete"] != 0).tolist()
        return {
            stamp: Minute(stamp, Bar(*bar), revision) for (stamp, bar, revision), usable in zip(rows, whole, strict=True) if usable
        }

    def _stored(self, symbol: str, minutes: dict[int, Minute], last_us: int | None) -> Iterator[str]:
        """Yield where the stored minutes are not those of the tape."""
        true = true_minutes(self._trades[symbol])
        self.counts["minutes"] += len(minutes)
        for stamp in range(min(minutes), (last_us or max(minutes)) + 1, MINUTE_US):
            found, bar = minutes.get(stamp), true.get(stamp)
            if found is None or found.bar is None:
                yield f"{isoformat(stamp)} is not stored whole"
            elif bar is not None and found.bar != Bar(bar.open, bar.high, bar.low, bar.close, bar.volume):
                yield f"{isoformat(stamp)} is stored as {found.bar}, on the tape it is {bar}"
            elif bar is None and found.bar.volume:
                yield f"{isoformat(stamp)} is stored with a volume, and there was no trade"

    def _bot(self, stored: StoredBot, minutes: Minutes) -> Iterator[str]:
        db, bot = self._home.database, stored.id
        trades, orders = db.bots.trades(bot), db.bots.orders(bot)
        rules = from_dict(stored.config).rules()
        undisturbed = replay(stored, minutes)
        yield from self._same(stored, trades, orders, undisturbed)
        yield from self._ledger(stored)
        yield from _orders(trades, orders)
        yield from _possible(trades, minutes, rules)
        yield from self._explained(bot)
        stops = sum(event.kind == "stop-hit" for event in db.bots.events(bot))
        if stops != undisturbed.stops:
            yield f"{stops} events of stops, and {undisturbed.stops} stops"
        self.counts.update(bots=1, trades=len(trades), orders=len(orders), stops=stops)
        self.counts["caught up"] += sum(trade.caught_up for trade in trades)
        self.counts["refused fills"] += sum(order.state == "refused" for order in orders)

    def _same(
        self, stored: StoredBot, trades: Sequence[TradeRow], orders: Sequence[OrderRow], undisturbed: Replayed
    ) -> Iterator[str]:  # fmt: skip
        """Yield what the run that nothing disturbed did otherwise; whether something was caught up may differ."""
        db, bot = self._home.database, stored.id
        signals, postings, values = db.bots.signals(bot), db.bots.postings(bot), db.bots.performance(bot)
        self.counts.update(signals=len(signals), postings=len(postings))
        yield from _differences("trade", _numbered(trades), _numbered(undisturbed.trades))
        yield from _differences("order", _numbered(orders), _numbered(undisturbed.orders.values()))
        said = {(row.timestamp_us, row.symbol): _plain(row) for row in signals}
        if len(said) != len(signals):
            yield "a signal is there twice"
        expected = {key: _plain(row) for key, row in undisturbed.signals.items()}
        yield from _differences("signal", said, expected)
        for row, posted in (("posting", postings), ("posting of the replay", undisturbed.postings)):
            if len({(each.entry, each.account) for each in posted}) != len(posted):
                yield f"a {row} is there twice"
        booked = ({(each.entry, each.account): each for each in posted} for posted in (postings, undisturbed.postings))
        yield from _differences("posting", *booked)
        known = {row.timestamp_us: row for row in values}
        yield from _differences("value", known, {at: undisturbed.values.get(at) for at in known})
        yield from _differences("account", _flat(stored.account), _flat(undisturbed.account))
        assert stored.acted_until_us is not None
        last = undisturbed.values.get(stored.acted_until_us)
        if last is not None and (stored.equity, stored.cash) != (last.equity, last.cash):
            yield f"equity and cash are {stored.equity} and {stored.cash}, undisturbed {last}"

    def _ledger(self, stored: StoredBot) -> Iterator[str]:
        """Yield where entries or accounts do not add up, or numbers have holes; all of it told by the stored rows alone."""
        db, bot = self._home.database, stored.id
        entries: dict[int, Decimal] = defaultdict(Decimal)
        accounts: dict[str, Decimal] = defaultdict(Decimal)
        postings, trades = db.bots.postings(bot), db.bots.trades(bot)
        for row in postings:
            entries[row.entry] = added(entries[row.entry], row.amount)
            accounts[row.account] = added(accounts[row.account], row.amount)
        yield from (f"entry {entry} adds up to {amount}" for entry, amount in entries.items() if amount)
        total = Decimal(0)
        for amount in accounts.values():
            total = added(total, amount)
        if total:
            yield f"the accounts add up to {total}"
        assert stored.account is not None
        kept = {name: Decimal(text) for name, text in stored.account["ledger"]["accounts"].items() if Decimal(text)}
        if kept != {name: amount for name, amount in accounts.items() if amount}:
            yield f"the postings make {dict(accounts)}, the account has {kept}"
        if trades and accounts["cash"] != trades[-1].cash:
            yield f"the postings make a cash of {accounts['cash']}, the last execution says {trades[-1].cash}"
        for name, numbers in (("entries", sorted(entries)), ("executions", [trade.number for trade in trades])):
            if numbers != list(range(1, len(numbers) + 1)):
                yield f"the numbers of {name} have holes or come twice: {numbers}"

    def _explained(self, bot: str) -> Iterator[str]:
        try:
            found = compare_with_backtest(self._home.database, bot, Registry())
        except PlatformError as error:
            yield f"no comparison: {error}"
            return
        yield from (f"another backtest: {each.sentence}" for each in found.differences)
        self.counts["compared trades"] += found.trades


def _orders(trades: Sequence[TradeRow], orders: Sequence[OrderRow]) -> Iterator[str]:
    """Yield where executions and their orders do not fit each other."""
    filled: dict[int, tuple[Decimal, Decimal]] = {}
    for trade in trades:
        size, value = filled.get(trade.order, (Decimal(0), Decimal(0)))
        filled[trade.order] = added(size, trade.size), added(value, trade.value)
    by_number = {order.number: order for order in orders}
    yield from (f"execution {trade.number} has no order {trade.order}" for trade in trades if trade.order not in by_number)
    for order in orders:
        sums = filled.get(order.number, (Decimal(0), Decimal(0)))
        if (order.filled, order.value) != sums:
            yield f"order {order.number} says that {order.filled} for {order.value} were filled, its executions are {sums}"
        if (order.state == "working") is not (order.ended_us is None):
            yield f"order {order.number} is {order.state} and ended at {order.ended_us}"
    numbers = sorted(by_number)
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"the numbers of orders have holes: {numbers}"


def _possible(trades: Sequence[TradeRow], minutes: Minutes, rules: Rules) -> Iterator[str]:
    """Yield executions of more than was traded, or at a price that nobody traded at."""
    filled: dict[tuple[str, int], float] = defaultdict(float)
    for trade in trades:
        bar = minutes[trade.symbol][trade.timestamp_us].bar
        assert bar is not None
        filled[trade.symbol, trade.timestamp_us] += float(trade.size)
        most = rules.volume_share * bar.volume
        if filled[trade.symbol, trade.timestamp_us] > most * (1 + _ROUNDING) and trade.reason != "hole":
            yield f"{trade} is more than {rules.volume_share} of {bar.volume}"
        slip = _slip(bar, rules)
        if not bar.low - slip <= float(trade.price) <= bar.high + slip:
            yield f"{trade} is outside {bar} by more than {slip}"


def _slip(bar: Bar, rules: Rules) -> float:
    """Return by how much a price may lie outside a bar: slippage and a tick."""
    amount = rules.slippage_amount
    slip = {
        Slippage.NONE: 0.0, Slippage.BASIS_POINTS: bar.high * amount / 10_000, Slippage.SPREAD: amount / 2,
        Slippage.IMPACT: bar.high * amount,
    }  # fmt: skip
    return slip[rules.slippage] + 0.01 + _ROUNDING


def _plain(row: Any) -> Any:
    """Return a row without what may differ: whether it was caught up, and how often its minutes were revised to be the same."""
    return replace(row, caught_up=False, **({} if isinstance(row, OrderRow) else {"revision": 0}))


def _numbered(rows: Any) -> dict[int, Any]:
    return {row.number: _plain(row) for row in rows}


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return the single values of a document by their paths, without what may differ."""
    if isinstance(value, dict):
        parts = {f"{path}.{name}": each for name, each in value.items() if name != "caught_up"}
    elif isinstance(value, list):
        parts = {f"{path}.{number}": each for number, each in enumerate(value)}
    else:
        return {path: value}
    return {name: each for part, inner in parts.items() for name, each in _flat(inner, part).items()}


def _differences(what: str, found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> Iterator[str]:
    for key in sorted({*found, *expected}):
        if found.get(key) != expected.get(key):
            yield f"{what} {key} is {found.get(key)}, undisturbed {expected.get(key)}"
