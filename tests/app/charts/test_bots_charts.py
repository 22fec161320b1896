"""Charts of bots, as they were when somebody looked at the pictures; see golden.py."""

import json
from dataclasses import replace

import altair as alt
import pandas as pd
import pytest

from app.charts.bots import fall_chart, indicator_rows, signal_chart, signal_rows, worth_chart
from app.charts.zone import zone_at
from market.timeframe import MINUTE_US, Timeframe
from tests.app.bots import SIGNAL
from tests.app.charts.golden import check
from tests.app.samples import START_US, SYMBOL, candle, frame, quiet

CANDLES = frame(candle(1), candle(2), quiet(3), candle(5), candle(6))
SIGNALS = [
    replace(SIGNAL, timestamp_us=START_US + MINUTE_US),
    replace(SIGNAL, timestamp_us=START_US + 2 * MINUTE_US, action="hold", acted=False),
    replace(SIGNAL, timestamp_us=START_US + 6 * MINUTE_US, action="sell", acted=False, indicators={"fast": None, "slow": 101.0}),
    replace(SIGNAL, timestamp_us=START_US + 60 * MINUTE_US),
]
CURVE = pd.DataFrame(
    {
        "timestamp": pd.to_datetime([(START_US + minute * MINUTE_US) * 1_000 for minute in range(3)], utc=True),
        "equity": [10_000.0, 10_050.0, 9_900.0],
        "drawdown": [0.0, 0.0, 0.0149],
        "exposure": [0.0, 5_000.0, 4_900.0],
    }
)
CHARTS = {
    "bot_worth": lambda: worth_chart(CURVE, quote="USDT"),
    "bot_fall": lambda: fall_chart(CURVE),
    "bot_signals": lambda: signal_chart(CANDLES, Timeframe.M1, SIGNALS, symbol=SYMBOL, title="what it said"),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_what_was_looked_at(name: str):
    check(name, CHARTS[name]().to_dict())


def test_an_account_in_a_currency_of_which_one_is_much_is_told_with_its_digits():
    told = json.dumps(worth_chart(CURVE.assign(equity=0.5, exposure=0.25), quote="BTC").to_dict())

    assert told.count('"format": ",.8f"') == 2


def test_charts_can_be_made_of_nothing():
    for chart in (
        worth_chart(CURVE.head(0), quote=""), fall_chart(CURVE.head(0)),
        signal_chart(CANDLES.head(0), Timeframe.M1, [], symbol=SYMBOL, title=""),
        signal_chart(CANDLES, Timeframe.M1, [], symbol=SYMBOL, title=""),
    ):  # fmt: skip
        assert alt.Chart.from_dict(chart.to_dict()) is not None


def test_marks_are_signals_that_want_something_on_the_candles_that_are_shown():
    rows = signal_rows(SIGNALS, CANDLES)

    assert rows["action"].tolist() == ["buy", "sell"]
    assert rows["place"].tolist() == [99.0, 103.0]
    assert rows["told"].tolist() == ["fast 101.25, slow 100.5, rsi 71", "slow 101"]
    assert rows["moment"].tolist() == ["2024-08-08 23:55", "2024-08-09 00:00"]


def test_lines_are_the_indicators_that_are_prices():
    rows = indicator_rows(SIGNALS[:3], CANDLES)

    assert sorted(set(rows["name"])) == ["fast", "slow"]


def test_times_are_those_of_the_screen():
    place = zone_at("Asia/Tokyo", START_US)

    assert signal_rows(SIGNALS, CANDLES, place)["moment"].tolist() == ["2024-08-09 08:55", "2024-08-09 09:00"]
    spec = json.dumps(signal_chart(CANDLES, Timeframe.M1, SIGNALS, symbol=SYMBOL, zone=place, title="").to_dict())
    assert "time in Asia/Tokyo (UTC+09:00)" in spec
    assert "time in UTC" not in spec
    assert "time in Asia/Tokyo" in json.dumps(worth_chart(CURVE, quote="USDT", zone=place).to_dict())


def test_no_word_of_a_chart_calls_a_moved_time_utc():
    berlin = zone_at("Europe/Berlin", START_US)

    told = json.dumps(signal_chart(CANDLES, Timeframe.M1, SIGNALS, symbol=SYMBOL, zone=berlin, title="what it said").to_dict())

    assert ' UTC"' not in told
    assert 'Europe/Berlin"' in told
