"""The loop of `tcpdash bots run`: takes bots by lease, has them act on new minutes, and writes what comes of it."""

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from db.bot_rows import StoredBot, Written
from market.clock import monotonic
from market.errors import PlatformError, StoreUnreachable
from trading.bots.bot import Bot
from trading.bots.config import from_dict
from trading.bots.hosts import Answer, Hosts, Reading
from trading.bots.leases import Leases
from trading.bots.loading import Loader
from trading.bots.minutes import Minutes
from trading.bots.portfolio import Portfolio, PortfolioLimits
from trading.bots.risk import Risk
from trading.bots.states import States
from trading.bots.telling import Teller
from trading.bots.watch import Watch

if TYPE_CHECKING:
    from db.operations import DatabaseOperations

logger = logging.getLogger(__name__)

_STEPS, _IN_ONE = 200, 250
_IDLE_SECONDS, _AWAKE_SECONDS, _AWAKE_FOR = 1.0, 0.03, 3.0
_ACT_SECONDS, _WRITE_SECONDS, _READ_SECONDS = 0.25, 30.0, 30.0


class Runner:
    """Runs the bots that it has under lease, until it is stopped; any number of runners share those of one database.

    Args:
        db: The store.
        hosts: Where strategies are asked.
        leases: Which bots it has.
        teller: Says on Redis what was written; nothing waits for it.
        limits: Of all bots together.
    """

    def __init__(
        self, db: "DatabaseOperations", hosts: Hosts, leases: Leases, teller: Teller, *, limits: PortfolioLimits | None = None
    ) -> None:
        self._db, self._hosts, self._leases, self._teller = db, hosts, leases, teller
        self._minutes = Minutes(db)
        self._loader = Loader(db, self._minutes)
        self._risk = Risk(db, Portfolio(limits or PortfolioLimits()))
        self._watch = Watch(hosts.blocked)
        self._states = States(db, teller, self._watch)
        self._bots: dict[str, Bot] = {}
        self._limits: dict[str, float] = {}
        self._loading: dict[str, int | None] = {}
        self._woken = self._polled = self._wrote = float("-inf")
        self._wake, self._renew = threading.Event(), threading.Event()

    @property
    def symbols(self) -> set[str]:
        """What its bots trade."""
        return {symbol for bot in list(self._bots.values()) for symbol in bot.plan.symbols}

    def wake(self) -> None:
        """Look for new minutes at once; may be called from any thread."""
        self._wake.set()

    def renew_strategies(self) -> None:
        """Ask strategies by what their files say now; may be called from any thread."""
        self._renew.set()

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set; then all bots are given back, each behind its last minute.

        Raises:
            StoreUnreachable: If the database does not answer at the end; leases then end by themselves.
        """
        while not stop.is_set():
            try:
                self.turn()
            except StoreUnreachable as error:
                logger.warning("store down bots=%d reason=%s", len(self._bots), error)
                self._lose({*self._bots, *self._loading, *self._leases.held})
                stop.wait(_IDLE_SECONDS)
            else:
                self._rest()
        self._commit(always=True)
        self._leases.give_back()

    def turn(self) -> None:
        """Do once all that there is to do.

        Raises:
            StoreUnreachable: If the database does not answer; what was not written then will be done again.
        """
        now = monotonic()
        if self._renew.is_set():
            self._renew.clear()
            self._hosts.renew()
            self._lose({*self._bots, *self._loading})  # how far a strategy looks back may have changed, too
        self._look_after_leases(now)
        if self._wake.is_set():
            self._wake.clear()
            self._woken = now
        if now >= self._polled + self._pause(now):
            self._polled = now
            if self._minutes.poll(now):
                self._woken = float("-inf")
        self._load()
        self._risk.refresh(now, self._bots.values())
        self._act()
        for bot, why in self._watch.look(now, self._bots.values(), self._limits).items():
            self._crashed(bot, why)
        self._commit(always=now >= self._wrote + _WRITE_SECONDS)
        self._states.tell(now, self._bots.values())

    def _pause(self, now: float) -> float:
        return _AWAKE_SECONDS if now < self._woken + _AWAKE_FOR else _IDLE_SECONDS

    def _rest(self) -> None:
        if not any(bot.is_asking or bot.is_behind for bot in self._bots.values()):
            now = monotonic()
            self._wake.wait(max(0.0, min(self._polled + self._pause(now) - now, _IDLE_SECONDS)))

    # -- which bots ----------------------------------------------------------------------------------------------

    def _look_after_leases(self, now: float) -> None:
        changes = self._leases.look(now, well=[*filter(self._watch.is_well, self._bots), *self._loading])
        if changes is None:
            return
        for bot in changes.gone:
            self._forget(bot)
        for stored in changes.taken:
            self._begin(stored)
        if changes.gone or changes.taken:
            self._loader.forget()
        if changes.gone:
            waiting = {symbol for bot in self._loading for symbol in self._leases.held[bot].config["symbols"]}
            self._minutes.forget(self.symbols | waiting)

    def _begin(self, stored: StoredBot) -> None:
        try:
            config = from_dict(stored.config)
        except PlatformError as error:
            self._leases.park(stored.id, str(error))
            return
        for symbol in config.symbols:
            self._minutes.follow(symbol)
        self._polled = float("-inf")  # before it begins, so that it knows whether it is behind
        self._limits[stored.id] = config.limits.time_limit_seconds
        self._loading[stored.id] = None
        self._hosts.read(_reading_of(stored), limit_seconds=_READ_SECONDS)

    def _load(self) -> None:
        """Let those begin of which the lookback is known, where the minutes of their symbols are."""
        for bot, lookback in list(self._loading.items()):
            if lookback is None:
                if self._hosts.problem:
                    self._states.waits(bot, self._leases.held[bot], self._hosts.problem)
                continue
            with self._alone(bot):
                self._load_one(self._leases.held[bot], lookback)

    def _load_one(self, stored: StoredBot, lookback: int) -> None:
        try:
            loaded = self._loader.load(stored, lookback)
        except StoreUnreachable:
            raise
        except PlatformError as error:
            self._forget(stored.id)
            self._leases.park(stored.id, str(error))
            return
        if loaded is None:
            self._states.waits(stored.id, stored, next(filter(None, map(self._minutes.trouble, stored.config["symbols"])), ""))
            return
        del self._loading[stored.id]
        self._bots[stored.id] = loaded
        self._states.begun(loaded, stored)

    def _forget(self, bot: str) -> None:
        """Stop running a bot here; what was not written of it is done again by whoever has it next."""
        self._hosts.cancel(bot)
        self._bots.pop(bot, None)
        self._loading.pop(bot, None)
        self._limits.pop(bot, None)
        self._states.forget(bot)

    def _lose(self, bots: Iterable[str]) -> None:
        """Run bots anew behind what was written of them, which nobody knows."""
        for bot in list(bots):
            self._forget(bot)
            self._leases.take_again([bot])

    def _crashed(self, bot: str, why: str) -> None:
        self._forget(bot)
        self._leases.crashed(bot, why)

    @contextmanager
    def _alone(self, bot: str) -> Iterator[None]:
        """Let a bot crash over what is raised inside the block: whatever it is, it is this bot's alone."""
        try:
            yield
        except StoreUnreachable:
            raise
        except Exception as error:
            logger.exception("bot=%s", bot)
            self._crashed(bot, f"{type(error).__name__}: {error}")

    # -- what they do --------------------------------------------------------------------------------------------

    def _act(self) -> None:
        """Let all bots act on the minutes that are there, and their strategies answer, for a moment."""
        for bot in list(self._bots.values()):
            self._advance(bot)
        until = monotonic() + _ACT_SECONDS
        while True:
            waits = any(bot.is_asking for bot in self._bots.values()) or None in self._loading.values()
            for answer in self._hosts.answers(0.01 if waits else 0.0):
                self._answered(answer)
            if not waits or monotonic() >= until:
                return

    def _advance(self, bot: Bot) -> None:
        if bot.is_asking:
            return
        with self._alone(bot.id):
            for question in bot.advance(_STEPS):
                self._hosts.ask(question, limit_seconds=self._limits[bot.id])

    def _answered(self, answer: Answer) -> None:
        if answer.bot in self._loading:
            self._described(answer)
            return
        bot = self._bots.get(answer.bot)
        if bot is None:
            return
        if answer.kind not in {"signal", "refused"}:
            self._crashed(bot.id, f"its strategy after {answer.symbol}: {answer.kind}: {answer.error}")
            return
        with self._alone(bot.id):
            bot.answered(answer, self._risk.gate)
            self._advance(bot)

    def _described(self, answer: Answer) -> None:
        if answer.read is None:
            self._crashed(answer.bot, f"its strategy cannot be made: {answer.kind}: {answer.error}")
        elif answer.read.config is None:
            self._forget(answer.bot)
            self._leases.park(answer.bot, str(answer.error))
        else:
            self._loading[answer.bot] = max(answer.read.lookback, 1)

    # -- what is written -----------------------------------------------------------------------------------------

    def _commit(self, *, always: bool = False) -> None:
        """Write what bots did, many in one transaction."""
        if always:
            self._wrote = monotonic()
        found = []
        for bot in list(self._bots.values()):
            with self._alone(bot.id):
                step = bot.take_written(*self._states.of(bot), always=always)
                found += [] if step is None else [step]
        for begin in range(0, len(found), _IN_ONE):
            self._write(found[begin : begin + _IN_ONE])

    def _write(self, steps: list[Written]) -> None:
        try:
            taken = self._db.bots.write(steps)
        except StoreUnreachable:
            raise
        except Exception as error:
            if len(steps) > 1:  # one of them; each is tried by itself
                for step in steps:
                    self._write([step])
                return
            logger.exception("bot=%s", steps[0].bot)
            self._crashed(steps[0].bot, f"what it did cannot be written: {error}")
            return
        for step in steps:
            if step.bot in taken:
                self._states.wrote(step)
        self._lose(step.bot for step in steps if step.bot not in taken)


def _reading_of(stored: StoredBot) -> Reading:
    return Reading(bot=stored.id, data=msgspec.json.encode(stored.config), file=stored.config_file or stored.id)
