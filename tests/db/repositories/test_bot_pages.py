"""What pages show of bots is read in one statement each, thinned and by the page."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
import sqlalchemy as sa

from market.clock import from_datetime, parse_time
from market.errors import InputError
from market.timeframe import MINUTE_US
from tests.db.bots import BTC, ETH, EVENT, ORDER, POSTING, SIGNAL, START_US, TRADE, WORTH, add, leased, step
from tests.db.candles import candle

pytestmark = pytest.mark.postgres
CASH = replace(POSTING, entry=1, account="cash", amount=Decimal(10_000), trade=None)
CAPITAL = replace(CASH, account="capital", amount=Decimal(-10_000))


def worth(minute: int, equity: float = 10_000.0, **changes):
    return replace(WORTH, timestamp_us=START_US + minute * MINUTE_US, equity=Decimal(str(equity)), exposure=Decimal(0), **changes)


def wrote(database, **rows):
    epochs = leased(database, "a")
    database.bots.write([step("a", epochs["a"], 20, **rows)])


def sent(engine: sa.Engine, ask) -> tuple[object, list[str]]:
    told: list[str] = []

    def note(*about: object) -> None:
        told.append(str(about[2]))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        return ask(), told
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


class TestLines:
    def test_all_bots_come_in_one_statement_with_what_they_began_with(self, database, engine):
        wrote(database, postings=[CAPITAL, CASH], performance=[worth(2, 9_900), worth(7, 10_100)])
        add(database, "b", run=False)

        lines, statements = sent(engine, database.bots.lines)

        assert [each for each in statements if "bots" in each] == statements
        assert len(statements) == 1
        assert [line.bot for line in lines] == database.bots.list()
        assert [line.begun_with for line in lines] == [Decimal(10_000), None]
        assert all(line.clock_us > START_US for line in lines)

    @pytest.mark.parametrize(("minute", "equity"), [(2, Decimal(9_900)), (6, None)])
    def test_the_day_of_the_market_began_with_the_last_equity_up_to_its_first_moment(self, database, minute, equity):
        wrote(database, performance=[worth(minute, 9_900), worth(7, 10_100)])  # the day begins at minute 5

        assert database.bots.lines()[0].day_equity == equity

    def test_what_is_owed_is_told(self, database, engine):
        wrote(database)
        acted_us = START_US + 20 * MINUTE_US
        assert database.bots.lines()[0].owed_us is None

        database.market_data.upsert_candles([msgspec.structs.replace(candle(0), symbol=BTC, timestamp_us=acted_us + MINUTE_US)])

        assert database.bots.lines()[0].owed_us == database.bots.owed()["a"]

    def test_one_bot_comes_with_its_account(self, database):
        wrote(database)

        assert database.bots.line("a").bot == database.bots.get("a")
        with pytest.raises(InputError, match="bot 'aa' is not known; did you mean 'a'"):
            database.bots.line("aa")


class TestPages:
    def test_trades_orders_and_signals_come_newest_first_by_the_page(self, database):
        trades = [replace(TRADE, number=number) for number in range(1, 8)]
        orders = [replace(ORDER, number=number) for number in range(1, 8)]
        signals = [
            replace(SIGNAL, symbol=symbol, timestamp_us=START_US + minute * MINUTE_US, acted=minute == 1)
            for minute in range(3)
            for symbol in (BTC, ETH)
        ]
        wrote(database, trades=trades, orders=orders, signals=signals)

        assert database.bots.page("trades", "a", run=1, size=3, skipped=3) == trades[3::-1][:3]
        assert database.bots.page("orders", "a", run=1, size=3, skipped=6) == orders[:1]
        assert database.bots.page("signals", "a", run=1, size=10) == signals[::-1]
        assert database.bots.page("signals", "a", run=1, size=10, acted=True) == signals[3:1:-1]
        assert database.bots.page("signals", "a", run=2, size=10) == []

    def test_events_are_of_all_accounts(self, database):
        wrote(database, events=[EVENT])

        found = database.bots.page("events", "a", run=7, size=2)

        assert [event.kind for event in found] == ["stop-hit", "leased"]
        assert found == database.bots.events("a")[:-3:-1]


class TestCurves:
    def test_of_few_rows_all_are_there(self, database):
        wrote(database, performance=[worth(each, 10_000 + each, drawdown=each / 100) for each in range(10)])

        curve = database.bots.curve("a", run=1, most=10)

        assert curve.span_us is None
        assert curve.rows["equity"].tolist() == [10_000.0 + each for each in range(10)]
        assert curve.rows["drawdown"].tolist() == [each / 100 for each in range(10)]
        assert from_datetime(curve.rows["timestamp"].iloc[0].to_pydatetime()) == START_US
        assert str(curve.rows["timestamp"].dt.tz) == "UTC"

    def test_of_many_the_last_of_each_span_is(self, database):
        wrote(database, performance=[worth(each, 10_000 + each) for each in range(21)])

        curve = database.bots.curve("a", run=1, most=5)

        assert curve.rows["equity"].tolist() == [10_004.0, 10_008.0, 10_012.0, 10_016.0, 10_020.0]
        assert curve.span_us == 4 * MINUTE_US

    def test_months_without_any_are_no_rows(self, database):
        late = parse_time("2024-12-01T00:00:00Z")
        rows = [worth(each) for each in range(10)] + [replace(worth(0, 5.0), timestamp_us=late)]
        epochs = leased(database, "a")
        database.bots.write([step("a", epochs["a"], performance=rows)])

        curve = database.bots.curve("a", run=1, most=4)

        assert curve.rows["equity"].tolist()[-1] == 5.0
        assert len(curve.rows) == 2

    def test_nothing_is_nothing(self, database):
        add(database, "a")

        curve = database.bots.curve("a", run=1, most=4)

        assert curve.rows.empty
        assert list(curve.rows.columns) == ["timestamp", "equity", "drawdown", "exposure"]


class TestLedgers:
    def test_sums_and_what_does_not_add_up(self, database):
        wrote(database, postings=[CAPITAL, CASH, replace(POSTING, amount=Decimal("0.1"))])

        found = database.bots.posted("a")

        assert found.balances == database.bots.balances("a", 1)
        assert (found.entries, found.unbalanced) == (2, [2])
        bot = database.bots.get("a")
        assert (found.account, found.equity) == (bot.account, bot.equity)

    def test_none_is_nothing(self, database):
        add(database, "a")

        assert database.bots.posted("a").entries == 0
        with pytest.raises(InputError, match="not known"):
            database.bots.posted("b")


class TestParking:
    def test_a_parked_bot_is_taken_from_its_runner_until_it_is_started(self, database):
        epochs = leased(database, "a")

        database.bots.park("a", " the venue is odd ", by="alice")

        bot = database.bots.get("a")
        assert (bot.wanted, bot.state, bot.reason, bot.lease_owner) == ("running", "parked", "by alice: the venue is odd", None)
        assert database.bots.write([step("a", epochs["a"])]) == set()
        assert database.bots.take("two", most=1, seconds=60) == []
        event = database.bots.events("a")[-1]
        assert (event.kind, event.details) == ("parked", {"by": "alice", "reason": "the venue is odd"})
        assert database.bots.wish("running", ["a"], by="bob") == ["a"]
        assert [each.id for each in database.bots.take("two", most=1, seconds=60)] == ["a"]

    @pytest.mark.parametrize(
        ("running", "reason", "expected"),
        [(True, " ", "expected a reason"), (False, "why", "is stopped already")],
    )
    def test_what_cannot_be_parked_is_refused(self, database, running, reason, expected):
        add(database, "a", run=running)

        with pytest.raises(InputError, match=expected):
            database.bots.park("a", reason, by="alice")
        assert database.bots.get("a").state == "stopped"

    def test_one_that_is_parked_stays_so_for_its_first_reason(self, database):
        add(database, "a")
        database.bots.park("a", "first", by="alice")

        with pytest.raises(InputError, match="parked already: by alice: first"):
            database.bots.park("a", "second", by="bob")


def test_who_wrote_a_file_and_who_ended_an_account_stands_in_the_events(database):
    with database.transaction() as store:
        for digest in ("d1", "d2"):
            config = {"strategy": digest}
            store.bots.put_config("a", config, digest=digest, file="a.json", autostart=False, by="alice")
        store.bots.reset("a", by="bob")

    events = database.bots.events("a")
    assert [event.text for event in events] == [
        "created by alice, in a.json", "changed by alice, in a.json", "account 1 ended, 2 begins, by bob",
    ]  # fmt: skip
    assert [event.details["by"] for event in events] == ["alice", "alice", "bob"]
