from typing import Any

import altair as alt
import pandas as pd
import pytest
import vl_convert

from app.charts.candles import DOWN, UP, candle_chart
from app.charts.house import PRICE_FORM
from app.charts.rows import MAX_BARS, chart_rows, missing_spans
from market.timeframe import Timeframe
from tests.app.samples import START_US, SYMBOL, candle, frame, quiet

M1 = Timeframe.M1


def moment(minute: float) -> pd.Timestamp:
    return pd.Timestamp(START_US, unit="us", tz="UTC") + pd.Timedelta(minutes=minute)


def rows_of_kind(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    return rows[rows["kind"] == kind].reset_index(drop=True)


def spec_of(*candles: Any) -> dict[str, Any]:
    return candle_chart(frame(*candles), M1, symbol=SYMBOL, title="OKX:BTC-USDT 1m · REPLAY").to_dict()


def layers_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    prices, volumes = spec["layer"]
    return [*prices["layer"], volumes]


def test_body_lies_inside_the_span_that_ends_at_the_label() -> None:
    body = rows_of_kind(chart_rows(frame(candle(1)), M1), "traded").iloc[0]

    assert (body["begin"], body["end"]) == (moment(0), moment(1))
    assert body["begin"] < body["left"] < body["middle"] < body["right"] < body["end"]
    assert body["label"] == "2024-08-08 23:55"
    assert body["span"] == "2024-08-08 23:54 to 2024-08-08 23:55 UTC"


def test_every_candle_is_one_row_and_says_whether_it_rose() -> None:
    traded = rows_of_kind(chart_rows(frame(candle(1), candle(2), candle(3)), M1), "traded")

    assert list(traded["direction"]) == ["down", "up", "down"]
    assert list(traded["top"]) == [102.0, 102.0, 102.0]
    assert list(traded["bottom"]) == [100.0, 100.0, 100.0]
    assert list(traded["last"]) == [False, False, True]


def test_missing_candles_are_one_hole_without_prices() -> None:
    hole = rows_of_kind(chart_rows(frame(candle(1), candle(5), candle(6)), M1), "hole")

    assert len(hole) == 1
    assert (hole["begin"][0], hole["end"][0]) == (moment(1), moment(4))
    assert hole[["open", "high", "low", "close", "volume"]].isna().all(axis=None)
    assert hole["standing"][0] == "no data: 3 candles missing"


def test_holes_are_counted_in_candles_of_the_timeframe() -> None:
    hours = frame(candle(0), candle(60), candle(240))

    holes = missing_spans(hours, Timeframe.H1)

    assert list(holes["count"]) == [2]
    assert list(holes["begin"]) == [moment(60)]


def test_minute_without_a_trade_is_not_a_body() -> None:
    rows = chart_rows(frame(candle(1), quiet(2), candle(3)), M1)

    assert list(rows_of_kind(rows, "quiet")["begin"]) == [moment(1)]
    assert len(rows_of_kind(rows, "traded")) == 2
    assert rows_of_kind(rows, "hole").empty


@pytest.mark.parametrize(
    ("complete", "final", "incomplete", "standing"),
    [
        (True, True, False, "complete"),
        (False, True, True, "NOT complete: a known hole inside"),
        (None, True, False, "cannot be proven (the venue's ids do not tell)"),
        (False, False, False, "forming"),
    ],
)
def test_candle_says_how_complete_it_is(complete: bool | None, final: bool, incomplete: bool, standing: str) -> None:
    row = rows_of_kind(chart_rows(frame(candle(1, complete=complete, final=final)), M1), "traded").iloc[0]

    assert (row["incomplete"], row["forming"], row["standing"]) == (incomplete, not final, standing)


def test_untold_number_of_trades_is_told_as_such() -> None:
    assert rows_of_kind(chart_rows(frame(candle(1, trades=None)), M1), "traded")["trades"][0] == "not told"


def test_no_more_bars_are_drawn_than_a_screen_can_show() -> None:
    many = frame(*(candle(minute) for minute in range(MAX_BARS + 5)))

    traded = rows_of_kind(chart_rows(many, M1), "traded")

    assert len(traded) == MAX_BARS
    assert traded["end"].iloc[-1] == moment(MAX_BARS + 4)


def test_few_candles_do_not_fill_the_chart() -> None:
    cover = rows_of_kind(chart_rows(frame(candle(1), candle(2)), M1), "frame").iloc[0]

    assert cover["end"] == moment(3)
    assert cover["begin"] == moment(2 - 40)


def test_no_candles_make_an_empty_chart() -> None:
    nothing = frame(candle(1)).head(0)

    rows = candle_chart(nothing, M1, symbol=SYMBOL, title="empty").to_dict()["datasets"].values()

    assert list(rows) == [[]]


def test_specification_is_valid_and_has_its_layers() -> None:
    spec = spec_of(candle(1), candle(2, complete=False), quiet(3), candle(6, final=False))

    alt.LayerChart.from_dict(spec)  # validates
    assert [layer["mark"]["type"] for layer in layers_of(spec)] == [
        *("rect", "rect", "point", "text"),  # the time covered, the bands, their marks and words
        *("rule", "rule", "rule", "bar", "rule"),  # wicks, quiet minutes, bodies, the last price
        *("rect", "rect"),  # what the mouse finds
        "bar",  # volume
    ]


def test_volume_shares_the_time_axis_and_not_the_price_axis() -> None:
    spec = spec_of(candle(1))

    assert spec["resolve"] == {"scale": {"y": "independent"}}
    assert {layer["encoding"]["x"]["scale"]["type"] for layer in layers_of(spec) if "x" in layer["encoding"]} == {"utc"}


def test_titles_name_the_market_and_tell_that_the_label_is_the_close() -> None:
    spec = spec_of(candle(1))
    *prices, volume = layers_of(spec)

    assert spec["title"] == "OKX:BTC-USDT 1m · REPLAY"
    assert {layer["encoding"]["y"]["title"] for layer in prices if "title" in layer["encoding"].get("y", {})} == {"price in USDT"}
    assert volume["encoding"]["y"]["title"] == "volume in BTC"
    assert "label is the close" in volume["encoding"]["x"]["title"]
    assert "UTC" in volume["encoding"]["x"]["title"]


def test_tooltip_tells_all_of_a_candle() -> None:
    told = next(layer["encoding"]["tooltip"] for layer in layers_of(spec_of(candle(1))) if "tooltip" in layer["encoding"])

    fields = ["label", "span", "open", "high", "low", "close", "volume", "trades", "standing", "origin", "revision"]
    assert [one["field"] for one in told] == fields
    assert {one["format"] for one in told if "format" in one} == {PRICE_FORM}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (63_867.123456, "63,867.123456"),
        (123_456.789, "123,456.789"),
        (1.234e-9, "0.000000001234"),
        (12.340000000000002, "12.34"),
        (0.0, "0"),
    ],
)
def test_tooltip_tells_prices_with_the_digits_that_they_have(value: float, text: str) -> None:
    rows = pd.DataFrame({"price": [value]})
    drawn = alt.Chart(rows).mark_text().encode(text=alt.Text("price:Q", format=PRICE_FORM))

    assert f">{text}<" in vl_convert.vegalite_to_svg(drawn.to_json())


def test_nothing_is_told_by_colour_alone() -> None:
    bodies = next(layer for layer in layers_of(spec_of(candle(1))) if "strokeDash" in layer["encoding"])["encoding"]

    assert bodies["fill"]["scale"] == {"domain": ["up", "down"], "range": [UP, DOWN]}
    assert bodies["fillOpacity"] == {"condition": [{"test": "datum.direction == 'down'", "value": 1.0}], "value": 0.0}
    assert bodies["strokeDash"] == {"condition": [{"test": "datum.forming", "value": [3, 2]}], "value": [1, 0]}
