"""Moments on the screen: moved by one offset, which is named."""

import pandas as pd
import pytest

from app.charts.house import time_axis
from app.charts.parts import curve_rows, hole_rows, trade_rows
from app.charts.zone import UTC, zone_at, zone_names
from market.clock import from_datetime
from market.errors import InputError
from tests.app.documents import document

SUMMER, WINTER = (from_datetime(pd.Timestamp(day, tz="UTC").to_pydatetime()) for day in ("2024-07-01 12:00", "2024-12-01 12:00"))


def test_a_zone_has_the_offset_of_its_moment() -> None:
    assert str(zone_at("Europe/Berlin", SUMMER)) == "Europe/Berlin (UTC+02:00)"
    assert str(zone_at("Europe/Berlin", WINTER)) == "Europe/Berlin (UTC+01:00)"
    assert str(zone_at("America/St_Johns", WINTER)) == "America/St_Johns (UTC-03:30)"
    assert zone_at("UTC", SUMMER) is UTC


def test_a_moment_is_told_by_the_clock_of_the_zone() -> None:
    assert zone_at("Asia/Kolkata", SUMMER).told(SUMMER) == "2024-07-01 17:30:00"
    assert UTC.told(SUMMER, "%H:%M") == "12:00"


def test_moments_of_another_day_are_told_by_the_offset_of_that_day_and_drawn_by_that_of_the_chart() -> None:
    zone = zone_at("Europe/Berlin", SUMMER)
    moments = pd.Series(pd.to_datetime([WINTER, SUMMER], unit="us", utc=True))

    assert zone.told(WINTER) == "2024-12-01 13:00:00"
    assert zone.told_all(moments).tolist() == ["2024-12-01 13:00", "2024-07-01 14:00"]
    assert zone.moved(moments).dt.hour.tolist() == [14, 14]


def test_an_unknown_zone_names_the_likely_one() -> None:
    with pytest.raises(InputError, match=r"time zone 'Europe/Berln' is none that is known.*Europe/Berlin"):
        zone_at("Europe/Berln", SUMMER)


def test_all_zones_can_be_had_and_utc_is_the_first() -> None:
    names = zone_names()

    assert names[0] == "UTC"
    assert "Asia/Tokyo" in names
    assert all(zone_at(name, SUMMER).name == name for name in names)


def test_rows_of_a_run_move_and_axes_say_so() -> None:
    zone, run = zone_at("Asia/Tokyo", SUMMER), document()

    for rows in (curve_rows, hole_rows, trade_rows):
        there, here = rows(run, zone=zone), rows(run)
        moments = [name for name in here if str(here[name].dtype).startswith("datetime")]
        assert moments
        assert all((there[name] - here[name]).eq(pd.Timedelta(hours=9)).all() for name in moments)
    assert hole_rows(run, zone=zone)["told"].iloc[0].endswith(" Asia/Tokyo")
    assert time_axis(zone=zone).to_dict()["title"] == "time in Asia/Tokyo (UTC+09:00)"
