"""Wishes about flows without a Prefect server; with one: tests/flows."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import access
from app.access import NotAllowed, Role, User
from app.actions import flows as wishes
from app.data import flows, research_flows
from app.scheduler.api import PrefectApi, SchedulerError, SchedulerSilent
from db import DatabaseOperations
from db.home import own
from db.repositories.wishes import WishRepository
from market.errors import InputError, StoreUnreachable

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
TOLD = {"action": "start backfill", "subject": "OKX:BTC-USDT"}
RUN = "136b3914-b5c7-449d-bf2d-823ab2602337"


def test_without_prefect_nothing_is_started_and_nothing_recorded(home: Path, database: DatabaseOperations) -> None:
    with pytest.raises(SchedulerError, match="no Prefect server is known; start `tcpdash up`"):
        wishes.start("backfill", {}, **TOLD)

    assert database.wishes.list() == []
    assert (flows.flows_available().available, flows.flows_available().said[:18]) == (False, "No flows run here:")
    assert flows.run_state(RUN).state == "unknown"
    assert flows.runs_under_way("backfill") == []


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:1/api"])
def test_while_the_scheduler_starts_it_is_said(home: Path, url: str | None) -> None:
    with own(home) as owned:
        owned.publish({"scheduler": {"url": url, "state": "starting"}})

        assert flows.flows_available().said == "The scheduler is starting …"
        with pytest.raises(SchedulerError):
            wishes.start("backfill", {}, **TOLD)


def test_a_server_that_hangs_holds_up_one_tick_and_not_each(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "PATIENCE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv("TCPDASH_FLOWS__API_URL", f"http://127.0.0.1:{mute.getsockname()[1]}/api")
        states = []
        for _ in range(3):
            states.append(flows.run_state(RUN))
            flows._run_state.clear()
        mute.settimeout(0)
        asked = 0
        try:
            while True:
                mute.accept()[0].close()
                asked += 1
        except BlockingIOError:
            pass

    assert {each.state for each in states} == {"unknown"}
    assert not states[0].ended
    assert asked == 1


def test_a_viewer_can_neither_start_nor_cancel(home: Path, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "current_user", lambda: User(name="eve", role=Role.VIEWER))

    with pytest.raises(NotAllowed):
        wishes.start("backfill", {}, **TOLD)
    with pytest.raises(NotAllowed):
        wishes.cancel(RUN, action="cancel backfill", subject="OKX:BTC-USDT")
    assert database.wishes.list() == []


@pytest.fixture
def answers(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Return what a Prefect answers that has one deployment of backtests."""
    monkeypatch.setenv("TCPDASH_FLOWS__API_URL", "http://127.0.0.1:1/api")
    parameters = {"strategy": "sma_cross", "symbols": ["OKX:BTC-USDT"], "timeframe": "1h"}
    row = {"id": "r", "deployment_id": "d", "state_type": "SCHEDULED", "state_name": "Late", "parameters": parameters}
    given: dict[str, object] = {"run": row}

    def run(_: PrefectApi, number: str) -> object:
        if number != "r":
            raise InputError(f"run {number} is none that Prefect knows; it may have forgotten it")
        return given["run"]

    monkeypatch.setattr(PrefectApi, "run", run)
    monkeypatch.setattr(PrefectApi, "runs", lambda *_, **__: [given["run"]])
    monkeypatch.setattr(PrefectApi, "deployments", lambda _: [{"id": "d", "name": "backtest"}])
    return given


def test_a_run_of_research_that_only_waits_is_told_with_what_it_is_about(answers: dict[str, object]) -> None:
    [found] = research_flows.under_way()

    assert (found.run, found.kind, found.state, found.about) == ("r", "backtest", "late", "sma_cross on OKX:BTC-USDT 1h")


def test_what_a_run_was_asked_for_is_known_until_it_is_forgotten(answers: dict[str, object]) -> None:
    found = research_flows.asked_of("r")

    assert found is not None
    assert (found.strategy, found.symbols, found.timeframe) == ("sma_cross", ("OKX:BTC-USDT",), "1h")
    assert research_flows.asked_of("forgotten") is None


@pytest.mark.parametrize("run", [{"deployment_id": "other"}, {"parameters": {}}])
def test_a_run_that_is_none_of_ours_cannot_be_asked_for_again(answers: dict[str, object], run: dict[str, object]) -> None:
    answers["run"] = {"id": "r", "deployment_id": "d", "parameters": {"strategy": "x"}, **run}

    assert research_flows.asked_of("r") is None


class Slow:
    """A Prefect that does what it is asked, and answers as late as it is told to, or never, or with something else."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs: list[dict[str, object]] = []
        self.late, self.seconds, self.over = "", 60.0, threading.Event()
        self.instead: dict[str, tuple[int, bytes]] = {}
        slow = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                status, told = 200, json.dumps(slow.asked(self.path, body)).encode()
                if slow.late and self.path.endswith(slow.late):
                    slow.over.wait(slow.seconds)
                status, told = slow.instead.get(self.path.rpartition("/")[2], (status, told))
                self.send_response(status)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            do_GET = do_POST = answer  # noqa: N815 - names of the library

            def log_message(self, *told: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who asked is gone
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        monkeypatch.setenv("TCPDASH_FLOWS__API_URL", f"http://127.0.0.1:{self.server.server_port}/api")

    def asked(self, path: str, body: dict[str, object]) -> object:
        if path.endswith("deployments/filter"):
            return [{"id": "d", "name": "backfill", "paused": False, "schedules": []}]
        if path.endswith("create_flow_run"):
            run = {"id": RUN, "state_type": "SCHEDULED", "state_name": "Scheduled", "key": body["idempotency_key"]}
            self.runs = [each for each in self.runs if each["key"] != run["key"]] + [run]
            return run
        if path.endswith("set_state"):
            self.runs[0]["state_type"] = body["state"]["type"]  # type: ignore[index]
            return {"status": "ACCEPT"}
        if path.endswith("flow_runs/filter"):
            return [each for each in self.runs if each["key"] in body["flow_runs"]["idempotency_key"]["any_"]]  # type: ignore[index]
        return self.runs[0]


@pytest.fixture
def slow(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    monkeypatch.setattr(flows, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(flows, "WISH_SECONDS", 1.0)
    slow = Slow(monkeypatch)
    yield slow
    slow.over.set()
    slow.server.shutdown()
    slow.server.server_close()


def test_a_start_that_is_not_answered_in_time_is_recorded_and_told_as_one_that_may_have_been(
    slow: Slow, database: DatabaseOperations
) -> None:
    slow.late = "create_flow_run"

    with pytest.raises(SchedulerSilent, match=r"no answer .*may have been started.*look at the list"):
        wishes.start("backfill", {"symbol": "OKX:BTC-USDT"}, **TOLD)

    assert len(slow.runs) == 1
    [wish] = database.wishes.list()
    assert (wish.action, wish.subject) == ("start backfill", "OKX:BTC-USDT")
    assert wish.details == {
        "deployment": "backfill", "parameters": {"symbol": "OKX:BTC-USDT"}, "outcome": "no clear answer",
    }  # fmt: skip


def test_who_tries_again_then_is_given_the_run_that_was_started(slow: Slow) -> None:
    slow.late = "create_flow_run"
    with pytest.raises(SchedulerSilent):
        wishes.start("backfill", {}, **TOLD)
    slow.late = ""

    assert wishes.start("backfill", {}, **TOLD) == RUN
    assert len(slow.runs) == 1


def test_a_cancel_that_is_not_answered_in_time_is_recorded_too(slow: Slow, database: DatabaseOperations) -> None:
    wishes.start("backfill", {}, **TOLD)
    slow.late = "set_state"

    with pytest.raises(SchedulerSilent, match=r"no answer .*may have been cancelled.*look at the list"):
        wishes.cancel(RUN, action="cancel backfill", subject="OKX:BTC-USDT")

    assert slow.runs[0]["state_type"] == "CANCELLED"
    assert [wish.details for wish in database.wishes.list()][-1] == {"run": RUN, "outcome": "no clear answer"}


UNCLEAR = {
    "a proxy that lost it": (502, b"<html>Bad Gateway</html>"),
    "its database went away": (503, b'{"exception_message": "database is locked"}'),
    "no JSON": (200, b"<html>"),
    "another object": (200, b"{}"),
    "nothing": (200, b""),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_an_answer_that_says_nothing_clear_may_be_of_what_was_carried_out(
    slow: Slow, database: DatabaseOperations, name: str
) -> None:
    slow.instead = {"create_flow_run": UNCLEAR[name], "set_state": UNCLEAR[name]}

    with pytest.raises(SchedulerSilent, match=r"Prefect .*may have been started.*look at the list"):
        wishes.start("backfill", {}, **TOLD)
    with pytest.raises(SchedulerSilent, match=r"Prefect .*may have been cancelled.*look at the list"):
        wishes.cancel(RUN, action="cancel backfill", subject="OKX:BTC-USDT")

    assert slow.runs[0]["state_type"] == "CANCELLED"
    assert [wish.details["outcome"] for wish in database.wishes.list()] == ["no clear answer"] * 2


@pytest.mark.parametrize("status", [302, 401, 404, 409, 422])
def test_a_clear_no_is_one_and_leaves_no_record(slow: Slow, database: DatabaseOperations, status: int) -> None:
    slow.instead = {"create_flow_run": (status, b'{"detail": "not so"}')}

    with pytest.raises(SchedulerError, match="Prefect refused") as caught:
        wishes.start("backfill", {}, **TOLD)

    assert not isinstance(caught.value, SchedulerSilent)
    assert database.wishes.list() == []


@pytest.mark.parametrize("path", ["deployments/filter", "create_flow_run"])
def test_what_is_asked_of_prefect_is_recorded_before(slow: Slow, database: DatabaseOperations, path: str) -> None:
    recorded: list[dict[str, object]] = []
    real = slow.asked

    def asked(at: str, body: dict[str, object]) -> object:
        if at.endswith(path):
            recorded.extend(wish.details for wish in database.wishes.list())
            with database.engine.begin() as other:  # the server of the database ends what is under way, and a crash would
                other.execute(
                    sa.text(
                        "select pg_terminate_backend(pid) from pg_stat_activity"
                        " where state = 'idle in transaction' and pid <> pg_backend_pid()"
                    )
                )
        return real(at, body)

    slow.asked = asked  # type: ignore[method-assign]

    assert wishes.start("backfill", {"symbol": "OKX:BTC-USDT"}, **TOLD) == RUN

    told = {"deployment": "backfill", "parameters": {"symbol": "OKX:BTC-USDT"}}
    assert recorded == [told | {"outcome": "not known"}]
    assert [wish.details for wish in database.wishes.list()] == [told]


def test_a_record_that_cannot_be_completed_says_so(
    slow: Slow, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise StoreUnreachable("the database went away")

    monkeypatch.setattr(WishRepository, "tell", away)

    assert wishes.start("backfill", {}, **TOLD) == RUN

    assert [wish.details["outcome"] for wish in database.wishes.list()] == ["not known"]
    assert "wish recorded without its outcome" in caplog.text


def test_a_server_that_answers_within_the_time_of_a_wish_is_waited_for(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "WISH_SECONDS", 30.0)
    slow.late, slow.seconds = "create_flow_run", 1.5

    assert wishes.start("backfill", {}, **TOLD) == RUN


def test_what_was_not_even_asked_for_yet_is_neither_started_nor_recorded(slow: Slow, database: DatabaseOperations) -> None:
    slow.late = "deployments/filter"

    with pytest.raises(SchedulerError, match="Prefect does not answer") as caught:
        wishes.start("backfill", {}, **TOLD)

    assert not isinstance(caught.value, SchedulerSilent)
    assert (slow.runs, database.wishes.list()) == ([], [])
