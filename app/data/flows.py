"""What is read of Prefect: whether flows can be started, and how a run is doing; asked over HTTP, and never for long."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st

from app.data.connections import settings
from app.scheduler import standings as scheduled
from app.scheduler.api import PrefectApi, Row, SchedulerError, not_running
from app.scheduler.runs import UNKNOWN, RunState, state_of
from app.stores import Lost, Store
from db.home import running_state
from market.errors import InputError, StoreUnreachable

PATIENCE_SECONDS = 3.0
"""So long a page waits for one answer of Prefect."""

WISH_SECONDS = 10.0
"""So long it waits for that to a wish: nobody knows what became of one that was not answered."""

UNDER_WAY = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")
"""Types of states of runs that are not over."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """Whether flows can be started now.

    Attributes:
        available: Whether Prefect takes a run.
        said: A sentence for a person: who carries out runs, or why nobody does and what to do.
        page: Address of Prefect's own pages; None unless it answers.
    """

    available: bool
    said: str
    page: str | None


def flows_available(deployment: str | None = None) -> Flows:
    """Return whether flows can be started, or the one of a deployment, at most two seconds old."""
    url, state = _where()
    return _flows(url, state, settings().flows.page_url, deployment)


def run_state(run: str) -> RunState:
    """Return how a run is doing, at most a second old; that Prefect is away is a state, too."""
    url, _ = _where()
    return _run_state(url, settings().flows.page_url, run)


def runs_under_way(deployment: str) -> list[RunState]:
    """Return the runs of a deployment that are not over, newest first, at most a second old; none while Prefect is away."""
    url, _ = _where()
    return _runs(url, settings().flows.page_url, deployment)


def look_again() -> None:
    """Have Prefect asked anew which runs are under way: something was started or cancelled just now."""
    _runs.clear()


def asked_for(run: str) -> tuple[str, Row] | None:
    """Return the name of the deployment of a run and its parameters, at most half a minute old.

    Returns:
        None while Prefect is away, of a run that it does not know any more, and of one of no deployment.
    """
    url, _ = _where()
    return None if url is None else _asked_for(url, settings().flows.page_url, run)


def tables_left(key: str, newest: int) -> list[tuple[str, Any]]:
    """Return when runs left tables under a key, and those as JSON, newest first, at most 15 seconds old; none without Prefect."""
    url, _ = _where()
    return [] if url is None else _tables(url, settings().flows.page_url, key, newest)


def server() -> PrefectApi:
    """Return Prefect's server, for wishes; all sessions share its connections.

    Raises:
        SchedulerError: If nobody said where it is, or it is starting.
    """
    url, state = _where()
    if url is None and state == "starting":
        raise SchedulerError("the scheduler is starting, which takes up to half a minute; try again then")
    if url is None:
        raise not_running()
    return _api(url, settings().flows.page_url)


@st.cache_data(ttl=2, show_spinner=False)
def _flows(url: str | None, state: str, page: str | None, deployment: str | None) -> Flows:
    starting = "The scheduler is starting …"
    if url is None:
        missing = "No flows run here: `tcpdash up` does not run, was started without them, or said why it cannot have them."
        return Flows(available=False, page=None, said=starting if state == "starting" else missing)
    lost: Lost = {}
    found = _ask(
        url, page, lambda api: ([each["name"] for each in api.workers()], [each["name"] for each in api.deployments()]), lost
    )
    if found is None:
        away = f"Prefect does not answer at {_api(url, page).shown}; `tcpdash up` starts again what went down."
        return Flows(available=False, page=None, said=starting if state == "starting" else away)
    workers, deployed = found
    if not deployed or (deployment or deployed[0]) not in deployed:  # it answers some seconds before all flows are handed over
        return Flows(available=False, page=None, said="The flows are not there yet: `tcpdash up` is handing them to Prefect.")
    said = f"Carried out by {', '.join(workers)}." if workers else "Nobody carries out runs now: `tcpdash flows serve` does."
    return Flows(available=True, page=_api(url, page).page, said=said)


@st.cache_data(ttl=1, show_spinner=False)
def _run_state(url: str | None, page: str | None, run: str) -> RunState:
    lost: Lost = {}
    try:
        found = None if url is None else _ask(url, page, lambda api: api.run(run), lost)
    except InputError as error:
        return RunState(run=run, state=UNKNOWN, ended=True, told=f"{str(error)[0].upper()}{str(error)[1:]}.")
    if found is None:
        return RunState(run=run, state=UNKNOWN, told="Prefect does not answer at the moment; how the run is doing will show again.")
    return state_of(found)


@st.cache_data(ttl=1, show_spinner=False)
def _runs(url: str | None, page: str | None, deployment: str) -> list[RunState]:
    def newest(api: PrefectApi) -> Sequence[Row]:
        return api.runs(_number(url, page, deployment), states=UNDER_WAY, sort="EXPECTED_START_TIME_DESC", limit=20)

    try:
        found = None if url is None else _ask(url, page, newest, {})
    except InputError:  # nothing is deployed yet
        return []
    return [state_of(each) for each in found or ()]


@st.cache_data(ttl=30, max_entries=32, show_spinner=False)
def _asked_for(url: str, page: str | None, run: str) -> tuple[str, Row] | None:
    def ask(api: PrefectApi) -> tuple[str, Row] | None:
        found = api.run(run)
        names = [each["name"] for each in api.deployments() if each["id"] == found.get("deployment_id")]
        return (names[0], found.get("parameters") or {}) if names else None

    try:
        return _ask(url, page, ask, {})
    except InputError:  # it was forgotten
        return None


@st.cache_data(ttl=300, max_entries=64, show_spinner=False)
def _number(url: str | None, page: str | None, deployment: str) -> str:
    """Return what Prefect calls a deployment; that stays for as long as it is there."""
    assert url is not None
    return str(_api(url, page).deployment(deployment)["id"])


@st.cache_data(ttl=15, max_entries=16, show_spinner=False)
def _tables(url: str, page: str | None, key: str, newest: int) -> list[tuple[str, Any]]:
    found = _ask(url, page, lambda api: api.tables(key, limit=newest), {})
    return [(str(each["created"]), each["data"]) for each in found or ()]


def _where() -> tuple[str | None, str]:
    return scheduled.address(settings().flows.api_url, running_state(settings().home))


def _ask(url: str, page: str | None, question: Callable[[PrefectApi], T], lost: Lost) -> T | None:
    """Return the answer to a question, None while Prefect is away; one that hangs is not asked again by each tick."""

    def asked(api: PrefectApi) -> T:
        try:
            return question(api)
        except SchedulerError as error:
            raise StoreUnreachable(str(error)) from error

    return _store(url, page).ask(asked, None, lost)


@st.cache_resource(max_entries=4, show_spinner=False)
def _store(url: str, page: str | None) -> Store[PrefectApi]:
    return Store("prefect", lambda: _api(url, page))


@st.cache_resource(max_entries=4, show_spinner=False, on_release=PrefectApi.close)
def _api(url: str, page: str | None) -> PrefectApi:
    return PrefectApi(url, page, patience_seconds=PATIENCE_SECONDS, wish_seconds=WISH_SECONDS)
