"""The ledger of holes keeps each of them once, and how it ended."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from db.repositories.gaps import Gap

pytestmark = pytest.mark.postgres
HOLE = Gap(
    symbol="OKX:BTC-USDT",
    first_id=5,
    last_id=9,
    start_us=1_000,
    end_us=2_000,
    cause="disconnect",
    recovered=2,
    evidence={"code": 1006},
)


class TestGapRepository:
    def test_a_gap_is_read_as_it_was_noted(self, database):
        database.gaps.open(HOLE)

        assert database.gaps.list() == [HOLE]

    @pytest.mark.parametrize("gap", [HOLE, replace(HOLE, first_id=None, last_id=None)], ids=["with ids", "without ids"])
    def test_the_same_gap_keeps_its_number(self, database, gap):
        number = database.gaps.open(gap)

        assert database.gaps.open(replace(gap, cause="restart")) == number
        assert database.gaps.list() == [gap]

    def test_another_gap_gets_another_number(self, database):
        assert database.gaps.open(HOLE) != database.gaps.open(replace(HOLE, first_id=6))

    def test_gaps_are_listed_by_symbol_and_state_in_the_order_of_time(self, database):
        other = replace(HOLE, symbol="OKX:ETH-USDT")
        earlier = replace(HOLE, first_id=1, last_id=2, start_us=500)
        filled = replace(HOLE, first_id=20, last_id=21, start_us=3_000, end_us=3_000, state="filled")
        for gap in (HOLE, other, filled, earlier):
            database.gaps.open(gap)

        assert database.gaps.list("OKX:BTC-USDT") == [earlier, HOLE, filled]
        assert database.gaps.list("OKX:BTC-USDT", "open") == [earlier, HOLE]
        assert database.gaps.list(state="filled") == [filled]

    def test_gaps_are_listed_that_share_a_moment_with_a_window(self, database):
        before, inside, around, behind = (
            replace(HOLE, first_id=number, last_id=number, start_us=start_us, end_us=end_us)
            for number, (start_us, end_us) in enumerate([(10, 19), (25, 26), (5, 50), (41, 60)])
        )
        for gap in (before, inside, around, behind):
            database.gaps.open(gap)

        assert database.gaps.list(start_us=20, end_us=40) == [around, inside]
        assert database.gaps.list(start_us=19, end_us=41) == [around, before, inside, behind]
        assert database.gaps.list(start_us=51) == [behind]
        assert database.gaps.list(end_us=9) == [around]

    def test_the_newest_are_listed_oldest_first(self, database):
        gaps = [replace(HOLE, first_id=number, last_id=number, start_us=number, end_us=number) for number in range(1, 5)]
        for gap in reversed(gaps):
            database.gaps.open(gap)

        assert database.gaps.list(newest=2) == gaps[2:]

    def test_gaps_are_counted_by_state(self, database):
        for number, state in enumerate(["open", "filled", "open", "alarm"]):
            database.gaps.open(replace(HOLE, first_id=number, last_id=number, start_us=number, end_us=number, state=state))
        database.gaps.open(replace(HOLE, symbol="OKX:ETH-USDT", state="unrecoverable"))

        assert database.gaps.counts() == {"open": 2, "filled": 1, "alarm": 1, "unrecoverable": 1}
        assert database.gaps.counts("OKX:BTC-USDT") == {"open": 2, "filled": 1, "alarm": 1}
        assert database.gaps.counts(start_us=1, end_us=2) == {"filled": 1, "open": 1}

    def test_a_gap_is_overdue_when_it_was_noted_long_ago_and_is_open(self, database, engine):
        ended = replace(HOLE, first_id=1, last_id=2, state="filled")
        fresh = replace(HOLE, first_id=3, last_id=4)
        for gap in (HOLE, ended, fresh):
            database.gaps.open(gap)
        with engine.begin() as connection:
            connection.execute(sa.text("update gaps set opened_at = now() - interval '11 minutes' where first_id <> 3"))

        assert database.gaps.overdue(600) == [HOLE]
        assert database.gaps.overdue(720) == []

    @pytest.mark.parametrize("wrong", [{"cause": ""}, {"state": ""}, {"state": "lost"}, {"last_id": 4}, {"end_us": 999}])
    def test_a_gap_that_cannot_be_is_refused(self, database, wrong):
        with pytest.raises(sa.exc.IntegrityError):
            database.gaps.open(replace(HOLE, **wrong))


class TestPage:
    def test_a_page_has_the_newest_with_their_numbers_and_says_how_many_there_are(self, database):
        holes = [replace(HOLE, first_id=number, last_id=number, start_us=1_000 + number) for number in range(5)]
        numbers = [database.gaps.open(hole) for hole in holes]

        assert database.gaps.page(limit=2) == ({numbers[4]: holes[4], numbers[3]: holes[3]}, 5)
        assert database.gaps.page(limit=2, offset=4) == ({numbers[0]: holes[0]}, 5)
        assert database.gaps.page(limit=2, offset=5) == ({}, 0)

    def test_a_page_is_of_some_symbols_states_and_causes(self, database):
        other = replace(HOLE, symbol="OKX:ETH-USDT", cause="stall")
        filled = replace(HOLE, first_id=20, last_id=21, state="filled")
        for gap in (HOLE, other, filled):
            database.gaps.open(gap)

        def found(*wanted) -> list[Gap]:
            return list(database.gaps.page(*wanted, limit=9)[0].values())

        assert found() == [filled, other, HOLE]
        assert found(["OKX:ETH-USDT"]) == [other]
        assert found([], ["filled"]) == [filled]
        assert found([], ["filled", "open"], ["disconnect"]) == [filled, HOLE]
        assert found(["' or 1=1"]) == []
        assert database.gaps.page(start_us=2_001, limit=9) == ({}, 0)
        assert database.gaps.page(start_us=2_000, end_us=2_000, limit=9)[1] == 3


class TestProgress:
    def test_what_came_and_what_is_missing_is_kept(self, database):
        database.gaps.open(HOLE)
        step = replace(HOLE, recovered=3, missing=((5, 5), (9, 9)), evidence={"calls": 1})

        assert database.gaps.progress(step)
        assert database.gaps.list() == [step]
        assert database.gaps.list()[0].closed_us is None

    def test_noting_the_gap_again_keeps_what_is_missing(self, database):
        database.gaps.open(HOLE)
        step = replace(HOLE, missing=((9, 9),))
        database.gaps.progress(step)

        database.gaps.open(HOLE)

        assert database.gaps.list() == [step]

    @pytest.mark.parametrize("state", ["filled", "never_existed", "unrecoverable"])
    def test_a_gap_that_ended_stays_as_it_ended(self, database, state):
        database.gaps.open(HOLE)
        ended = replace(HOLE, state=state, recovered=5, missing=(), evidence={"reason": "first"})
        assert database.gaps.progress(ended)

        assert not database.gaps.progress(replace(HOLE, state="open", recovered=0, evidence=None))
        assert not database.gaps.progress(replace(HOLE, state="unrecoverable", evidence={"reason": "second"}))
        assert database.gaps.list() == [ended]

    def test_the_moments_of_begin_and_end_are_noted(self, database):
        database.gaps.open(HOLE)
        database.gaps.progress(replace(HOLE, state="filled"))

        [gap] = database.gaps.list()

        assert gap.opened_us <= gap.closed_us

    def test_what_comes_late_does_not_change_when_a_gap_ended(self, database, engine):
        database.gaps.open(HOLE)
        database.gaps.progress(replace(HOLE, state="never_existed", missing=((5, 7),)))
        [ended] = database.gaps.list()

        assert database.gaps.progress(replace(HOLE, state="filled", recovered=5, missing=()))

        [late] = database.gaps.list()
        with engine.connect() as connection:
            noted = connection.execute(sa.text("select updated_at > closed_at from gaps")).scalar_one()
        assert (late.state, late.closed_us) == ("filled", ended.closed_us)
        assert noted

    def test_a_gap_without_ids_is_found_again(self, database):
        loose = replace(HOLE, first_id=None, last_id=None)
        database.gaps.open(HOLE)
        database.gaps.open(loose)

        assert database.gaps.progress(replace(loose, state="filled"))
        assert [(gap.first_id, gap.state) for gap in database.gaps.list()] == [(5, "open"), (None, "filled")]

    def test_a_gap_that_was_never_noted_is_not_made(self, database):
        assert not database.gaps.progress(HOLE)
        assert database.gaps.list() == []

    def test_an_alarm_is_kept_and_never_healed(self, database):
        alarm = replace(
            HOLE, last_id=5, end_us=1_000, cause="conflict", state="alarm", recovered=0, evidence={"stored": 1, "other": 2}
        )
        database.gaps.open(alarm)

        assert not database.gaps.progress(replace(alarm, state="filled"))
        assert database.gaps.list(state="alarm") == [alarm]
        assert database.gaps.list(state="open") == []


class TestGap:
    @pytest.mark.parametrize(
        ("changes", "count"),
        [
            ({}, 5),
            ({"missing": ((5, 6), (9, 9))}, 3),
            ({"missing": (), "state": "filled"}, 0),
            ({"missing": ((5, 9),), "state": "never_existed"}, 0),
            ({"missing": ((5, 9),), "state": "unrecoverable"}, 5),
            ({"state": "unrecoverable"}, 5),
            ({"state": "alarm"}, 0),
            ({"first_id": None, "last_id": None}, None),
            ({"first_id": None, "last_id": None, "missing": ()}, None),
        ],
    )
    def test_what_the_tape_lacks_is_counted_in_ids(self, changes, count):
        assert replace(HOLE, **changes).missing_ids == count
