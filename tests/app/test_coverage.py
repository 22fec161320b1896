"""Days and minutes as the calendar shows them."""

from datetime import timedelta

import pandas as pd
import pytest

from app import coverage
from app.charts.zone import UTC, Zone
from market.timeframe import DAY_US, MINUTE_US
from market.window import Window
from tests.app.samples import START_US, candle, frame, quiet

MONDAY = pd.Timestamp("2024-08-05", tz="UTC")


def days(*changes: dict) -> pd.DataFrame:
    """Return days from a Monday on that are whole but for what is said."""
    whole = {
        "symbol": "A", "expected": 1440, "present": 1440, "incomplete": False, "unproven": False, "quiet": False, "open_holes": 0,
        "counted": True,
    }  # fmt: skip
    rows = [{**whole, "day": MONDAY + pd.Timedelta(number, unit="D"), **change} for number, change in enumerate(changes)]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "complete"),
        ({"quiet": True}, "no trades"),
        ({"unproven": True, "quiet": True}, "unprovable"),
        ({"incomplete": True, "unproven": True}, "incomplete"),
        ({"present": 1439, "incomplete": True}, "missing"),
        ({"present": 0, "quiet": True}, "missing"),
        ({"counted": False, "present": 0}, "not counted"),
    ],
)
def test_a_day_is_the_worst_that_can_be_said_of_it(change: dict, state: str) -> None:
    [row] = coverage.day_rows(days(change)).to_dict("records")

    assert (row["state"], row["glyph"]) == (state, coverage.GLYPHS[state])


def test_a_day_says_how_many_minutes_are_missing() -> None:
    told = coverage.day_rows(days({}, {"present": 1437, "open_holes": 2}, {"counted": False}))

    assert told["told"].tolist() == ["all 1,440 minutes stored", "3 of 1,440 minutes missing", "waits for the next refresh"]
    assert told["holes"].tolist() == [0, 2, 0]
    assert told["day"].tolist() == ["2024-08-05", "2024-08-06", "2024-08-07"]


def test_a_week_is_what_its_worst_day_is() -> None:
    week = days(
        {}, {"present": 1, "open_holes": 2}, {"incomplete": True, "open_holes": 1}, {"present": 2}, {}, {}, {}, {"quiet": True}
    )

    rows = coverage.week_rows(week).to_dict("records")

    assert [(row["column"], row["day"], row["state"], row["holes"]) for row in rows] == [
        ("2024-08-05", "2024-08-06", "missing", 2),
        ("2024-08-12", "2024-08-12", "no trades", 0),
    ]
    assert rows[0]["told"] == "2 missing, 1 incomplete, 4 complete"


def test_a_hole_that_lasts_a_week_is_one() -> None:
    rows = coverage.week_rows(days(*[{"open_holes": 1}] * 7))

    assert rows["holes"].tolist() == [1]


def test_states_are_counted_the_worst_first() -> None:
    assert coverage.summary(["complete", "missing", "complete"]) == "1 missing, 2 complete"
    assert coverage.summary([]) == "no day"


def test_each_minute_of_a_window_has_a_cell() -> None:
    stored = frame(candle(1), quiet(2), candle(3, complete=False), candle(4, complete=None, trades=None))

    rows = coverage.minute_rows(stored, Window(START_US, START_US + 6 * MINUTE_US), zone=UTC)

    assert rows["state"].tolist() == ["complete", "no trades", "incomplete", "unprovable", "missing", "missing"]
    assert rows["span"].tolist()[:2] == ["23:54 to 23:55", "23:55 to 23:56"]
    assert rows["trades"].tolist() == ["7", "0", "7", "not told", "", ""]
    assert rows.loc[0, ["hour", "minute", "revision"]].tolist() == ["08 Aug 23:00", 54, "0"]


def test_the_hours_of_a_day_are_those_of_the_zone() -> None:
    kolkata = Zone("Asia/Kolkata", timedelta(hours=5, minutes=30))
    day_us = START_US - START_US % DAY_US

    rows = coverage.minute_rows(frame(candle(1)), Window(day_us, day_us + DAY_US), zone=kolkata)

    assert len(rows) == 1440
    assert rows["hour"].nunique() == 25
    assert rows.loc[0, ["hour", "minute", "span"]].tolist() == ["08 Aug 05:00", 30, "05:30 to 05:31"]
