"""Bars and intervals, against cases computed by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.clock import parse_time
from market.timeframe import MINUTE_US
from market.trade import Side, Trade
from replay.bars import HOUR_US, Bar, bar_of_bars, bars_of_trades, parse_interval

SYMBOL = "OKX:BTC-USDT"


def trade(number: int, moment_us: int, price: float, size: float, side: Side = Side.BUY) -> Trade:
    return Trade(SYMBOL, number, price, size, side, moment_us, moment_us)


def test_a_bar_is_what_its_trades_say():
    trades = [trade(7, 0, 10.0, 0.1), trade(8, 5, 12.5, 0.2, Side.SELL), trade(9, 59_999_999, 11.0, 0.3)]

    assert bars_of_trades(trades, MINUTE_US) == [Bar(0, 10.0, 12.5, 10.0, 11.0, 0.6, 6.8, 3, 0.4, 4.3, 7, 9)]


def test_a_trade_on_a_border_begins_the_next_bar():
    bars = bars_of_trades([trade(1, MINUTE_US - 1, 1.0, 1.0), trade(2, MINUTE_US, 2.0, 1.0)], MINUTE_US)

    assert [(bar.open_us, bar.trades) for bar in bars] == [(0, 1), (MINUTE_US, 1)]


def test_a_wide_bar_is_made_of_narrow_ones():
    trades = [trade(number, number * 40_000_000, 10.0 + number % 3, 0.1 * (number + 1)) for number in range(20)]
    minutes = bars_of_trades(trades, MINUTE_US)

    assert [bar_of_bars(0, minutes)] == bars_of_trades(trades, HOUR_US)


@pytest.mark.parametrize(
    ("text", "day_begins_us", "moment", "open_", "next_"),
    [
        ("1m", 0, "2024-08-08T23:54:59.999", "2024-08-08T23:54:00", "2024-08-08T23:55:00"),
        ("4h", 0, "2024-08-08T23:54:00", "2024-08-08T20:00:00", "2024-08-09T00:00:00"),
        ("1d", 0, "2024-08-08T00:00:00", "2024-08-08T00:00:00", "2024-08-09T00:00:00"),
        ("1d", -8 * HOUR_US, "2024-08-08T15:59:59", "2024-08-07T16:00:00", "2024-08-08T16:00:00"),
        ("12h", -8 * HOUR_US, "2024-08-08T15:59:59", "2024-08-08T04:00:00", "2024-08-08T16:00:00"),
        ("4h", -8 * HOUR_US, "2024-08-08T15:59:59", "2024-08-08T12:00:00", "2024-08-08T16:00:00"),
        ("1w", 0, "2024-08-08T12:00:00", "2024-08-05T00:00:00", "2024-08-12T00:00:00"),
        ("1w", -8 * HOUR_US, "2024-08-11T16:00:00", "2024-08-11T16:00:00", "2024-08-18T16:00:00"),
        ("1M", 0, "2024-02-29T23:59:59", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
        ("3M", 0, "2024-12-31T00:00:00", "2024-10-01T00:00:00", "2025-01-01T00:00:00"),
        ("1M", -8 * HOUR_US, "2024-02-29T16:00:00", "2024-02-29T16:00:00", "2024-03-31T16:00:00"),
    ],
)
def test_an_interval_holds_a_moment(text, day_begins_us, moment, open_, next_):
    interval = parse_interval(text, day_begins_us=day_begins_us)
    open_us = interval.open_of(parse_time(moment))

    assert (open_us, interval.next_open(open_us)) == (parse_time(open_), parse_time(next_))


@given(st.sampled_from(["1s", "3m", "2h", "6h", "3d", "1w", "1M", "3M"]), st.integers(0, 4_000_000_000), st.sampled_from([0, -8]))
def test_every_moment_lies_in_the_span_that_holds_it(text, second, begins):
    interval = parse_interval(text, day_begins_us=begins * HOUR_US)
    moment = second * 1_000_000
    open_us = interval.open_of(moment)

    assert open_us <= moment < interval.next_open(open_us)
    assert interval.open_of(interval.next_open(open_us)) == interval.next_open(open_us) == interval.first_open(open_us + 1)
    assert interval.next_open(open_us) - open_us <= interval.longest_us


@pytest.mark.parametrize("text", ["", "m", "1", "0m", "01m", "1y", "1H", "-1m", "1.5m", "１m", "9999m"])
def test_what_is_no_interval_is_told(text):
    assert parse_interval(text) is None
