"""Bots of runners that died or hang, on a real database: what is found, what is done, and who else may act at the same time."""

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
import sqlalchemy as sa

from db.repositories.feeds import Feed
from market.candle import Candle
from market.timeframe import BASE, MINUTE_US
from tests.db.bots import BTC, START_US, add, end_leases, leased, step
from trading.bots.health import Health
from trading.bots.rescue import Judged, dead_owners, free_bots_of_the_dead, rescue
from trading.bots.restarts import BUDGET

pytestmark = pytest.mark.postgres


def found(database) -> dict[str, Judged]:
    return {each.bot.id: each for each in rescue(database)}


def age(engine: sa.Engine, seconds: int, *, heartbeats: bool = True) -> None:
    """Let time pass in which leases were renewed, and nothing else happened."""
    with engine.begin() as connection:
        for column in ("state_at", *(["heartbeat_at"] if heartbeats else [])):
            connection.execute(sa.text(f"update bots set {column} = {column} - interval '{seconds} seconds'"))
        connection.execute(sa.text(f"update market_data set updated_at = updated_at - interval '{seconds} seconds'"))


def test_bots_that_are_well_are_left_alone(database):
    epochs = leased(database, "a", "b")
    add(database, "c", run=False)
    database.bots.write([step("a", epochs["a"])])

    judged = found(database)

    assert [(bot, each.verdict.state, each.done) for bot, each in judged.items()] == [
        ("a", Health.RUNNING, ""), ("b", Health.STARTING, ""), ("c", Health.STOPPED, ""),
    ]  # fmt: skip
    assert database.bots.write([step("a", epochs["a"], 1)]) == {"a"}


def test_a_bot_that_waits_by_the_word_of_its_runner_is_not_charged_for_a_minute_that_is_there(database, engine):
    epoch = leased(database, "a")["a"]
    database.bots.write([step("a", epoch)])
    database.market_data.upsert_candles([Candle(BTC, BASE, START_US + MINUTE_US, 1.0, 1.0, 1.0, 1.0, volume=1.0, complete=True)])
    database.bots.set_states({"a": (epoch, "waiting", "a hole before that is being filled")})
    age(engine, 3_600, heartbeats=False)

    judged = found(database)["a"]

    assert (judged.verdict.state, judged.verdict.reason, judged.done) == (
        Health.WAITING, "a hole before that is being filled", "",
    )  # fmt: skip


def test_the_bot_of_a_dead_runner_is_free_for_others_at_once_and_not_charged(database, engine):
    epoch = leased(database, "a")["a"]
    end_leases(engine)

    first, second = found(database)["a"], found(database)["a"]

    assert (first.verdict.state, first.done, first.is_due) == (Health.CRASHED, "free for any runner", True)
    assert (second.verdict.state, second.done, second.is_due) == (Health.CRASHED, "", True)
    [event] = database.bots.events("a", kind="lost")
    assert "its runner one died" in event.text
    assert database.bots.events("a", kind="crashed") == []
    assert database.bots.write([step("a", epoch)]) == set()
    assert [bot.id for bot in database.bots.take("two", most=9, seconds=60)] == ["a"]


@pytest.mark.parametrize(("seconds", "state"), [(0, Health.RUNNING), (60, Health.LATE), (120, Health.STUCK)])
def test_a_bot_without_a_heartbeat_is_late_and_then_loses_its_lease(database, engine, seconds, state):
    epoch = leased(database, "a")["a"]
    database.bots.write([step("a", epoch)])
    age(engine, seconds)

    judged = found(database)["a"]

    assert judged.verdict.state is state
    assert judged.done == ("restart 1 of 3 within an hour" if state is Health.STUCK else "")
    assert database.bots.write([step("a", epoch, 1)]) == (set() if state is Health.STUCK else {"a"})


def test_a_bot_that_does_not_act_on_what_is_stored_is_stuck(database, engine):
    epoch = leased(database, "a")["a"]
    database.bots.write([step("a", epoch)])
    database.market_data.upsert_candles([Candle(BTC, BASE, START_US + MINUTE_US, 1.0, 1.0, 1.0, 1.0, volume=1.0, complete=True)])
    age(engine, 120, heartbeats=False)

    assert found(database)["a"].verdict.state is Health.STUCK


def test_a_bot_that_its_runner_excuses_is_late_and_not_charged(database, engine):
    epoch = leased(database, "a")["a"]
    database.bots.write([step("a", epoch)])
    database.market_data.upsert_candles([Candle(BTC, BASE, START_US + MINUTE_US, 1.0, 1.0, 1.0, 1.0, volume=1.0, complete=True)])
    database.bots.set_states({"a": (epoch, "running", "no process for strategies starts: no memory")})
    age(engine, 120, heartbeats=False)
    excused = found(database)["a"]
    age(engine, 120)  # now its runner does not find it well any more

    assert (excused.verdict.state, excused.verdict.reason, excused.done) == (
        Health.LATE, "no process for strategies starts: no memory", "",
    )  # fmt: skip
    assert found(database)["a"].verdict.state is Health.STUCK


def test_a_bot_that_is_stuck_again_and_again_is_parked(database, engine):
    add(database, "a")
    done = []
    for _ in range(1 + BUDGET):
        with engine.begin() as connection:
            connection.execute(sa.text("update bots set retry_at = null"))
        database.bots.take("one", most=1, seconds=60)
        age(engine, 120)
        done.append(found(database)["a"].done)

    assert done == [*(f"restart {count} of {BUDGET} within an hour" for count in range(1, 1 + BUDGET)), "parked"]
    judged = found(database)["a"]
    assert (judged.verdict.state, judged.is_due, judged.done) == (Health.PARKED, False, "")
    assert len(database.bots.events("a", kind="parked")) == 1
    assert database.bots.take("one", most=1, seconds=60) == []


def test_a_bot_that_waits_to_be_started_again_is_due_once_that_is_over(database, engine):
    epoch = leased(database, "a")["a"]
    database.bots.release("a", epoch, state="crashed", reason="it raised", retry_seconds=60.0)
    assert not found(database)["a"].is_due

    with engine.begin() as connection:
        connection.execute(sa.text("update bots set retry_at = clock_timestamp()"))

    judged = found(database)["a"]
    assert (judged.is_due, judged.verdict.state) == (True, Health.CRASHED)
    assert judged.verdict.reason == "it raised; is to be started again, and no runner took it yet"


def test_a_bot_whose_feed_is_silent_waits(database):
    epoch = leased(database, "a")["a"]
    database.bots.write([step("a", epoch)])
    database.feeds.set(Feed(BTC, "stale", "", START_US))

    verdict = found(database)["a"].verdict

    assert (verdict.state, verdict.reason) == (Health.WAITING, f"the feed of {BTC} is stale")


def test_many_who_look_at_once_charge_a_stuck_bot_once(database, engine):
    leased(database, *(f"bot-{number}" for number in range(20)))
    age(engine, 120)

    with ThreadPoolExecutor(4) as pool:
        looks = list(pool.map(lambda _: found(database), range(4)))

    done = [each.done for look in looks for each in look.values() if each.done]
    assert done == ["restart 1 of 3 within an hour"] * 20
    assert len(database.bots.events(kind="crashed")) == 20


def test_a_heartbeat_that_comes_while_it_is_judged_saves_a_bot(database, engine):
    epoch = leased(database, "a")["a"]
    database.bots.write([step("a", epoch)])
    age(engine, 120)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as kept:
            kept.bots.renew("one", {"a": epoch}, well=["a"], seconds=60)
            looked = pool.submit(found, database)
            assert not wait([looked], timeout=0.3).done

        assert (looked.result()["a"].verdict.state, looked.result()["a"].done) == (Health.RUNNING, "")
    assert database.bots.write([step("a", epoch, 1)]) == {"a"}


def test_runners_that_were_processes_of_this_machine_are_known_to_be_gone():
    machine = socket.gethostname()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    alive = {f"{machine}-1", f"{machine}-{os.getppid()}", f"elsewhere-{gone.pid}", f"{machine}-{gone.pid}-manager", "mine", machine}

    assert dead_owners({*alive, f"{machine}-{gone.pid}", f"{machine}-{os.getpid()}"}) == {
        f"{machine}-{gone.pid}",
        f"{machine}-{os.getpid()}",
    }


def test_bots_of_dead_runners_of_this_machine_are_taken_at_once(database):
    own = f"{socket.gethostname()}-{os.getpid()}"
    leased(database, "a", "b", owner=own)
    leased(database, "c", owner="elsewhere-1")
    database.bots.wish("stopped", ["b"], by="a person")

    assert free_bots_of_the_dead(database) == ["a"]
    assert [bot.id for bot in database.bots.take("next", most=9, seconds=60)] == ["a"]
    assert free_bots_of_the_dead(database) == []
