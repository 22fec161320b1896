"""Paper bots for scripts and notebooks: what `tcpdash bots` and its runners do, one call each."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from market.clock import monotonic
from market.errors import InputError
from trading.bots.config import BotConfig, from_dict, read_config
from trading.bots.configs import put
from trading.bots.folder import Broken, Folder, Found
from trading.bots.handing import Handing, Processed, place_of
from trading.bots.health import WELL, Health, Verdict
from trading.bots.leases import Leases
from trading.bots.loading import Loader
from trading.bots.minutes import Minutes
from trading.bots.portfolio import Portfolio, PortfolioLimits
from trading.bots.rescue import free_bots_of_the_dead, judge, rescue
from trading.bots.risk import Risk
from trading.registry import Registry
from trading.signal import Signal

if TYPE_CHECKING:
    from db.bot_rows import StoredBot
    from db.operations import DatabaseOperations

_BY = "BotManager"


class BotManager:
    """Starts and stops bots, hands them signals and looks after them; runners (`tcpdash bots run`) run them.

    Args:
        db: The store; None for that of the settings, of a running `tcpdash up`, or one of its own.
        folder: Of the bots' files; None for `config/bots`.
        strategies: Of a user's own strategies; None for `config/strategies`.
        limits: Of all bots together, for signals that are handed to one; None for none.
    """

    def __init__(
        self, db: "DatabaseOperations | None" = None, *, folder: Path | None = None, strategies: Path | None = None,
        limits: PortfolioLimits | None = None,
    ) -> None:  # fmt: skip
        if db is None:
            from db.operations import get_database_operations  # noqa: PLC0415 - it may start a server

            db = get_database_operations()
        self._db, self._folder = db, folder or Path("config/bots")
        self._strategies, self._limits = strategies or Path("config/strategies"), limits or PortfolioLimits()

    def load_bot_config(self, bot_id: str) -> BotConfig:
        """Return the configuration of a bot: as its file says it, else as it is stored.

        Raises:
            ConfigError: If its file cannot be used; it tells all that is wrong.
            InputError: If there is neither.
        """
        found = self._file_of(bot_id)
        return from_dict(self._db.bots.get(bot_id).config) if found is None else found.config

    def start_bot(self, bot_id: str) -> bool:
        """Wish that a bot runs, as `tcpdash bots start`; return whether that changes something.

        One of which nothing is stored yet is taken over from its file. It is run by whichever runner takes it.

        Raises:
            ConfigError: If its file cannot be used.
            InputError: If there is no such bot.
        """
        with self._db.transaction() as store:
            if bot_id not in {bot.id for bot in store.bots.list()} and (found := self._file_of(bot_id)) is not None:
                put(store, found)
            return bool(store.bots.wish("running", [bot_id], by=_BY))

    def stop_bot(self, bot_id: str) -> bool:
        """Wish that a bot stops, as `tcpdash bots stop`; return whether that changes something. It acts on nothing any more.

        Raises:
            InputError: If there is no such bot.
        """
        return bool(self._db.bots.wish("stopped", [bot_id], by=_BY))

    def process_signal(self, bot_id: str, signal: Signal) -> Processed:
        """Hand a bot a signal as if its strategy had said it after its candle; return what became of it.

        The bot acts on all stored minutes up to that candle, and holds at candles of which nothing was said. One that never ran
        begins with the candle. A signal that cannot be acted on is refused, and kept as such; one that comes again is not acted on
        again. Meanwhile the bot belongs to this process; a runner goes on with it afterwards.

        Args:
            bot_id: Whose; it has to be wanted to run, and no runner may have it.
            signal: With an empty symbol it is of the first one of the bot, with timestamp 0 of the newest candle.

        Raises:
            InputError: If there is no such bot, it is stopped or parked, a runner has it, or its minutes are not stored.
        """
        with self._leased(bot_id) as (leases, stored):
            config, minutes = from_dict(stored.config), Minutes(self._db)
            lookback = int(self._registry.create(config.strategy, config.parameters).lookback)
            for symbol in config.symbols:
                minutes.follow(symbol)
            while minutes.poll(monotonic()):
                pass
            settled = [minutes.settled_us(symbol) or 0 for symbol in config.symbols]
            if not all(settled):
                raise InputError(f"no minute of {', '.join(config.symbols)} is stored yet, or not of all of them")
            symbol, candle_us = place_of(signal, config.symbols, config.width, min(settled))
            bot = Loader(self._db, minutes).load(stored, max(lookback, 1), begins_us=candle_us - config.width.width_us)
            if bot is None:
                waits = next(filter(None, map(minutes.trouble, config.symbols)), "a minute of the candle that forms is not settled")
                raise InputError(f"bot {bot_id} cannot go on yet: {waits}")
            risk = Risk(self._db, Portfolio(self._limits))
            risk.refresh(monotonic(), [bot])
            return Handing(self._db, bot, leases, risk.gate).hand(signal, symbol, candle_us)

    def update_bot_heartbeat(self, bot_id: str) -> Verdict:
        """Judge a bot, and note a heartbeat where a runner has it and it is well; return the verdict.

        Raises:
            InputError: If there is no such bot.
        """
        with self._db.transaction() as store:
            store.bots.get(bot_id)
            [judged] = judge(store, store.bots.locked([bot_id]))
            if judged.verdict.state in WELL - {Health.LATE}:
                store.bots.heartbeat(bot_id, judged.bot.lease_epoch)
            return judged.verdict

    def restart_crashed_bots(self) -> list[str]:
        """End what hangs and what a dead runner left, and return the bots that crashed and may be started again now, by id.

        Runners start them. A bot that crashes is started again 3 times within an hour; then it is parked, until a person starts it.
        """
        return [each.bot.id for each in rescue(self._db) if each.is_due]

    def restore_active_bots_on_startup(self) -> list[str]:
        """Free the bots of runners of this machine that are gone, so that others take them at once; return their ids.

        Without this they are taken when their leases end, some seconds later. Call it before this process runs bots itself.
        """
        return free_bots_of_the_dead(self._db)

    @cached_property
    def _registry(self) -> Registry:
        return Registry(self._strategies)

    def _file_of(self, bot_id: str) -> Found | None:
        """Return what the file of a bot says; None where it has none.

        Raises:
            ConfigError: If it cannot be used.
        """
        changes = Folder(self._folder, settle_seconds=0.0).changes(
            lambda data, file: read_config(data, self._registry, file=file), monotonic()
        )
        for change in changes:
            if isinstance(change, Broken) and change.id == bot_id:
                raise change.error
            if isinstance(change, Found) and change.config.id == bot_id:
                return change
        return None

    @contextmanager
    def _leased(self, bot_id: str) -> Iterator[tuple[Leases, "StoredBot"]]:
        """Take a bot for this block.

        Raises:
            InputError: If it cannot be taken.
        """
        leases = Leases(self._db, f"{socket.gethostname()}-{os.getpid()}-manager", most=1, only=[bot_id])
        changes = leases.look(monotonic(), well=[])
        if changes is None or not changes.taken:
            raise _not_free(self._db.bots.get(bot_id))
        try:
            yield leases, changes.taken[0]
        finally:
            if bot_id in leases.held:
                leases.release(bot_id)


def _not_free(bot: "StoredBot") -> InputError:
    if bot.wanted != "running":
        why = f"it is stopped; start it first: `tcpdash bots start {bot.id}`"
    elif bot.lease_owner is not None:
        why = f"{bot.lease_owner} runs it; hand signals to bots that no runner has"
    elif bot.state == "parked":
        why = f"it is parked: {bot.reason}"
    else:
        why = f"it is {bot.state}, and cannot be taken just now: {bot.reason or 'try again in a moment'}"
    return InputError(f"bot {bot.id} cannot be handed a signal: {why}")
