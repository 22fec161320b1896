"""Sums over all bots: their day, what they were worth over time, and who runs them; on both kinds of server."""

from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest

from db.bot_rows import Written
from market.clock import parse_time
from market.timeframe import DAY_US, MINUTE_US
from tests.db.bots import POSTING, START_US, WORTH, add, end_leases, leased, step

pytestmark = pytest.mark.postgres
MIDNIGHT_US = parse_time("2024-08-09T00:00:00Z")  # five minutes after START_US


def worth(minute: int, equity: int):
    return replace(WORTH, timestamp_us=START_US + minute * MINUTE_US, equity=Decimal(equity))


def begun(minute: int, amount: int):
    return replace(POSTING, entry=1, account="cash", amount=Decimal(amount), trade=None, timestamp_us=START_US + minute * MINUTE_US)


def lived(database, bot: str, begin: tuple[int, int], *values: tuple[int, int], reset: bool = False, run: int = 1) -> None:
    """Let an account begin at a minute with an amount, be worth what is given at others, and end by a reset if wanted."""
    epoch = leased(database, bot)[bot] if run == 1 else database.bots.take("one", most=1, seconds=60)[0].lease_epoch
    last = max(minute for minute, _ in (begin, *values))
    rows = {"postings": [begun(*begin)], "performance": [worth(*each) for each in values]}
    written: Written = step(bot, epoch, last, run=run, equity=Decimal((begin, *values)[-1][1]), **rows)
    assert database.bots.write([written]) == {bot}
    if reset:
        database.bots.wish("stopped", [bot], by="test")
        database.bots.release(bot, epoch, state="stopped", reason="")
        database.bots.reset(bot)
        database.bots.wish("running", [bot], by="test")


class TestDay:
    def test_the_base_is_what_the_account_had_when_the_day_of_its_market_began(self, database):
        lived(database, "old", (0, 1000), (3, 1010), (5, 1020), (7, 1070))
        lived(database, "today", (6, 500), (7, 490))
        add(database, "never")

        never, old, today = database.bots.glance()

        assert {each.day_us for each in (never, old, today)} == {MIDNIGHT_US}
        assert (old.base, today.base, never.base) == (1020.0, 500.0, None)
        assert (old.ended, never.ended) == (0.0, 0.0)
        assert old.bot == database.bots.list()[1]
        assert abs(old.at_us - database.bots.clock_us()) < 60_000_000

    def test_an_account_that_ended_today_counts_with_what_it_won_today(self, database):
        lived(database, "a", (0, 1000), (5, 1100), (7, 1130), reset=True)
        lived(database, "a", (8, 1000), (9, 990), reset=True, run=2)
        lived(database, "a", (10, 1000), (11, 1005), run=3)
        lived(database, "b", (0, 1000), (4, 2000), reset=True)

        a, b = database.bots.glance()

        assert (a.base, a.ended) == (1000.0, 20.0)
        assert (b.base, b.ended) == (None, 0.0)

    def test_without_a_bot_that_runs_it_is_the_day_of_the_clock(self, database):
        add(database, "a", run=False)

        (a,) = database.bots.glance()

        assert a.day_us == (a.at_us - 1) // DAY_US * DAY_US
        assert a.owed_us is None


class TestWorth:
    def read(self, database, *ids, end=10, span=10, points=11) -> dict:
        found = database.bots.worth(ids, end_us=START_US + end * MINUTE_US, span_us=span * MINUTE_US, points=points)
        minutes = (found["timestamp"] - pd.Timestamp(START_US, unit="us", tz="UTC")) // pd.Timedelta("1min")
        return {
            (bot, run): dict(zip(minutes[rows.index], zip(rows["equity"], rows["over"], strict=True), strict=True))
            for (bot, run), rows in found.groupby(["bot", "run"])
        }

    def test_the_last_known_value_is_carried_on_and_before_the_first_it_is_the_capital(self, database):
        lived(database, "a", (2, 1000), (4, 1010), (7, 990))

        found = self.read(database, "a")

        assert {minute: value for minute, (value, _) in found["a", 1].items()} == {
            2: 1000, 3: 1000, 4: 1010, 5: 1010, 6: 1010, 7: 990, 8: 990, 9: 990, 10: 990,
        }  # fmt: skip
        assert not any(over for _, over in found["a", 1].values())

    def test_an_account_that_was_reset_is_over_behind_its_last_value(self, database):
        lived(database, "a", (0, 1000), (3, 1010), reset=True)
        lived(database, "a", (6, 1000), (9, 1001), run=2)

        found = self.read(database, "a")

        assert [minute for minute, (_, over) in found["a", 1].items() if over] == [4, 5, 6, 7, 8, 9, 10]
        assert min(found["a", 2]) == 6

    def test_other_bots_later_accounts_and_those_that_ended_before_are_left_out(self, database):
        lived(database, "a", (0, 1000), (3, 1010), reset=True)
        lived(database, "b", (0, 1000))
        lived(database, "c", (30, 1000))

        assert self.read(database, "b", "c", end=20, span=10) == {("b", 1): dict.fromkeys(range(10, 21), (1000.0, False))}
        assert self.read(database, "a", end=20, span=10) == {}
        assert self.read(database) == {}

    def test_no_more_moments_than_asked_for_and_the_newest_is_one(self, database):
        lived(database, "a", (0, 1000))

        found = database.bots.worth(["a"], end_us=START_US + DAY_US, span_us=30 * DAY_US, points=25)

        assert len(found) == 25
        assert found["timestamp"].iloc[-1] == pd.Timestamp(START_US + DAY_US, unit="us", tz="UTC")
        assert found["timestamp"].iloc[0] == pd.Timestamp(START_US, unit="us", tz="UTC")


def test_runners_are_told_with_their_oldest_heartbeat_and_next_end_of_a_lease(database, engine):
    leased(database, "a", "b", owner="here-1")
    leased(database, "c", owner="there-2")
    end_leases(engine)

    here, there = database.bots.runners()

    assert (here.name, here.bots, there.name, there.bots) == ("here-1", 2, "there-2", 1)
    assert here.lease_until_us < here.at_us
    assert abs(here.heartbeat_us - here.at_us) < 60_000_000


def test_nobody_runs_bots_that_nobody_took(database):
    add(database, "a")

    assert database.bots.runners() == []
