"""Wishes about flows: start a run of a deployment, and cancel one."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from app.actions.wishing import wished_elsewhere
from app.data.flows import server
from app.scheduler.api import ENDED, PrefectApi
from app.scheduler.runs import state_of
from market.clock import now_us
from market.errors import InputError

_SAME_US = 10_000_000  # who asks for the same within so long clicked twice, or two people wish the same
_AGAIN = 10  # who cancels and starts again means it


def start(deployment: str, parameters: Mapping[str, Any], *, action: str, subject: str) -> str:
    """Have a flow run, and return the number of the run; of the same wish ten seconds later the same, unless it is over.

    Args:
        deployment: Its name in prefect.yaml, `backfill`.
        parameters: Of the flow, as JSON can have them.
        action: What is wished, in two words at most, for the record: `start backfill`.
        subject: Of what: a symbol, a strategy.

    Raises:
        NotAllowed: If who looks at the page may not act.
        InputError: If there is no such deployment.
        SchedulerError: If Prefect does not answer, or takes no such parameters.
        SchedulerSilent: If it may have been started; that is recorded.
        StoreUnreachable: If the database is away, so that nobody would know who wished it; nothing was done then.
    """
    with wished_elsewhere(action, subject, deployment=deployment, parameters=dict(parameters)):
        api = server()
        number = api.deployment(deployment)["id"]
        return _started_once(api, number, parameters, slot=now_us() // _SAME_US)


def cancel(run: str, *, action: str, subject: str) -> None:
    """Cancel a run: one that waits is taken back at once, the process of one that runs is told to end.

    Args:
        run: Its number.
        action: For the record: `cancel backfill`.
        subject: Of what, as it was started.

    Raises:
        NotAllowed: If who looks at the page may not act.
        InputError: If there is no such run, or it is over.
        SchedulerError: If Prefect does not answer, or refuses.
        SchedulerSilent: If it may have been cancelled; that is recorded.
        StoreUnreachable: If the database is away; nothing was done then.
    """
    with wished_elsewhere(action, subject, run=run) as who:
        api = server()
        found = api.run(run)
        if found["state_type"] in ENDED:
            raise InputError(f"the run is over ({state_of(found).state}); there is nothing to cancel")
        kind = "CANCELLED" if found["state_type"] == "SCHEDULED" else "CANCELLING"
        api.set_state(run, kind, f"cancelled by {who}")


def _started_once(api: PrefectApi, number: str, parameters: Mapping[str, Any], *, slot: int) -> str:
    """Return the run of the same wish a moment ago, if it is not over; else that of a new one."""
    keys = [[f"{_key(number, parameters, each)} {again}" for again in range(_AGAIN)] for each in (slot - 1, slot)]
    earlier = api.runs_of_keys([*keys[0], *keys[1]])
    going = [str(each["id"]) for each in earlier if each["state_type"] not in ENDED]
    # A server that is asked twice with one key gives the same run again, even by two who ask at once.
    return going[0] if going else str(api.start_run(number, parameters, key=keys[1][len(earlier) % _AGAIN])["id"])


def _key(number: str, parameters: Mapping[str, Any], slot: int) -> str:
    told = msgspec.json.encode([number, parameters, slot], order="deterministic")
    return f"page {hashlib.sha256(told).hexdigest()}"
