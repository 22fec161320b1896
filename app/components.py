"""What runs in the home, and what went down: the state and the incidents that `tcpdash up` writes."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import psutil  # type: ignore[import-untyped]  # it has no types

from app.words import NOTHING, age, size

_SHOWN = 50


class Incident(msgspec.Struct):
    """A component that was down, as the supervisor writes it down."""

    component: str
    at: datetime
    exit_code: int
    down_seconds: float
    attempts: int = 0


def component_table(pids: Mapping[str, int], at_us: int) -> pd.DataFrame:
    """Return one row for each component: its process, whether it lives, how long, and its memory."""
    return pd.DataFrame([_component(name, pid, at_us) for name, pid in pids.items()])


def incidents(home: Path) -> list[Incident]:
    """Return the newest incidents, newest first; a line that cannot be read is left out."""
    try:
        lines = (home / "incidents.jsonl").read_bytes().splitlines()[-_SHOWN:]
    except OSError:
        return []
    return [incident for line in reversed(lines) if (incident := _incident(line)) is not None]


def incident_table(found: list[Incident]) -> pd.DataFrame:
    """Return one row for each incident."""
    return pd.DataFrame(
        [
            {
                "when": f"{incident.at:%Y-%m-%d %H:%M:%S} UTC",
                "component": incident.component,
                "ended by": f"signal {-incident.exit_code}" if incident.exit_code < 0 else f"exit code {incident.exit_code}",
                "down": age(round(incident.down_seconds * 1_000_000)),
            }
            for incident in found
        ]
    )


def _component(name: str, pid: int, at_us: int) -> dict[str, Any]:
    row = {"component": name, "process": pid, "state": "gone", "running for": NOTHING, "memory": NOTHING}
    try:
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            running_us = at_us - round(process.create_time() * 1_000_000)
            row |= {"state": "running", "running for": age(running_us), "memory": size(_memory(process))}
    except psutil.Error:
        pass
    return row


def _memory(process: psutil.Process) -> int:
    """Return the memory of a process and its children; what they share (PostgreSQL's buffers) is counted once."""
    told = [child.memory_info() for child in process.children(recursive=True)]
    return int(process.memory_info().rss + sum(child.rss - getattr(child, "shared", 0) for child in told))


def _incident(line: bytes) -> Incident | None:
    try:
        return msgspec.json.decode(line, type=Incident)
    except msgspec.MsgspecError:
        return None
