"""A run of a flow in words: what it does, since when, and how it ended; pure."""

import re
from typing import Any

import msgspec

from app.scheduler.api import ENDED, Row
from market.clock import parse_time

OURS = frozenset((
    "BadRows", "BadSettings", "Busy", "ChainBroken", "ComponentFailed", "ConfigError", "FileRefused", "FoundWanting",
    "HolesError", "NoAnswer", "InputError", "LedgerError", "NotAllowed", "NotCompared", "NothingStored", "NothingToCheck",
    "NotReadError", "OutOfReach", "PlatformError", "QualityError", "RowsExist", "SchedulerError", "SchedulerSilent",
    "SchemaError", "ServerError", "SignalError", "Stopped", "StoreBusy", "StoreError", "StoreUnreachable", "StrategyFileError",
    "SymbolError", "TapeError", "TimeError", "TimeframeError", "VenueError", "VenueUnreachable", "WireError", "WorkersError",
))  # fmt: skip
"""Names of the errors whose texts are made for a person; of others only the name is told."""

UNKNOWN = "unknown"
"""The state of a run of which nobody could be asked."""

_WAITING = {
    "Scheduled": ("scheduled", "It waits for a process that carries it out."),
    "Late": ("late", "It waits for longer than usual: nobody carries out runs. `tcpdash up` does, or `tcpdash flows serve`."),
    "AwaitingConcurrencySlot": ("waiting", "It waits for its turn: as many as may run at once do."),
    "AwaitingRetry": ("waiting", "It failed for now, and is tried again in a moment."),
}
_GOING = {
    "PENDING": ("starting", "A process is started for it, which takes some seconds."),
    "RUNNING": ("running", "It runs."),
    "CANCELLING": ("cancelling", "It is being cancelled; that takes some seconds."),
    "PAUSED": ("paused", "It was paused on the page of Prefect, where it can be resumed."),
    "COMPLETED": ("completed", "It is done."),
    "CANCELLED": ("cancelled", "It was cancelled."),
    "CRASHED": ("crashed", "Its process ended before it was done; it is safe to run it again."),
}
_FAILED = re.compile(r"^(?:Flow|Task) run encountered an exception: (?:(?P<name>\w+)(?:: |$))?(?P<text>.*)", re.DOTALL)
_MOST = 600


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a flow at this moment.

    Attributes:
        run: Its number.
        state: `scheduled`, `late`, `waiting`, `starting`, `running`, `paused`, `cancelling`; `completed`, `failed`, `crashed`,
            `cancelled`; `unknown` while Prefect cannot be asked, or knows of no such run.
        told: What that means, or why it failed, in a sentence for a person.
        ended: Whether it stays so.
        since_us: When its process began, or until then when it was asked for, UTC epoch microseconds; None if unknown.
        ended_us: When it was over.
        parameters: What the flow was given.
    """

    run: str
    state: str
    told: str
    ended: bool = False
    since_us: int | None = None
    ended_us: int | None = None
    parameters: dict[str, Any] = {}

    def seconds(self, at_us: int) -> float | None:
        """Return for how long it runs, or ran; None before it began."""
        if self.since_us is None or self.state in {"scheduled", "late", "waiting", "starting"}:
            return None
        return max(0.0, ((self.ended_us or at_us) - self.since_us) / 1e6)


def state_of(run: Row) -> RunState:
    """Return a run of Prefect's REST interface in words."""
    kind, name = run["state_type"] or "SCHEDULED", run["state_name"] or "Scheduled"
    if kind == "FAILED":
        state, told = "failed", why_failed((run.get("state") or {}).get("message"))
    elif kind == "SCHEDULED":
        state, told = _WAITING.get(name, _WAITING["Scheduled"])
    else:
        state, told = _GOING.get(kind, (kind.lower(), f"Prefect calls it {name}."))
    begun = run.get("start_time") or run.get("created") or run.get("expected_start_time")
    return RunState(
        run=run["id"], state=state, told=told, ended=kind in ENDED, since_us=_moment_us(begun),
        ended_us=_moment_us(run.get("end_time")), parameters=run.get("parameters") or {},
    )  # fmt: skip


def why_failed(message: str | None) -> str:
    """Return why a run failed, in a sentence: what the error of ours says; of others its name, and where there is more."""
    found = _FAILED.match(message or "")
    name, text = ("", message or "") if found is None else (found["name"] or "", found["text"].strip())
    if name in OURS and text:
        short = text if len(text) <= _MOST else f"{text[:_MOST]}…"
        return f"{short[0].upper()}{short[1:]}{'' if short.endswith(('.', '…', '?', '!')) else '.'}"
    what = f"something unexpected ({name})" if name else "something unexpected"
    return f"It failed by {what}; the page of Prefect and logs/flows.out.log have the details."


def _moment_us(text: str | None) -> int | None:
    return None if text is None else parse_time(text)
