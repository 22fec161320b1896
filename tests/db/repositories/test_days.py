"""The days of the calendar: what kept candles and minutes tell is what all minutes would, whatever was refreshed when."""

from dataclasses import replace
from random import Random

import msgspec
import pandas as pd
import pytest

from db import days, rollups
from db.repositories.gaps import Gap
from market.candle import Candle
from market.clock import parse_time
from market.timeframe import DAY_US, MINUTE_US
from tests.db.candles import SYMBOL, candle

pytestmark = pytest.mark.postgres
OTHER = "OKX:ETH-USDT"
BEGIN_US = parse_time("2024-08-09")
FAR_US = BEGIN_US + 60 * DAY_US


def minute(number: int, symbol: str = SYMBOL, **changes) -> Candle:
    """Return the candle of the minute that opens so many minutes after midnight."""
    return msgspec.structs.replace(candle(0), symbol=symbol, timestamp_us=BEGIN_US + (number + 1) * MINUTE_US, **changes)


def quiet(number: int, **changes) -> Candle:
    return minute(number, trades=0, volume=0.0, **changes)


def told(database, *symbols: str, start_us: int = BEGIN_US - DAY_US, end_us: int = FAR_US, **more) -> list[tuple]:
    """Return day, expected, present and what else is told, in words."""
    table = database.market_data.days(symbols or [SYMBOL], start_us=start_us, end_us=end_us, **more)
    return [_words(row) for row in table.itertuples(index=False)]


def _words(row) -> tuple:
    assert (row.end_us - row.start_us) // MINUTE_US == row.expected
    assert f"{pd.Timestamp(row.start_us, unit='us'):%m-%d}" == f"{row.day:%m-%d}"
    named = {
        "incomplete": row.incomplete, "unproven": row.unproven, "quiet": row.quiet, "waits": not row.counted,
        "holes": row.open_holes,
    }  # fmt: skip
    return (f"{row.day:%m-%d}", row.expected, row.present, *(name for name, value in named.items() if value))


def by_minutes(database, symbols) -> pd.DataFrame:
    """Return the same from `coverage`, which looks at each minute."""
    found = [database.market_data.coverage(symbol) for symbol in symbols]
    table = pd.concat(found, ignore_index=True)
    return pd.DataFrame(
        {
            "symbol": table["symbol"], "day": table["day"], "expected": table["present"] + table["missing"],
            "present": table["present"], "incomplete": table["incomplete"] > 0, "unproven": table["unproven"] > 0,
            "quiet": table["without_trades"] == table["present"], "open_holes": table["open_holes"],
        }
    )  # fmt: skip


class TestDays:
    def test_each_day_says_what_its_minutes_are(self, database):
        database.market_data.upsert_candles(
            [
                *(minute(number) for number in range(1440)),
                *(quiet(1440 + number) for number in range(1440)),
                *(minute(2880 + number, complete=None if number == 7 else True) for number in range(1440)),
                *(minute(4320 + number, complete=number != 7) for number in range(1440)),
                *(minute(5760 + number) for number in range(0, 1440, 2)),
                minute(7200),
            ]
        )
        fresh = told(database)
        rollups.refresh(database.engine)

        assert fresh == told(database) == [
            ("08-09", 1440, 1440),
            ("08-10", 1440, 1440, "quiet"),
            ("08-11", 1440, 1440, "unproven"),
            ("08-12", 1440, 1440, "incomplete"),
            ("08-13", 1440, 720),
            ("08-14", 1, 1),
        ]  # fmt: skip

    def test_minutes_of_a_symbol_that_is_followed_are_expected_until_now(self, database):
        database.market_data.upsert_candles([minute(0), minute(1)])
        until_us = BEGIN_US + DAY_US + 10 * MINUTE_US

        assert told(database, end_us=until_us) == [("08-09", 2, 2)]
        assert told(database, end_us=until_us, followed=[SYMBOL]) == [("08-09", 1440, 2), ("08-10", 10, 0, "quiet")]

    def test_only_days_between_the_bounds_are_told(self, database):
        database.market_data.upsert_candles([minute(number) for number in (0, 1440, 2880, 4320)])
        rollups.refresh(database.engine)

        rows = told(database, start_us=BEGIN_US + DAY_US, end_us=BEGIN_US + 2 * DAY_US + 30 * MINUTE_US)

        assert [row[:3] for row in rows] == [("08-10", 1440, 1), ("08-11", 30, 1)]

    def test_what_changed_since_the_refresh_is_counted_by_minutes(self, database):
        database.market_data.upsert_candles([minute(number) for number in range(0, 4320, 3)])
        rollups.refresh(database.engine)
        before = told(database)
        database.market_data.upsert_candles([minute(number) for number in range(1441, 1500, 3)])

        assert [row[1:3] for row in before] == [(1440, 480), (1440, 480), (1438, 480)]
        assert [row[1:3] for row in told(database)] == [(1440, 480), (1440, 500), (1438, 480)]

    def test_open_holes_stand_at_each_day_that_they_touch(self, database):
        database.market_data.upsert_candles([minute(0), minute(2880)])
        hole = Gap(
            symbol=SYMBOL, first_id=1, last_id=2, cause="stall", start_us=BEGIN_US + DAY_US - 1, end_us=BEGIN_US + 2 * DAY_US
        )
        database.gaps.open(hole)
        database.gaps.open(replace(hole, first_id=5, last_id=6, state="filled"))

        assert [row[-1] for row in told(database)] == ["holes"] * 3

    def test_what_is_too_much_to_count_waits_for_the_refresh(self, database, monkeypatch):
        monkeypatch.setattr(days, "MOST_MINUTES", 1_500)
        database.market_data.upsert_candles([minute(number) for number in range(0, 4320, 5)])
        before = told(database)
        rollups.refresh(database.engine)

        assert [("waits" in row, row[2]) for row in before] == [(True, 0), (True, 12), (False, 288)]
        assert [("waits" in row, row[2]) for row in told(database)] == [(False, 288)] * 3

    def test_nothing_stored_is_no_row(self, database):
        assert told(database) == []
        assert told(database, followed=[SYMBOL]) == []

    @pytest.mark.parametrize("seed", range(4))
    def test_kept_candles_and_minutes_together_tell_what_all_minutes_do(self, database, seed):
        chance = Random(seed)
        for _ in range(4):
            for symbol in (SYMBOL, OTHER):
                first, step = chance.randrange(0, 5000), chance.choice([1, 1, 2, 40])
                kind = chance.choice([minute, quiet])
                complete = chance.choice([True, True, None, False])
                numbers = range(first, first + chance.randrange(1, 2500), step)
                database.market_data.upsert_candles([kind(number, symbol=symbol, complete=complete) for number in numbers])
            if chance.random() < 0.6:
                rollups.refresh(database.engine)

        found = database.market_data.days([SYMBOL, OTHER], start_us=BEGIN_US, end_us=FAR_US)

        assert found["counted"].all()
        columns = ["symbol", "day", *days.COLUMNS[2:-1]]
        expected = by_minutes(database, [SYMBOL, OTHER])[columns]
        whole, counts = expected["present"] == expected["expected"], ["symbol", "day", "expected", "present", "open_holes"]
        pd.testing.assert_frame_equal(found.loc[whole, columns], expected[whole], check_dtype=False)
        pd.testing.assert_frame_equal(found[counts], expected[counts], check_dtype=False)
