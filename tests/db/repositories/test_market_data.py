"""What the repository of candles promises; the fixture `database` says on which server."""

import math
from itertools import count

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.engine import transaction
from db.series import series_of
from market.candle import Candle, Origin
from market.clock import to_datetime
from market.rollup import roll_up
from market.timeframe import DAY_US, Timeframe
from market.trade import Side, Trade
from tests.db.candles import MINUTE_US, START_US, SYMBOL, candle, stored_candles

pytestmark = pytest.mark.postgres
WIDER = [timeframe for timeframe in Timeframe if timeframe.width_us > MINUTE_US]
NARROWER = [timeframe for timeframe in Timeframe if timeframe.width_us < MINUTE_US]
_numbers = count()
MONDAY_US = 1_722_816_000_000_000  # 2024-08-05T00:00:00Z


def read(database, timeframe="1m", start=None, end=None, symbol=SYMBOL) -> list[Candle]:
    with database.transaction() as store:
        return list(store.market_data.get_series(symbol, timeframe, start, end).candles())


def closes(database, timeframe="1m", start=None, end=None):
    return [one.timestamp_us for one in read(database, timeframe, start, end)]


def minutes(first: int, last: int, *, from_us: int = MONDAY_US) -> list[Candle]:
    """Return flat candles whose close is their place, for minutes `first` to `last`, both included."""
    return [
        Candle(
            SYMBOL, Timeframe.M1, from_us + minute * MINUTE_US, float(minute), minute + 0.5, minute - 0.5, float(minute), volume=1.0
        )
        for minute in range(first, last + 1)
    ]


class TestWriting:
    def test_a_candle_is_stored_as_it_is(self, database):
        exotic = msgspec.structs.replace(candle(1), quote_volume=None, trades=None, first_trade_id=None, complete=None)

        assert database.market_data.upsert_candle(exotic)
        assert database.market_data.get_candle(SYMBOL, "1m", exotic.timestamp_us) == exotic

    def test_a_repeated_write_changes_nothing(self, database):
        assert database.market_data.upsert_candles([candle(1), candle(2)]) == 2
        assert database.market_data.upsert_candles([candle(1), candle(2), candle(3)]) == 1
        assert not database.market_data.upsert_candle(candle(1))
        assert database.market_data.count(SYMBOL, "1m") == 3

    def test_nothing_is_written_without_candles(self, database):
        assert database.market_data.upsert_candles([]) == 0

    @pytest.mark.parametrize(
        ("stored", "new", "wins"),
        [
            (candle(1), candle(1, revision=1, close=2.5), True),
            (candle(1, revision=1), candle(1, close=2.5), False),
            (candle(1), candle(1, close=2.5), False),
            (candle(1, origin=Origin.EXCHANGE), candle(1, origin=Origin.HEALED, close=2.5), True),
            (candle(1, origin=Origin.EXCHANGE, revision=4), candle(1, close=2.5), True),
            (candle(1, origin=Origin.EXCHANGE), candle(1, origin=Origin.EXCHANGE, close=2.5), False),
            (candle(1), candle(1, origin=Origin.EXCHANGE, close=2.5), False),
        ],
        ids=[
            "higher",
            "lower",
            "equal",
            "ours for the venue's",
            "ours for a revised one",
            "the venue's again",
            "the venue's for ours",
        ],
    )
    def test_which_of_two_candles_stays(self, database, stored, new, wins):
        database.market_data.upsert_candle(stored)

        assert database.market_data.upsert_candle(new) is wins
        assert read(database) == [new if wins else stored]

    def test_force_replaces_and_says_whether_anything_changed(self, database):
        database.market_data.upsert_candle(candle(1, revision=5))

        assert database.market_data.upsert_candle(candle(1, close=2.5), force_update=True)
        assert not database.market_data.upsert_candle(candle(1, close=2.5), force_update=True)
        assert read(database) == [candle(1, close=2.5)]

    def test_of_a_candle_that_comes_twice_the_highest_revision_counts(self, database):
        assert database.market_data.upsert_candles([candle(1, revision=2, close=2.5), candle(1), candle(1, revision=1)]) == 1
        assert read(database) == [candle(1, revision=2, close=2.5)]

    def test_a_forming_candle_is_refused_and_nothing_is_stored(self, database):
        with pytest.raises(ValueError, match="forming"):
            database.market_data.upsert_candles([candle(1), msgspec.structs.replace(candle(2), final=False)])

        assert read(database) == []

    def test_a_batch_over_the_border_of_a_month_is_stored(self, database):
        border = 1_725_148_800_000_000  # 2024-09-01
        batch = minutes(-2, 2, from_us=border)

        assert database.market_data.upsert_candles(batch) == 5
        assert read(database) == batch

    def test_symbols_and_timeframes_are_apart(self, database):
        other = msgspec.structs.replace(candle(1), symbol="OKX:ETH-USDT")
        hour = msgspec.structs.replace(candle(6), timeframe=Timeframe.H1)

        assert database.market_data.upsert_candles([candle(1), other, hour]) == 3
        assert read(database) == [candle(1)]
        assert read(database, symbol="OKX:ETH-USDT") == [other]
        assert read(database, "1h") == [hour]

    def test_two_batches_fit_into_one_transaction(self, database):
        with database.transaction() as store:
            assert store.market_data.upsert_candles([candle(1)]) == 1
            assert store.market_data.upsert_candles([candle(1), candle(2)]) == 1

        assert read(database) == [candle(1), candle(2)]

    @pytest.mark.parametrize("stored", [[], [1_500], [0, 2_999]], ids=["all new", "one inside", "both ends"])
    def test_a_long_series_is_stored_whatever_is_there_already(self, database, stored):
        batch = minutes(0, 2_999)
        database.market_data.upsert_candles([batch[place] for place in stored])
        (series,) = series_of(batch)

        assert database.market_data.upsert_series(series) == 3_000 - len(stored)
        assert database.market_data.upsert_series(series) == 0
        assert read(database) == batch

    def test_a_long_series_is_stored_though_somebody_else_is_faster(self, database, monkeypatch):
        batch = minutes(0, 2_999)
        database.market_data.upsert_candles(batch[:10])
        monkeypatch.setattr("db.repositories.market_data.MarketDataRepository._any_stored", lambda *_: False)
        (series,) = series_of(batch)

        assert database.market_data.upsert_series(series) == 2_990
        assert read(database) == batch


class TestReading:
    def test_both_ends_are_included(self, database):
        batch = minutes(1, 10)
        database.market_data.upsert_candles(batch)
        start_us, end_us = batch[2].timestamp_us, batch[5].timestamp_us

        assert read(database, "1m", start_us, end_us) == batch[2:6]
        assert read(database, "1m", to_datetime(start_us), to_datetime(end_us)) == batch[2:6]
        assert read(database, "1m", start_us + 1, end_us - 1) == batch[3:5]
        assert read(database, "1m", None, end_us) == batch[:6]
        assert read(database, "1m", start_us) == batch[2:]

    def test_nothing_stored_is_an_empty_table(self, database):
        for timeframe in Timeframe:
            table = database.market_data.get_candles(SYMBOL, timeframe)

            assert len(table) == 0
            assert len(table.columns) == 16
            assert database.market_data.get_latest_candle(SYMBOL, timeframe) is None

    def test_the_latest_candle_is_the_newest(self, database):
        database.market_data.upsert_candles([candle(3), candle(1)])

        assert database.market_data.get_latest_candle(SYMBOL, "1m") == candle(3)

    def test_a_table_holds_the_numbers_of_the_candles(self, database):
        database.market_data.upsert_candles([candle(1, complete=None), candle(2)])

        table = database.market_data.get_candles(SYMBOL, "1m")

        assert table["close"].tolist() == [2.0, 2.0]
        assert table["last_trade_id"].tolist() == [19, 29]
        assert table["complete"].isna().tolist() == [True, False]


class TestWiderCandles:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
    @given(stored_candles(max_size=30), st.sampled_from(WIDER))
    def test_they_are_what_roll_up_makes(self, engine, candles, timeframe):
        symbol = f"OKX:T{next(_numbers)}-USDT"  # a database for all examples
        candles = [msgspec.structs.replace(one, symbol=symbol) for one in candles]
        expected = [one for one in roll_up(candles, timeframe) if one.final]

        with transaction(engine) as store:
            store.market_data.upsert_candles(candles)
            made = list(store.market_data.get_series(symbol, timeframe).candles())
            latest = store.market_data.get_latest_candle(symbol, timeframe)

        assert made == expected
        assert latest == (expected[-1] if expected else None)

    @pytest.mark.parametrize("timeframe", WIDER)
    def test_a_whole_one_is_made_of_the_rows_after_its_open_up_to_its_close(self, database, timeframe):
        members = timeframe.width_us // MINUTE_US
        database.market_data.upsert_candles(minutes(0, members + 1))

        (before, whole) = read(database, timeframe)

        assert before.timestamp_us == MONDAY_US
        assert before.complete is False
        assert whole == Candle(
            SYMBOL,
            timeframe,
            MONDAY_US + timeframe.width_us,
            open=1.0,
            high=members + 0.5,
            low=0.5,
            close=float(members),
            volume=float(members),
        )

    @pytest.mark.parametrize("timeframe", WIDER)
    def test_the_newest_is_left_out_until_its_last_row_is_there(self, database, timeframe):
        members = timeframe.width_us // MINUTE_US
        database.market_data.upsert_candles(minutes(members - 2, members - 1))
        assert closes(database, timeframe, MONDAY_US + 1) == []

        database.market_data.upsert_candles(minutes(members, members))

        assert closes(database, timeframe, MONDAY_US + 1) == [MONDAY_US + timeframe.width_us]

    def test_weeks_begin_on_monday(self, database):
        week_us = 7 * DAY_US
        batch = [one for day in range(15) for one in minutes(1, 1, from_us=MONDAY_US + day * DAY_US)]
        database.market_data.upsert_candles(batch)

        assert closes(database, "1w") == [MONDAY_US + week_us, MONDAY_US + 2 * week_us]
        assert [to_datetime(close).strftime("%A") for close in closes(database, "1w")] == ["Monday", "Monday"]

    def test_a_window_gives_the_same_candles_as_the_whole(self, database):
        database.market_data.upsert_candles(minutes(-7, 133))
        whole = read(database, "15m")

        for first in range(len(whole)):
            for last in range(first, len(whole)):
                window = (whole[first].timestamp_us, whole[last].timestamp_us)
                assert read(database, "15m", *window) == whole[first : last + 1]
                assert read(database, "15m", window[0] - 1, window[1] + 1) == whole[first : last + 1]

    def test_a_window_that_ends_early_does_not_cut_a_candle(self, database):
        database.market_data.upsert_candles(minutes(1, 60))

        assert closes(database, "1h", None, MONDAY_US + 59 * MINUTE_US) == []
        assert closes(database, "1h", None, MONDAY_US + 60 * MINUTE_US) == [MONDAY_US + 60 * MINUTE_US]

    def test_stored_ones_count_but_those_that_our_own_minutes_prove(self, database):
        hour_us = Timeframe.H1.width_us
        imported = [
            msgspec.structs.replace(
                candle(0, origin=Origin.EXCHANGE), timeframe=Timeframe.H1, timestamp_us=MONDAY_US + hour * hour_us
            )
            for hour in (-1, 1, 2)
        ]
        database.market_data.upsert_candles([*imported, *minutes(2, 180)])

        found = read(database, "1h")

        assert found[:2] == imported[:2]
        assert [(one.timestamp_us, one.close) for one in found[2:]] == [
            (MONDAY_US + 2 * hour_us, 120.0),
            (MONDAY_US + 3 * hour_us, 180.0),
        ]

    def test_they_are_made_of_wider_ones_where_there_are_no_minutes(self, database):
        hour_us = Timeframe.H1.width_us
        imported = [
            msgspec.structs.replace(
                candle(0, origin=Origin.EXCHANGE, close=2.5), timeframe=Timeframe.H1, timestamp_us=MONDAY_US + hour * hour_us
            )
            for hour in range(1, 13)
        ]
        database.market_data.upsert_candles([*imported, *minutes(241, 480)])

        found = read(database, "4h")

        assert [(one.timestamp_us - MONDAY_US, one.close, one.complete) for one in found] == [
            (4 * hour_us, 2.5, True),
            (8 * hour_us, 480.0, True),
            (12 * hour_us, 2.5, True),
        ]
        assert database.market_data.get_latest_candle(SYMBOL, "4h") == found[-1]

    def test_the_latest_may_be_a_stored_one(self, database):
        imported = msgspec.structs.replace(candle(0), timeframe=Timeframe.H1, timestamp_us=MONDAY_US + 5 * Timeframe.H1.width_us)
        database.market_data.upsert_candles([imported, *minutes(1, 60)])

        assert database.market_data.get_latest_candle(SYMBOL, "1h") == imported


class TestNarrowerCandles:
    def trades(self, *moments_us: int) -> list[Trade]:
        return [
            Trade(SYMBOL, place, 100.0 + place, 0.5, Side.SELL if place % 2 else Side.BUY, START_US + moment_us, START_US)
            for place, moment_us in enumerate(moments_us, 1)
        ]

    def test_they_are_made_of_trades_up_to_but_not_on_the_close(self, database):
        database.raw_trades.append(self.trades(0, 4_999_999, 5_000_000, 9_000_000, 10_000_000))

        first, second = read(database, "5s")

        assert first == Candle(
            SYMBOL,
            Timeframe.S5,
            START_US + 5_000_000,
            open=101.0,
            high=102.0,
            low=101.0,
            close=102.0,
            volume=1.0,
            quote_volume=101.5,
            trades=2,
            taker_buy_volume=0.5,
            first_trade_id=1,
            last_trade_id=2,
            complete=None,
        )
        assert (second.timestamp_us, second.first_trade_id, second.last_trade_id) == (START_US + 10_000_000, 3, 4)

    @pytest.mark.parametrize("timeframe", NARROWER)
    def test_a_window_gives_the_same_candles_as_the_whole(self, database, timeframe):
        width = timeframe.width_us
        database.raw_trades.append(
            self.trades(1, width // 2, width, 4 * width, 4 * width + 1, 7 * width - 1, 7 * width, 9 * width + 5)
        )
        whole = read(database, timeframe)

        assert [one.timestamp_us for one in whole] == [START_US + place * width for place in range(1, 10)]
        assert database.market_data.get_latest_candle(SYMBOL, timeframe) == whole[-1]
        for first in range(len(whole)):
            for last in range(first, len(whole)):
                assert read(database, timeframe, whole[first].timestamp_us, whole[last].timestamp_us) == whole[first : last + 1]

    def test_a_window_outside_of_the_tape_is_empty(self, database):
        database.raw_trades.append(self.trades(0, 60_000_000))

        assert closes(database, "1s", None, START_US - 10_000_000) == []
        assert closes(database, "1s", START_US + 61_000_000) == []

    def test_seconds_add_up_to_the_minute(self, database):
        batch = self.trades(*range(0, 60_000_001, 700_000))
        database.raw_trades.append(
            [*batch, msgspec.structs.replace(batch[-1], trade_id=10_000, timestamp_us=START_US + 60_000_000)]
        )

        seconds = read(database, "1s")

        assert math.isclose(sum(one.volume for one in seconds), 0.5 * len(batch))
        assert sum(one.trades for one in seconds) == len(batch)
