"""What the worker needs of a store, promised by PostgreSQL and by the simulation's memory alike; and how the memory dies."""

from dataclasses import replace

import pytest

from db.bulk import RowsExist
from db.repositories.feeds import Feed
from db.repositories.gaps import Gap
from db.repositories.watermarks import Watermark
from market.candle import Candle, Origin
from market.timeframe import BASE, DAY_US, MINUTE_US, Timeframe
from market.trade import Side, Trade
from simulation.memory import Crash, MemoryDatabase
from tests.generators import START_US, SYMBOL

GAP = Gap(symbol=SYMBOL, first_id=5, last_id=9, start_us=START_US, end_us=START_US + 10, cause="disconnect")


def trade(number: int, at_us: int = 0, price: float = 100.0, span: int = 1) -> Trade:
    return Trade(SYMBOL, number, price, 1.0, Side.BUY, START_US + at_us, START_US + at_us, span, span)


def candle(minute: int, close: float = 100.0, **fields) -> Candle:
    label = START_US + minute * MINUTE_US
    return Candle(SYMBOL, BASE, label, close, close, close, close, **{"volume": 1.0, "trades": 1, **fields})


@pytest.fixture(params=[pytest.param("postgres", marks=pytest.mark.postgres), "memory"])
def begin(request: pytest.FixtureRequest):
    """Return what opens a transaction on an empty store."""
    return MemoryDatabase().begin if request.param == "memory" else request.getfixturevalue("database").transaction


def without_times(gaps: list[Gap]) -> list[Gap]:
    return [replace(gap, opened_us=None, closed_us=None) for gap in gaps]


class TestStore:
    def test_trades_that_are_new_are_read_in_the_order_of_time(self, begin):
        with begin() as store:
            store.raw_trades.append([trade(2, 20), trade(1, 10)])
            found = store.raw_trades.get_trades(SYMBOL, START_US + 10, START_US + 21)

        assert [each.trade_id for each in found] == [1, 2]

    def test_trades_said_to_be_new_that_are_not_are_refused_whole(self, begin):
        with begin() as store:
            store.raw_trades.append([trade(1)])
            with pytest.raises(RowsExist):
                store.raw_trades.append([trade(2), trade(1)])
            new = store.raw_trades.insert_trades([trade(2), trade(1)])

        assert new == 1

    def test_the_same_id_with_another_price_differs(self, begin):
        with begin() as store:
            store.raw_trades.append([trade(1), trade(5, span=3)])
            found = store.raw_trades.differing([trade(1, price=101.0), trade(5, price=9.0), trade(7)])
            same = store.raw_trades.differing([trade(1)])

        assert [(stored.price, other.price) for stored, other in found] == [(100.0, 101.0)]
        assert same == []

    def test_a_higher_revision_takes_the_place_of_a_candle_and_a_lower_one_does_not(self, begin):
        with begin() as store:
            counts = [
                store.market_data.upsert_candles([each])
                for each in (candle(1), candle(1, 2.0, revision=1), candle(1, 3.0), candle(1, 4.0, revision=1))
            ]
            found = list(store.market_data.get_series(SYMBOL, BASE, START_US, START_US + 5 * MINUTE_US).candles())

        assert counts == [1, 1, 0, 0]
        assert [(each.close, each.revision) for each in found] == [(2.0, 1)]

    def test_ours_takes_the_place_of_the_venues_candle(self, begin):
        with begin() as store:
            store.market_data.upsert_candles([candle(1, 5.0, origin=Origin.EXCHANGE)])
            store.market_data.upsert_candles([candle(1, 6.0)])
            found = list(store.market_data.get_series(SYMBOL, BASE, START_US, START_US + 5 * MINUTE_US).candles())

        assert [each.close for each in found] == [6.0]

    def test_the_bounds_of_a_series_are_both_included(self, begin):
        with begin() as store:
            store.market_data.upsert_candles([candle(minute) for minute in range(1, 6)])
            found = store.market_data.get_series(SYMBOL, BASE, START_US + 2 * MINUTE_US, START_US + 4 * MINUTE_US).candles()

        assert [(each.timestamp_us - START_US) // MINUTE_US for each in found] == [2, 3, 4]

    def test_the_last_candle_with_trades_is_ours(self, begin):
        with begin() as store:
            quiet = candle(3, volume=0.0, trades=0)
            store.market_data.upsert_candles([candle(1), candle(2), quiet, candle(4, origin=Origin.EXCHANGE)])
            found = store.market_data.get_last_traded(SYMBOL, BASE)

        assert found is not None
        assert (found.timestamp_us - START_US) // MINUTE_US == 2

    def test_wider_candles_are_made_of_minutes_once_they_are_over(self, begin):
        first = Timeframe.M5.close_of(START_US)
        minutes = [replace_label(candle(0, 100.0 + number), first + number * MINUTE_US) for number in range(1, 8)]
        with begin() as store:
            store.market_data.upsert_candles(minutes)
            found = list(store.market_data.get_series(SYMBOL, Timeframe.M5, first, first + 20 * MINUTE_US).candles())

        assert [(each.timestamp_us - first, each.open, each.close, each.volume) for each in found] == [
            (5 * MINUTE_US, 101.0, 105.0, 5.0)
        ]

    def test_a_watermark_moves_forward_only_and_keeps_where_the_tape_begins(self, begin):
        with begin() as store:
            store.watermarks.set(SYMBOL, 9, START_US, START_US - 5)
            store.watermarks.set(SYMBOL, 8, START_US - 1, None)
            kept = store.watermarks.get(SYMBOL)
            store.watermarks.set(SYMBOL, 10, START_US + 1, None)
            moved = store.watermarks.get(SYMBOL)
            store.watermarks.restart(SYMBOL, 1, START_US + 2, START_US + 3)

            assert kept == Watermark(SYMBOL, 9, START_US, START_US - 5)
            assert moved == Watermark(SYMBOL, 10, START_US + 1, START_US - 5)
            assert store.watermarks.get(SYMBOL) == Watermark(SYMBOL, 1, START_US + 2, START_US + 3)

    def test_a_gap_is_noted_once_and_stays_as_it_ended(self, begin):
        with begin() as store:
            store.gaps.open(GAP)
            store.gaps.open(replace(GAP, cause="crash"))
            store.gaps.progress(replace(GAP, recovered=2, missing=((7, 9),)))
            half = without_times(store.gaps.list(SYMBOL))
            ended = store.gaps.progress(replace(GAP, state="filled", recovered=5, missing=()))
            again = store.gaps.progress(replace(GAP, state="unrecoverable"))
            final = without_times(store.gaps.list(SYMBOL))

        assert half == [replace(GAP, recovered=2, missing=((7, 9),))]
        assert (ended, again) == (True, False)
        assert final == [replace(GAP, state="filled", recovered=5, missing=())]

    @pytest.mark.parametrize("state", ["never_existed", "unrecoverable", "filled"])
    def test_a_gap_that_ended_changes_when_more_came_after_all(self, begin, state):
        ended = replace(GAP, state=state, recovered=2, missing=((7, 9),), evidence={"reason": "nobody has it"})
        late = replace(ended, recovered=3, missing=((8, 9),), evidence=None)
        rest = replace(GAP, state="filled", recovered=5, missing=(), evidence={"by": "feed"})
        with begin() as store:
            store.gaps.open(GAP)
            store.gaps.progress(ended)
            first = store.gaps.progress(late)
            half = without_times(store.gaps.list(SYMBOL))
            second = store.gaps.progress(rest)

            assert (first, second) == (True, True)
            assert half == [replace(late, evidence=ended.evidence)]
            assert without_times(store.gaps.list(SYMBOL)) == [rest]

    def test_a_gap_that_ended_is_never_open_again_and_forgets_nothing_that_came(self, begin):
        ended = replace(GAP, state="unrecoverable", recovered=2, missing=((7, 9),))
        with begin() as store:
            store.gaps.open(GAP)
            store.gaps.progress(ended)
            noted = [
                store.gaps.progress(replace(GAP, state=state, recovered=recovered))
                for state, recovered in (("open", 5), ("filled", 2), ("filled", 1))
            ]

            assert noted == [False, False, False]
            assert without_times(store.gaps.list(SYMBOL)) == [ended]

    def test_an_alarm_stays_whatever_comes(self, begin):
        alarm = replace(GAP, state="alarm", cause="conflict")
        with begin() as store:
            store.gaps.open(alarm)

            assert not store.gaps.progress(replace(alarm, state="filled", recovered=5))
            assert without_times(store.gaps.list(SYMBOL)) == [alarm]

    def test_an_open_gap_keeps_no_evidence_that_is_not_said_again(self, begin):
        with begin() as store:
            store.gaps.open(replace(GAP, evidence={"code": 1006}))
            store.gaps.progress(replace(GAP, recovered=1))

            assert [gap.evidence for gap in store.gaps.list(SYMBOL)] == [None]

    def test_holes_without_ids_that_begin_at_the_same_trade_are_two(self, begin):
        bare = replace(GAP, first_id=None, last_id=None)
        with begin() as store:
            store.gaps.open(bare)
            store.gaps.progress(replace(bare, state="never_existed", missing=()))
            store.gaps.open(replace(bare, end_us=START_US + 99))

            assert [gap.state for gap in store.gaps.list(SYMBOL)] == ["never_existed", "open"]

    def test_gaps_are_listed_by_state_and_by_the_moments_they_touch(self, begin):
        later = replace(GAP, first_id=20, last_id=21, start_us=START_US + 50, end_us=START_US + 60)
        with begin() as store:
            store.gaps.open(later)
            store.gaps.open(GAP)
            store.gaps.progress(replace(later, state="unrecoverable", missing=((20, 21),)))

            assert [gap.first_id for gap in store.gaps.list(SYMBOL)] == [5, 20]
            assert [gap.first_id for gap in store.gaps.list(SYMBOL, "unrecoverable")] == [20]
            assert [gap.first_id for gap in store.gaps.list(SYMBOL, start_us=START_US + 10, end_us=START_US + 49)] == [5]

    def test_the_last_word_on_a_feed_counts(self, begin):
        feed = Feed(SYMBOL, "live", "", START_US, 7, START_US)
        with begin() as store:
            store.feeds.set(feed)
            store.feeds.set(Feed(SYMBOL, "stale", "silent", START_US + 1))

            assert store.feeds.list() == [Feed(SYMBOL, "stale", "silent", START_US + 1)]

    def test_what_a_transaction_wrote_is_gone_when_it_fails(self, begin):
        with pytest.raises(ValueError, match="no"), begin() as store:
            store.raw_trades.append([trade(1)])
            store.watermarks.set(SYMBOL, 1, START_US)
            store.gaps.open(GAP)
            raise ValueError("no")
        with begin() as store:
            assert store.raw_trades.get_trades(SYMBOL, START_US - DAY_US, START_US + DAY_US) == []
            assert store.watermarks.get(SYMBOL) is None
            assert store.gaps.list() == []


def replace_label(of: Candle, label: int) -> Candle:
    return Candle(of.symbol, of.timeframe, label, of.open, of.high, of.low, of.close, of.volume, trades=of.trades)


@pytest.mark.parametrize("write", [1, 2, 3, 4])
def test_a_death_before_the_commit_leaves_nothing(write: int):
    database = MemoryDatabase()
    database.crash_at = write

    with pytest.raises(Crash), database.begin() as store:
        store.raw_trades.append([trade(1)])
        store.watermarks.set(SYMBOL, 1, START_US)

    assert (database.rows["trades"], database.rows["watermarks"]) == ({}, {})


def test_a_death_behind_the_commit_leaves_all_and_nobody_may_write_any_more():
    database = MemoryDatabase()
    database.crash_at = 5

    with pytest.raises(Crash), database.begin() as store:
        store.raw_trades.append([trade(1)])
        store.watermarks.set(SYMBOL, 1, START_US)
    with pytest.raises(Crash), database.begin():
        pass

    assert len(database.rows["trades"]) == len(database.rows["watermarks"]) == 1
