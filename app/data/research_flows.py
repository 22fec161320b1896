"""Which backtests, sweeps and walk-forwards Prefect has that are not over: some have no row in the database yet."""

from dataclasses import dataclass

import streamlit as st

from app import scheduled
from app.data.connections import settings
from app.prefect_api import PrefectApi, Row, SchedulerError
from db.home import running_state
from market.errors import InputError
from research.asked import KINDS, Asked, of_flow

_STATES = ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING")
_PATIENCE_SECONDS, _MOST = 1.0, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """A run of Prefect that is not over.

    Attributes:
        run: Its id.
        kind: What it runs.
        about: Of what, in words.
        state: As Prefect calls it, in small letters.
    """

    run: str
    kind: str
    about: str
    state: str


def under_way() -> list[UnderWay]:
    """Return what Prefect has under way, at most five seconds old; nothing while it does not answer."""
    url, _ = scheduled.address(settings().flows.api_url, running_state(settings().home))
    return [] if url is None else _under_way(url)


def look_again() -> None:
    """Have Prefect asked anew: something was started or cancelled just now."""
    _under_way.clear()


@st.cache_data(ttl=5, max_entries=4, show_spinner=False)
def _under_way(url: str) -> list[UnderWay]:
    try:
        with PrefectApi(url, patience_seconds=_PATIENCE_SECONDS) as api:
            own = [each for each in api.deployments() if each["name"] in KINDS]
            return [
                _told(each["name"], run)
                for each in own
                for run in api.runs(each["id"], states=_STATES, sort="EXPECTED_START_TIME_ASC", limit=_MOST)
            ]
    except SchedulerError:
        return []


def asked_of(run: str) -> Asked | None:
    """Return what a run of Prefect was asked for; None while Prefect does not answer, or where it is no run of ours."""
    url, _ = scheduled.address(settings().flows.api_url, running_state(settings().home))
    return None if url is None else _asked_of(url, run)


@st.cache_data(ttl=30, max_entries=32, show_spinner=False)
def _asked_of(url: str, run: str) -> Asked | None:
    try:
        with PrefectApi(url, patience_seconds=_PATIENCE_SECONDS) as api:
            found = api.run(run)
            kinds = [each["name"] for each in api.deployments() if each["id"] == found.get("deployment_id")]
            return of_flow(kinds[0], found["parameters"]) if kinds and kinds[0] in KINDS else None
    except (SchedulerError, InputError, KeyError):
        return None


def _told(kind: str, run: Row) -> UnderWay:
    parameters = run.get("parameters") or {}
    symbols = ", ".join(map(str, parameters.get("symbols") or ()))
    about = f"{parameters.get('strategy', '')} on {symbols} {parameters.get('timeframe', '')}".strip()
    return UnderWay(run=str(run["id"]), kind=kind, about=about, state=str(run.get("state_name") or "scheduled").lower())
