"""Specifications of the charts of the page of data, as they were when somebody looked at the pictures; see golden.py."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import altair as alt
import pandas as pd
import pytest

from app.charts.coverage import CELL, CELLS, calendar_chart, calendar_spec, minutes_chart, minutes_spec
from app.charts.quality import match_chart, runs_chart
from app.charts.zone import UTC, Zone
from app.coverage import GLYPHS, day_rows, minute_rows, week_rows
from app.quality import match_rows, run_rows
from db.repositories.quality import Match
from market.timeframe import MINUTE_US
from market.window import Window
from tests.app.charts.golden import check
from tests.app.samples import START_US, SYMBOL, candle, frame, quiet
from tests.app.test_coverage import days
from tests.app.test_quality_rows import run

DAYS = days({}, {"quiet": True}, {"unproven": True}, {"incomplete": True}, {"present": 7, "open_holes": 1}, {"counted": False})
COLUMNS = [f"{day:%Y-%m-%d}" for day in DAYS["day"]]
MINUTES = frame(candle(1), quiet(2), candle(3, complete=False))
RUNS = [run(), run(id=8, success=False), run(id=9, suite="trades", timeframe=None, state="failed"), run(id=10, state="running")]
MATCHES = [
    Match(run=number, symbol=SYMBOL, timeframe="1m", at_us=START_US + number, compared=100, differing=number) for number in (0, 1)
]
BERLIN = Zone("Europe/Berlin", timedelta(hours=2))


def _minutes(zone: Zone) -> pd.DataFrame:
    return minute_rows(MINUTES, Window(START_US, START_US + 5 * MINUTE_US), zone=zone)


def _minutes_chart(zone: Zone) -> alt.LayerChart:
    cells = _minutes(zone)
    return minutes_chart(cells, list(dict.fromkeys(cells["hour"])), zone=zone)


CHARTS: dict[str, Callable[[], Any]] = {
    "coverage_days": lambda: calendar_chart(day_rows(DAYS), ["A", "B"], COLUMNS),
    "coverage_weeks": lambda: calendar_chart(week_rows(DAYS), ["A"], ["2024-08-05", "2024-08-12"], by="week"),
    "coverage_minutes": lambda: _minutes_chart(UTC),
    "quality_runs": lambda: runs_chart(run_rows(RUNS)),
    "quality_matches": lambda: match_chart(match_rows(MATCHES, [])),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_what_was_looked_at(name: str) -> None:
    check(name, CHARTS[name]().to_dict())


def test_charts_can_be_made_of_nothing() -> None:
    for chart in (
        calendar_chart(day_rows(DAYS.head(0)), [], []),
        minutes_chart(_minutes(UTC).head(0), []),
        runs_chart(run_rows([])),
        match_chart(match_rows([], [])),
    ):
        assert alt.Chart.from_dict(chart.to_dict()) is not None


def test_what_a_page_draws_is_the_same_and_waits_for_its_rows() -> None:
    spec = calendar_spec(("A", "B"), tuple(COLUMNS))
    whole = calendar_chart(day_rows(DAYS), ["A", "B"], COLUMNS).to_dict()

    assert spec["data"] == {"name": CELLS}
    assert [each["mark"] for each in spec["layer"]] == [each["mark"] for each in whole["layer"]]
    assert [each["encoding"] for each in spec["layer"]] == [each["encoding"] for each in whole["layer"]]
    assert spec is calendar_spec(("A", "B"), tuple(COLUMNS))
    assert minutes_spec(("08 Aug 23:00",), zone=BERLIN)["data"] == {"name": CELLS}


def test_axes_name_the_zone() -> None:
    assert "hour in Europe/Berlin (UTC+02:00)" in _minutes_chart(BERLIN).to_json()
    assert "time in Europe/Berlin (UTC+02:00)" in runs_chart(run_rows(RUNS, zone=BERLIN), zone=BERLIN).to_json()
    assert "08 Aug" not in _minutes(BERLIN)["hour"].iloc[0]


def test_each_state_has_a_colour_and_a_sign() -> None:
    spec = CHARTS["coverage_days"]().to_dict()
    [colour] = [layer["encoding"]["color"] for layer in spec["layer"] if "scale" in layer["encoding"]["color"]]

    assert set(colour["scale"]["domain"]) == set(GLYPHS)
    assert len(set(colour["scale"]["range"])) == len(set(GLYPHS.values())) == len(GLYPHS)
    assert spec["params"][0]["name"] == CELL
