"""Wishes about flows without a Prefect server; with one: tests/flows."""

import socket
from pathlib import Path

import pytest

from app import access
from app.access import NotAllowed, Role, User
from app.actions import flows as wishes
from app.data import flows, research_flows
from app.scheduler.api import PrefectApi, SchedulerError
from db import DatabaseOperations
from db.home import own
from market.errors import InputError

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
TOLD = {"action": "start backfill", "subject": "OKX:BTC-USDT"}


def test_without_prefect_nothing_is_started_and_nothing_recorded(home: Path, database: DatabaseOperations) -> None:
    with pytest.raises(SchedulerError, match="no Prefect server is known; start `tcpdash up`"):
        wishes.start("backfill", {}, **TOLD)

    assert database.wishes.list() == []
    assert (flows.flows_available().available, flows.flows_available().said[:18]) == (False, "No flows run here:")
    assert flows.run_state("136b3914-b5c7-449d-bf2d-823ab2602337").state == "unknown"
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
            states.append(flows.run_state("136b3914-b5c7-449d-bf2d-823ab2602337"))
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
        wishes.cancel("136b3914-b5c7-449d-bf2d-823ab2602337", action="cancel backfill", subject="OKX:BTC-USDT")
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
