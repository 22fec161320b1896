"""What the page of the market draws over and below its candles; golden specifications as in golden.py."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from app.charts.fills import fill_rows, fill_table
from app.charts.latency import figures, latencies_ms, latency_chart, latency_rows
from app.charts.lines import last_values, line_rows, places
from app.charts.live_candles import ZOOM, live_spec
from app.charts.rows import chart_rows, newest_row, slim_rows
from app.charts.zone import UTC, zone_at
from market.timeframe import MINUTE_US, Timeframe
from tests.app.charts.golden import check
from tests.app.samples import START_US, SYMBOL, candle, frame
from tests.db.bots import TRADE

M1, NAN = Timeframe.M1, float("nan")
BERLIN = zone_at("Europe/Berlin", START_US)
SPREAD = np.array([5.0, 7.5, 8.0, 9.0, 12.0, 400.0])

SPECS: dict[str, Callable[[], dict[str, Any]]] = {
    "live_candles": lambda: live_spec(SYMBOL, f"{SYMBOL} 1m"),
    "live_candles_with_all": lambda: live_spec(
        SYMBOL, f"{SYMBOL} 1m", zone=BERLIN, lines=(("fast", "slow"), ("rsi",), ("macd", "signal")), fills=True, many=True
    ),
    "latencies": lambda: latency_chart(latency_rows(SPREAD), figures(SPREAD), title="latencies").to_dict(),
}


@pytest.mark.parametrize("name", SPECS)
def test_a_chart_is_what_was_looked_at(name: str) -> None:
    check(name, SPECS[name]())


class TestLiveCandles:
    def test_title_and_axes_are_those_of_the_symbol(self) -> None:
        live_spec(SYMBOL, "another")

        spec = live_spec("KRAKEN:ETH-EUR", 'ETH "5m"', lines=(("fast",), ("rsi",)), fills=True)

        assert spec["title"] == 'ETH "5m"'
        assert set(re.findall('"((?:price|volume) in [^"]*)"', json.dumps(spec))) == {"price in EUR", "volume in ETH"}

    def test_a_tick_changes_only_what_is_of_the_newest_candle(self) -> None:
        spec = json.dumps(live_spec(SYMBOL, "title", lines=(("fast",), ("rsi",)), fills=True))

        assert {name for name in ("closed", "live", "lines", "fills") if f'"data": {{"name": "{name}"}}' in spec} == {
            *("closed", "live", "lines", "fills")
        }

    def test_the_mouse_zooms_along_the_time(self) -> None:
        [zoom] = [each for each in live_spec(SYMBOL, "title")["params"] if each["name"] == ZOOM]

        assert zoom["bind"] == "scales"
        assert zoom["select"] == {"encodings": ["x"], "type": "interval"}

    def test_the_newest_row_is_that_of_the_whole_chart(self) -> None:
        candles = frame(candle(1), candle(2), candle(3, final=False))
        rows = chart_rows(candles, M1, zone=BERLIN)
        whole = rows[rows["last"].astype("bool")]

        newest = newest_row(candles, M1, zone=BERLIN)

        assert len(newest) == len(whole) == 1
        assert {name: newest[name].iloc[0] for name in newest} == {name: whole[name].iloc[0] for name in newest}

    def test_times_are_those_of_the_zone(self) -> None:
        row = newest_row(frame(candle(1)), M1, zone=BERLIN).iloc[0]

        assert row["label"] == "2024-08-09 01:55"
        assert row["span"] == "2024-08-09 01:54 to 2024-08-09 01:55 Europe/Berlin"
        assert "time in Europe/Berlin (UTC+02:00)" in json.dumps(live_spec(SYMBOL, "title", zone=BERLIN))

    def test_slim_rows_say_the_same_and_the_browser_makes_the_words(self) -> None:
        rows = chart_rows(frame(candle(1), candle(4)), M1)

        slim = slim_rows(rows)

        assert set(rows) - set(slim) == {"label", "span"}
        assert all(slim[name].astype("object").equals(rows[name].astype("object")) for name in ("kind", "origin", "revision"))
        assert "' to '" in json.dumps(live_spec(SYMBOL, "title"))

    def test_rows_are_known_by_their_place_so_that_shapes_in_the_browser_are_used_again(self) -> None:
        rows = slim_rows(chart_rows(frame(candle(1), candle(2), candle(4)), M1))

        assert rows["slot"].tolist() == list(range(len(rows)))
        assert json.dumps(live_spec(SYMBOL, "title")).count('"key": {"field": "slot", "type": "nominal"}') == 17

    def test_a_window_is_covered_whole(self) -> None:
        rows = chart_rows(frame(candle(5)), M1, cover_us=(START_US, START_US + 90 * MINUTE_US))

        cover = rows[rows["kind"] == "frame"].iloc[0]
        assert [cover["begin"].timestamp(), cover["end"].timestamp()] == [START_US / 1e6, START_US / 1e6 + 5_400]


class TestLines:
    candles = frame(*(candle(minute) for minute in (1, 2, 3, 6, 7)))

    def test_what_moves_with_the_price_lies_over_it(self) -> None:
        series = {
            "mean": np.array([NAN, 101.0, 101.0, 101.5, 100.5]),
            "rsi": np.array([100.0, 101.0, 102.0, 101.0, 100.0]),
            "spread": np.array([0.1, 0.2, -0.3, 0.1, 0.2]),
            "count": np.array([1e6, 2e6, 1e6, 1e6, 1e6]),
            "unknown": np.full(5, NAN),
        }

        assert places(series, self.candles) == (("mean",), ("rsi",), ("spread",), ("count",))

    def test_what_is_of_like_size_shares_a_panel(self) -> None:
        series = {"macd": np.full(5, 0.5), "signal": np.full(5, 0.2), "histogram": np.full(5, -0.3)}

        assert places(series, self.candles) == ((), ("macd", "signal", "histogram"))

    def test_no_more_lines_are_in_a_place_than_colours(self) -> None:
        series = {f"mean {number}": np.full(5, 101.0) for number in range(9)}

        assert len(places(series, self.candles)[0]) == 6

    def test_a_line_begins_behind_the_warm_up_and_breaks_at_a_hole(self) -> None:
        rows = line_rows({"mean": np.array([NAN, 2.0, 3.0, 4.0, 5.0])}, self.candles["timestamp"], (("mean",),), M1)

        minutes = [(moment.timestamp() - START_US / 1e6) / 60 for moment in rows["begin"]]
        assert minutes == [1.5, 2.5, 4.5, 5.5, 6.5]
        assert rows["value"].fillna(-1).tolist() == [2.0, 3.0, -1.0, 4.0, 5.0]
        assert set(rows["name"]) == {"mean"}

    def test_a_value_inside_that_is_missing_breaks_a_line_too(self) -> None:
        rows = line_rows({"x": np.array([1.0, np.inf, 3.0, 4.0, 5.0])}, self.candles["timestamp"], ((), ("x",)), M1)

        assert rows["value"].isna().tolist() == [False, True, False, True, False, False]
        assert set(rows["place"]) == {1}

    def test_no_lines_are_no_rows(self) -> None:
        assert list(line_rows({}, self.candles["timestamp"], ((),), M1).columns) == ["begin", "value", "name", "place"]

    def test_the_last_values_are_told(self) -> None:
        series = {"fast": np.array([1.0, 2.25]), "slow": np.array([3.5, NAN]), "other": np.array([1.0, 1.0])}

        assert last_values(series, (("fast",), ("slow",))) == "fast 2.25, slow 3.5"


class TestFills:
    sold = replace(
        TRADE, number=7, side="sell", price=Decimal("30000.10"), size=Decimal("0.50"), profit=Decimal("12.5"), caught_up=False
    )

    def test_a_fill_lies_in_the_middle_of_its_minute(self) -> None:
        row = fill_rows([("trend", self.sold)], zone=BERLIN).iloc[0]

        assert f"{row['begin']:%H:%M:%S}" == "01:54:30"
        assert (row["price"], row["side"], row["bot"]) == (30_000.1, "sell", "trend")
        assert row["told"] == "sell 0.5 BTC at 30000.1 USDT (trade 7)"
        assert row["at"] == "2024-08-09 01:55 Europe/Berlin"
        assert row["result"] == "+12.5000 USDT before fees"
        assert row["late"].startswith("no")

    def test_what_opened_a_position_has_no_result(self) -> None:
        row = fill_rows([("trend", TRADE)]).iloc[0]

        assert row["result"] == "opened, nothing yet"
        assert row["late"].startswith("yes")

    def test_what_was_won_in_a_currency_of_which_one_is_much_keeps_its_digits(self) -> None:
        won = replace(self.sold, symbol="OKX:ETH-BTC", profit=Decimal("0.00042"))

        assert fill_rows([("trend", won)])["result"].tolist() == ["+0.00042000 BTC before fees"]
        assert fill_table([("trend", won)])["P&L"].tolist() == ["+0.00042000"]

    def test_a_large_amount_has_two_decimals(self) -> None:
        assert fill_table([("trend", replace(self.sold, profit=Decimal("1234.5")))])["P&L"].tolist() == ["+1,234.50"]

    def test_no_fills_are_no_rows(self) -> None:
        assert fill_rows([], zone=UTC).empty
        assert fill_table([]).empty

    def test_the_table_begins_with_the_newest(self) -> None:
        table = fill_table([("a", TRADE), ("b", self.sold)])

        assert table["bot"].tolist() == ["b", "a"]
        assert table["P&L"].tolist() == ["+12.5000", "–"]


class TestLatencies:
    def test_they_are_the_difference_of_two_clocks(self) -> None:
        found = latencies_ms(np.array([1_000_000, 2_000_000]), np.array([1_005_500, 1_999_000]))

        assert found.tolist() == [5.5, -1.0]
        assert figures(found).negative == 1

    def test_their_figures(self) -> None:
        found = figures(np.arange(1.0, 102.0))

        assert (found.count, found.low, found.median, found.p95, found.p99, found.high) == (101, 1.0, 51.0, 96.0, 100.0, 101.0)

    def test_each_trade_is_in_one_bar_and_the_last_one_tells_of_those_that_took_long(self) -> None:
        spread = np.append(np.linspace(1.0, 50.0, 999), 60_000.0)

        rows = latency_rows(spread)

        assert rows["trades"].sum() == 1_000
        assert rows["high"].max() < 100.0
        assert rows["told"].iloc[-1].endswith("and longer, up to 60,000.0 ms")

    @pytest.mark.parametrize("spread", [[], [3.0], [3.0, 3.0], [-2.0, -2.0]])
    def test_few_or_equal_ones_make_a_chart(self, spread: list[float]) -> None:
        some = np.array(spread)

        assert latency_chart(latency_rows(some), figures(some), title="few").to_dict()
        assert latency_rows(some)["trades"].sum() == len(spread)


def test_what_is_empty_has_the_types_of_what_is_not() -> None:
    assert isinstance(fill_rows([])["begin"].dtype, pd.DatetimeTZDtype)
