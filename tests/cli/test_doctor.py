"""`tcpdash doctor`: what it says of holes and of feeds."""

import json

import msgspec
import pytest
import sqlalchemy as sa
from redis import Redis

from db.bus import FEED_KEY
from db.repositories.gaps import Gap
from market.clock import now_us
from tests.app.samples import feed
from tests.cli.bot_homes import BotHome, park
from tests.cli.command import Command

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
HOLE = {"first_id": 1, "last_id": 2, "start_us": 1_000, "end_us": 2_000, "cause": "stall"}


@pytest.fixture
def doctor(tcpdash: Command, redis_url: str, monkeypatch: pytest.MonkeyPatch):
    """Return what lists the findings on one subject."""
    monkeypatch.setenv("TCPDASH_REDIS__URL", redis_url)

    def ask(subject: str) -> list[dict[str, str]]:
        return [finding for finding in json.loads(tcpdash.out("doctor", "--json")) if finding["subject"] == subject]

    return ask


def age(engine, minutes: int) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("update gaps set opened_at = now() - make_interval(mins => :minutes)"), {"minutes": minutes})


def test_without_holes_all_is_well(doctor, database, engine):
    database.gaps.open(Gap(symbol="OKX:BTC-USDT", state="filled", **HOLE))
    age(engine, 60)

    assert [(one["state"], one["found"]) for one in doctor("holes")] == [
        ("ok", "none is open for more than ten minutes, none is unrecoverable")
    ]


def test_a_hole_that_is_being_filled_is_no_trouble(doctor, database, engine):
    database.gaps.open(Gap(symbol="OKX:BTC-USDT", **HOLE))
    age(engine, 9)

    assert [one["state"] for one in doctor("holes")] == ["ok"]


def test_holes_that_stay_open_are_told_with_what_to_do(doctor, database, engine):
    for symbol, first in (("OKX:ETH-USDT", 1), ("OKX:BTC-USDT", 1), ("OKX:ETH-USDT", 2)):
        database.gaps.open(Gap(symbol=symbol, **{**HOLE, "first_id": first}))
    age(engine, 11)

    [found] = doctor("holes")

    assert found["state"] == "warning"
    assert found["found"] == "3 holes are open for more than ten minutes: OKX:BTC-USDT 1, OKX:ETH-USDT 2"
    assert "`tcpdash gaps --state open`" in found["fix"]
    assert "`tcpdash up`" in found["fix"]


def test_holes_that_nothing_fills_are_told_with_where_to_read_why(doctor, database):
    database.gaps.open(Gap(symbol="OKX:BTC-USDT", state="unrecoverable", **HOLE))

    [found] = doctor("holes")

    assert (found["state"], found["found"]) == ("warning", "1 hole is unrecoverable: OKX:BTC-USDT 1")
    assert "`tcpdash gaps --state unrecoverable`" in found["fix"]


@pytest.mark.parametrize(
    ("state", "verdict"), [("live", "ok"), ("quiet", "ok"), ("healing", "ok"), ("stale", "warning"), ("down", "warning")]
)
def test_a_feed_is_judged_by_its_state_and_told_with_the_reason(doctor, redis_url: str, state: str, verdict: str):
    with Redis.from_url(redis_url) as redis:
        said = feed(now_us(), state=state, reason="so it is")
        redis.set(FEED_KEY.format(symbol="OKX:BTC-USDT"), msgspec.json.encode(said))

    assert doctor("feed") == [{"subject": "feed", "state": verdict, "found": f"OKX:BTC-USDT {state}: so it is", "fix": ""}]


def test_data_of_a_local_exchange_is_not_taken_for_the_venues(doctor, redis_url: str):
    with Redis.from_url(redis_url) as redis:
        redis.set(FEED_KEY.format(symbol="OKX:BTC-USDT"), msgspec.json.encode(feed(now_us(), tape="recorded")))

    assert [one["found"] for one in doctor("feed")] == ["OKX:BTC-USDT live (recorded data of a local exchange)"]


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("TCPDASH_VENUES__KRAKENN__CHANNEL", "setting 'venues.krakenn' is of no venue; there are okx, binance, "),
        ("TCPDASH_VENUES__OKX__CHANNEL", "OKX has no trade channel 'moods'; it has trades-all, trades"),
        ("TCPDASH_STREAM__EXCHANGE", "exchange 'moods' is not one of okx, binance, "),
    ],
)
def test_settings_of_no_venue_or_channel_are_bad(tcpdash: Command, monkeypatch: pytest.MonkeyPatch, variable: str, sentence: str):
    monkeypatch.setenv(variable, "moods")

    done = tcpdash("doctor")

    assert done.code == 1
    assert f"bad      settings     {sentence}" in done.out


class TestBots:
    @pytest.fixture(autouse=True)
    def _patience(self, monkeypatch: pytest.MonkeyPatch, home: BotHome):
        monkeypatch.setattr("cli.bot_findings._PATIENCE_US", 0)

    def test_those_that_are_well_are_counted(self, doctor, home: BotHome):
        assert [(one["state"], one["found"]) for one in doctor("bots")] == [("ok", "there are none")]
        home.known("a")

        assert [(one["state"], one["found"]) for one in doctor("bots")] == [("ok", "1 bot, 0 wanted to run")]

    def test_a_parked_one_is_told_with_its_reason(self, doctor, home: BotHome, database):
        home.known("a")
        database.bots.wish("running", ["a"], by="a test")
        park(database, "a", home.run("a"), "it always fails")

        [found] = doctor("bots")

        assert (found["state"], found["found"]) == ("warning", "a is parked: it always fails")
        assert "`tcpdash bots start a`" in found["fix"]

    def test_those_that_no_runner_has_are_told_together(self, doctor, home: BotHome, database):
        for bot in ("a", "b", "c"):
            home.known(bot)
        database.bots.wish("running", ["a", "b"], by="a test")

        [found] = doctor("bots")

        assert found["found"] == "2 bots wanted to run, and no runner has them: a, b"
        home.run("a")
        assert [one["state"] for one in doctor("bots")] == ["ok"]

    def test_files_that_cannot_be_used_are_told(self, doctor, home: BotHome, database):
        home.file("a", timeframe="7m")
        home.known("b")
        database.bots.note_problem("b", "b.json is gone")

        first, second = doctor("bots")

        assert first["found"].startswith(f"a file cannot be used: {home.folder / 'a.json'}: timeframe: expected one of ")
        assert f"`tcpdash bots check {home.folder / 'a.json'}`" in first["fix"]
        assert second["found"] == "the file of b: b.json is gone"
