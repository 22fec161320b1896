"""All that is shown of a bot: its account as it is stored, and what it wrote last."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from trading.bots.health import Verdict
from trading.bots.holdings import Audit, Holding, audit, holdings_of
from trading.bots.rescue import judge

if TYPE_CHECKING:
    from db.bot_rows import EventRow, OrderRow, PerformanceRow, SignalRow, StoredBot, TradeRow
    from db.operations import DatabaseOperations

_WISHES = ("started", "stopped")


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
