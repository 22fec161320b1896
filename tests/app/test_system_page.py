"""The system page against real servers, without a browser."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st

from db.child import free_port
from db.home import own
from db.repositories.gaps import Gap
from tests.app.pages import Opener, Worker, words
from tests.app.samples import START_US, SYMBOL, candle

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
HOLE = Gap(symbol=SYMBOL, first_id=5, last_id=9, start_us=START_US, end_us=START_US + 10**6, cause="disconnect")


def test_system_page_of_an_empty_home(opened: Opener) -> None:
    page = opened("system")

    assert not page.exception
    told = words(page)
    assert "`tcpdash up` does not run" in told
    assert "no component of this home ever went down" in told
    assert "No feed is followed" in told
    assert "no trade is known to be missing" in told
    assert "PostgreSQL 18" in told
    assert "answers within" in told
    assert f"streamlit {st.__version__}" in told


def test_system_page_shows_what_runs_and_what_went_down(opened: Opener, worker: Worker, home: Path) -> None:
    worker.stores(candle(1))
    worker.tells(state="down", reason="timed out")
    worker.misses(HOLE)
    incident = {"component": "worker", "at": "2026-11-23T01:02:03Z", "exit_code": -9, "down_seconds": 1.5, "attempts": 1}
    (home / "incidents.jsonl").write_text(json.dumps(incident) + "\nhalf a li")

    with own(home) as owned:
        owned.publish({"pids": {"worker": os.getpid(), "app": 2**22 + 1}})
        page = opened("system")

    assert not page.exception
    components, incidents, feeds, holes, tables = (table.value for table in page.dataframe)
    assert components["state"].tolist() == ["running", "gone"]
    assert components["memory"][0].endswith(("MB", "GB"))
    assert incidents.loc[0].tolist() == ["2026-11-23 01:02:03 UTC", "worker", "signal 9", "1.5 s"]
    assert feeds.loc[0, ["symbol", "state"]].tolist() == [SYMBOL, "down"]
    assert holes.loc[0, ["symbol", "cause", "state"]].tolist() == [SYMBOL, "disconnect", "open"]
    assert "market_data" in tables["table"].tolist()


@pytest.mark.parametrize(
    ("scheduler", "sentence"),
    [
        (None, "No flows run"),
        ({"url": None, "state": "off"}, "No flows run"),
        ({"url": None, "state": "starting"}, "Scheduler starting …"),
        ({"url": "http://127.0.0.1:1/api", "state": "starting"}, "Scheduler starting …"),
        ({"url": "http://127.0.0.1:1/api", "state": "ready"}, "Prefect does not answer at http://127.0.0.1:1/api"),
    ],
)
def test_system_page_says_why_no_flows_are_shown(opened: Opener, home: Path, scheduler: dict | None, sentence: str) -> None:
    with own(home) as owned:
        owned.publish({"scheduler": scheduler})
        page = opened("system")

    assert not page.exception
    assert sentence in words(page)


def test_system_page_counts_all_holes_and_lists_the_newest_first(opened: Opener, worker: Worker) -> None:
    for number in range(25):
        worker.misses(replace(HOLE, first_id=number, last_id=number, start_us=START_US + number, state="filled"))
    worker.misses(replace(HOLE, first_id=90, last_id=99, state="unrecoverable"), replace(HOLE, first_id=80, last_id=89))

    page = opened("system")

    assert not page.exception
    assert "27 holes (1 open, 25 filled, 1 unrecoverable)" in words(page)
    holes = page.dataframe[0].value
    assert holes["ids"].tolist() == [f"{number}" for number in range(24, 4, -1)]


def test_system_page_survives_lost_stores(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPDASH_DATABASE__URL", f"postgresql+psycopg2://app@127.0.0.1:{free_port()}/app")
    monkeypatch.setenv("TCPDASH_REDIS__URL", f"redis://127.0.0.1:{free_port()}/0")

    page = opened("system")

    assert not page.exception
    assert len(page.warning) == 1
