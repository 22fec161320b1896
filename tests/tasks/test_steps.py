"""Steps without Prefect around them: take the decorator off and each still does its work."""

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

import tasks.backfill
from alerts.loop import Looked
from db.bot_rows import EventRow
from history.backfill import Standing
from market.candle import Candle, Origin
from market.clock import now_us
from market.errors import InputError, StoreUnreachable, VenueError
from market.timeframe import BASE, DAY_US
from research.searches import Windows, Workers
from tasks import aggregates, backtests, bots, gaps, quality, reconcile, resources, retrying, storage
from tasks.keys import artifact_key
from tasks.progress import percent, words
from tests.db.bots import SIGNAL, end_leases, leased, step
from tests.history.backfill.markets import at, bars_of, exchange_of, past
from tests.research.stored import fill as fill_days

pytestmark = pytest.mark.postgres
SYMBOL = "OKX:BTC-USDT"


@pytest.fixture(autouse=True)
def settled(database_url: str, tmp_path, monkeypatch: pytest.MonkeyPatch):
    """Give the steps a database of their own, as the process that runs them has it in its environment."""
    monkeypatch.setenv("TCPDASH_HOME", str(tmp_path))
    monkeypatch.setenv("TCPDASH_CONFIG", "")
    monkeypatch.setenv("TCPDASH_DATABASE__URL", database_url)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Standing]:
    """Return what the progress artifact of a backfill is told; it would need a server."""
    standings: list[Standing] = []

    @asynccontextmanager
    async def shown(symbol: str):
        yield standings.append

    monkeypatch.setattr(tasks.backfill, "shown", shown)
    return standings


def minute(timestamp_us: int) -> Candle:
    return Candle(SYMBOL, BASE, timestamp_us, 2.0, 3.0, 1.0, 2.0, 1.0, 2.0, 1, 1.0, 1, 1, True, True, Origin.LIVE, 0)


async def test_fill_stores_what_is_missing_and_says_how_far_it_is(database, told, monkeypatch):
    market = past("OKX", minutes=100)
    async with exchange_of(market, 90) as exchange:
        monkeypatch.setenv("TCPDASH_VENUES__OKX__REST_URL", exchange.rest_url)
        outcome = await tasks.backfill.fill.fn(SYMBOL, BASE, at(10), at(70))

    assert (outcome.state, outcome.standing.stored, outcome.missing) == ("done", 60, 0)
    assert database.market_data.count(SYMBOL, BASE) == len(bars_of(market, SYMBOL, 10, 70)) == 60
    assert (percent(told[0]), percent(told[-1])) == (0.0, 100.0)


async def test_fill_fails_with_what_the_venue_said(told, monkeypatch):
    async with exchange_of(past("OKX", minutes=20), 10) as exchange:
        monkeypatch.setenv("TCPDASH_VENUES__OKX__REST_URL", exchange.rest_url)

        with pytest.raises(InputError, match="OKX does not list OKX:NO-SUCH"):
            await tasks.backfill.fill.fn("OKX:NO-SUCH", BASE, at(0), at(5))


async def test_roll_up_makes_wider_candles_of_what_changed(database):
    database.market_data.upsert_candles([minute(at(number)) for number in range(1, 61)])

    first, second = await aggregates.roll_up.fn(None), await aggregates.roll_up.fn([SYMBOL])

    assert first.rows["candles_5m"] == 12
    assert (len(first.changes), second.changes) == (1, [])


async def test_find_holes_finds_none_where_there_is_none():
    assert await gaps.find_holes.fn() == {}


async def test_find_own_looks_at_what_was_made_of_trades_lately(database):
    database.market_data.upsert_candles([minute(BASE.open_of(now_us()))])

    assert await reconcile.find_own.fn(1.0) == [SYMBOL]


async def test_compare_asks_the_venue_of_the_settings(database, monkeypatch):
    database.market_data.upsert_candles([minute(at(80))])
    async with exchange_of(past("OKX", minutes=100), 90) as exchange:
        monkeypatch.setenv("TCPDASH_VENUES__OKX__REST_URL", exchange.rest_url)
        [found] = await reconcile.compare.fn("OKX", [SYMBOL], 1.0)

    assert (found.compared, found.differing, found.missing) == (1, 1, 59)


async def test_tidy_up_does_as_the_settings_say(database, monkeypatch):
    epoch, signal = leased(database, "a")["a"], replace(SIGNAL, timestamp_us=now_us() - 20 * DAY_US, acted=False)
    database.bots.write([step("a", epoch, signals=[signal])])

    assert (await storage.tidy_up.fn()).signals == 0
    monkeypatch.setenv("TCPDASH_BOTS__SIGNALS_DAYS", "12")

    done = await storage.tidy_up.fn()

    assert (done.dropped, done.signals) == (0, 1)


async def test_bots_whose_runner_died_are_looked_after(database, engine):
    leased(database, "a", "b")
    end_leases(engine)

    judged = await bots.look_after.fn()

    assert [(each.bot.id, each.verdict.state, each.done) for each in judged] == [
        ("a", "crashed", "free for any runner"), ("b", "crashed", "free for any runner"),
    ]  # fmt: skip


async def test_people_are_told_where_the_settings_have_an_address(database, monkeypatch):
    database.bots.add_event(EventRow(kind="parked", text="crashed 4 times"))
    assert await bots.tell.fn() == Looked()

    monkeypatch.setenv("TCPDASH_ALERTS__URLS", '["json://127.0.0.1:9/"]')

    assert (await bots.tell.fn()).noted == 1


async def test_check_says_nothing_of_an_empty_store():
    assert await quality.check.fn((), None) == []


@pytest.mark.parametrize(
    ("error", "may"),
    [
        (VenueError("OKX", "busy", transient=True), True),
        (VenueError("OKX", "no such symbol", transient=False), False),
        (StoreUnreachable("gone"), True),
        (retrying.Busy("somebody else does it"), True),
        (InputError("no"), False),
        (ValueError("a mistake of ours"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: Exception, may: bool):
    assert retrying.may_pass(error) is may


def test_progress_is_told_with_rate_and_time_left():
    standing = Standing(symbol=SYMBOL, timeframe=BASE, wanted=300, fetched=100, seconds=10.0)

    assert words(standing) == "OKX:BTC-USDT 1m: 100 of 300 missing candles, 10 a second, 20 s left"
    assert percent(standing) == pytest.approx(100 / 3)


def test_nothing_wanted_is_all_done():
    assert percent(Standing(symbol=SYMBOL, timeframe=BASE, wanted=0)) == 100.0


def test_keys_of_artifacts_have_only_letters_that_prefect_takes():
    assert artifact_key("backfill", "OKX:BTC-USDT") == "backfill-okx-btc-usdt"
    assert artifact_key("gaps") == "gaps"


def test_a_venue_that_nobody_knows_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="NOWHERE"):
        resources.candle_venue(resources.settings(), "NOWHERE", ["NOWHERE:BTC-USDT"])


def test_without_redis_there_is_nobody_to_tell():
    with resources.bus() as bus:
        assert bus is None


def test_venues_whose_channel_proves_nothing_are_known_by_the_settings(monkeypatch):
    for venue, channel in (("BINANCEUSDM", "trade"), ("OKX", "trades")):
        monkeypatch.setenv(f"TCPDASH_VENUES__{venue}__CHANNEL", channel)

    assert resources.unproven_venues(resources.settings()) == {"BINANCEUSDM"}


ASKED = {"strategy": "sma_cross", "symbols": [SYMBOL], "timeframe": "15m"}
SEARCHED = {"ranges": {"fast": "3,5", "slow": "10:20:10"}, "sampler": "grid", "sets": None, "seed": 1, "metric": "sharpe_ratio"}


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, str]]:
    """Return what the progress artifact of a search is told; it would need a server."""
    said: list[tuple[float, str]] = []

    @asynccontextmanager
    async def shown_as(key: str, begin: str, tell):
        yield lambda progress: said.append(tell(progress))

    monkeypatch.setattr(backtests, "shown_as", shown_as)
    return said


async def test_a_strategy_is_tried_and_its_document_kept(database):
    fill_days(database)
    asked = {**ASKED, "parameters": {"fast": 5, "slow": 20}, "start": "2024-08-05", "end": "2024-08-06"}

    told = await backtests.try_strategy.fn(asked, resamples=5, seed=1)
    again = await backtests.try_strategy.fn(asked, resamples=5, seed=1)

    assert again == told
    assert [each.id for each in database.backtests.list()] == [told["id"]]
    assert told["rules"]["taker_fee"] == 0.001


async def test_what_cannot_be_tried_is_not_tried_again(database):
    with pytest.raises(InputError, match="sma_cros"):
        await backtests.try_strategy.fn({"strategy": "sma_cros", "symbols": [SYMBOL]})
    assert database.backtests.list() == []


async def test_sets_are_searched_and_kept_and_how_far_it_is_is_said(database, far):
    fill_days(database)

    told = await backtests.search_sets.fn(ASKED, SEARCHED, Workers(count=1))

    assert (len(told["results"]), database.backtests.list(kind="sweep")[0].id) == (4, told["id"])
    assert far[-1][0] == 100.0
    assert far[-1][1].startswith("4 of 4; best ")


async def test_windows_are_searched_and_kept(database, far):
    fill_days(database)
    day_us = 86_400_000_000

    told = await backtests.search_windows.fn(ASKED, SEARCHED, Windows(train_us=day_us, test_us=day_us), Workers(count=1))

    assert ([each["number"] for each in told["windows"]], far[-1]) == ([1, 2], (100.0, "2 of 2"))
    assert database.backtests.list(kind="walk-forward")[0].id == told["id"]
