"""The ledger of holes in words, for terminals and pages."""

from collections.abc import Mapping
from typing import Any

import msgspec

from db.repositories.gaps import Gap

STATES = ("open", "filled", "never_existed", "unrecoverable", "alarm")
"""All states, in the order in which they are told."""

_LONGEST = 100
_SECOND_US = 1_000_000
_UNITS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))


def told_states(counts: Mapping[str, int]) -> str:
    """Return how many holes are in which state: `3 holes (1 open, 2 filled) and 1 alarm`."""
    told = [f"{counts[state]:,} {state.replace('_', ' ')}" for state in STATES[:-1] if counts.get(state)]
    holes, alarms = sum(count for state, count in counts.items() if state != "alarm"), counts.get("alarm", 0)
    words = f"{_counted(holes, 'hole')} ({', '.join(told)})" if holes else "no holes"
    return words + (f" and {_counted(alarms, 'alarm')}" if alarms else "")


def told_ids(gap: Gap) -> str:
    """Return the ids of a hole, `101-105`; empty where ids prove nothing."""
    if gap.first_id is None:
        return ""
    return f"{gap.first_id}" if gap.first_id == gap.last_id else f"{gap.first_id}-{gap.last_id}"


def told_length(microseconds: int) -> str:
    """Return a length of time in one or two units: `0.250 s`, `12.5 s`, `5 min 12 s`, `3 h 20 min`, `2 d 4 h`."""
    seconds = microseconds / _SECOND_US
    if seconds < 120:
        return f"{seconds:.3f} s" if seconds < 10 else f"{seconds:.1f} s"
    unit, name, below, rest = next(units for units in _UNITS if seconds >= units[0])
    return f"{seconds // unit:.0f} {name} {seconds % unit // below:.0f} {rest}"


def told_evidence(gap: Gap) -> str:
    """Return in a few words what proves the cause or the end of a hole; empty without evidence."""
    evidence = gap.evidence
    if evidence is None:
        return ""
    tell = next((tell for key, tell in _TOLD.items() if isinstance(evidence, dict) and key in evidence), _as_it_is)
    try:
        words = tell(evidence)
    except (KeyError, IndexError, TypeError, ValueError):  # what another version of this program wrote
        words = _as_it_is(evidence)
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _never_existed(evidence: dict[str, Any]) -> str:
    ranges = evidence["never_existed"]
    low, high = ranges[0]["answers"][-1]["between"]
    more = f", likewise {_counted(len(ranges) - 1, 'other range')}" if len(ranges) > 1 else ""
    return f"the venue has {low} and {high} and nothing between{_asked(evidence)}{more}"


def _reason(evidence: dict[str, Any]) -> str:
    first = f" at {evidence['first_id']}" if "first_id" in evidence else ""
    return f"{evidence['reason']}{first}{_asked(evidence)}"


def _overlap(evidence: dict[str, Any]) -> str:
    return f"the venue's newest {_counted(evidence['rows'], 'trade')} " + (
        "reach back before it" if evidence["overlaps"] else "do not reach back to it"
    )


def _conflict(evidence: dict[str, Any]) -> str:
    stored, other = evidence["stored"], evidence["other"]
    differing = [name for name in stored if stored[name] != other[name]]
    named = [name for name in differing if name != "timestamp_us"] or differing
    return ", ".join(f"{name} {stored[name]} is stored, {other[name]} came too" for name in named)


def _by(evidence: dict[str, Any]) -> str:
    how = {"feed": "came late, over the feed", "quality": "stored since, found by a later check"}
    return how.get(evidence["by"], f"by {evidence['by']}")


def _found(evidence: dict[str, Any]) -> str:
    what = "trades" if evidence.get("suite") == "trades" else f"{evidence['timeframe']} candles"
    return f"no {what} there, found by check {evidence['run']}"


def _as_it_is(evidence: Any) -> str:
    return msgspec.json.encode(evidence).decode()


def _asked(evidence: dict[str, Any]) -> str:
    return f" (asked {_counted(evidence['calls'], 'time')})" if evidence.get("calls") else ""


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}" + ("" if count == 1 else "s")


_TOLD = {"never_existed": _never_existed, "reason": _reason, "overlaps": _overlap, "stored": _conflict, "by": _by, "run": _found}
