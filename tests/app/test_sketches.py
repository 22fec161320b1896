"""Charts as plain SVG: as many shapes as candles and days, in their places."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.charts.candles import DOWN, UP
from app.charts.coverage import COLOURS
from app.charts.house import DOUBT, QUIET
from app.charts.live_candles import heights
from app.charts.rows import chart_rows, newest_row, slim_rows
from app.charts.sketches import _ticks, calendar_sketch, candle_sketch
from market.timeframe import Timeframe

SIZE = (1_120, 432)


def _candles(closes: list[float], *, gap: int = 0) -> pd.DataFrame:
    """Return one candle a minute with these closes, each opened at the one before; `gap` minutes are missing in the middle."""
    count, half = len(closes), len(closes) // 2
    minutes = pd.date_range("2026-11-27", periods=count + gap, freq="min", tz="UTC").as_unit("us")
    close = pd.Series(closes, dtype="float64")
    opened = close.shift(fill_value=closes[0])
    return pd.DataFrame({
        "timestamp": minutes.delete(range(half, half + gap)), "open": opened, "high": np.maximum(opened, close) + 1,
        "low": np.minimum(opened, close) - 1, "close": close, "volume": 2.0, "trades": 5.0,
        "complete": pd.array([True] * count, dtype="boolean"), "final": True, "origin": "live", "revision": 0.0,
    })  # fmt: skip


def _sketch(candles: pd.DataFrame, title: str = "OKX:BTC-USDT 1m") -> ET.Element:
    rows = chart_rows(candles, Timeframe.M1)
    closed = slim_rows(rows[~rows["last"].astype("bool")].reset_index(drop=True))
    whole = pd.concat([closed, slim_rows(newest_row(candles, Timeframe.M1))], ignore_index=True)
    return ET.fromstring(candle_sketch(whole, title=title, size=SIZE, parts=heights(0)[1], theme="dark"))


def _paths(drawn: ET.Element, **look: str) -> list[list[str]]:
    """Return the shapes of each path that looks so."""
    found = [
        each for each in drawn.findall(".//{*}path") if look.items() <= {k.replace("-", "_"): v for k, v in each.items()}.items()
    ]
    return [re.findall("M[^M]*", each.attrib["d"]) for each in found]


def test_each_candle_has_a_body_a_wick_and_a_volume_of_its_direction() -> None:
    drawn = _sketch(_candles([10, 12, 11, 13, 12.5, 15]))

    for colour, inside, count in ((UP, "0", 4), (DOWN, "1", 2)):
        wicks, bodies, volumes = _paths(drawn, stroke=colour)
        assert _paths(drawn, stroke=colour, fill_opacity=inside) == [bodies]
        assert [len(wicks), len(bodies), len(volumes)] == [2 * count, count, count]
        assert all(shape.endswith("Z") for shape in bodies + volumes)


def test_higher_is_above_and_later_is_to_the_right() -> None:
    drawn = _sketch(_candles([100, 101, 102, 103]))

    (_, bodies, _) = _paths(drawn, stroke=UP)
    corners = [[float(number) for number in re.findall(r"-?[\d.]+", shape)[:2]] for shape in bodies]
    assert [x for x, _ in corners] == sorted({x for x, _ in corners})
    assert [y for _, y in corners[1:]] == sorted({y for _, y in corners[1:]}, reverse=True)
    assert all(0 <= x <= SIZE[0] and 0 <= y <= SIZE[1] for x, y in corners)


def test_holes_doubt_and_minutes_without_a_trade_are_told_apart() -> None:
    candles = _candles([float(number) for number in range(10, 20)], gap=3)
    candles.loc[2:3, "complete"] = False
    candles.loc[7:8, "volume"] = 0.0

    drawn = _sketch(candles)

    assert [len(band) for band in _paths(drawn, fill=QUIET)] == [1]
    assert [len(band) for band in _paths(drawn, fill=DOUBT)] == [2]
    assert [len(lines) for lines in _paths(drawn, stroke=QUIET)] == [2]
    assert [len(shapes) for shapes in _paths(drawn, stroke=UP)] == [16, 8, 8]


def test_a_title_is_no_markup() -> None:
    drawn = _sketch(_candles([1, 2]), "<script>&'\"")

    assert drawn.findall(".//{*}text")[0].text == "<script>&'\""


@pytest.mark.parametrize("closes", [[1.0], [7.0] * 5, [0.0, 0.0], [1e-9, 2e-9, 1e-9], [1e12, 1.5e12], [-5.0, 5.0]])
def test_all_that_can_be_a_price_is_drawn(closes: list[float]) -> None:
    numbers = re.findall(r"nan|inf", ET.tostring(_sketch(_candles(closes)), encoding="unicode"))

    assert numbers == []


@given(some.floats(-1e12, 1e12), some.floats(0, 1e12))
def test_ticks_are_around_all_prices(low: float, span: float) -> None:
    high = low + span

    ticks = _ticks(low, high, 7)

    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert ticks[-1] > ticks[0]
    assert len(ticks) <= 10


def test_a_calendar_has_a_cell_for_each_day_in_the_colour_of_its_state() -> None:
    symbols, days = ("OKX:BTC-USDT", "SYNTHETIC:LTC-USDT"), tuple(f"2026-11-{day:02}" for day in range(1, 11))
    states = ["complete", "missing", "no trades", "incomplete"]
    cells = pd.DataFrame(
        [
            {"symbol": name, "column": day, "state": states[at % 3 + row]}
            for row, name in enumerate(symbols)
            for at, day in enumerate(days)
        ]
    )

    drawn = ET.fromstring(calendar_sketch(cells, symbols, days, width=1_120, theme="light"))

    counts = cells["state"].value_counts().to_dict()
    assert {state: sum(map(len, _paths(drawn, fill=COLOURS[state]))) for state in states} == counts
    assert [text.text for text in drawn.findall(".//{*}text")][:2] == list(symbols)
    assert {len(_paths(drawn, fill=COLOURS["unprovable"])[0])} == {0}


def test_a_calendar_in_a_narrow_window_goes_from_left_to_right():
    symbols, days = ("SYNTHETIC:LONGESTNAME-USDT",), ("2026-11-01", "2026-11-02")
    cells = pd.DataFrame({"symbol": symbols * 2, "column": days, "state": "missing"})

    drawn = ET.fromstring(calendar_sketch(cells, symbols, days, width=160, theme="light"))

    sides = [
        float(x)
        for shape in _paths(drawn, fill=COLOURS["missing"])[0]
        for x in re.findall(r"M([-\d.]+) [-\d.]+H([-\d.]+)", shape)[0]
    ]
    assert sides == sorted(sides)
    assert 0 <= sides[0] < sides[-1] <= 160
