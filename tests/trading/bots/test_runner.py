"""A runner on a real database, turn by turn; strategies are asked in processes of their own."""

import threading
import time
from dataclasses import replace

import pytest
import sqlalchemy as sa

from market import clock
from market.errors import StoreUnreachable
from tests.db.bots import end_leases
from tests.db.candles import MINUTE_US, START_US, candle
from trading.bots.config import as_dict, digest, from_dict
from trading.bots.hosts import Hosts
from trading.bots.leases import Leases
from trading.bots.portfolio import PortfolioLimits
from trading.bots.runner import Runner
from trading.bots.telling import Teller

pytestmark = pytest.mark.postgres
BTC = "OKX:BTC-USDT"
_CUT = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()"


@pytest.fixture(scope="module")
def hosts():
    with Hosts(None) as hosts:
        yield hosts


class Watch:
    """Time that goes on by itself, and may be put forward."""

    def __init__(self):
        self.ahead = 0.0

    def now_us(self):
        return START_US + int(self.monotonic() * 1e6)

    def monotonic(self):
        return time.monotonic() + self.ahead


class Running:
    """A runner, and what it runs on."""

    def __init__(self, database, hosts, *, owner="one", **limits):
        self.db, self.watch = database, Watch()
        self.leases = Leases(database, owner, most=100)
        self.runner = Runner(database, hosts, self.leases, Teller(None), limits=PortfolioLimits(**limits))

    def until(self, true, *, most=400):
        """Turn until something is true, each time a second later, unless a strategy is waited for."""
        with clock.using(self.watch):
            for _ in range(most):
                try:
                    self.runner.turn()
                except StoreUnreachable:
                    self.runner._lose({*self.runner._bots, *self.runner._loading, *self.leases.held})
                if true():
                    return
                waits = [bot for bot in self.runner._bots.values() if bot.is_asking] or None in self.runner._loading.values()
                self.watch.ahead += 0.0 if waits else 1.0
        raise AssertionError([(bot.id, bot.state, bot.reason, bot.acted_until_us) for bot in self.db.bots.list()])

    def acted(self, minute, *ids):
        """Turn until bots have acted on a minute, and that is written."""
        return self.until(lambda: all((self.db.bots.get(bot).acted_until_us or 0) >= at(minute) for bot in ids))


def at(minute):
    return START_US + minute * MINUTE_US


def put(database, *ids, **changed):
    for bot in ids:
        config = from_dict(
            {"id": bot, "strategy": "buy_and_hold", "symbols": [BTC], "timeframe": "1m", "balance": "1000", **changed}
        )
        database.bots.put_config(bot, as_dict(config), digest=digest(config), file=f"{bot}.json", autostart=True)


def store(database, *minutes, **changed):
    database.market_data.upsert_candles(candle(minute, **changed) for minute in minutes)


def kinds(database, bot):
    return [event.kind for event in database.bots.events(bot)]


def test_a_new_bot_begins_at_the_newest_minute_and_acts_on_those_that_come(database, hosts):
    store(database, 1, 2, 3)
    put(database, "a")
    running = Running(database, hosts)
    running.until(lambda: database.bots.get("a").state == "running")
    store(database, 4, 5)
    running.acted(5, "a")

    assert [row.timestamp_us for row in database.bots.signals("a")] == [at(4), at(5)]
    assert [(row.side, row.timestamp_us) for row in database.bots.trades("a")] == [("buy", at(5))]


def test_a_bot_that_was_away_catches_up_and_says_so_once(database, hosts):
    store(database, 1)
    put(database, "a")
    first = Running(database, hosts)
    first.until(lambda: database.bots.get("a").state == "running")
    store(database, 2)
    first.acted(2, "a")
    first.leases.give_back()
    store(database, *range(3, 10))
    second = Running(database, hosts, owner="two")
    second.acted(9, "a")
    second.until(lambda: database.bots.get("a").state == "running")

    *_, caught_up = [event for event in database.bots.events("a") if event.kind == "caught-up"]
    assert (kinds(database, "a").count("caught-up"), caught_up.details) == (2, {"minutes": 7})
    assert [row.caught_up for row in database.bots.signals("a")] == [False, *[True] * 6, False]


def test_a_stop_is_kept_to_and_gives_the_bot_back(database, hosts):
    store(database, 1)
    put(database, "a")
    running = Running(database, hosts)
    running.until(lambda: database.bots.get("a").state == "running")
    database.bots.wish("stopped", ["a"], by="a test")
    store(database, 2)
    running.until(lambda: database.bots.get("a").lease_owner is None)

    assert (database.bots.get("a").state, database.bots.signals("a"), running.leases.held) == ("stopped", [], {})


def test_a_lease_that_was_lost_ends_the_bot_here_and_nothing_is_written_twice(database, engine, hosts):
    store(database, 1)
    put(database, "a")
    one, two = Running(database, hosts), Running(database, hosts, owner="two")
    one.until(lambda: database.bots.get("a").state == "running")
    end_leases(engine)
    two.leases.look(1e9, [])
    two.runner._leases._looked = float("-inf")
    store(database, 2)
    one.until(lambda: not one.leases.held)

    assert (database.bots.get("a").lease_owner, database.bots.signals("a")) == ("two", [])


def test_a_step_that_cannot_be_written_harms_its_bot_only(database, hosts, monkeypatch):
    store(database, 1)
    put(database, "a", "b", "c")
    running = Running(database, hosts)
    running.until(lambda: {bot.state for bot in database.bots.list()} == {"running"})
    write = database.bots.write
    monkeypatch.setattr(database, "bots", Broken(database.bots, write))
    store(database, 2)
    running.acted(2, "a", "c")

    assert (database.bots.get("b").state, database.bots.get("b").acted_until_us) == ("crashed", at(1))
    assert "what it did cannot be written: " in database.bots.get("b").reason


class Broken:
    """Bots of a store that refuses the amounts of one of them."""

    def __init__(self, bots, write):
        self._bots, self._write = bots, write

    def __getattr__(self, name):
        return getattr(self._bots, name)

    def write(self, steps):
        from decimal import Decimal

        return self._write([replace(step, equity=Decimal("NaN")) if step.bot == "b" else step for step in steps])


def test_a_connection_that_is_cut_loses_nothing(database, engine, hosts):
    store(database, 1)
    put(database, "a")
    running = Running(database, hosts)
    running.until(lambda: database.bots.get("a").state == "running")
    with engine.connect() as connection:
        connection.execute(sa.text(_CUT))
    store(database, 2, 3)
    running.acted(3, "a")

    assert [row.timestamp_us for row in database.bots.signals("a")] == [at(2), at(3)]


def test_a_stored_configuration_that_cannot_be_read_parks_its_bot_only(database, engine, hosts):
    store(database, 1)
    put(database, "a", "b")
    with engine.begin() as connection:
        connection.execute(sa.text("""update bots set config = '{"id": "a", "was": "of another version"}' where id = 'a'"""))
    Running(database, hosts).until(lambda: database.bots.get("b").state == "running")

    assert database.bots.get("a").state == "parked"
    assert "the configuration of a bot cannot be used" in database.bots.get("a").reason


def test_an_account_that_cannot_be_read_crashes_its_bot_only(database, engine, hosts):
    store(database, 1)
    put(database, "a", "b")
    with engine.begin() as connection:
        spoil = (
            """update bots set account = '{"begins_us": 1}', acted_until = timestamptz 'epoch' + :at * interval '1 microsecond'"""
        )
        connection.execute(sa.text(f"{spoil} where id = 'a'"), {"at": at(1)})
    Running(database, hosts).until(lambda: database.bots.get("b").state == "running")

    assert (database.bots.get("a").state, kinds(database, "a")[-1]) == ("crashed", "crashed")


def test_an_account_of_other_symbols_parks_the_bot_with_the_way_out(database, hosts):
    store(database, 1)
    put(database, "a")
    running = Running(database, hosts)
    running.until(lambda: database.bots.get("a").state == "running")
    store(database, 2)
    running.acted(2, "a")
    put(database, "a", timeframe="5m")
    running.until(lambda: database.bots.get("a").state == "parked")

    assert database.bots.get("a").reason == (
        "its account is of OKX:BTC-USDT at 1m, its file now says OKX:BTC-USDT at 5m; "
        "`tcpdash bots stop a`, `tcpdash bots reset a` and `tcpdash bots start a` end that account and begin another"
    )


def test_rules_that_change_while_it_runs_take_effect(database, hosts):
    store(database, 1)
    put(database, "a", balance="0.5")
    running = Running(database, hosts)
    running.until(lambda: database.bots.get("a").state == "running")
    store(database, 2, 3)
    running.acted(3, "a")
    put(database, "a", balance="0.5", stops={"stop_loss": 0.1})
    running.until(lambda: kinds(database, "a").count("leased") == 2 and database.bots.get("a").state == "running")
    store(database, 4)  # its low is half of the entry
    running.acted(4, "a")

    assert [row.reason for row in database.bots.trades("a")] == ["entry", "stop-loss"]
    (configured,) = database.bots.events("a", kind="configured")
    assert configured.details["changes"] == {"stops.stop_loss": [0.0, 0.1]}


def test_the_minutes_that_were_missed_may_be_skipped(database, hosts):
    store(database, 1)
    put(database, "a")
    first = Running(database, hosts)
    first.until(lambda: database.bots.get("a").state == "running")
    store(database, 2)
    first.acted(2, "a")
    database.bots.wish("stopped", ["a"], by="a test")
    first.until(lambda: not first.leases.held)
    store(database, *range(3, 8))
    database.bots.wish("running", ["a"], by="a test", from_now=True)
    second = Running(database, hosts, owner="two")
    second.until(lambda: database.bots.get("a").state == "running")
    store(database, 8)
    second.acted(8, "a")

    assert [row.timestamp_us for row in database.bots.signals("a")] == [at(2), at(8)]
    (skipped,) = database.bots.events("a", kind="skipped")
    assert skipped.details == {"skipped_us": [at(2), at(7)]}


def test_a_bot_without_a_minute_to_begin_with_waits_and_says_for_what(database, hosts):
    put(database, "a")
    running = Running(database, hosts)
    running.until(lambda: database.bots.get("a").state == "waiting")

    assert database.bots.get("a").reason.startswith("no minute of OKX:BTC-USDT is stored yet")


def test_limits_of_all_bots_refuse_an_entry_and_the_signal_says_so(database, hosts):
    store(database, 1)
    put(database, "a")
    running = Running(database, hosts, exposure=10.0)
    running.until(lambda: database.bots.get("a").state == "running")
    store(database, 2)
    running.acted(2, "a")

    (signal,) = database.bots.signals("a")
    assert (signal.acted, signal.outcome) == (False, "all bots hold 0.00; 1,000.00 more is beyond 10.00 (bots.max_exposure)")


def test_strategies_that_change_are_asked_anew(database, hosts):
    store(database, 1)
    put(database, "a")
    running = Running(database, hosts)
    running.until(lambda: database.bots.get("a").state == "running")
    running.runner.renew_strategies()
    running.until(lambda: kinds(database, "a").count("leased") == 2 and database.bots.get("a").state == "running")
    store(database, 2)
    running.acted(2, "a")

    assert [row.timestamp_us for row in database.bots.signals("a")] == [at(2)]


def test_a_runner_that_stops_writes_how_far_it_is_and_gives_its_bots_back(database, hosts):
    store(database, 1)
    put(database, "a")
    running, stop = Running(database, hosts), threading.Event()
    running.until(lambda: database.bots.get("a").state == "running")
    stop.set()
    running.runner.run(stop)

    stored = database.bots.get("a")
    assert (stored.lease_owner, stored.state, stored.reason) == (None, "stopped", "its runner stopped")


@pytest.mark.parametrize("code", ["53100", "53200", "40P01", "40001"])  # the disk or the memory is full, a deadlock, a race
def test_what_the_database_cannot_do_for_now_is_no_crash_of_a_bot(database, engine, hosts, code):
    store(database, 1)
    put(database, "a", "b")
    running = Running(database, hosts)
    running.until(lambda: all(bot.state == "running" for bot in database.bots.list()))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"create function fails() returns trigger language plpgsql as $$ begin raise 'full' using errcode = '{code}'; end $$"
        )
        connection.exec_driver_sql("create trigger fails before insert on signals execute function fails()")
    store(database, 2)
    with clock.using(running.watch), pytest.raises(StoreUnreachable, match="full"):
        for _ in range(50):
            running.watch.ahead += 1.0
            running.runner.turn()
    running.runner._lose({*running.runner._bots, *running.leases.held})
    with engine.begin() as connection:
        connection.exec_driver_sql("drop function fails cascade")
    running.acted(2, "a", "b")

    assert [row.timestamp_us for bot in "ab" for row in database.bots.signals(bot)] == [at(2), at(2)]
    assert not database.bots.events(kind="crashed")


def test_a_bot_that_cannot_be_loaded_as_no_process_starts_says_so_and_is_not_charged(database, monkeypatch):
    def refuse(*_given, **_named):
        raise OSError("no memory")

    monkeypatch.setattr("trading.bots.hosts.HostProcess", refuse)
    store(database, 1)
    put(database, "a")
    with Hosts(None) as hosts:
        running = Running(database, hosts)
        running.until(lambda: database.bots.get("a").state == "waiting")

        assert database.bots.get("a").reason == "no process for strategies starts: no memory"
        monkeypatch.undo()
        running.until(lambda: database.bots.get("a").state == "running")

    assert not database.bots.events("a", kind="crashed")
