"""The ledger of holes keeps each of them once."""

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

    @pytest.mark.parametrize("wrong", [{"cause": ""}, {"state": ""}, {"last_id": 4}, {"end_us": 999}])
    def test_a_gap_that_cannot_be_is_refused(self, database, wrong):
        with pytest.raises(sa.exc.IntegrityError):
            database.gaps.open(replace(HOLE, **wrong))
