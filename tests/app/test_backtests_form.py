"""The form of a new run: filled by links, checked as it is typed, and started by those who may only."""

import re
import threading
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import access
from app.access import Role, User
from app.actions import backtests as wishes
from app.backtests.links import query_of
from app.data import background
from app.data.background import Done
from app.data.flows import Flows, RunState
from app.markdown import escaped
from app.scheduler.api import SchedulerError
from app.views.backtests import new, progress
from db import DatabaseOperations
from market.errors import InputError
from research.asked import BACKTEST, SWEEP, WALK_FORWARD, Asked, Search, command, flow_parameters
from tests.app.kept_runs import begin
from tests.app.pages import Opener, Worker, statements, words
from tests.app.samples import START_US, SYMBOL, Clock, candle

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
VIEWER = User(name="Eve", role=Role.VIEWER)
ASKED = {
    BACKTEST: Asked(
        kind=BACKTEST, strategy="sma_cross", symbols=(SYMBOL,), timeframe="5m", parameters={"fast": 7, "short": True},
        start="2024-08-08T23:55:00Z", end="2024-08-09T00:30:00Z", balance=500.0, fee=0.002, allow_holes=True, inside="1m",
        rules={"slippage": "basis-points", "stop_loss": 0.05, "time_exit": 3, "short": True}, monte_carlo=100, seed=3,
    ),
    SWEEP: Asked(
        kind=SWEEP, strategy="rsi", symbols=(SYMBOL,), timeframe="5m", start="2024-08-08T23:55:00Z", end="2024-08-09T00:30:00Z",
        search=Search(ranges={"period": "5:10:5"}, sampler="random", sets=2, seed=4, metric="total_return", least_trades=2),
    ),
    WALK_FORWARD: Asked(
        kind=WALK_FORWARD, strategy="sma_cross", symbols=(SYMBOL,), timeframe="5m", start="2024-08-08T23:55:00Z",
        end="2024-08-09T00:30:00Z", search=Search(ranges={"fast": "5,6"}, train="10m", test="5m", step="15m", anchored=True),
    ),
}  # fmt: skip


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Let Prefect be there, and return what it is asked to start."""
    asked: list[dict[str, Any]] = []

    def start(deployment: str, parameters: dict[str, Any], *, action: str, subject: str) -> str:
        asked.append({"deployment": deployment, "parameters": parameters, "action": action, "subject": subject})
        return "run-1"

    monkeypatch.setattr(wishes.flows, "start", start)
    monkeypatch.setattr(new, "flows_available", lambda _: Flows(available=True, said="", page=None))
    state = RunState(run="run-1", state="starting", told="A worker starts its process.", ended=False, since_us=None)
    monkeypatch.setattr(progress, "run_state", lambda _: state)
    return asked


@pytest.fixture
def stored(worker: Worker) -> None:
    worker.stores(*(candle(minute) for minute in range(1, 40)))


def filled(opened: Opener, asked: Asked) -> AppTest:
    """Open the form with all that is asked for, as a link does."""
    return opened("backtests", **query_of(asked))


def button(page: AppTest, label: str) -> Any:
    return next(each for each in page.button if each.label == label)


@pytest.mark.parametrize("kind", ASKED)
def test_a_link_fills_the_form_and_the_form_says_the_same_command(
    opened: Opener, stored: None, started: list[dict[str, Any]], kind: str
) -> None:
    page = filled(opened, ASKED[kind])

    assert not page.exception
    assert not page.error
    assert page.code[0].value == command(ASKED[kind])
    button(page, f"Start the {kind}").click().run()
    assert started == [
        {
            "deployment": kind, "parameters": flow_parameters(ASKED[kind]), "action": f"run {kind}",
            "subject": ASKED[kind].strategy,
        }
    ]  # fmt: skip
    assert page.query_params["started"] == "run-1"
    assert "A worker starts its process" in words(page)


def test_the_first_paint_of_the_form_asks_the_database_little(opened: Opener, stored: None) -> None:
    with statements() as sent:
        page = opened("backtests", view="New run")

    assert not page.exception
    assert "Choose a symbol" in words(page)
    assert len(sent) <= 5


def test_the_form_says_what_is_stored_and_how_much_of_the_window_is_there(
    opened: Opener, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.stores(*(candle(minute) for minute in (1, 2, 3, 7, 8)))
    monkeypatch.setattr("app.data.windows.background", lambda _, call, **__: Done(result=call()))
    page = opened("backtests", view="New run", new_symbols=SYMBOL, new_timeframe="1m", tz="Asia/Tokyo")

    assert not page.exception
    assert "Stored: 2024-08-09 08:54 to 2024-08-09 09:02 Asia/Tokyo" in words(page)
    assert "62.5 %: 5 of 8 candles, 1 hole. A run is refused unless holes are allowed." in words(page)


def test_holes_that_are_healed_are_told_no_more_half_a_minute_later(
    opened: Opener, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(background, "monotonic", clock)
    worker.stores(*(candle(minute) for minute in (1, 2, 3, 7, 8)))
    page = until(opened("backtests", view="New run", new_symbols=SYMBOL, new_timeframe="1m"), "5 of 8 candles")
    worker.stores(*(candle(minute) for minute in (4, 5, 6)))
    clock.now += 31

    page.run()
    assert "5 of 8 candles" in words(page)  # while they are counted again

    assert not until(page, "complete: all 8 candles").warning


def until(page: AppTest, said: str) -> AppTest:
    """Run a page again until it says something."""
    for _ in range(300):
        if said in words(page):
            return page
        threading.Event().wait(0.05)
        page.run()
    raise AssertionError(words(page))


def test_the_newest_part_of_what_is_stored_is_a_window(opened: Opener, stored: None) -> None:
    page = opened("backtests", view="New run", new_symbols=SYMBOL, new_timeframe="1m", new_window="last day")

    assert "--start 2024-08-08T23:54:00Z --end 2024-08-09T00:33:00Z" in page.code[0].value


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"p_fast": "40"}, "expected less than slow"),
        ({"new_window": "from … to …", "new_from": "yesterday"}, "yesterday"),
        ({"new_window": "from … to …", "new_from": "1700000000000"}, "it looks like milliseconds"),
        ({"new_window": "from … to …", "new_from": "2024-02-02", "new_to": "2024-02-01"}, "no room for a candle"),
        ({"new_kind": "sweep", "r_fast": "5:x"}, "Range of fast"),
        ({"new_kind": "sweep", "r_fast": "1:100000000"}, "has more than 1,000,000 values"),
        ({"new_kind": "walk-forward", "train": "90"}, "is not a length of time"),
    ],
)
def test_what_cannot_be_is_told_as_it_is_typed_and_not_started(
    opened: Opener, stored: None, started: list[dict[str, Any]], changes: dict[str, str], said: str
) -> None:
    page = opened("backtests", view="New run", new_symbols=SYMBOL, new_timeframe="1m", **changes)

    assert not page.exception
    assert said in page.error[0].value
    assert button(page, f"Start the {changes.get('new_kind', BACKTEST)}").disabled


def test_without_prefect_the_page_says_so_and_offers_the_command(opened: Opener, stored: None) -> None:
    page = opened("backtests", view="New run", new_symbols=SYMBOL, new_timeframe="1m")

    assert "No flows run" in words(page)
    assert "the command line does the same" in words(page)
    assert page.code[0].value.startswith("tcpdash backtest --strategy sma_cross --symbol OKX:BTC-USDT")
    assert [each.label for each in page.button] == []


def test_what_prefect_refuses_is_told(
    opened: Opener, stored: None, started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> str:
        raise SchedulerError("Prefect does not answer")

    monkeypatch.setattr(wishes.flows, "start", refuse)
    page = filled(opened, ASKED[BACKTEST])
    button(page, "Start the backtest").click().run()

    assert not page.exception
    assert page.error[0].value == escaped("Prefect does not answer.")


def test_a_viewer_can_start_and_cancel_nothing(
    opened: Opener, stored: None, database: DatabaseOperations, started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "current_user", lambda: VIEWER)
    monkeypatch.setattr("app.views.wishes.current_user", lambda: VIEWER)
    backtest = begin(database)

    assert button(filled(opened, ASKED[BACKTEST]), "Start the backtest").disabled
    assert button(opened("backtests", run=backtest), "Cancel").disabled
    with pytest.raises(access.NotAllowed):
        wishes.cancel(backtest=backtest, flow_run=None)
    assert database.backtests.get(backtest).state == "running"
    assert database.wishes.list() == []


@pytest.mark.parametrize("error", [InputError("the run is over (crashed)"), SchedulerError("Prefect does not answer")])
def test_a_run_that_prefect_cannot_cancel_is_cancelled_where_its_row_could_be(
    home: Any, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(wishes.flows, "cancel", refuse)
    backtest = begin(database)

    assert wishes.cancel(backtest=backtest, flow_run="run-1").startswith("Cancelled; ")
    assert database.backtests.get(backtest).state == "cancelled"
    with pytest.raises(type(error), match=re.escape(str(error))):
        wishes.cancel(backtest=backtest, flow_run="run-1")


def test_a_forged_start_of_a_viewer_is_refused(home: Any, stored: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "current_user", lambda: VIEWER)
    with pytest.raises(access.NotAllowed, match="run backtest"):
        wishes.start(ASKED[BACKTEST])


def test_what_is_started_is_checked_again(started: list[dict[str, Any]], home: Any) -> None:
    with pytest.raises(Exception, match="expected less than slow"):
        wishes.start(Asked(kind=BACKTEST, strategy="sma_cross", symbols=(SYMBOL,), parameters={"fast": 99}))
    assert started == []


def test_a_run_at_work_is_cancelled_and_the_wish_recorded(
    opened: Opener, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled: list[str] = []
    monkeypatch.setattr(wishes.flows, "cancel", lambda run, **_: cancelled.append(run))
    backtest = begin(database, done=2, flow_run="run-7")
    page = opened("backtests", run=backtest)
    button(page, "Cancel").click().run()

    assert not page.exception
    assert database.backtests.get(backtest).state == "cancelled"
    assert cancelled == ["run-7"]
    assert [(wish.action, wish.subject, wish.by) for wish in database.wishes.list()] == [("cancel backtest", backtest, "the page")]
    assert [each.value for each in page.toast] == [
        "Cancelled: what is done of a search is kept, and the same one goes on from there."
    ]


def test_cancelling_what_is_over_says_that_and_nothing_else(
    opened: Opener, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    backtest = begin(database, done=2)
    page = opened("backtests", run=backtest)
    monkeypatch.setattr(progress.wishes, "cancel", lambda **_: "It was over already.")

    button(page, "Cancel").click().run()

    assert [each.value for each in page.toast] == ["It was over already."]


def test_a_started_run_leads_to_its_result(opened: Opener, database: DatabaseOperations, started: list[dict[str, Any]]) -> None:
    backtest = begin(database, done=4, flow_run="run-1")
    page = opened("backtests", started="run-1")
    assert any("4 of 8 sets" in each.proto.text for each in page.get("progress"))

    database.backtests.finish(backtest, metrics={}, report={"metric": "sharpe_ratio"})
    st.cache_data.clear()
    page = opened("backtests", started="run-1")

    assert page.query_params["run"] == backtest
    assert "No parameter set has a result" in words(page)


def test_a_started_run_that_failed_before_it_had_a_row_says_why(
    opened: Opener, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = RunState(run="run-1", state="failed", told="HolesError: the window has <b>holes</b>", ended=True, since_us=None)
    monkeypatch.setattr(progress, "run_state", lambda _: state)
    page = opened("backtests", started="run-1")

    assert not page.exception
    assert "It is failed, and has no result" in words(page)
    assert any("<b>holes</b>" in each.value for each in page.text)


def test_a_backtest_under_way_says_what_it_is_since_when_and_can_be_cancelled_before_it_has_a_row(
    opened: Opener, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled: list[str] = []
    monkeypatch.setattr(wishes.flows, "cancel", lambda run, **_: cancelled.append(run))
    asked = {"strategy": "sma_cross", "symbols": [SYMBOL], "timeframe": "1m"}
    state = RunState(run="run-1", state="running", told="It runs.", since_us=START_US, parameters=asked)
    monkeypatch.setattr(progress, "run_state", lambda _: state)
    page = opened("backtests", started="run-1")

    assert not page.exception
    assert any(each.value == f"sma_cross on {SYMBOL} 1m: running, since 2024-08-08 23:54:00 UTC" for each in page.text), page.text
    button(page, "Cancel").click().run()
    assert cancelled == ["run-1"]
