"""What bots write is whole or not there, under the newest lease only, and comes back to the last digit."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.engine import create_engine
from db.operations import DatabaseOperations
from market.errors import InputError, StoreUnreachable
from market.timeframe import DAY_US, MINUTE_US
from tests.db.bots import (
    BTC,
    ETH,
    EVENT,
    EXACT,
    ORDER,
    POSTING,
    SIGNAL,
    START_US,
    TRADE,
    WORTH,
    add,
    end_leases,
    leased,
    step,
)  # fmt: skip
from tests.timescale.server import skip_if_shared

pytestmark = pytest.mark.postgres
ALL = {
    "signals": [SIGNAL], "orders": [ORDER], "trades": [TRADE], "postings": [POSTING], "performance": [WORTH], "events": [EVENT],
}  # fmt: skip


def written(database, bot="a", **which) -> dict:
    found = {name: getattr(database.bots, name)(bot, **which) for name in ALL if name != "events"}
    return found | {"events": database.bots.events(bot)}


def times(row, name, count, **moment):
    """Return copies of a row, numbered from 1 and a minute after one another."""
    [field] = moment
    return [replace(row, **{name: 1 + each, field: moment[field] + each * MINUTE_US}) for each in range(count)]


class TestWrites:
    def test_all_that_a_step_leads_to_comes_back(self, database):
        epochs = leased(database, "a")

        assert database.bots.write([step("a", epochs["a"], state="waiting", reason="gap", **ALL)]) == {"a"}

        found = written(database)
        event = found.pop("events")[-1]
        assert found == {name: rows for name, rows in ALL.items() if name != "events"}
        assert replace(event, id=0, at_us=0) == replace(EVENT, bot="a", epoch=epochs["a"])
        bot = database.bots.get("a")
        assert (bot.account, bot.acted_until_us, bot.state, bot.reason) == ({"minute": 0}, START_US, "waiting", "gap")
        assert (bot.equity, bot.cash, bot.exposure) == (Decimal("10000.5"), EXACT, {BTC: 1.5, ETH: -0.0})

    def test_the_lease_and_the_moment_of_the_clock_are_kept_beside_it(self, database, engine):
        epochs = leased(database, "a")
        database.bots.write([step("a", epochs["a"], **ALL)])

        with engine.connect() as connection:
            for table in ("signals", "orders", "trades"):
                row = connection.execute(sa.text(f"select epoch, written_at > now() - interval '1 minute' from {table}")).one()
                assert tuple(row) == (epochs["a"], True)

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        size=st.decimals(min_value="1E-30", max_value="1E+30", places=None, allow_nan=False),
        cash=st.decimals(allow_nan=False, allow_infinity=False).filter(lambda one: abs(one.adjusted()) < 1000),
        number=st.floats(allow_nan=False, allow_infinity=False),
    )
    @example(size=Decimal("1E-8"), cash=Decimal("-0.0000000000000000000000000000000000000001"), number=-0.0)
    @example(size=Decimal("1234567890" * 4), cash=Decimal(repr(5e-324)), number=1e16)
    def test_amounts_and_numbers_come_back_to_the_last_digit(self, database, size, cash, number):
        epochs = leased(database, "a")
        epoch = epochs.get("a") or database.bots.get("a").lease_epoch
        trade, worth = replace(TRADE, size=size, cash=cash), replace(WORTH, cash=cash, drawdown=number)
        account = {"z": number, "a": [repr(number), -0.0, 1e16, 10**17, "ü"], "m": {"b": None}}

        number_of = len(database.bots.trades("a")) + 1
        database.bots.write(
            [step("a", epoch, account=account, cash=cash, trades=[replace(trade, number=number_of)], performance=[worth])]
        )

        [found] = database.bots.trades("a", newest=1)
        assert (found.size, found.cash) == (size, cash)
        bot = database.bots.get("a")
        assert (bot.cash, repr(database.bots.performance("a")[0].drawdown)) == (cash, repr(number))
        assert json.dumps(bot.account) == json.dumps(account)

    def test_a_bot_may_come_twice_in_one_call_and_the_last_counts(self, database):
        epochs = leased(database, "a", "b")
        filled = replace(ORDER, state="filled", ended_us=START_US + MINUTE_US, filled=EXACT)
        later = replace(WORTH, equity=Decimal(7))
        steps = [
            step("a", epochs["a"], 0, **ALL),
            step("b", epochs["b"], 0),
            step("a", epochs["a"], 1, orders=[filled], performance=[later], events=[replace(EVENT, text="second")]),
        ]

        assert database.bots.write(steps) == {"a", "b"}

        assert (database.bots.orders("a"), database.bots.performance("a")) == ([filled], [later])
        assert [event.text for event in database.bots.events("a", kind="stop-hit")] == [EVENT.text, "second"]
        assert (database.bots.get("a").account, database.bots.get("b").account) == ({"minute": 1}, {"minute": 0})

    def test_an_order_is_replaced_by_a_newer_one_of_its_number(self, database):
        epochs = leased(database, "a")
        database.bots.write([step("a", epochs["a"], orders=[ORDER])])
        newer = replace(ORDER, state="cancelled", ended_us=START_US + MINUTE_US, reason="the position is gone")

        database.bots.write([step("a", epochs["a"], 1, orders=[newer])])

        assert database.bots.orders("a") == [newer]

    def test_what_was_booked_is_never_changed(self, database):
        epochs = leased(database, "a")
        database.bots.write([step("a", epochs["a"], trades=[TRADE], postings=[POSTING])])

        changed = {"trades": [replace(TRADE, price=Decimal(1))], "postings": [replace(POSTING, amount=Decimal(1))]}
        database.bots.write([step("a", epochs["a"], **changed)])

        assert (database.bots.trades("a"), database.bots.postings("a")) == ([TRADE], [POSTING])

    def test_the_same_steps_again_change_nothing_but_that_events_are_there_twice(self, database):
        epochs = leased(database, "a")
        once = [step("a", epochs["a"], **ALL)]
        database.bots.write(once)
        before = written(database)

        assert database.bots.write(once) == {"a"}

        after = written(database)
        assert [event.kind for event in after.pop("events")[-2:]] == ["stop-hit"] * 2
        assert after == {name: rows for name, rows in before.items() if name != "events"}

    def test_a_state_has_a_new_since_when_only_with_another_state(self, database):
        epochs = leased(database, "a")
        moments = []
        for minute, state in enumerate(("running", "running", "waiting")):
            database.bots.write([step("a", epochs["a"], minute, state=state)])
            moments.append(database.bots.get("a").state_us)

        assert (moments[0] == moments[1], moments[1] < moments[2]) == (True, True)

    def test_minutes_of_many_months_go_into_their_parts(self, database):
        epochs = leased(database, "a")
        worth = [replace(WORTH, timestamp_us=START_US + each * 40 * DAY_US) for each in (-1, 0, 3, 9)]

        database.bots.write([step("a", epochs["a"], performance=worth)])

        assert database.bots.performance("a") == worth

    @pytest.mark.parametrize(
        ("said", "kept"), [("a\x00b\\u0000c", "a\ufffdb\\u0000c"), ("\ud800\U0001f600\udfff\x00", "\ufffd\U0001f600\ufffd\ufffd")]
    )
    def test_a_text_that_the_server_cannot_have_is_written_without_that(self, database, said, kept):
        epochs = leased(database, "a")
        signal = replace(SIGNAL, reason=said, indicators={said: -0.0})

        database.bots.write([step("a", epochs["a"], reason=said, signals=[signal], trades=[TRADE])])

        assert database.bots.signals("a") == [replace(SIGNAL, reason=kept, indicators={kept: -0.0})]
        assert (database.bots.get("a").reason, database.bots.trades("a")) == (kept, [TRADE])

    @pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
    def test_an_amount_that_is_no_number_is_refused(self, database, amount):
        epochs = leased(database, "a")

        with pytest.raises(InputError, match=f"bot a: fee is {amount}"):
            database.bots.write([step("a", epochs["a"], trades=[replace(TRADE, fee=Decimal(amount))])])
        with pytest.raises(InputError, match=f"bot a: equity is {amount}"):
            database.bots.write([step("a", epochs["a"], equity=Decimal(amount))])
        assert database.bots.get("a").account is None

    @pytest.mark.parametrize(
        ("name", "row", "check"),
        [
            ("signals", replace(SIGNAL, action="BUY"), "signals_action"),
            ("orders", replace(ORDER, kind="iceberg"), "orders_kind"),
            ("orders", replace(ORDER, side="long"), "orders_side"),
            ("orders", replace(ORDER, state="open"), "orders_state"),
            ("trades", replace(TRADE, side="long"), "trades_side"),
            ("trades", replace(TRADE, size=Decimal(0)), "trades_positive"),
        ],
    )
    def test_words_that_are_none_of_the_known_ones_are_refused(self, database, name, row, check):
        epochs = leased(database, "a")

        with pytest.raises(sa.exc.IntegrityError, match=check):
            database.bots.write([step("a", epochs["a"], **{name: [row]})])
        assert database.bots.get("a").account is None

    def test_nothing_is_nothing(self, database):
        assert database.bots.write([]) == set()


class TestFences:
    def test_a_newer_lease_refuses_what_an_older_one_writes_and_others_are_taken(self, database, engine):
        old = leased(database, "a", "b")
        end_leases(engine)
        database.bots.renew("one", {"b": old["b"]}, well=[], seconds=60)
        [taken] = database.bots.take("two", most=1, seconds=60)

        assert database.bots.write([step("a", old["a"], **ALL), step("b", old["b"], **ALL)]) == {"b"}

        assert written(database)["signals"] == []
        assert database.bots.get("a").account is None
        assert database.bots.write([step("a", taken.lease_epoch, **ALL)]) == {"a"}

    @pytest.mark.parametrize(
        "change",
        [{"epoch": 0}, {"run": 2}, {"acted_until_us": START_US - 1}, {"bot": "gone"}],
        ids=["lease", "account", "back", "bot"],
    )
    def test_nothing_of_a_bot_is_taken_where_one_of_its_steps_is_not(self, database, change):
        epochs = leased(database, "a")
        database.bots.write([step("a", epochs["a"])])
        steps = [replace(step("a", epochs["a"], 0, **ALL), **change), step(change.get("bot", "a"), epochs["a"], 1)]

        assert database.bots.write(steps) == set()

        assert (database.bots.get("a").account, written(database)["signals"]) == ({"minute": 0}, [])

    def test_no_step_is_taken_behind_the_commit_of_a_stop(self, database):
        epochs = leased(database, "a")
        database.bots.wish("stopped", by="me")

        assert database.bots.write([step("a", epochs["a"], **ALL)]) == set()
        assert written(database)["trades"] == []

    def test_a_stop_waits_for_a_step_that_is_being_written_and_refuses_the_next(self, database, engine):
        skip_if_shared(engine)
        epochs = leased(database, "a")
        with database.transaction() as store:
            assert store.bots.write([step("a", epochs["a"], trades=[TRADE])]) == {"a"}
            with engine.begin() as other, pytest.raises(sa.exc.OperationalError, match="lock timeout"):
                other.execute(sa.text("set local lock_timeout = '20ms'"))
                other.execute(sa.text("select from bots where id = 'a' for update"))
            assert database.bots.get("a").wanted == "running"

        assert database.bots.wish("stopped", by="me") == ["a"]
        assert database.bots.write([step("a", epochs["a"], 1, trades=[replace(TRADE, number=2)])]) == set()
        assert database.bots.trades("a") == [TRADE]

    def test_a_step_that_waits_for_a_stop_is_refused_by_it(self, database, engine):
        skip_if_shared(engine)
        epochs = leased(database, "a")
        waits = sa.text("select exists (select from pg_stat_activity where wait_event_type = 'Lock')")
        with ThreadPoolExecutor(1) as pool:
            with database.transaction() as store, engine.connect() as looker:
                store.bots.wish("stopped", by="me")
                step_written = pool.submit(database.bots.write, [step("a", epochs["a"], **ALL)])
                while not (looker.scalar(waits) or step_written.done()):
                    looker.rollback()

            assert step_written.result(timeout=60) == set()
        assert written(database)["trades"] == []

    def test_runners_and_people_who_change_the_same_bots_never_wait_in_a_circle(self, database, engine):
        skip_if_shared(engine)
        epochs = leased(database, *(f"bot-{number}" for number in range(30)))
        ids = list(epochs)
        engines = [create_engine(engine.url.render_as_string(hide_password=False)) for _ in range(4)]

        def work(place):
            own, order = DatabaseOperations(engines[place]), ids[:: 1 if place % 2 else -1]
            for minute in range(8):
                own.bots.write([step(bot, epochs[bot], minute, performance=[WORTH]) for bot in order])
                own.bots.renew("one", {bot: epochs[bot] for bot in order}, well=order, seconds=60)
                own.bots.set_states({bot: (epochs[bot], "waiting", f"{place}") for bot in order})
                own.bots.wish("stopped" if place == 3 else "running", order[:3], by="me")

        with ThreadPoolExecutor(len(engines)) as pool:
            list(pool.map(work, range(len(engines))))
        for own in engines:
            own.dispose()

        assert {database.bots.get(bot).acted_until_us for bot in ids[3:-3]} == {START_US + 7 * MINUTE_US}

    def test_a_failed_transaction_leaves_nothing(self, database):
        epochs = leased(database, "a")

        with pytest.raises(StoreUnreachable), database.transaction() as store:
            store.bots.write([step("a", epochs["a"], **ALL)])
            raise StoreUnreachable("cut off")

        assert database.bots.get("a").account is None
        assert written(database)["postings"] == []


class TestReads:
    def test_they_are_of_a_symbol_and_of_a_half_open_window(self, database):
        epochs = leased(database, "a")
        signals = [replace(SIGNAL, timestamp_us=START_US + each * MINUTE_US, symbol=(BTC, ETH)[each % 2]) for each in range(6)]
        database.bots.write([step("a", epochs["a"], signals=signals)])

        assert database.bots.signals("a", symbol=ETH) == signals[1::2]
        assert database.bots.signals("a", start_us=signals[1].timestamp_us, end_us=signals[4].timestamp_us) == signals[1:4]
        assert database.bots.signals("a", newest=2) == signals[4:]
        assert database.bots.signals("b") == []

    def test_orders_trades_postings_and_performance_are_read_likewise(self, database):
        epochs = leased(database, "a")
        orders = times(ORDER, "number", 4, made_us=START_US)
        trades = times(replace(TRADE, symbol=ETH), "number", 4, timestamp_us=START_US)
        postings = times(POSTING, "entry", 4, timestamp_us=START_US)
        postings = [replace(each, trade=each.entry) for each in postings] + [replace(POSTING, entry=9, trade=None)]
        worth = [replace(WORTH, timestamp_us=each.timestamp_us) for each in trades]
        database.bots.write([step("a", epochs["a"], orders=orders, trades=trades, postings=postings, performance=worth)])
        window = {"start_us": START_US + MINUTE_US, "end_us": START_US + 3 * MINUTE_US}

        assert database.bots.orders("a", **window, newest=1) == orders[2:3]
        assert database.bots.trades("a", **window) == trades[1:3]
        assert database.bots.trades("a", symbol=BTC) == []
        assert database.bots.postings("a", symbol=ETH, **window) == postings[1:3]
        assert database.bots.postings("a", symbol=ETH) == postings[:4]
        assert database.bots.postings("a", symbol=BTC) == []
        assert database.bots.performance("a", **window) == worth[1:3]

    def test_events_are_read_behind_one_of_a_kind_and_of_nobody(self, database):
        add(database, "a")
        numbers = [
            database.bots.add_event(replace(EVENT, bot=bot, kind=kind)) for bot, kind in (("a", "x"), (None, "x"), ("a", "y"))
        ]

        assert [event.id for event in database.bots.events(after_id=numbers[0] - 1)] == numbers
        assert [event.id for event in database.bots.events(kind="x")] == numbers[:2]
        assert [event.id for event in database.bots.events("a", newest=1)] == numbers[2:]
        assert database.bots.events(kind="x")[1].bot is None
        with pytest.raises(InputError, match="'b' is not known"):
            database.bots.add_event(replace(EVENT, bot="b"))

    def test_old_signals_that_were_not_acted_on_are_forgotten(self, database):
        epochs = leased(database, "a")
        signals = [
            replace(SIGNAL, timestamp_us=START_US + minute * MINUTE_US, acted=acted)
            for minute, acted in enumerate((False, True) * 2)
        ]
        database.bots.write([step("a", epochs["a"], signals=signals)])

        assert database.bots.forget_signals(signals[2].timestamp_us) == 1
        assert database.bots.signals("a") == signals[1:]
        assert database.bots.forgotten_us() == signals[2].timestamp_us
        assert database.bots.forget_signals(signals[1].timestamp_us) == 0  # there are none any more; nothing is told again
        assert [event.details["signals"] for event in database.bots.events(kind="signals-forgotten")] == [1]


@pytest.mark.parametrize("state", ["crashed", "parked", "stopped"])
def test_no_step_is_taken_under_a_lease_that_was_released(database, state):
    epoch = leased(database, "a")["a"]
    database.bots.release("a", epoch, state=state, reason="why")

    assert database.bots.write([step("a", epoch)]) == set()
    assert database.bots.get("a").state == state
