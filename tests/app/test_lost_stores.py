"""The pages when a store is lost, was never started or is set wrongly."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
import streamlit as st

from app.data import connections, coverage, overview
from app.markdown import escaped
from db import Bus
from db.child import free_port
from db.embedded import PostgresServer, RedisServer
from db.home import own
from db.repositories.market_data import MarketDataRepository
from market.errors import StoreUnreachable
from tests.app.bots import Bots
from tests.app.pages import Opener, Worker, metrics, words
from tests.app.samples import SYMBOL, candle

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


def test_lost_database_is_told_and_found_again(opened: Opener, worker: Worker, postgres_server: PostgresServer) -> None:
    worker.stores(candle(1))
    worker.publishes(candle(2, final=False))
    worker.tells()
    page = opened()
    postgres_server.stop()
    try:
        worker.publishes(candle(3, final=False))
        page.run()

        assert not page.exception
        assert len(page.warning) == 1
        assert "The database cannot be used" in page.warning[0].value
        assert "recovers by itself" in page.warning[0].value
        assert metrics(page)["Last price"] == "102.5"
        assert metrics(page)["Trades in view"] == "21"
    finally:
        postgres_server.start()

    page.run()

    assert not page.warning
    assert not page.exception


def test_a_form_keeps_what_is_chosen_while_the_database_is_away(
    opened: Opener, worker: Worker, postgres_server: PostgresServer
) -> None:
    worker.stores(*(candle(minute) for minute in range(1, 40)))
    page = opened("backtests", view="New run", new_symbols=SYMBOL, new_strategy="rsi", p_period="9", balance="500")
    page.query_params["new_symbols"] = [SYMBOL, "no symbol"]
    asked = [each.value for each in page.code]
    postgres_server.stop()
    try:
        for _ in range(2):
            st.cache_data.clear()
            page.run()

            assert not page.exception
            assert len(page.warning) == 1
            assert page.multiselect(key="new_symbols").value == [SYMBOL]
            assert "Nothing is stored" not in words(page)
    finally:
        postgres_server.start()

    page.run()

    assert ":material/cloud_off:" not in [each.icon for each in page.warning]
    assert page.multiselect(key="new_symbols").value == [SYMBOL]
    assert {name: page.query_params[name] for name in ("balance", "p_period", "new_strategy")} == {
        "balance": "500", "p_period": "9", "new_strategy": "rsi",
    }  # fmt: skip
    assert [each.value for each in page.code] == asked


def test_fills_of_bots_stay_chosen_while_the_database_is_away(
    opened: Opener, worker: Worker, bots: Bots, postgres_server: PostgresServer
) -> None:
    worker.stores(candle(1))
    bots.traded(id="trend")
    page = opened(symbol=SYMBOL, fills="true", bots="trend")
    assert page.multiselect(key="bots").value == ["trend"]
    postgres_server.stop()
    try:
        st.cache_data.clear()
        page.run()

        assert page.multiselect(key="bots").value == ["trend"]
    finally:
        postgres_server.start()

    page.run()

    assert page.multiselect(key="bots").value == ["trend"]


def test_lost_redis_is_told_and_found_again(opened: Opener, worker: Worker, redis_server: RedisServer) -> None:
    worker.stores(candle(1), candle(2))
    worker.tells()
    page = opened()
    redis_server.stop()
    try:
        page.run()

        assert not page.exception
        assert len(page.warning) == 1
        assert "Redis cannot be used" in page.warning[0].value
        assert metrics(page) | {"Age of the last trade": ""} == {
            "Last price": "102",
            "Age of the last trade": "",
            "Feed": "unknown",
            "Trades in view": "14",
            "Proven complete": "100 %",
        }
    finally:
        redis_server.start()

    page.run()

    assert not page.warning


@pytest.mark.parametrize("at", ["overview", "market", "bots", "data", "backtests"])
def test_a_table_that_somebody_holds_is_told_and_not_waited_for(
    opened: Opener, worker: Worker, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    monkeypatch.setattr(connections, "LIMIT_SECONDS", 0.6)
    worker.stores(candle(1))
    worker.tells()
    with engine.begin() as other:
        other.execute(sa.text("lock table market_data, bots, gaps, backtests in access exclusive mode"))
        page = opened(at)

        assert not page.exception
        assert "The database cannot be used" in words(page)
        assert "try again" in words(page)

    page.run()

    assert not page.exception
    assert not page.warning


@pytest.mark.parametrize(
    ("read", "asked"),
    [
        (lambda: coverage.stored_symbols({}), (MarketDataRepository, "symbols")),
        (lambda: overview.now({}), (Bus, "feeds")),
    ],
)
def test_sessions_that_wait_for_one_read_do_not_try_it_one_behind_the_other(
    home: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[], object], asked: tuple[type, str]
) -> None:
    tries = []

    def hang(*_: object) -> None:
        tries.append(threading.Event().wait(0.3))
        raise StoreUnreachable("it does not answer")

    read()
    st.cache_data.clear()
    monkeypatch.setattr(*asked, hang)
    sessions = [threading.Thread(target=read) for _ in range(5)]
    for each in sessions:
        each.start()
    for each in sessions:
        each.join()

    assert len(tries) <= 2  # the next one has the lock a moment before the failure is noted


def test_what_no_session_waits_for_is_read_while_sessions_leave_the_database_alone(home: Path) -> None:
    def hang(_: object) -> None:
        threading.Event().wait(0.3)
        raise StoreUnreachable("it does not answer")

    connections.database().ask(hang, None, {})
    url = connections.url_of("database")

    with pytest.raises(StoreUnreachable):
        connections.database_at(url)
    assert connections.database_for_threads(url).market_data.symbols() == []


def test_both_lost_are_one_banner(opened: Opener, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPDASH_DATABASE__URL", f"postgresql+psycopg2://app:secret@127.0.0.1:{free_port()}/app")
    monkeypatch.setenv("TCPDASH_REDIS__URL", f"redis://:secret@127.0.0.1:{free_port()}/0")

    page = opened(symbol=SYMBOL)

    assert not page.exception
    assert len(page.warning) == 1
    assert "The database cannot be used" in words(page)
    assert "Redis cannot be used" in words(page)
    assert "secret" not in words(page)
    assert page.selectbox(key="symbol").value == SYMBOL


def test_database_without_a_schema_is_told(opened: Opener, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPDASH_DATABASE__URL", empty_database_url)

    page = opened()

    assert not page.exception
    assert "tcpdash db upgrade" in page.warning[0].value


def test_nothing_running_says_what_to_start(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TCPDASH_DATABASE__URL")
    monkeypatch.delenv("TCPDASH_REDIS__URL")

    page = opened()

    assert not page.exception
    assert "start `tcpdash up`" in page.warning[0].value


def test_servers_of_the_running_system_are_found_in_its_home(
    opened: Opener, worker: Worker, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.stores(candle(1))
    state = {"postgres": {"url": os.environ["TCPDASH_DATABASE__URL"]}, "redis": {"url": os.environ["TCPDASH_REDIS__URL"]}}
    monkeypatch.delenv("TCPDASH_DATABASE__URL")
    monkeypatch.delenv("TCPDASH_REDIS__URL")

    with own(home) as owned:
        owned.publish(state)
        page = opened()

    assert not page.warning
    assert metrics(page)["Last price"] == "100"


def test_wrong_setting_is_one_sentence(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPDASH_DATABASE__URL", "mysql://somewhere")

    page = opened()

    assert not page.exception
    assert escaped("database.url") in page.error[0].value
