"""Charts of the page of backtests: in the zone of the screen, and as they were when somebody looked at them. See golden.py."""

import json
from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd
import pytest

from app.charts.compared import compared_chart
from app.charts.drawdown import drawdown_chart, exposure_chart
from app.charts.equity import equity_chart
from app.charts.house import DOUBT, QUIET
from app.charts.parts import curve_rows, hole_rows, trade_rows
from app.charts.search import window_rows
from app.charts.trade_candles import trade_candles_chart, window_around
from app.charts.trades import profit_chart, trade_marks_chart
from app.charts.walk_forward import windows_chart
from app.charts.zone import Zone, zone_at
from market.clock import from_datetime, parse_time
from market.timeframe import Timeframe
from tests.app.charts.golden import check
from tests.app.documents import SYMBOL, document, walk_forward
from tests.app.samples import candle, frame, quiet

TOKYO = zone_at("Asia/Tokyo", parse_time("2024-02-01"))
RUN = document()


def rows_in(zone: Zone) -> tuple[Any, Any, Any, Any]:
    return curve_rows(RUN, zone=zone), hole_rows(RUN, zone=zone), trade_rows(RUN, zone=zone), window_rows(walk_forward(), zone=zone)


CURVE, HOLES, TRADES, WALK = rows_in(TOKYO)
IN_TOKYO: dict[str, Callable[[], Any]] = {
    "equity": lambda: equity_chart(CURVE, HOLES, quote="USDT", windows=WALK[["test_begin"]], zone=TOKYO),
    "drawdown": lambda: drawdown_chart(CURVE, HOLES, zone=TOKYO),
    "exposure": lambda: exposure_chart(CURVE, HOLES, zone=TOKYO),
    "profit": lambda: profit_chart(TRADES, HOLES, quote="USDT", zone=TOKYO),
    "trade_marks": lambda: trade_marks_chart(None, TRADES, HOLES, symbol=SYMBOL, title=SYMBOL, zone=TOKYO),
    "windows": lambda: windows_chart(WALK, zone=TOKYO),
}


@pytest.mark.parametrize("name", IN_TOKYO)
def test_a_chart_of_a_run_names_the_zone_of_the_screen_and_no_other(name: str) -> None:
    told = json.dumps(IN_TOKYO[name]().to_dict())

    assert "time in Asia/Tokyo (UTC+09:00)" in told
    assert "UTC)" not in told.replace("(UTC+09:00)", "")
    assert "in UTC" not in told


def test_windows_are_moved_into_the_zone() -> None:
    assert str(WALK["train_begin"][0]) == "2024-01-01 09:00:00+00:00"
    assert WALK["train_start"][0] == "2024-01-01T00:00:00Z"


# -- new charts ------------------------------------------------------------------------------------------------------

CANDLES = frame(candle(1), candle(2), quiet(3), candle(6, complete=False), candle(7))
TRADE = {
    "number": [1, 2], "side": ["long", "short"], "entry": ["a", "b"], "exit": ["c", "d"], "entry_price": [100.0, 102.0],
    "exit_price": [102.0, 103.0], "profit": [2.0, -1.0], "return": [0.02, -0.01], "reason": ["target-changed", "stop-loss"],
    "chosen": [True, False], "entered": CANDLES["timestamp"].iloc[[0, 2]].tolist(),
    "left": CANDLES["timestamp"].iloc[[1, 4]].tolist(),
}  # fmt: skip
GOLDEN_CHARTS: dict[str, Callable[[], Any]] = {
    "trade_candles": lambda: trade_candles_chart(CANDLES, pd.DataFrame(TRADE), Timeframe.M1, symbol=SYMBOL, title="Trade 1"),
    "compared": lambda: compared_chart({"one": curve_rows(RUN), "two": curve_rows(RUN).assign(equity=[10.0, 11.0, 12.0, 9.0])}),
}


@pytest.mark.parametrize("name", GOLDEN_CHARTS)
def test_a_chart_is_what_was_looked_at(name: str) -> None:
    check(name, GOLDEN_CHARTS[name]().to_dict())


def test_a_profit_in_a_currency_of_which_one_is_much_is_told_with_its_digits() -> None:
    trades = pd.DataFrame({**TRADE, "profit": [0.00042, -0.0001]})

    told = json.dumps(trade_candles_chart(CANDLES, trades, Timeframe.M1, symbol="OKX:ETH-BTC", title="Trade 1").to_dict())

    assert told.count('"format": "+,.8f"') == 2


def test_a_candle_that_is_there_and_not_complete_is_told_from_one_that_is_not_there() -> None:
    spec = GOLDEN_CHARTS["trade_candles"]().to_dict()

    band = spec["layer"][0]
    assert band["transform"] == [{"filter": "datum.kind == 'hole' || datum.incomplete"}]
    assert band["encoding"]["color"] == {"condition": [{"test": "datum.kind == 'hole'", "value": QUIET}], "value": DOUBT}
    assert "grey band: no candle, violet band around one: trades are missing" in spec["title"]["subtitle"][0]


def test_new_charts_can_be_made_of_nothing_and_in_another_zone() -> None:
    empty = trade_candles_chart(CANDLES.head(0), pd.DataFrame(TRADE).head(0), Timeframe.M1, symbol=SYMBOL, title="", zone=TOKYO)
    assert alt.Chart.from_dict(empty.to_dict()) is not None
    assert alt.Chart.from_dict(compared_chart({}, zone=TOKYO).to_dict()) is not None
    told = json.dumps(compared_chart({"one": CURVE}, zone=TOKYO).to_dict())
    assert "time in Asia/Tokyo (UTC+09:00)" in told
    assert "in UTC" not in told


def test_runs_of_any_balance_begin_at_a_hundred() -> None:
    tables = compared_chart({"one": curve_rows(RUN)}).to_dict()["datasets"].values()

    assert [rows[0]["value"] for rows in tables if "value" in rows[0]] == [100.0]


def test_a_long_run_begins_at_its_begin() -> None:
    hours = pd.date_range("2026-01-01", periods=2_000, freq="h", tz="UTC")
    curve = pd.DataFrame({"timestamp": hours, "equity": [1e4, *[5e3] * 1_998, 1e4]})

    [rows] = [rows for rows in compared_chart({"one": curve}).to_dict()["datasets"].values() if "run" in rows[0]]

    assert (rows[0]["timestamp"], rows[0]["value"], rows[-1]["value"]) == ("2026-01-01T00:00:00+00:00", 100.0, 100.0)
    assert len(rows) <= 1_000


def test_a_run_begins_with_its_balance_where_its_curve_does_not() -> None:
    curve = pd.DataFrame({"timestamp": pd.date_range("2026-01-01", periods=2, freq="h", tz="UTC"), "equity": [990.0, 1_100.0]})

    tables = compared_chart({"one": curve}, balances={"one": 1_000.0}).to_dict()["datasets"].values()

    assert [[row["value"] for row in rows] for rows in tables if "run" in rows[0]] == [pytest.approx([99.0, 110.0])]


@pytest.mark.parametrize(
    ("lasted_minutes", "width"), [(10, Timeframe.M1), (1_150, Timeframe.M1), (1_300, Timeframe.M5), (3_000_000, Timeframe.D1)]
)
def test_a_trade_is_shown_on_candles_that_can_be_drawn(lasted_minutes: int, width: Timeframe) -> None:
    entered = pd.Timestamp("2024-01-01", tz="UTC")
    trade = pd.Series({"entered_at": entered, "left_at": entered + pd.Timedelta(minutes=lasted_minutes)})
    wider = [Timeframe.M5, Timeframe.H1, Timeframe.D1]
    if width is Timeframe.D1:
        wider = [Timeframe.D1]

    chosen, start_us, end_us = window_around(trade, Timeframe.M1, wider)

    assert chosen is width
    assert start_us < from_datetime(entered.to_pydatetime()) < end_us
    assert (end_us - start_us) // chosen.width_us <= 2_000 or chosen is Timeframe.D1
