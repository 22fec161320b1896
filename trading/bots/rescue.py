"""What is done about bots that nobody runs any more, or that do not come on: the same by a flow, by a script, on any machine."""

import os
import re
import socket
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from db.bot_rows import EventRow, StoredBot
from trading.bots.health import SILENT_SECONDS, Health, Verdict, facts_of, verdict
from trading.bots.restarts import charge

if TYPE_CHECKING:
    from db.operations import DatabaseOperations
    from db.store import Store

_ILL = {Health.STUCK, Health.CRASHED}
_SILENT = {"stale", "down"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A bot, how it is, and what was done about it.

    Attributes:
        bot: Its row, without its account.
        verdict: How it is.
        at_us: When, by the clock of the database.
        done: What was done, in words; empty for nothing.
    """

    bot: StoredBot
    verdict: Verdict
    at_us: int
    done: str = ""

    @property
    def is_due(self) -> bool:
        """Whether it crashed and may be started again now, by whoever takes it."""
        retry_us = self.bot.retry_us
        return self.verdict.state is Health.CRASHED and (retry_us is None or retry_us <= self.at_us)


def judge(store: "Store", bots: Iterable[StoredBot]) -> list[Judged]:
    """Return how bots are by what the store says of them, in their order."""
    owed, now_us = store.bots.owed(), store.bots.clock_us()
    feeds = {feed.symbol: feed.state for feed in store.feeds.list()}
    return [judged(bot, owed_us=owed.get(bot.id), feeds=feeds, now_us=now_us) for bot in bots]


def judged(bot: StoredBot, *, owed_us: int | None, feeds: Mapping[str, str], now_us: int) -> Judged:
    """Return how a bot is by what is known of it.

    Args:
        bot: Its row.
        owed_us: Since when it could act on something and did not; None where there is nothing.
        feeds: State of the feed of each symbol, as far as known.
        now_us: By the clock of the database.
    """
    symbols = (symbol for symbol in bot.config.get("symbols", ()) if feeds.get(symbol) in _SILENT)
    trouble = next((f"the feed of {symbol} is {feeds[symbol]}" for symbol in symbols), "")
    facts = facts_of(bot, owed_us=owed_us, trouble=trouble, blocked=excuse(bot, now_us))
    return Judged(bot=bot, verdict=verdict(facts, now_us), at_us=now_us)


def rescue(db: "DatabaseOperations") -> list[Judged]:
    """Judge all bots, and do what there is to do about those that are stuck or crashed, all of it in one transaction.

    A stuck bot loses its lease and is charged with a crash, as its own runner would do it; the lease of a dead runner ends, so that
    another takes its bot at once. Each is judged again where nobody can change it any more: what its runner did meanwhile counts.
    Of a bot that waits to be started again, or that no runner takes, nothing is done.
    """
    with db.transaction() as store:
        all_bots = judge(store, store.bots.list())
        ill = [each.bot.id for each in all_bots if each.verdict.state in _ILL]
        again = {each.bot.id: _helped(store, each) for each in judge(store, store.bots.locked(ill))} if ill else {}
    return [again.get(each.bot.id, each) for each in all_bots]


def dead_owners(owners: Collection[str]) -> set[str]:
    """Return which runners were processes of this machine and are gone; those with a name of their own are not known.

    This process counts as gone, too: before it runs bots, its name can only be that of one with its number before it.
    """
    own = re.compile(rf"{re.escape(socket.gethostname())}-(\d{{1,9}})")
    found = {owner: own.fullmatch(owner) for owner in owners}
    return {owner for owner, match in found.items() if match is not None and _is_gone(int(match[1]))}


def free_bots_of_the_dead(db: "DatabaseOperations") -> list[str]:
    """End the leases of runners of this machine that are gone, and return the ids of their bots that are wanted to run."""
    with db.transaction() as store:
        leased = {bot.lease_owner for bot in store.bots.list() if bot.lease_owner is not None}
        freed = store.bots.end_leases(dead_owners(leased))
        return [bot.id for bot in store.bots.locked(freed) if bot.wanted == "running"]


def _helped(store: "Store", judged: Judged) -> Judged:
    bot, reason = judged.bot, judged.verdict.reason
    done = ""
    if judged.verdict.state is Health.STUCK:
        done = charge(store, bot.id, bot.lease_epoch, reason)
    elif judged.verdict.state is Health.CRASHED and bot.lease_owner is not None:
        event = EventRow(kind="lost", text=reason, details={"owner": bot.lease_owner})
        store.bots.release(bot.id, bot.lease_epoch, state="crashed", reason=reason, event=event)
        done = "free for any runner"
    return replace(judged, done=done)


def excuse(bot: StoredBot, now_us: int) -> str:
    """Return why a bot is late by no fault of its own: its runner, which noted a heartbeat just now, says why; else nothing."""
    is_well = bot.heartbeat_us is not None and now_us - bot.heartbeat_us <= SILENT_SECONDS * 1_000_000
    return bot.reason if is_well and bot.state == "running" else ""


def _is_gone(process: int) -> bool:
    if process == os.getpid():
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:  # there is one, of somebody else
        return False
    return False
