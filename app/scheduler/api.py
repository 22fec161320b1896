"""Prefect's server over REST, which answers at once; importing Prefect itself takes seconds."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from market.errors import InputError, PlatformError, did_you_mean

ENDED = ("COMPLETED", "FAILED", "CANCELLED", "CRASHED")
"""Types of states that a run does not leave any more."""

POOL = "local"
"""The work pool that prefect.yaml names."""

_START = "start `tcpdash up` (without --no-flows), or set TCPDASH_FLOWS__API_URL"

_SENT = (httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.RemoteProtocolError, httpx.DecodingError)  # it may be there

_OF_A_RUN = ("id", "state_type", "state_name")

Row = dict[str, Any]


class SchedulerError(PlatformError):
    """Raised when Prefect's server does not answer, or refuses; the text says which."""


class SchedulerSilent(SchedulerError):
    """Raised when Prefect's server may have a wish and did not say clearly what became of it: it may be done all the same."""


class PrefectApi:
    """The server at one address.

    Attributes:
        url: Its address, with a login in it where the settings have one: nothing to be shown.
        shown: The same without the login, for texts that people read.
        page: Address of its pages in a browser.

    Args:
        url: `http://host:port/api`.
        page: Address of its pages in a browser; that without `/api` if None.
        patience_seconds: How long to wait for an answer.
        wish_seconds: How long to wait for that to a run being started, or wished into a state.
    """

    def __init__(
        self, url: str, page: str | None = None, *, patience_seconds: float = 30.0, wish_seconds: float = 30.0
    ) -> None:  # fmt: skip
        self.url, self.shown = url, _without_login(url)
        self.page, self._wish_seconds = page or self.shown.removesuffix("/api"), wish_seconds
        # Certificates take 60 ms to read, which a server on this computer has no use for.
        verify = not url.startswith("http://")
        self._client = httpx.Client(base_url=f"{url}/", timeout=patience_seconds, trust_env=False, verify=verify)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def is_ready(self) -> bool:
        """Return whether it answers and is well."""
        try:
            return self._client.get("health", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def ensure_pool(self) -> None:
        """Make the work pool of processes where it is missing."""
        with self._asked():
            answer = self._client.post("work_pools/", json={"name": POOL, "type": "process"})
            if answer.status_code != 409:  # it is there
                answer.raise_for_status()

    def workers(self) -> list[Row]:
        """Return the workers that were heard of lately; none as long as there is no pool."""
        with self._asked():
            answer = self._client.post(f"work_pools/{POOL}/workers/filter", json={"workers": {"status": {"any_": ["ONLINE"]}}})
            return [] if answer.status_code == 404 else self._rows(answer.raise_for_status().json(), "name")

    def deployments(self) -> list[Row]:
        """Return all deployments, in the order of their names."""
        found = self._post("deployments/filter", {"sort": "NAME_ASC", "limit": 200})
        return self._rows(found, "id", "name", "paused", "schedules")

    def deployment(self, name: str) -> Row:
        """Return the deployment of that name.

        Raises:
            InputError: If there is none.
        """
        known = {each["name"]: each for each in self.deployments()}
        if name not in known:
            names = ", ".join(known) or "none, for nothing is deployed yet"
            raise InputError(f"flow {name!r} is not one of {names}{did_you_mean(name, list(known))}")
        return known[name]

    def delete_deployment(self, number: str) -> None:
        """Forget a deployment and its schedules."""
        with self._asked():
            self._client.delete(f"deployments/{number}").raise_for_status()

    def pause(self, number: str) -> None:
        """Let a deployment's schedules rest; runs that are planned are taken back."""
        self._post(f"deployments/{number}/pause_deployment", {})

    def resume(self, number: str) -> None:
        """Let a deployment's schedules work again."""
        self._post(f"deployments/{number}/resume_deployment", {})

    def pause_schedule(self, number: str, schedule: str) -> None:
        """Let one schedule of a deployment rest."""
        with self._asked():
            self._client.patch(f"deployments/{number}/schedules/{schedule}", json={"active": False}).raise_for_status()

    def start_run(self, number: str, parameters: Mapping[str, Any], *, key: str | None = None) -> Row:
        """Ask for a run of a deployment at once; return it.

        Args:
            number: Of the deployment.
            parameters: Of the flow.
            key: What makes this wish one: who asks again with the same key is given the same run.

        Raises:
            SchedulerSilent: If it may have been started.
        """
        body = {"parameters": dict(parameters), "state": {"type": "SCHEDULED"}, "idempotency_key": key}
        return self._wish(f"deployments/{number}/create_flow_run", body, *_OF_A_RUN, may="started")

    def run(self, number: str) -> Row:
        """Return a run.

        Raises:
            InputError: If there is none of that number, or it is none.
        """
        with self._asked():
            answer = self._client.get(f"flow_runs/{_checked(number)}")
            if answer.status_code == 404:
                raise InputError(f"run {number} is none that Prefect knows; it may have forgotten it")
            return self._rows([answer.raise_for_status().json()], *_OF_A_RUN)[0]

    def runs_of_keys(self, keys: Sequence[str]) -> list[Row]:
        """Return the runs that were asked for with one of some keys."""
        return self._rows(self._post("flow_runs/filter", {"flow_runs": {"idempotency_key": {"any_": list(keys)}}}), *_OF_A_RUN)

    def set_state(self, number: str, kind: str, message: str) -> None:
        """Wish that a run goes into a state of a type: `CANCELLING` what is carried out, `CANCELLED` what only waits.

        Raises:
            SchedulerError: If Prefect says no, as of a run that is over.
            SchedulerSilent: If it may be in that state.
        """
        state = {"type": kind, "name": kind.capitalize(), "message": message}
        answer = self._wish(f"flow_runs/{_checked(number)}/set_state", {"state": state}, "status", may="cancelled")
        if answer["status"] != "ACCEPT":
            why = (answer.get("details") or {}).get("reason") or answer["status"].lower()
            raise SchedulerError(f"Prefect refused to call run {number} {kind.lower()}: {why}")

    def runs(self, deployment: str, *, states: Sequence[str], sort: str, limit: int = 1) -> list[Row]:
        """Return some runs of a deployment that are in states of some types."""
        wanted = {"flow_runs": {"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": list(states)}}}}
        return self._rows(self._post("flow_runs/filter", {**wanted, "sort": sort, "limit": limit}), *_OF_A_RUN)

    def tables(self, key: str, *, limit: int) -> list[Row]:
        """Return the tables that runs left under a key as artifacts, newest first."""
        wanted = {"artifacts": {"key": {"any_": [key]}, "type": {"any_": ["table"]}}, "sort": "CREATED_DESC", "limit": limit}
        return self._rows(self._post("artifacts/filter", wanted), "created", "data")

    def end_leftovers(self) -> int:
        """Call crashed whatever looks as if it ran; return how many. For who knows that nobody carries out runs."""
        going = {"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}}
        wanted = {"flow_runs": going, "work_pools": {"name": {"any_": [POOL]}}, "limit": 200}
        left = self._rows(self._post("flow_runs/filter", wanted), "id")
        for run in left:
            state = {"type": "CRASHED", "name": "Crashed", "message": "its process is gone; it is safe to run again"}
            self._post(f"flow_runs/{run['id']}/set_state", {"state": state})
        return len(left)

    def _rows(self, answer: Any, *needed: str) -> list[Row]:
        """Return an answer that is a list of objects with some keys; another program may sit at the address, or a proxy."""
        if isinstance(answer, list) and all(isinstance(each, dict) and each.keys() >= set(needed) for each in answer):
            return answer
        raise self._stranger()

    def _stranger(self) -> SchedulerError:
        return SchedulerError(f"what answers at {self.shown} does not speak as Prefect does; check TCPDASH_FLOWS__API_URL")

    def _wish(self, path: str, body: Mapping[str, Any], *needed: str, may: str) -> Row:
        """Ask for what is done even when nobody hears the answer; `may` is what the run may be then."""
        try:
            return self._rows([self._post(path, body, timeout=self._wish_seconds)], *needed)[0]
        except SchedulerError as error:
            if _is_no(error.__cause__):
                raise
            mute = isinstance(error.__cause__, _SENT)
            told = f"Prefect gave no answer ({error.__cause__})" if mute else str(error)
            raise SchedulerSilent(
                f"{told}: the run may have been {may} all the same; look at the list before you try again"
            ) from error

    def _post(self, path: str, body: Mapping[str, Any], *, timeout: Any = httpx.USE_CLIENT_DEFAULT) -> Any:
        with self._asked():
            answer = self._client.post(path, json=body, timeout=timeout).raise_for_status()
            return answer.json() if answer.content else None

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPStatusError as error:
            why = "cannot answer, as when its database is away," if error.response.is_server_error else "refused"
            raise SchedulerError(f"Prefect {why} at {_without_login(str(error.request.url))}: {_reason(error.response)}") from error
        except httpx.HTTPError as error:
            raise SchedulerError(f"Prefect does not answer at {self.shown} ({error}); {_START}") from error
        except ValueError as error:  # no JSON
            raise self._stranger() from error


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _is_no(cause: BaseException | None) -> bool:
    """Return whether what came instead of an answer says that nothing was done: it never arrived, or was refused."""
    if isinstance(cause, httpx.HTTPStatusError):
        return not cause.response.is_server_error
    return isinstance(cause, httpx.HTTPError) and not isinstance(cause, _SENT)


def not_running() -> SchedulerError:
    """Return the error for nobody having said where a server is."""
    return SchedulerError(f"no Prefect server is known; {_START}")


def _checked(number: str) -> str:
    """Return the number of a run as a part of an address; numbers come from those of pages, too."""
    try:
        return str(UUID(number))
    except ValueError:
        raise InputError(f"{number[:80]!r} is not the number of a run") from None


def _reason(answer: httpx.Response) -> str:
    try:
        detail = answer.json()
    except ValueError:
        detail = answer.text
    return f"{answer.status_code} {detail.get('detail', detail) if isinstance(detail, dict) else detail}"[:500]
