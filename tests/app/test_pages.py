"""The pages against real servers, without a browser."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
import streamlit as st
from redis import Redis
from streamlit.testing.v1 import AppTest

import app
from app import data
from db import DatabaseOperations
from db.bus import FEED_KEY, LATEST_KEY, encode_candle
from db.child import free_port
from db.embedded import PostgresServer, RedisServer
from db.home import own
from db.repositories.gaps import Gap
from market.candle import Candle
from market.clock import now_us
from market.timeframe import Timeframe
from tests.app.samples import START_US, SYMBOL, candle, feed

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

MAIN = Path(app.__file__).parent / "main.py"
SYNTHETIC = "SYNTHETIC:BTC-USDT"
HOLE = Gap(symbol=SYMBOL, first_id=5, last_id=9, start_us=START_US, end_us=START_US + 10**6, cause="disconnect")


class Worker:
    """What a worker leaves in the stores."""

    def __init__(self, database: DatabaseOperations, redis_url: str) -> None:
        self._database, self._redis = database, Redis.from_url(redis_url)

    def stores(self, *candles: Candle) -> None:
        self._database.market_data.upsert_candles(candles)

    def misses(self, *gaps: Gap) -> None:
        for gap in gaps:
            self._database.gaps.open(gap)

    def publishes(self, one: Candle) -> None:
        self._redis.set(LATEST_KEY.format(symbol=one.symbol, timeframe=one.timeframe), encode_candle(one))

    def tells(self, symbol: str = SYMBOL, **changes: object) -> None:
        state = feed(now_us(), **{"symbol": symbol, **changes})
        self._redis.set(FEED_KEY.format(symbol=symbol), msgspec.json.encode(state))

    def close(self) -> None:
        self._redis.close()


@pytest.fixture
def worker(database: DatabaseOperations, redis_url: str) -> Iterator[Worker]:
    worker = Worker(database, redis_url)
    yield worker
    worker.close()


@pytest.fixture
def home(database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the home of an app that finds its servers in the environment."""
    for name in [name for name in os.environ if name.startswith("TCPDASH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TCPDASH_HOME", str(tmp_path))
    monkeypatch.setenv("TCPDASH_DATABASE__URL", database_url)
    monkeypatch.setenv("TCPDASH_REDIS__URL", redis_url)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield tmp_path
    st.cache_resource.clear()
    st.cache_data.clear()


Opener = Callable[..., AppTest]


@pytest.fixture
def opened(home: Path) -> Opener:
    """Return what opens the page."""

    def open_page(**query: str) -> AppTest:
        page = AppTest.from_file(str(MAIN), default_timeout=60)
        for name, value in query.items():
            page.query_params[name] = value
        return page.run()

    return open_page


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def chart_spec(page: AppTest) -> dict:
    return json.loads(page.get("vega_lite_chart")[0].proto.spec)


def words(page: AppTest) -> str:
    return "\n".join(
        block.value for block in (*page.markdown, *page.subheader, *page.caption, *page.info, *page.warning, *page.error)
    )


def test_empty_store_says_what_to_do(opened: Opener) -> None:
    page = opened()

    assert not page.exception
    assert "Nothing is stored yet" in page.info[0].value
    assert "tcpdash demo" in page.info[0].value
    assert "tcpdash up" in page.info[0].value
    assert not page.warning


def test_page_fills_when_the_first_data_comes(opened: Opener, worker: Worker) -> None:
    page = opened()

    worker.tells()
    page.run()

    assert page.selectbox(key="symbol").value == SYMBOL


def test_stored_and_forming_candles_are_shown(opened: Opener, worker: Worker) -> None:
    worker.stores(candle(1), candle(2, complete=False), candle(3), candle(6))
    worker.publishes(candle(7, final=False))
    worker.tells()

    page = opened()

    assert not page.exception
    assert metrics(page) == {
        "Last price": "102.5",
        "Age of the last trade": metrics(page)["Age of the last trade"],
        "Feed": "live",
        "Trades in view": "35",
        "Proven complete": "50 %",
    }
    assert metrics(page)["Age of the last trade"].endswith(" s")
    assert "3 proven complete, 1 not complete, 2 missing" in words(page)
    assert chart_spec(page)["title"] == "OKX:BTC-USDT 1m"
    assert not page.warning


def test_selection_is_taken_from_the_address(opened: Opener, worker: Worker) -> None:
    worker.stores(*(candle(minute) for minute in range(1, 11)), *(candle(minute, symbol=SYNTHETIC) for minute in range(1, 11)))

    page = opened(symbol=SYNTHETIC, timeframe="5m", bars="60")

    assert page.selectbox(key="symbol").value == SYNTHETIC
    assert page.segmented_control(key="timeframe").value == "5m"
    assert page.segmented_control(key="bars").value == "60"
    assert metrics(page)["Trades in view"] == "42"


def test_nonsense_in_the_address_is_ignored(opened: Opener, worker: Worker) -> None:
    worker.stores(candle(1))

    page = opened(symbol="nonsense", timeframe="7m", bars="-1")

    assert not page.exception
    assert page.selectbox(key="symbol").value == SYMBOL
    assert page.segmented_control(key="timeframe").value == "1m"


def test_another_timeframe_can_be_picked(opened: Opener, worker: Worker) -> None:
    worker.stores(*(candle(minute) for minute in range(1, 11)))

    page = opened().segmented_control(key="timeframe").set_value("5m").run()

    assert not page.exception
    assert chart_spec(page)["title"] == "OKX:BTC-USDT 5m"


@pytest.mark.parametrize(("symbol", "tape"), [(SYNTHETIC, "synthetic"), (SYNTHETIC, ""), (SYMBOL, "synthetic")])
def test_synthetic_prices_are_labelled_in_the_page_and_in_the_chart(opened: Opener, worker: Worker, symbol: str, tape: str) -> None:
    worker.publishes(candle(1, symbol=symbol, final=False))
    worker.tells(symbol, tape=tape)

    page = opened()

    assert f"{symbol} :orange-badge[:material/science: SYNTHETIC]" in words(page)
    assert chart_spec(page)["title"] == f"{symbol} 1m · SYNTHETIC"


@pytest.mark.parametrize("tape", ["shifted", "recorded"])
def test_replayed_prices_are_labelled(opened: Opener, worker: Worker, tape: str) -> None:
    worker.publishes(candle(1, final=False))
    worker.tells(tape=tape)

    page = opened()

    assert "REPLAY]" in words(page)
    assert chart_spec(page)["title"] == "OKX:BTC-USDT 1m · REPLAY"


def test_live_prices_carry_no_label(opened: Opener, worker: Worker) -> None:
    worker.publishes(candle(1, final=False))
    worker.tells()

    page = opened()

    assert "badge" not in words(page)


def test_feed_that_is_down_says_why(opened: Opener, worker: Worker) -> None:
    worker.tells(state="down", reason="the connection was refused")

    page = opened()

    assert metrics(page)["Feed"] == "down"
    assert "the connection was refused" in words(page)
    assert "No 1m candle" in words(page)


def test_a_venue_whose_ids_prove_nothing_is_told(opened: Opener, worker: Worker) -> None:
    worker.stores(candle(1, complete=None), candle(2, complete=None))
    worker.publishes(candle(3, complete=None, final=False))
    worker.tells(venue="BYBIT", provable=False)

    page = opened()

    assert not page.exception
    assert metrics(page)["Proven complete"] == "unprovable"
    assert "Completeness is unprovable here: the trade ids of BYBIT do not count up" in words(page)
    assert "0 proven complete, 0 not complete, 2 unprovable, 0 missing" in words(page)


def test_a_venue_whose_ids_prove_everything_is_not_doubted(opened: Opener, worker: Worker) -> None:
    worker.stores(candle(1), candle(2))
    worker.tells()

    page = opened()

    assert metrics(page)["Proven complete"] == "100 %"
    assert "unprovable" not in words(page)


@pytest.mark.parametrize("state", ["quiet", "stale", "healing"])
def test_states_of_a_feed_are_told(opened: Opener, worker: Worker, state: str) -> None:
    worker.publishes(candle(1, final=False))
    worker.tells(state=state, reason="trades up to 7 did not come", open_holes=2)

    page = opened()

    assert not page.exception
    assert metrics(page)["Feed"] == state
    assert {"quiet": "nobody trades", "stale": "trades up to 7 did not come", "healing": "2 to go"}[state] in words(page)


def test_ticks_ask_the_database_nothing(opened: Opener, worker: Worker) -> None:
    worker.stores(candle(1))
    worker.publishes(candle(2, final=False))
    worker.tells()
    opened()
    statements: list[str] = []
    engine = data._database_at(os.environ["TCPDASH_DATABASE__URL"]).engine
    sa.event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))

    for tick in range(5):
        worker.publishes(candle(2, close=100.0 + tick, final=False))
        view = data.live_view(SYMBOL, Timeframe.M1, 120)

    assert view.candles["close"].iloc[-1] == 104.0
    assert statements == []


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
    assert "database.url" in page.error[0].value


def test_system_page_of_an_empty_home(opened: Opener) -> None:
    page = opened().switch_page("pages/system.py").run()

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
        page = opened().switch_page("pages/system.py").run()

    assert not page.exception
    components, incidents, feeds, holes, tables = (table.value for table in page.dataframe)
    assert components["state"].tolist() == ["running", "gone"]
    assert components["memory"][0].endswith("MB")
    assert incidents.loc[0].tolist() == ["2026-11-23 01:02:03 UTC", "worker", "signal 9", "1.5 s"]
    assert feeds.loc[0, ["symbol", "state"]].tolist() == [SYMBOL, "down"]
    assert holes.loc[0, ["symbol", "cause", "state"]].tolist() == [SYMBOL, "disconnect", "open"]
    assert "market_data" in tables["table"].tolist()


def test_system_page_counts_all_holes_and_lists_the_newest_first(opened: Opener, worker: Worker) -> None:
    for number in range(25):
        worker.misses(replace(HOLE, first_id=number, last_id=number, start_us=START_US + number, state="filled"))
    worker.misses(replace(HOLE, first_id=90, last_id=99, state="unrecoverable"), replace(HOLE, first_id=80, last_id=89))

    page = opened().switch_page("pages/system.py").run()

    assert not page.exception
    assert "27 holes (1 open, 25 filled, 1 unrecoverable)" in words(page)
    holes = page.dataframe[0].value
    assert holes["ids"].tolist() == [f"{number}" for number in range(24, 4, -1)]


def test_system_page_survives_lost_stores(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPDASH_DATABASE__URL", f"postgresql+psycopg2://app@127.0.0.1:{free_port()}/app")
    monkeypatch.setenv("TCPDASH_REDIS__URL", f"redis://127.0.0.1:{free_port()}/0")

    page = opened().switch_page("pages/system.py").run()

    assert not page.exception
    assert len(page.warning) == 1
