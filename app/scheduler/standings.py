"""What runs by itself: each flow with its schedule, its next run and how the last one ended."""

from collections.abc import Mapping
from typing import Any

import msgspec

from app.scheduler.api import ENDED, PrefectApi, Row, SchedulerError

HEADER = ("flow", "schedule (UTC)", "rests", "next (UTC)", "last (UTC)", "ended as")
"""What is told of each flow, in tables."""

_PATIENCE_SECONDS = 3.0


class Standing(msgspec.Struct, frozen=True):
    """One flow of prefect.yaml at this moment.

    Attributes:
        schedule: When it runs, as cron in UTC; empty if only on request or after an event.
        rests: `yes`, if somebody paused it.
        next: When its next run is due, UTC.
        last: When its last run began, UTC.
        state: How that ended, or what it does.
    """

    flow: str
    schedule: str
    rests: str
    next: str | None
    last: str | None
    state: str | None


class Scheduler(msgspec.Struct, frozen=True):
    """What there is to see of Prefect at this moment.

    Attributes:
        page: Address of its own pages; None unless it answers.
        said: A sentence for a person: who carries out runs, or why nobody does.
        flows: Empty unless it answers.
    """

    page: str | None
    said: str
    flows: list[Standing] = []


def address(configured: str | None, running: Mapping[str, Any] | None) -> tuple[str | None, str]:
    """Return where Prefect is, by the settings or by the system that runs, and what the system says of it.

    The second is `off` where it was started without flows, or cannot have them, else `starting` or `ready`.
    """
    told: Mapping[str, Any] = (running or {}).get("scheduler") or {"url": None, "state": "off"}
    return (configured, "ready") if configured is not None else (told["url"], told["state"])


def look(url: str | None, state: str, *, page: str | None) -> Scheduler:
    """Return what there is to see of the server at an address; it is a value, too, that it does not answer."""
    if state == "off":
        return Scheduler(
            None, "No flows run: `tcpdash up` does not run, was started without them, or said why it cannot have them."
        )
    if url is None:
        return Scheduler(None, "Scheduler starting …")
    with PrefectApi(url, page, patience_seconds=_PATIENCE_SECONDS) as api:
        if not api.is_ready():
            missing = f"Prefect does not answer at {api.shown}; `tcpdash up` starts again what went down."
            return Scheduler(None, "Scheduler starting …" if state == "starting" else missing)
        try:
            flows, names = standings(api), [each["name"] for each in api.workers()]
        except SchedulerError as error:
            return Scheduler(None, f"{error}.")
    served = f"Served by {', '.join(names)}." if names else "Nobody carries out runs at this moment."
    return Scheduler(api.page, served, flows)


def cells(flow: Standing, nothing: str) -> list[str]:
    """Return what stands below HEADER."""
    return [each or nothing for each in (flow.flow, flow.schedule, flow.rests, flow.next, flow.last, flow.state)]


def standings(api: PrefectApi) -> list[Standing]:
    """Return all flows in the order of their names.

    Raises:
        SchedulerError: If Prefect does not answer.
    """
    return [_standing(api, deployment) for deployment in api.deployments()]


def _standing(api: PrefectApi, deployment: Row) -> Standing:
    schedules = deployment["schedules"]
    resting = deployment["paused"] or (schedules and not any(each["active"] for each in schedules))
    due = api.runs(deployment["id"], states=["SCHEDULED"], sort="EXPECTED_START_TIME_ASC")
    last = api.runs(deployment["id"], states=[*ENDED, "RUNNING", "PENDING"], sort="EXPECTED_START_TIME_DESC")
    return Standing(
        flow=deployment["name"],
        schedule=", ".join(each["schedule"].get("cron") or "every so often" for each in schedules),
        rests="yes" if resting else "",
        next=_moment(due[0]["expected_start_time"]) if due else None,
        last=_moment(last[0]["start_time"] or last[0]["expected_start_time"]) if last else None,
        state=last[0]["state_name"] if last else None,
    )


def _moment(text: str) -> str:
    return f"{text[:19]}Z"
