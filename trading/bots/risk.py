"""What bots may enter: the limits of all bots together, with what is known of them now."""

from collections.abc import Iterable, Mapping
from math import isnan
from typing import TYPE_CHECKING

from market.clock import now_us
from market.timeframe import DAY_US
from trading.bots.bot import Bot
from trading.bots.portfolio import Portfolio
from trading.rules import Sizing

if TYPE_CHECKING:
    from db.operations import DatabaseOperations

_READ_SECONDS = 1.0


class Risk:
    """Reads what all bots hold, and says which entries are allowed.

    Args:
        db: The store.
        portfolio: The limits.
    """

    def __init__(self, db: "DatabaseOperations", portfolio: Portfolio) -> None:
        self._db, self._portfolio = db, portfolio
        self._read = float("-inf")
        self._told_day: int | None = None

    def refresh(self, now: float, bots: Iterable[Bot]) -> None:
        """Read what bots of other runners hold; those of this one are known better.

        Args:
            now: Monotonic seconds.
            bots: Those of this runner.
        """
        if self._portfolio.limits.are_none or now < self._read + _READ_SECONDS:
            return
        self._read = now
        own = {bot.id: bot for bot in bots}
        known = self._db.bots.exposures()
        exposures = [_claimed(own[each.id]) if each.id in own else each.exposure for each in known]
        equity, began = self._since(now_us() // DAY_US * DAY_US, own) if self._portfolio.limits.daily_loss else (0.0, 0.0)
        self._portfolio.update(exposures, equity=equity, began=began)
        if self._portfolio.has_lost:
            self._tell_loss(now_us() // DAY_US)

    def gate(self, bot: Bot, number: int, target: float) -> str:
        """Return why a bot may not open a position in one of its symbols, or enlarge it; empty where it may.

        Args:
            bot: Which.
            number: Of the symbol.
            target: What is wanted, times its scale where positions are sized by volatility.
        """
        if self._portfolio.limits.are_none:
            return ""
        return self._portfolio.refusal(bot.plan.symbols[number], _more(bot, number, target))

    def _since(self, day_us: int, own: Mapping[str, Bot]) -> tuple[float, float]:
        """Return what all bots have, stopped ones too, that were there when a UTC day began, and what they had then."""
        began = self._db.bots.day_began(day_us)
        there = {bot.id: bot.equity for bot in self._db.bots.list() if bot.id in began and bot.equity is not None}
        equity = sum(own[bot].account.broker.equity if bot in own else float(value) for bot, value in there.items())
        return equity, sum(float(began[bot]) for bot in there)

    def _tell_loss(self, day: int) -> None:
        """Write once a UTC day, whichever runner sees it first, that the limit of the day was reached."""
        if day == self._told_day:
            return
        with self._db.transaction() as store:
            store.bots.add_event_of_day("daily-loss", f"{self._portfolio.loss_told}; nothing new is entered until it ends", day=day)
        self._told_day = day


def _more(bot: Bot, number: int, target: float) -> float:
    """Return by how much an order for a target can enlarge what is held of a symbol, in the quote currency."""
    broker, rules = bot.account.broker, bot.plan.rules
    position, equity = broker.positions[number], max(broker.equity, 0.0)
    value = abs(target) * rules.size * (1.0 if rules.sizing is Sizing.VALUE else equity)
    room = rules.leverage * equity - sum(map(abs, bot.account.exposure.values()))
    return max(min(value - abs(position.size) * position.mark, room), 0.0)


def _claimed(bot: Bot) -> dict[str, float]:
    """Return the value of what a bot holds by symbol, and of what its working orders may add to that."""
    claimed = {symbol: abs(value) for symbol, value in bot.account.exposure.items()}
    for position in bot.account.broker.positions:
        if not isnan(position.wanted):
            symbol = bot.plan.symbols[position.number]
            claimed[symbol] = claimed.get(symbol, 0.0) + _more(bot, position.number, position.wanted * position.scale)
    return claimed
