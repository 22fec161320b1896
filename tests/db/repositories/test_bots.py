"""What is wanted of bots counts with its commit, each has one runner at most, and every lease is another one."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa

from db.bot_rows import BotExposure, EventRow, Held
from db.engine import create_engine
from db.operations import DatabaseOperations
from market.errors import InputError, StoreUnreachable
from market.timeframe import DAY_US, MINUTE_US
from tests.db.bots import BTC, CONFIG, ETH, EVENT, SIGNAL, START_US, WORTH, add, end_leases, forget_waiting, leased, step
from tests.timescale.server import skip_if_shared

pytestmark = pytest.mark.postgres


def kinds(database, bot=None) -> list[str]:
    return [event.kind for event in database.bots.events(bot)]


class TestConfigurations:
    def test_a_known_one_that_nobody_started_or_stopped_starts_by_itself_once_it_may(self, database):
        for bot in ("never", "stopped"):
            database.bots.put_config(bot, CONFIG, digest="d1", file="a.json", autostart=False)
        database.bots.wish("running", ["stopped"], by="a person")
        database.bots.wish("stopped", ["stopped"], by="a person")

        for bot in ("never", "stopped"):
            database.bots.put_config(bot, CONFIG, digest="d1", file="a.json", autostart=True)

        assert (database.bots.get("never").wanted, database.bots.get("stopped").wanted) == ("running", "stopped")

    def test_a_new_one_makes_a_bot_that_is_stopped(self, database):
        assert database.bots.put_config("a", CONFIG, digest="d1", file="a.json", autostart=False) == "created"

        bot = database.bots.get("a")
        assert (bot.config, list(bot.config), bot.config_digest, bot.config_file) == (CONFIG, list(CONFIG), "d1", "a.json")
        assert (bot.wanted, bot.state, bot.run, bot.account, bot.lease_epoch, bot.lease_owner) == (
            "stopped",
            "stopped",
            1,
            None,
            0,
            None,
        )
        assert kinds(database, "a") == ["created"]

    def test_a_new_one_may_start_by_itself_and_a_stop_stays_when_it_is_read_again(self, database):
        add(database, "a", run=True)
        assert database.bots.get("a").wanted == "running"
        database.bots.wish("stopped", by="me")

        assert database.bots.put_config("a", CONFIG, digest="d1", file="a.json", autostart=True) == "same"
        assert database.bots.put_config("a", CONFIG, digest="d2", file="a.json", autostart=True) == "changed"
        assert database.bots.get("a").wanted == "stopped"

    def test_another_one_is_taken_over_and_an_event_says_what_differs(self, database):
        add(database, "a")
        changed = {**CONFIG, "parameters": {"slow": 40, "fast": 10}, "name": "A"}

        assert database.bots.put_config("a", changed, digest="d2", file="b.json", autostart=False) == "changed"

        assert database.bots.get("a").config == changed
        [event] = database.bots.events("a", kind="configured")
        assert event.details["changes"] == {"parameters.slow": [30, 40], "name": [None, "A"]}

    def test_the_same_one_writes_no_event_and_ends_a_problem(self, database):
        add(database, "a")
        database.bots.note_problem("a", "a.json: stops.stop_loss: expected a number")

        assert database.bots.put_config("a", CONFIG, digest="d1", file="a.json", autostart=False) == "same"

        assert database.bots.get("a").problem is None
        assert kinds(database) == ["created", "problem"]

    def test_a_problem_is_told_once_until_it_is_another(self, database):
        add(database, "a")
        for problem in ("one", "one", None, "one", "two"):
            database.bots.note_problem("a", problem)
        database.bots.note_problem("never-read", "one")

        assert database.bots.get("a").problem == "two"
        assert [event.text for event in database.bots.events(kind="problem")] == ["one", "one", "two"]

    @pytest.mark.parametrize("bot", ["", "A", "a b", "-a", "a" * 64, "a\n"])
    def test_an_id_that_cannot_be_one_is_refused(self, database, bot):
        with pytest.raises(InputError, match="lower case letters"):
            database.bots.put_config(bot, CONFIG, digest="d", file="f", autostart=False)

    def test_many_who_read_a_file_at_once_make_one_bot(self, database, engine):
        skip_if_shared(engine)
        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(lambda _: database.bots.put_config("a", CONFIG, digest="d", file="f", autostart=True), range(8)))

        assert sorted(done) == ["created"] + ["same"] * 7
        assert kinds(database) == ["created"]


class TestReads:
    def test_an_unknown_bot_is_told_with_the_likely_one(self, database):
        with pytest.raises(InputError, match="'btc-trend' is not known; there is none yet"):
            database.bots.get("btc-trend")
        add(database, "btc-trend")
        with pytest.raises(InputError, match="'btc-trand' is not known; did you mean 'btc-trend'"):
            database.bots.get("btc-trand")

    def test_a_list_is_in_order_and_without_accounts(self, database):
        epochs = leased(database, "b", "a")
        database.bots.write([step("a", epochs["a"])])

        listed = database.bots.list()

        assert [bot.id for bot in listed] == ["a", "b"]
        assert database.bots.get("a").account == {"minute": 0}
        assert listed[0] == replace(database.bots.get("a"), account=None)

    def test_exposures_are_of_bots_that_run_or_hold_something(self, database):
        epochs = leased(database, "flat", "holds", "runs")
        database.bots.write([step("holds", epochs["holds"]), step("flat", epochs["flat"], exposure={BTC: 0.0})])
        database.bots.wish("stopped", ["flat", "holds"], by="me")

        assert database.bots.exposures() == [
            BotExposure(id="holds", exposure={BTC: 1.5, ETH: -0.0}, equity=Decimal("10000.5")),
            BotExposure(id="runs", exposure={}, equity=None),
        ]

    def test_a_day_begins_with_the_last_equity_of_the_account_up_to_its_first_moment(self, database):
        epochs = leased(database, "a", "b")
        day_us = START_US + 5 * MINUTE_US
        worth = [replace(WORTH, timestamp_us=day_us + each, equity=Decimal(each)) for each in (-DAY_US, 0, MINUTE_US)]
        database.bots.write([step("a", epochs["a"], 9, performance=worth), step("b", epochs["b"], 9, performance=worth[2:])])

        assert database.bots.day_began(day_us) == {"a": Decimal(0)}
        assert database.bots.day_began(day_us - 1) == {"a": Decimal(-DAY_US)}
        assert database.bots.day_began(day_us + DAY_US) == {"a": Decimal(MINUTE_US), "b": Decimal(MINUTE_US)}


class TestWishes:
    def test_those_are_told_for_which_something_changes(self, database):
        add(database, "a", "b", run=False)

        assert database.bots.wish("running", ["b"], by="me", from_now=True) == ["b"]
        assert database.bots.wish("running", by="you") == ["a"]
        assert database.bots.wish("running", by="you") == []
        assert database.bots.wish("stopped", ["b", "a", "b"], by="me") == ["a", "b"]

        assert [(event.bot, event.kind, event.details) for event in database.bots.events()[2:]] == [
            ("b", "started", {"by": "me", "from_now": True}),
            ("a", "started", {"by": "you", "from_now": False}),
            ("a", "stopped", {"by": "me"}),
            ("b", "stopped", {"by": "me"}),
        ]

    def test_one_unknown_id_and_nothing_changes(self, database):
        add(database, "alpha")

        with pytest.raises(InputError, match="'alpa' is not known; did you mean 'alpha'"):
            database.bots.wish("stopped", ["alpha", "alpa"], by="me")
        assert database.bots.get("alpha").wanted == "running"

    def test_a_start_from_now_is_known_until_the_first_step_and_a_stop_ends_it(self, database):
        add(database, "a", "b", run=False)
        database.bots.wish("running", by="me", from_now=True)
        [a, b] = database.bots.take("one", most=2, seconds=60)
        assert (a.from_now, b.from_now) == (True, True)

        database.bots.write([step("a", a.lease_epoch)])
        database.bots.wish("stopped", ["b"], by="me")

        assert [bot.from_now for bot in database.bots.list()] == [False, False]

    def test_a_parked_bot_is_taken_only_after_a_person_wishes_that_it_runs(self, database):
        epochs = leased(database, "a")
        database.bots.release("a", epochs["a"], state="parked", reason="crashed 4 times")
        assert database.bots.take("one", most=1, seconds=60) == []

        assert database.bots.wish("running", by="me") == ["a"]

        assert database.bots.get("a").reason == ""
        assert [bot.id for bot in database.bots.take("one", most=1, seconds=60)] == ["a"]

    def test_a_start_ends_the_wait_after_a_crash(self, database):
        epochs = leased(database, "a")
        database.bots.release("a", epochs["a"], state="crashed", reason="it raised", retry_seconds=60)
        assert database.bots.take("one", most=1, seconds=60) == []

        assert database.bots.wish("running", by="me") == ["a"]

        assert [bot.id for bot in database.bots.take("one", most=1, seconds=60)] == ["a"]

    def test_a_stop_leaves_the_lease_to_its_runner(self, database):
        epochs = leased(database, "a")
        database.bots.wish("stopped", by="me")

        assert database.bots.renew("one", epochs, well=[], seconds=60) == [Held(id="a", wanted="stopped", config_digest="d1")]
        assert database.bots.get("a").state == "starting"
        assert database.bots.release("a", epochs["a"], state="stopped", reason="")

    def test_a_stopped_bot_whose_runner_died_reads_as_stopped(self, database, engine):
        leased(database, "a")
        database.bots.wish("stopped", by="me")

        end_leases(engine)

        assert database.bots.get("a").state == "stopped"

    def test_a_start_after_a_stop_ends_the_lease_from_before_it(self, database):
        epochs = leased(database, "a")
        database.bots.wish("stopped", by="me")
        database.bots.wish("running", by="me")

        assert database.bots.write([step("a", epochs["a"])]) == set()
        assert database.bots.renew("one", epochs, well=[], seconds=60) == []
        [again] = database.bots.take("two", most=1, seconds=60)
        assert again.lease_epoch > epochs["a"]


class TestLeases:
    def test_a_bot_is_taken_with_its_account_and_an_event_tells(self, database):
        leased(database, "a")

        bot = database.bots.get("a")

        assert (bot.state, bot.lease_owner, bot.reason) == ("starting", "one", "")
        assert bot.lease_until_us - bot.heartbeat_us == pytest.approx(60_000_000, abs=1_000_000)
        [event] = database.bots.events("a", kind="leased")
        assert (event.epoch, event.details) == (bot.lease_epoch, {"owner": "one"})

    def test_a_bot_that_somebody_has_is_not_taken_and_no_more_than_asked_for(self, database):
        add(database, "a", "b", "c")

        assert [bot.id for bot in database.bots.take("one", most=2, seconds=60)] == ["a", "b"]
        assert [bot.id for bot in database.bots.take("two", most=2, seconds=60)] == ["c"]
        assert database.bots.take("one", most=2, seconds=60) == []

    def test_one_that_is_not_wanted_is_not_taken(self, database):
        add(database, "a", run=False)

        assert database.bots.take("one", most=1, seconds=60) == []

    def test_a_lease_that_ended_can_be_taken_and_its_epoch_is_new(self, database, engine):
        epochs = leased(database, "a")
        database.bots.write([step("a", epochs["a"], 3)])
        end_leases(engine)

        [bot] = database.bots.take("two", most=1, seconds=60)

        assert bot.lease_epoch > epochs["a"]
        assert (bot.lease_owner, bot.account, bot.acted_until_us) == ("two", {"minute": 3}, START_US + 3 * MINUTE_US)
        assert database.bots.renew("one", epochs, well=["a"], seconds=60) == []
        assert not database.bots.release("a", epochs["a"], state="stopped", reason="")
        assert database.bots.get("a").lease_owner == "two"

    def test_a_lease_that_ended_and_nobody_took_is_renewed(self, database, engine):
        epochs = leased(database, "a")
        end_leases(engine)

        assert [held.id for held in database.bots.renew("one", epochs, well=[], seconds=60)] == ["a"]
        assert database.bots.take("two", most=1, seconds=60) == []

    def test_a_heartbeat_is_of_those_that_are_well(self, database, engine):
        epochs = leased(database, "a", "b")
        before = {bot.id: bot.heartbeat_us for bot in database.bots.list()}

        database.bots.renew("one", epochs, well=["b", "other"], seconds=60)

        after = {bot.id: bot.heartbeat_us for bot in database.bots.list()}
        assert (after["a"] == before["a"], after["b"] > before["b"]) == (True, True)

    def test_only_the_owner_renews_and_an_unknown_bot_is_not_held(self, database):
        epochs = leased(database, "a")

        assert database.bots.renew("two", epochs, well=[], seconds=60) == []
        assert database.bots.renew("one", {"gone": 1}, well=[], seconds=60) == []

    def test_a_crashed_bot_waits_and_is_taken_again_then(self, database, engine):
        epochs = leased(database, "a")
        event = EventRow(kind="crashed", text="it raised", details={"error": "x"})

        assert database.bots.release("a", epochs["a"], state="crashed", reason="it raised", retry_seconds=60, event=event)
        assert not database.bots.release("a", epochs["a"], state="crashed", reason="again")

        bot = database.bots.get("a")
        assert (bot.state, bot.reason, bot.lease_owner, bot.lease_until_us) == ("crashed", "it raised", None, None)
        assert [(each.bot, each.epoch, each.details) for each in database.bots.events(kind="crashed")] == [
            ("a", epochs["a"], {"error": "x"})
        ]
        assert database.bots.take("two", most=1, seconds=60) == []
        forget_waiting(engine)
        assert [bot.retry_us for bot in database.bots.take("two", most=1, seconds=60)] == [None]

    def test_what_a_strategy_raised_may_have_any_text(self, database):
        epochs = leased(database, "a")
        said = "\x00\ud800x"
        event = EventRow(kind="crashed", text=said, details={"error": [said]})
        database.bots.set_states({"a": (epochs["a"], "waiting", said)})
        database.bots.note_problem("a", said)
        waiting = database.bots.get("a")

        assert database.bots.release("a", epochs["a"], state="crashed", reason=said, event=event)

        [crashed] = database.bots.events(kind="crashed")
        said = "\ufffd\ufffdx"
        assert (waiting.reason, waiting.problem, database.bots.get("a").reason) == (said, said, said)
        assert (crashed.text, crashed.details) == (said, {"error": [said]})

    def test_crashes_count_since_the_last_start_and_within_a_time(self, database, engine):
        leased(database, "a", "b")
        crashed = [database.bots.add_event(EventRow(bot=bot, kind="crashed", text="it raised")) for bot in ("a", "a", "b")]
        assert database.bots.crashes("a", within_seconds=3600) == 2
        with engine.begin() as connection:
            connection.execute(sa.text("update bots set wanted_at = wanted_at - interval '2 hours'"))
            connection.execute(sa.text("update bot_events set at = at - interval '1 hour' where id = :id"), {"id": crashed[0]})

        assert database.bots.crashes("a", within_seconds=3600) == 1
        assert database.bots.crashes("a", within_seconds=3700) == 2
        database.bots.wish("stopped", by="me")
        database.bots.wish("running", by="me")
        assert database.bots.crashes("a", within_seconds=3600) == 0

    def test_states_change_only_under_their_lease_and_since_when_only_with_the_state(self, database):
        epochs = leased(database, "a", "b")
        database.bots.set_states({"a": (epochs["a"], "waiting", "gap"), "b": (epochs["b"] - 100, "waiting", "gap")})
        first = database.bots.get("a")

        database.bots.set_states({"a": (epochs["a"], "waiting", "feed down"), "gone": (1, "running", "")})

        second = database.bots.get("a")
        assert (first.state, second.reason, database.bots.get("b").state) == ("waiting", "feed down", "starting")
        assert second.state_us == first.state_us

    def test_many_runners_never_take_a_bot_twice(self, database, engine):
        skip_if_shared(engine)
        add(database, *(f"bot-{number}" for number in range(60)))
        engines = [create_engine(engine.url.render_as_string(hide_password=False)) for _ in range(8)]

        def take(own):
            taken, runner = [], DatabaseOperations(own)
            for _ in range(12):
                taken += [(bot.id, bot.lease_epoch) for bot in runner.bots.take(f"runner-{id(own)}", most=3, seconds=60)]
            return taken

        with ThreadPoolExecutor(len(engines)) as pool:
            found = [each for of_one in pool.map(take, engines) for each in of_one]
        for own in engines:
            own.dispose()

        assert sorted(bot for bot, _ in found) == sorted(bot.id for bot in database.bots.list())
        assert len({epoch for _, epoch in found}) == 60

    def test_one_that_is_being_changed_is_passed_over(self, database, engine):
        skip_if_shared(engine)
        add(database, "a", "b")
        with database.transaction() as store:
            store.bots.note_problem("a", "somebody is writing")

            assert [bot.id for bot in database.bots.take("one", most=2, seconds=60)] == ["b"]

    def test_who_stands_still_while_others_wait_for_its_bots_is_cut_off(self, database, engine, monkeypatch):
        skip_if_shared(engine)
        monkeypatch.setattr("db.bot_state.STANDSTILL_SECONDS", 0.2)
        epochs = leased(database, "a")
        beside = DatabaseOperations(create_engine(engine.url.render_as_string(hide_password=False)))

        with pytest.raises(StoreUnreachable), database.transaction() as store:  # its machine is asleep, or gone
            assert store.bots.write([step("a", epochs["a"])]) == {"a"}
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(beside.bots.wish, "stopped", by="a person").result(timeout=20) == ["a"]
            store.bots.write([step("a", epochs["a"], 1)])
        beside.close()

        assert database.bots.get("a").acted_until_us is None


class TestTheEndOfAccounts:
    @pytest.mark.parametrize("end", ["reset", "delete"])
    def test_it_needs_a_bot_that_is_stopped_and_that_nobody_has(self, database, engine, end):
        leased(database, "a")
        with pytest.raises(InputError, match="a is wanted to run; stop it first"):
            getattr(database.bots, end)("a")
        database.bots.wish("stopped", by="me")
        with pytest.raises(InputError, match="one still has it; try again"):
            getattr(database.bots, end)("a")
        with pytest.raises(InputError, match="'b' is not known"):
            getattr(database.bots, end)("b")

        end_leases(engine)

        getattr(database.bots, end)("a")

    def test_a_reset_bot_begins_anew_and_what_it_wrote_stays(self, database, engine):
        epochs = leased(database, "a")
        database.bots.write([step("a", epochs["a"], signals=[SIGNAL], performance=[WORTH])])
        database.bots.wish("stopped", by="me")
        end_leases(engine)

        database.bots.reset("a")

        bot = database.bots.get("a")
        assert (bot.run, bot.account, bot.acted_until_us, bot.equity, bot.cash, bot.exposure) == (2, None, None, None, None, None)
        assert (database.bots.signals("a"), database.bots.signals("a", run=1)) == ([], [SIGNAL])
        assert (database.bots.performance("a"), database.bots.performance("a", run=1)) == ([], [WORTH])
        assert database.bots.events("a")[-1].kind == "reset"
        database.bots.wish("running", by="me")
        assert database.bots.write([step("a", epochs["a"])]) == set()

    def test_nothing_is_left_of_a_deleted_bot(self, database, engine):
        epochs = leased(database, "a", "b")
        some = {"signals": [SIGNAL], "performance": [WORTH], "events": [EVENT]}
        database.bots.write([step(bot, epochs[bot], **some) for bot in epochs])
        database.bots.wish("stopped", ["a"], by="me")
        end_leases(engine)

        database.bots.delete("a")

        with engine.connect() as connection:
            for table in ("signals", "bot_performance", "bot_events"):
                assert set(connection.scalars(sa.text(f"select bot from {table}"))) == {"b"}
        assert [bot.id for bot in database.bots.list()] == ["b"]
