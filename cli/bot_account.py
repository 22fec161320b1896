"""A bot's account as it is stored: what is held, whether its ledger adds up, and what it wrote last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trading.bots.health import Verdict
from trading.bots.ledger import Ledger, LedgerError
from trading.bots.rescue import judge

if TYPE_CHECKING:
    from db.bot_rows import EventRow, OrderRow, PerformanceRow, SignalRow, StoredBot, TradeRow
    from db.operations import DatabaseOperations

_WISHES = ("started", "stopped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is held of a symbol.

    Attributes:
        size: In the base currency, below 0 for short.
        entry: Average price.
        mark: Last price known.
        value: Size at the mark.
        profit: What it gained that is not realised yet, before fees.
    """

    symbol: str
    size: Decimal
    entry: float
    mark: float
    value: Decimal
    profit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Whether the ledger adds up.

    Attributes:
        entries: How many were posted.
        problems: What does not add up, in sentences; empty where all does.
        accounts: Amounts by account, as the bot goes on with them.
    """

    entries: int
    problems: list[str]
    accounts: dict[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """All that is shown of a bot, read as of one moment.

    Attributes:
        health: How it is.
        clock_us: Of the database.
        wished: When it was started or stopped last; None where it never was.
        begun_us: When its account began, time of the market; None before.
        begun_with: With how much.
        worth: The newest that was noted.
        audit: None before its account began.
    """

    bot: "StoredBot"
    health: Verdict
    clock_us: int
    wished: "EventRow | None"
    begun_us: int | None
    begun_with: Decimal | None
    worth: "PerformanceRow | None"
    holdings: list[Holding]
    orders: "list[OrderRow]"
    signals: "list[SignalRow]"
    trades: "list[TradeRow]"
    events: "list[EventRow]"
    audit: Audit | None


def read_bot(db: "DatabaseOperations", bot_id: str, *, newest: int) -> Shown:
    """Return what is stored of a bot, and the newest of what it wrote.

    Raises:
        InputError: If there is no such bot.
    """
    with db.transaction() as store:
        bots = store.bots
        bots.snapshot()
        bot = bots.get(bot_id)
        wishes = [event for kind in _WISHES for event in bots.events(bot_id, kind=kind, newest=1)]
        account = bot.account
        return Shown(
            bot=bot, health=judge(store, [bot])[0].verdict, clock_us=bots.clock_us(),
            wished=max(wishes, key=lambda event: event.id, default=None),
            begun_us=None if account is None else int(account["begins_us"]), begun_with=bots.begun_with().get(bot_id),
            worth=next(iter(bots.performance(bot_id, newest=1)), None),
            holdings=[] if account is None else holdings_of(account), orders=bots.working_orders(bot_id),
            signals=bots.signals(bot_id, newest=newest), trades=bots.trades(bot_id, newest=newest),
            events=bots.events(bot_id, newest=newest),
            audit=None if account is None else audit(bot, bots.balances(bot_id, bot.run), *bots.entries(bot_id, bot.run)),
        )  # fmt: skip


def holdings_of(account: Mapping[str, Any]) -> list[Holding]:
    """Return what an account holds, by symbol in its order."""
    ledger, found = account["ledger"], []
    for symbol, position in zip(account["listings"], account["broker"]["positions"], strict=True):
        size = Decimal(ledger["sizes"].get(symbol, "0"))
        if size:
            value = size * Decimal(repr(float(position["mark"])))
            cost = Decimal(ledger["accounts"].get(f"position {symbol}", "0"))
            found.append(
                Holding(
                    symbol=symbol, size=size, entry=float(position["entry"]), mark=float(position["mark"]), value=value,
                    profit=value - cost,
                )
            )  # fmt: skip
    return found


def audit(bot: "StoredBot", posted: Mapping[str, Decimal], entries: int, unbalanced: Sequence[int]) -> Audit:
    """Return whether the ledger that a bot goes on with adds up, is what was posted, and is worth its equity.

    Args:
        bot: With its account.
        posted: What all postings add up to, by account.
        entries: How many entries were posted.
        unbalanced: Numbers of those that do not add up to 0.
    """
    state = (bot.account or {})["ledger"]
    accounts = {name: Decimal(amount) for name, amount in state["accounts"].items()}
    problems = [f"entry {entry} does not add up to 0" for entry in unbalanced]
    for name in dict.fromkeys([*accounts, *posted]):
        here, there = accounts.get(name, Decimal(0)), posted.get(name, Decimal(0))
        if here != there:
            problems.append(f"account {name!r} is {here:f}, but its postings add up to {there:f}")
    try:
        worth = Ledger.restored(state).equity(_marks(bot.account or {}))
    except LedgerError as error:
        problems.append(str(error))
    else:
        if bot.equity is not None and worth != bot.equity:
            problems.append(f"cash and positions are worth {worth:f}, but the equity that was noted is {bot.equity:f}")
    return Audit(entries=entries, problems=problems, accounts=accounts)


def _marks(account: Mapping[str, Any]) -> dict[str, float]:
    pairs = zip(account["listings"], account["broker"]["positions"], strict=True)
    return {symbol: float(position["mark"]) for symbol, position in pairs}
