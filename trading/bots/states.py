"""What bots do, in a word and a reason, and who is told when that changes."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from db.bot_rows import EventRow, StoredBot, Written
from market.clock import isoformat, now_us
from trading.bots.bot import Bot
from trading.bots.minutes import WIDTH_US
from trading.bots.telling import Teller
from trading.bots.watch import Watch

if TYPE_CHECKING:
    from db.operations import DatabaseOperations

_LOOK_SECONDS, _TELL_SECONDS = 1.0, 5.0
State = tuple[str, str]


class States:
    """Knows what was said of each bot last, and says what is new: in the table, as an event, and on Redis.

    Args:
        db: The store.
        teller: For Redis.
        watch: Knows which bots are late.
    """

    def __init__(self, db: "DatabaseOperations", teller: Teller, watch: Watch) -> None:
        self._db, self._teller, self._watch = db, teller, watch
        self._said: dict[str, State] = {}
        self._behind: dict[str, int] = {}
        self._looked = self._told = float("-inf")

    def of(self, bot: Bot) -> State:
        """Return the state of a bot, and the reason."""
        if bot.id in self._behind and bot.is_behind:
            return "catching-up", f"from {isoformat(bot.at_us)} on"
        trouble = bot.trouble
        if trouble:
            return "waiting", trouble
        begins = f"begins at {isoformat(bot.begins_us)}, where a candle opens" if bot.at_us < bot.begins_us else ""
        return "running", self._watch.reason(bot.id) or begins

    def begun(self, bot: Bot, stored: StoredBot) -> None:
        """Note that a bot runs now, behind what was written of it last."""
        self._behind[bot.id] = bot.at_us
        self._said[bot.id] = ("starting", "")
        skipped_us = 0 if stored.acted_until_us is None else bot.at_us - stored.acted_until_us
        if stored.from_now and skipped_us > 0:
            text = f"{skipped_us // WIDTH_US:,} minutes up to {isoformat(bot.at_us)} are skipped, as was wished"
            details = {"skipped_us": [stored.acted_until_us, bot.at_us]}
            self._db.bots.add_event(EventRow(kind="skipped", text=text, details=details, bot=bot.id))

    def waits(self, bot: str, stored: StoredBot, trouble: str) -> None:
        """Note that a bot cannot begin yet: as a minute of the candle that forms is not settled, or there is none of a symbol."""
        symbols = ", ".join(stored.config["symbols"])
        none = f"no minute of {symbols} is stored yet, or not of all of them; does a worker follow what it trades?"
        state = ("waiting", trouble or none)
        if self._said.get(bot) != state:
            self._said[bot] = state
            self._db.bots.set_states({bot: (stored.lease_epoch, *state)})

    def forget(self, bot: str) -> None:
        """Say nothing more of a bot."""
        self._said.pop(bot, None)
        self._behind.pop(bot, None)

    def wrote(self, step: Written) -> None:
        """Tell what was written."""
        for signal in step.signals:
            self._teller.signal(step.bot, {"bot": step.bot, "event": "signal", **asdict(signal)})
        for trade in step.trades:
            self._teller.signal(step.bot, {"bot": step.bot, "event": "trade", **asdict(trade)})

    def tell(self, now: float, bots: Iterable[Bot]) -> None:
        """Say what is new, once a second, and on Redis all every five.

        Args:
            now: Monotonic seconds.
            bots: All that run here.
        """
        if now < self._looked + _LOOK_SECONDS:
            return
        self._looked, again = now, now >= self._told + _TELL_SECONDS
        self._told = now if again else self._told
        new, events = {}, []
        for bot in bots:
            state, before = self.of(bot), self._said.get(bot.id, ("starting", ""))
            if state != before:
                self._said[bot.id] = state
                new[bot.id] = (bot.epoch, *state)
                events += self._events(bot, before, state)
            if state != before or again:
                self._teller.state(bot.id, _message(bot, state))
        if new:
            with self._db.transaction() as store:
                own = store.bots.set_states(new)
                for event in events:
                    if event.bot in own:
                        store.bots.add_event(event)

    def _events(self, bot: Bot, before: State, state: State) -> list[EventRow]:
        found = []
        begun_us = self._behind.pop(bot.id, None) if state[0] == "running" else None
        if begun_us is not None:
            minutes = (bot.at_us - begun_us) // WIDTH_US
            missed = "1 minute that was missed is" if minutes == 1 else f"{minutes:,} minutes that were missed are"
            text = f"runs live from {isoformat(bot.at_us)} on; {missed} caught up"
            found.append(EventRow(kind="caught-up", text=text, details={"minutes": minutes}, bot=bot.id, epoch=bot.epoch))
        if state[0] == "waiting" and before[0] != "waiting":
            found.append(EventRow(kind="waiting", text=state[1], bot=bot.id, epoch=bot.epoch))
        elif before[0] == "waiting" and state[0] != "waiting":
            found.append(EventRow(kind="going-on", text=f"goes on; it had waited: {before[1]}", bot=bot.id, epoch=bot.epoch))
        return found


def _message(bot: Bot, state: State) -> dict[str, Any]:
    account = bot.account
    return {
        "bot": bot.id, "state": state[0], "reason": state[1], "acted_until_us": bot.at_us, "at_us": now_us(),
        "equity": account.broker.equity, "cash": str(account.ledger.cash), "exposure": account.exposure,
    }  # fmt: skip
