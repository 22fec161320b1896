"""What is asked about bots that do not come on, and how leases of the dead end."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
import sqlalchemy as sa

from db.operations import DatabaseOperations
from market.candle import Candle
from market.clock import from_datetime
from market.timeframe import BASE, MINUTE_US
from tests.db.bots import BTC, CONFIG, ETH, SIGNAL, START_US, add, end_leases, leased, step

pytestmark = pytest.mark.postgres


def store(database: DatabaseOperations, symbol: str, *minutes: int, complete: bool | None = True, revision: int = 0) -> None:
    said = {"volume": 1.0, "complete": complete, "revision": revision}
    moments_us = [START_US + number * MINUTE_US for number in minutes]
    database.market_data.upsert_candles([Candle(symbol, BASE, at_us, 1.0, 1.0, 1.0, 1.0, **said) for at_us in moments_us])


def stored_us(engine: sa.Engine, minute: int) -> int:
    """Return when a minute was stored."""
    query = "select max(updated_at) from market_data where timestamp = to_timestamp(:seconds)"
    with engine.connect() as connection:
        return from_datetime(connection.scalar(sa.text(query), {"seconds": (START_US + minute * MINUTE_US) // 1_000_000}))


def test_a_bot_owes_a_minute_from_when_it_was_stored(database, engine):
    epoch = leased(database, "a")["a"]
    database.bots.write([step("a", epoch, 0)])
    assert database.bots.owed() == {}
    store(database, BTC, 1)

    assert database.bots.owed() == {"a": stored_us(engine, 1)}
    database.bots.write([step("a", epoch, 1)])
    assert database.bots.owed() == {}


def test_a_bot_owes_nothing_as_long_as_a_minute_of_one_of_its_symbols_lacks(database):
    with database.transaction() as kept:
        kept.bots.put_config("a", {**CONFIG, "symbols": [BTC, ETH]}, digest="d", file="a.json", autostart=True)
    [bot] = database.bots.take("one", most=1, seconds=60)
    database.bots.write([step("a", bot.lease_epoch, 0)])
    store(database, BTC, 1)
    store(database, ETH, 2)
    assert database.bots.owed() == {}
    store(database, ETH, 1, complete=False)
    assert database.bots.owed() == {}

    store(database, ETH, 1, revision=1)

    assert list(database.bots.owed()) == ["a"]


def test_of_a_bot_that_catches_up_what_it_did_last_counts(database, engine):
    epoch = leased(database, "a")["a"]
    store(database, BTC, *range(1, 9))
    database.bots.write([step("a", epoch, 3, signals=[SIGNAL])])

    [since_us] = database.bots.owed().values()

    assert stored_us(engine, 4) < since_us <= database.bots.clock_us()


@pytest.mark.parametrize("wanted", ["running", "stopped"])
def test_who_never_acted_or_is_not_wanted_to_run_owes_nothing(database, wanted):
    epoch = leased(database, "a", "new")["a"]
    database.bots.write([step("a", epoch, 0)])
    store(database, BTC, 0, 1)
    database.bots.wish(wanted, ["a"], by="a person")

    assert list(database.bots.owed()) == (["a"] if wanted == "running" else [])


def test_the_leases_of_dead_runners_end_and_those_of_others_do_not(database):
    epoch = leased(database, "a", "b", owner="dead")["a"]
    leased(database, "c", owner="alive")

    assert database.bots.end_leases(["dead", "unknown"]) == ["a", "b"]

    assert database.bots.write([step("a", epoch)]) == set()
    assert [bot.id for bot in database.bots.take("other", most=9, seconds=60)] == ["a", "b"]
    assert database.bots.end_leases([]) == []


def test_a_heartbeat_is_noted_under_the_lease_that_the_bot_has(database, engine):
    epoch = leased(database, "a")["a"]
    before = database.bots.get("a").heartbeat_us

    assert database.bots.heartbeat("a", epoch)
    after = database.bots.get("a").heartbeat_us
    assert after > before
    assert not database.bots.heartbeat("a", epoch - 1)
    assert not database.bots.heartbeat("nobody", epoch)
    end_leases(engine)
    assert not database.bots.heartbeat("a", epoch)
    assert database.bots.get("a").heartbeat_us == after


def test_only_the_bots_that_are_asked_for_are_taken(database):
    add(database, "a", "b", "c")

    assert [bot.id for bot in database.bots.take("one", most=9, seconds=60, only=["c", "a", "x"])] == ["a", "c"]
    assert database.bots.take("one", most=9, seconds=60, only=[]) == []


def test_nobody_changes_bots_that_are_locked(database):
    epoch = leased(database, "a", "b")["a"]
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as kept:
            assert [bot.id for bot in kept.bots.locked(["b", "a", "x"])] == ["a", "b"]
            written = pool.submit(database.bots.write, [step("a", epoch)])
            assert not wait([written], timeout=0.2).done
            kept.bots.release("a", epoch, state="crashed", reason="")

        assert written.result() == set()
