"""How a bot is, in a word and a reason: a pure function of its row, of what it owes, and of the time."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from db.bot_rows import StoredBot
from market.clock import isoformat
from trading.bots.leases import RENEW_SECONDS

SILENT_SECONDS = 2 * RENEW_SECONDS
"""A heartbeat that is older is late."""
OWED_SECONDS = 60.0
"""Minutes that wait for longer are late: how far a bot is where nothing else is to be said is written every 30 seconds only."""
STUCK_LIMITS = 10
"""Beyond that, so many of its own time limits make it stuck."""
DEFAULT_LIMIT_SECONDS = 5.0


class Health(StrEnum):
    """How a bot is."""

    RUNNING = "running"
    STARTING = "starting"
    WAITING = "waiting"
    LATE = "late"
    STUCK = "stuck"
    CRASHED = "crashed"
    PARKED = "parked"
    STOPPED = "stopped"


WELL = frozenset({Health.RUNNING, Health.STARTING, Health.WAITING, Health.LATE})
"""Of these nothing has to be ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a bot is.

    Attributes:
        state: In a word.
        reason: Why; empty where the word says it all.
    """

    state: Health
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a bot at a moment; times are UTC epoch microseconds of the same clock.

    Attributes:
        wanted: `running` or `stopped`.
        state: As its row says it.
        reason: Likewise.
        owner: Which runner has it, or had it when its lease ended; None where none does.
        lease_until_us: When that ends unless it is renewed.
        heartbeat_us: When its runner last found it well.
        retry_us: Not to be started again before; None for at once.
        owed_us: Since when it could act on something and did not act on anything; None where there is nothing.
        limit_seconds: How long its strategy may take to answer.
        blocked: What it waits for that is not its own doing, a process for its strategy; empty for nothing.
        trouble: What is known to keep its minutes from coming; empty for nothing.
    """

    wanted: str
    state: str
    reason: str = ""
    owner: str | None = None
    lease_until_us: int | None = None
    heartbeat_us: int | None = None
    retry_us: int | None = None
    owed_us: int | None = None
    limit_seconds: float = DEFAULT_LIMIT_SECONDS
    blocked: str = ""
    trouble: str = ""

    @property
    def stuck_seconds(self) -> float:
        """After how long without a heartbeat, or without acting on what is there, it is stuck."""
        return OWED_SECONDS + STUCK_LIMITS * self.limit_seconds


def facts_of(bot: StoredBot, *, owed_us: int | None = None, trouble: str = "", blocked: str = "") -> Facts:
    """Return what the row of a bot says, with what is known besides."""
    return Facts(
        wanted=bot.wanted, state=bot.state, reason=bot.reason, owner=bot.lease_owner, lease_until_us=bot.lease_until_us,
        heartbeat_us=bot.heartbeat_us, retry_us=bot.retry_us, owed_us=owed_us, limit_seconds=_limit_of(bot.config),
        blocked=blocked, trouble=trouble,
    )  # fmt: skip


def verdict(facts: Facts, now_us: int) -> Verdict:
    """Return how a bot is at a moment.

    Without a lease: `stopped` where that is wanted, `parked`, `crashed` where it waits to be started again or its runner died, else
    `starting`. Under one: `stuck` where it has had no heartbeat, or has not acted on what is there, for a minute and ten of
    its time limits, unless its runner says what it waits for; `late` from ten seconds without a heartbeat, a minute without acting,
    and while it catches up; `waiting` where something keeps its minutes from coming; else what its row says.
    """
    if facts.wanted == "stopped":
        under_way = facts.owner is not None and _is_ahead(facts.lease_until_us, now_us)
        return Verdict(state=Health.STOPPED, reason=f"{facts.owner} has not given it back yet" if under_way else "")
    if facts.state == "parked":
        return Verdict(state=Health.PARKED, reason=facts.reason)
    if facts.owner is None or not _is_ahead(facts.lease_until_us, now_us):
        return _without_lease(facts, now_us)
    return _too_slow(facts, now_us) or _under_lease(facts)


def _without_lease(facts: Facts, now_us: int) -> Verdict:
    if facts.retry_us is not None and facts.retry_us > now_us:
        return Verdict(state=Health.CRASHED, reason=_joined(facts.reason, f"is started again from {isoformat(facts.retry_us)} on"))
    if facts.state == "crashed":
        return Verdict(state=Health.CRASHED, reason=_joined(facts.reason, "is to be started again, and no runner took it yet"))
    if facts.owner is not None:
        until = "" if facts.lease_until_us is None else f" at {isoformat(facts.lease_until_us)}"
        return Verdict(state=Health.CRASHED, reason=f"its runner {facts.owner} died: the lease ended{until}, and no other took it")
    return Verdict(state=Health.STARTING, reason="no runner took it yet; `tcpdash bots run` starts one")


def _too_slow(facts: Facts, now_us: int) -> Verdict | None:
    """Return what is wrong with a bot under a lease by how long nothing came of it; None for nothing."""
    silent = None if facts.heartbeat_us is None else max(now_us - facts.heartbeat_us, 0) / 1e6
    # What its runner, which is well, says that it waits for counts: it may be behind a hole that is found where it acted already.
    owed = None if facts.owed_us is None or facts.state == "waiting" else max(now_us - facts.owed_us, 0) / 1e6
    if silent is None or silent > facts.stuck_seconds:
        since = "no heartbeat yet" if silent is None else f"no heartbeat for {silent:,.0f} s"
        return Verdict(state=Health.STUCK, reason=f"{since}, though {facts.owner} has it")
    if owed is not None and owed > facts.stuck_seconds and not facts.blocked:
        return Verdict(state=Health.STUCK, reason=f"acts on nothing for {owed:,.0f} s, though minutes are there")
    if silent > SILENT_SECONDS:
        return Verdict(state=Health.LATE, reason=f"no heartbeat for {silent:,.0f} s")
    if owed is not None and owed > OWED_SECONDS:
        return Verdict(state=Health.LATE, reason=facts.blocked or f"acts on nothing for {owed:,.0f} s, though minutes are there")
    return None


def _under_lease(facts: Facts) -> Verdict:
    if facts.state == "waiting" or (facts.trouble and facts.state != "catching-up"):
        return Verdict(state=Health.WAITING, reason=facts.reason or facts.trouble)
    if facts.state == "catching-up":
        return Verdict(state=Health.LATE, reason=_joined("catches up", facts.reason))
    if facts.state == "running":
        return Verdict(state=Health.RUNNING, reason=facts.reason)
    return Verdict(state=Health.STARTING, reason=facts.reason)


def _is_ahead(moment_us: int | None, now_us: int) -> bool:
    return moment_us is not None and moment_us > now_us


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)


def _limit_of(config: dict[str, Any]) -> float:
    limits = config.get("limits")
    found = limits.get("time_limit_seconds") if isinstance(limits, dict) else None
    return float(found) if isinstance(found, int | float) else DEFAULT_LIMIT_SECONDS
