"""Bybit's candles over REST: which pages are asked for, and what their rows mean."""

import pytest

from exchanges.base import Request
from market.candle import Candle, Origin
from market.errors import InputError
from market.timeframe import Timeframe
from market.window import Window
from tests.exchanges.asking import last_answer
from tests.exchanges.bybit_data import BTC, LINEAR, LINEAR_BTC, MINUTE, NOW, SPOT, listing


def bar(open_ms: int) -> list[str]:
    return [str(open_ms), "17071", "17073", "17027", "17055.5", "268.611", "15744.62667"]


def test_candles_are_labelled_by_their_close_and_come_oldest_first():
    start = 1_670_601_600_000
    pages = SPOT.candles(BTC, Timeframe.M1, Window(start * 1000, (start + 3 * MINUTE) * 1000))
    request = next(pages)
    found = last_answer(pages, listing(bar(start + 2 * MINUTE), bar(start + MINUTE), bar(start)))

    assert request == Request(
        "/v5/market/kline",
        (
            ("category", "spot"), ("symbol", "BTCUSDT"), ("interval", "1"), ("start", str(start)),
            ("end", str(start + 3 * MINUTE - 1)), ("limit", "1000"),
        ),
    )  # fmt: skip
    assert found == [
        Candle(
            BTC, Timeframe.M1, (open_ms + MINUTE) * 1000, 17071.0, 17073.0, 17027.0, 17055.5, 268.611, 15744.62667,
            trades=None, taker_buy_volume=None, origin=Origin.EXCHANGE,
        )
        for open_ms in (start, start + MINUTE, start + 2 * MINUTE)
    ]  # fmt: skip


def test_a_candle_that_ends_after_the_window_and_one_that_was_not_asked_for_are_left_out():
    start = 1_670_601_600_000
    pages = SPOT.candles(BTC, Timeframe.M1, Window(start * 1000, (start + 90_000) * 1000))
    next(pages)
    found = last_answer(pages, listing(bar(start + MINUTE), bar(start), bar(start - MINUTE)))

    assert [candle.open_us // 1000 - start for candle in found] == [0]


def test_a_long_window_is_asked_for_a_thousand_candles_at_a_time():
    start = 1_670_601_600_000
    pages = LINEAR.candles(LINEAR_BTC, Timeframe.M1, Window(start * 1000, (start + 1500 * MINUTE) * 1000))
    asked = [dict(next(pages).params)]
    asked.append(dict(pages.send(listing(*(bar(start + number * MINUTE) for number in range(999, -1, -1)))).params))
    found = last_answer(pages, listing(*(bar(start + number * MINUTE) for number in range(1499, 999, -1))))

    assert [(int(each["start"]) - start, int(each["end"]) - start) for each in asked] == [
        (0, 1000 * MINUTE - 1), (1000 * MINUTE, 1500 * MINUTE - 1),
    ]  # fmt: skip
    assert [candle.open_us // 1000 - start for candle in found] == [number * MINUTE for number in range(1500)]


def test_a_row_of_the_next_page_does_not_come_twice():
    start = 1_670_601_600_000
    pages = SPOT.candles(BTC, Timeframe.M1, Window(start * 1000, (start + 1001 * MINUTE) * 1000))
    next(pages)
    found = last_answer(pages, listing(bar(start + 1000 * MINUTE), bar(start)), listing(bar(start + 1000 * MINUTE), bar(start)))

    assert [candle.open_us // 1000 - start for candle in found] == [0, 1000 * MINUTE]


def test_an_empty_page_does_not_end_the_paging():
    start = 1_670_601_600_000
    pages = SPOT.candles(BTC, Timeframe.M1, Window(start * 1000, (start + 1001 * MINUTE) * 1000))
    next(pages)
    found = last_answer(pages, listing(), listing(bar(start + 1000 * MINUTE)))

    assert len(found) == 1


@pytest.mark.parametrize(
    ("timeframe", "interval"),
    [
        ("1m", "1"), ("5m", "5"), ("15m", "15"), ("30m", "30"), ("1h", "60"), ("4h", "240"), ("12h", "720"), ("1d", "D"),
        ("1w", "W"),
    ],
)  # fmt: skip
def test_intervals_have_the_venues_names(timeframe, interval):
    request = next(SPOT.candles(BTC, Timeframe(timeframe), Window(0, NOW)))

    assert dict(request.params)["interval"] == interval


def test_seconds_cannot_be_had():
    with pytest.raises(InputError, match="no 1s candles"):
        next(SPOT.candles(BTC, Timeframe.S1, Window(0, NOW)))
