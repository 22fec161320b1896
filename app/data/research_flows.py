"""Backtests, sweeps and walk-forwards as Prefect has them: what is not over, and what a run was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.data.flows import asked_for, runs_under_way
from research.asked import KINDS, Asked, of_flow


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """A run of Prefect that is not over; it may have no row in the database yet.

    Attributes:
        run: Its id.
        kind: What it runs.
        about: Of what, in words.
        state: As `app.scheduler.runs.RunState` calls it.
    """

    run: str
    kind: str
    about: str
    state: str


def under_way() -> list[UnderWay]:
    """Return what Prefect has under way, kind by kind, the newest first; nothing while it does not answer."""
    return [
        UnderWay(run=run.run, kind=kind, about=_about(run.parameters), state=run.state)
        for kind in KINDS
        for run in runs_under_way(kind)
    ]


def asked_of(run: str) -> Asked | None:
    """Return what a run of Prefect was asked for; None while Prefect does not answer, or where it is no run of ours."""
    kind, parameters = asked_for(run) or ("", {})
    try:
        return of_flow(kind, parameters) if kind in KINDS else None
    except KeyError:  # it was started past us, without what each of ours has
        return None


def _about(parameters: Mapping[str, Any]) -> str:
    symbols = ", ".join(map(str, parameters.get("symbols") or ()))
    return f"{parameters.get('strategy', '')} on {symbols} {parameters.get('timeframe', '')}".strip()
