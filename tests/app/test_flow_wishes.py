"""Wishes about flows without a Prefect server; with one: tests/flows."""

import socket
from pathlib import Path

import pytest

from app import access
from app.access import NotAllowed, Role, User
from app.actions import flows as wishes
from app.data import flows
from app.prefect_api import SchedulerError
from db import DatabaseOperations
from db.home import own

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
