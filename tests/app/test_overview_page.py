"""The overview against real servers, without a browser: empty, one symbol, many, and with a store away."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from redis import Redis
from streamlit.testing.v1 import AppTest

from app.data import overview
from app.scheduler import standings as scheduled
from app.scheduler.standings import Standing
from app.views.overview.flows import told_flows
from db import DatabaseOperations
from db.embedded import PostgresServer, RedisServer
from db.repositories.alerts import Alert
from db.repositories.gaps import Gap
from db.repositories.wishes import Wish
from market.clock import now_us, parse_time
from market.timeframe import DAY_US, MINUTE_US
from tests.app.pages import Opener, Worker, metrics, statements, words
from tests.app.samples import SYMBOL
from tests.db.bots import CONFIG, POSTING, WORTH, step

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


class Fleet:
    """Bots that run, and what they leave in the stores."""

    def __init__(self, database: DatabaseOperations, redis_url: str) -> None:
        self._database, self._redis = database, Redis.from_url(redis_url)

    def run(
        self, *ids: str, symbol: str = SYMBOL, equity: int = 1010, at_us: int | None = None, since_us: int = 5 * MINUTE_US
    ) -> None:
        """Let bots begin with 1,000 five minutes before a moment, or longer before it, and be worth something then; that is now."""
        with self._database.transaction() as store:
            for bot in ids:
                store.bots.put_config(bot, {**CONFIG, "symbols": [symbol]}, digest="d", file=f"{bot}.json", autostart=True)
        at_us = (at_us or now_us()) // MINUTE_US * MINUTE_US
        begin = replace(POSTING, entry=1, account="cash", amount=Decimal(1000), trade=None, timestamp_us=at_us - since_us)
        rows = [replace(WORTH, timestamp_us=at_us - since_us, equity=Decimal(1000))]
        rows.append(replace(WORTH, timestamp_us=at_us, equity=Decimal(equity)))
        leases = {bot.id: bot.lease_epoch for bot in self._database.bots.take("one", most=1000, seconds=600)}
        steps = [
            replace(step(bot, epoch), acted_until_us=at_us, equity=Decimal(equity), postings=[begin], performance=rows)
            for bot, epoch in leases.items()
        ]
        assert self._database.bots.write(steps) == set(ids)

    def tells(self, bot: str, equity: float) -> None:
        self._redis.set(f"bot:{bot}", json.dumps({"bot": bot, "state": "running", "equity": equity}))

    def close(self) -> None:
        self._redis.close()


@pytest.fixture
def fleet(database: DatabaseOperations, redis_url: str) -> Iterator[Fleet]:
    fleet = Fleet(database, redis_url)
    yield fleet
    fleet.close()


@pytest.fixture
def opened(opened: Opener) -> Opener:
    """Return what opens the overview."""
    return lambda **query: opened("overview", **query)


def table(page: AppTest, column: str) -> dict[str, list]:
    """Return the table that has a column, by columns."""
    return next(found.value for found in page.dataframe if column in found.value).to_dict("list")


def test_an_empty_system_says_so_and_what_to_do_next(opened: Opener) -> None:
    page = opened()

    assert not page.exception
    told = words(page)
    assert "Nothing runs, and nothing is stored yet" in told
    assert "`tcpdash demo`" in told
    assert "No feed is followed at the moment" in told
    assert "There are no bots yet" in told
    assert "No bot has an account yet" in told
    assert "Nothing happened yet." in told
    assert metrics(page) == {
        "Feeds live or quiet": "0 of 0", "Open holes": "0", "Bots running": "0 of 0", "Equity": "–", "Won today": "–",
        "Next flow": "–",
    }  # fmt: skip


def test_one_symbol_without_bots(opened: Opener, worker: Worker) -> None:
    worker.tells()
    worker.misses(Gap(symbol=SYMBOL, first_id=5, last_id=9, start_us=1, end_us=2, cause="disconnect"))

    page = opened()

    assert not page.exception
    assert not page.info
    assert metrics(page)["Feeds live or quiet"] == "1 of 1"
    assert metrics(page)["Open holes"] == "1"
    assert table(page, "symbol")["state"] == ["● live"]
    assert table(page, "in words")["what"] == ["hole open"]


def test_a_full_system_in_few_statements(opened: Opener, worker: Worker, fleet: Fleet, database: DatabaseOperations) -> None:
    for number in range(10):
        worker.tells(f"OKX:C{number}-USDT", state="stale" if number == 7 else "live")
    fleet.run(*(f"bot-{number:02}" for number in range(50)))
    fleet.tells("bot-00", 990.0)
    database.wishes.add(Wish(by="ann", action="start bot", subject="bot-00"))
    database.alerts.note([Alert(key="k", kind="parked", title="bot-01 is parked", text="", at_us=1)], now_us=now_us())

    with statements() as sent:
        page = opened()

    assert not page.exception
    assert len([one for one in sent if "alembic" not in one]) <= 3
    assert len(sent) <= 5
    assert metrics(page) | {"Next flow": ""} == {
        "Feeds live or quiet": "9 of 10", "Open holes": "0", "Bots running": "50 of 50", "Equity USDT": "50,480.00",
        "Won today USDT": "+480.00", "Next flow": "",
    }  # fmt: skip
    assert table(page, "symbol")["state"][0] == "▲ stale"
    assert len(table(page, "bot")["bot"]) == 50
    assert table(page, "in words")["what"][:2] == ["alert waiting", "wish start bot"]
    chart = json.loads(page.get("vega_lite_chart")[0].proto.spec)
    assert "time in UTC" in json.dumps(chart)
    assert "+500.00 USDT won since" in words(page).replace("\\", "")


def test_a_tick_asks_the_database_nothing(opened: Opener, worker: Worker, fleet: Fleet) -> None:
    worker.tells()
    fleet.run("a")
    page = opened()
    overview._now.clear()

    with statements() as sent:
        page.run()

    assert sent == []


def test_hundreds_of_symbols_do_not_break_it(opened: Opener, worker: Worker) -> None:
    for number in range(300):
        worker.tells(f"OKX:C{number}-USDT", state="down" if number == 250 else "live")

    page = opened()

    assert not page.exception
    assert table(page, "symbol")["state"][:2] == ["✖ down", "● live"]
    assert len(table(page, "symbol")["state"]) == 30
    assert "and 270 live more" in words(page)


def test_the_begin_of_the_curve_is_told_by_the_offset_of_its_day(opened: Opener, fleet: Fleet) -> None:
    fleet.run("a", at_us=parse_time("2025-11-15T12:00:00Z"), since_us=25 * DAY_US)

    page = opened(span="month", tz="Europe/Berlin")

    # The first point of the curve behind the begin is at 14:30 UTC, in summer time.
    assert "won since 21 Oct 16:30 Europe/Berlin;" in words(page).replace("\\", "")


def test_another_currency_and_an_invented_market_are_apart_and_in_the_url(opened: Opener, worker: Worker, fleet: Fleet) -> None:
    worker.tells("SYNTHETIC:BTC-USDT", venue="SYNTHETIC", tape="synthetic")
    fleet.run("a", "b")
    fleet.run("c", symbol="SYNTHETIC:BTC-USDT", equity=5000)

    page = opened(purse="USDT SYNTHETIC", span="week")

    assert not page.exception
    assert metrics(page)["Equity USDT"] == "2,020.00"
    told = words(page).replace("\\", "")
    assert "2 accounts; 5,000.00 USDT SYNTHETIC" in told
    assert "an invented market" in told
    assert "+4,000.00 USDT SYNTHETIC won since" in told
    assert page.segmented_control(key="span").value == "week"


@pytest.mark.parametrize("query", [{"span": "century"}, {"purse": "GOLD"}, {"tz": "Mars/Base"}])
def test_what_the_url_asks_for_and_is_none_falls_back(opened: Opener, fleet: Fleet, query: dict[str, str]) -> None:
    fleet.run("a")

    page = opened(**query)

    assert not page.exception
    assert page.segmented_control(key="span").value == "day"


def test_times_are_those_of_the_zone(opened: Opener, fleet: Fleet) -> None:
    fleet.run("a")

    page = opened(tz="Asia/Tokyo")

    assert not page.exception
    assert "Asia/Tokyo" in words(page)
    assert "time in Asia/Tokyo (UTC+09:00)" in page.get("vega_lite_chart")[0].proto.spec


def test_a_lost_database_leaves_what_redis_knows_and_is_found_again(
    opened: Opener, worker: Worker, fleet: Fleet, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.tells()
    fleet.run("a")
    page = opened()
    for cached in (overview._stored, overview._worth):
        cached.clear()
    postgres_server.stop()
    try:
        page.run()

        assert not page.exception
        assert len(page.warning) == 1
        assert "The database cannot be used" in page.warning[0].value
        assert metrics(page)["Feeds live or quiet"] == "1 of 1"
        assert (metrics(page)["Open holes"], metrics(page)["Bots running"]) == ("unknown", "unknown")
        assert not page.info
    finally:
        postgres_server.start()

    page.run()

    assert not page.warning
    assert metrics(page)["Bots running"] == "1 of 1"


def test_a_lost_redis_leaves_what_the_database_knows(
    opened: Opener, worker: Worker, fleet: Fleet, redis_server: RedisServer
) -> None:
    worker.tells()
    fleet.run("a")
    redis_server.stop()
    try:
        page = opened()

        assert not page.exception
        assert len(page.warning) == 1
        assert "Redis cannot be used" in page.warning[0].value
        assert metrics(page)["Feeds live or quiet"] == "unknown"
        assert metrics(page)["Equity USDT"] == "1,010.00"
    finally:
        redis_server.start()

    overview._now.clear()
    page.run()

    assert not page.warning


def test_a_prefect_that_says_nothing_does_not_hold_up_the_page(opened: Opener, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    monkeypatch.setattr(scheduled, "look", lambda *_, **__: go.wait(30) and scheduled.Scheduler(None, "late"))

    page = opened()

    assert not page.exception
    assert "Prefect is being asked" in words(page).replace("\\", "")
    go.set()


def test_the_tile_of_the_flows_says_what_is_next_and_how_the_last_ended() -> None:
    at_us = parse_time("2024-08-09T12:00:00Z")
    flows = [
        Standing("backfill", "", "", None, "2024-08-09T11:58:00Z", "Completed"),
        Standing("sweep-gaps", "*/5 * * * *", "", "2024-08-09T12:03:00Z", "2024-08-09T11:55:00Z", "Crashed"),
        Standing("quality", "", "", "2024-08-10T12:03:00Z", None, None),
    ]

    assert told_flows(scheduled.Scheduler("http://here", "Served.", flows), at_us) == (
        "3 min", "sweep-gaps; last backfill 2 min ago; ✖ ended badly: sweep-gaps",
    )  # fmt: skip
    assert told_flows(scheduled.Scheduler("http://here", "Served.", flows[1:2]), at_us + 10**9)[0] == "due"
    assert told_flows(scheduled.Scheduler(None, "No flows run."), at_us) == ("–", "No flows run.")
