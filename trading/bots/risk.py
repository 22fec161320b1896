"""What bots may enter: the limits of all bots together, with what is known of them now."""

from collections.abc import Iterable
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
        began = self._db.bots.day_began(now_us() // DAY_US * DAY_US) if self._portfolio.limits.daily_loss else {}
        exposures = [own[each.id].account.exposure if each.id in own else each.exposure for each in known]
        equity = sum(float(each.equity) for each in known if each.id in began and each.equity is not None)
        self._portfolio.update(exposures, equity=equity, began=sum(map(float, began.values())))

    def gate(self, bot: Bot, number: int, target: float) -> str:
        """Return why a bot may not open a position in one of its symbols, or enlarge it; empty where it may."""
        if self._portfolio.limits.are_none:
            return ""
        broker, rules = bot.account.broker, bot.plan.rules
        position = broker.positions[number]
        value = abs(target) * rules.size * (1.0 if rules.sizing is Sizing.VALUE else max(broker.equity, 0.0))
        held = abs(position.size) * position.mark if position.size * target > 0.0 else 0.0
        return self._portfolio.refusal(bot.plan.symbols[number], max(value - held, 0.0))
