"""Coinbase's REST codec against documented answers: clock, products, trades, candles and refusals."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges import Coinbase
from exchanges.base import Instrument, Request
from exchanges.coinbase_rest import moment_of
from market.candle import Candle, Origin
from market.clock import to_datetime
from market.errors import InputError, WireError
from market.timeframe import Timeframe
from market.trade import Side, Trade
from market.window import Window
from tests.exchanges.asking import last_answer

BTC = "COINBASE:BTC-USD"
CODEC = Coinbase([BTC])
NOW = 1_700_000_000_000_000
MINUTE = 1_700_000_040  # a full minute, in seconds
FEW = Window(MINUTE * 1_000_000, (MINUTE + 180) * 1_000_000)


def row(number: int, **changes: object) -> dict[str, object]:
    made = {"trade_id": number, "side": "sell", "size": "0.01000000", "price": "10.00000000", "time": "2014-11-07T22:19:28.578544Z"}
    return made | changes


def body(*rows: object) -> bytes:
    return json.dumps(list(rows)).encode()


def test_the_clock_is_read_in_microseconds():
    assert CODEC.server_time() == Request("/time")
    assert CODEC.parse_server_time(b'{"iso":"2015-01-07T23:47:25.201Z","epoch":1420674445.201}') == 1420674445201000


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b'{"iso":"soon","epoch":1}', b'{"iso":5}', b'{"epoch":1420674445.201}'])
def test_an_answer_without_a_clock_is_refused(answer):
    with pytest.raises(WireError):
        CODEC.parse_server_time(answer)


PRODUCT = {
    "id": "BTC-USD", "base_currency": "BTC", "quote_currency": "USD", "quote_increment": "0.01000000",
    "base_increment": "0.00000001", "status": "online", "trading_disabled": False, "cancel_only": False, "post_only": False,
    "limit_only": False,
}  # fmt: skip


def test_products_are_read_and_auctions_left_out():
    eth = PRODUCT | {"id": "ETH-USD", "base_currency": "ETH"}
    auction = PRODUCT | {"id": "BTCAUCTION-USD", "cancel_only": True}

    assert CODEC.instruments() == Request("/products")
    assert CODEC.parse_instruments(body(PRODUCT, eth, auction)) == [
        Instrument(BTC, "0.01", "0.00000001", "live"), Instrument("COINBASE:ETH-USD", "0.01", "0.00000001", "live"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": "delisted"}, "delisted"), ({"trading_disabled": True}, "trading_disabled"),
        ({"cancel_only": True}, "cancel_only"), ({"post_only": True}, "post_only"), ({"limit_only": True}, "live"),
        ({"status": "Offline", "post_only": True}, "offline"),
    ],
)  # fmt: skip
def test_a_product_that_cannot_be_traded_says_why(changes, status):
    assert [each.status for each in CODEC.parse_instruments(body(PRODUCT | changes))] == [status]


def test_the_newest_trades_are_handed_on_oldest_first_with_the_takers_side():
    pages = CODEC.newest_trades(BTC, NOW)
    request = next(pages)

    assert request == Request("/products/BTC-USD/trades", (("limit", "1000"),))
    assert last_answer(pages, body(row(75, side="buy"), row(74))) == [
        Trade(BTC, number, 10.0, 0.01, side, 1415398768578544, NOW) for number, side in ((74, Side.BUY), (75, Side.SELL))
    ]


def test_a_range_of_ids_is_asked_for_from_its_end():
    pages = CODEC.trades(BTC, 100, 2599, NOW)
    asked = [dict(next(pages).params)]
    asked += [dict(pages.send(body(*(row(number) for number in range(start, start - 1000, -1)))).params) for start in (2599, 1599)]
    found = last_answer(pages, body(*(row(number) for number in range(599, 99, -1))))

    assert asked == [{"after": "2600", "limit": "1000"}, {"after": "1600", "limit": "1000"}, {"after": "600", "limit": "500"}]
    assert [trade.trade_id for trade in found] == list(range(100, 2600))


@pytest.mark.parametrize(
    "answer", [body(), body(row(99)), body(row(120), row(99))], ids=["nothing", "the same again", "newer ones"]
)
def test_paging_ends_when_the_venue_makes_no_progress(answer):
    pages = CODEC.trades(BTC, 10, 98, NOW)
    next(pages)

    assert last_answer(pages, answer) == []


def test_ids_that_the_venue_does_not_have_are_absent():
    pages = CODEC.trades(BTC, 5, 8, NOW)
    next(pages)

    assert [trade.trade_id for trade in last_answer(pages, body(row(8), row(6), row(4), row(3)))] == [6, 8]


def test_a_short_page_is_followed_by_the_next():
    pages = CODEC.trades(BTC, 1, 5, NOW)
    next(pages)
    second = pages.send(body(row(5), row(4)))

    assert dict(second.params) == {"after": "4", "limit": "3"}
    assert [trade.trade_id for trade in last_answer(pages, body(row(3), row(1)))] == [1, 3, 4, 5]


@pytest.mark.parametrize(
    "changes", [{"price": "0"}, {"size": "NaN"}, {"time": "2014-11-31T22:19:28Z"}, {"side": "SELL"}, {"trade_id": -1}]
)
def test_a_page_with_a_trade_that_cannot_be_is_refused(changes):
    pages = CODEC.newest_trades(BTC, NOW)
    next(pages)
    with pytest.raises(WireError):
        pages.send(body(row(1), row(2, **changes)))


def bar(second: int) -> list[float]:
    return [second, 0.32, 4.2, 0.35, 4.0, 12.3]


def candle(second: int) -> Candle:
    close_us = (second + 60) * 1_000_000
    return Candle(
        BTC, Timeframe.M1, close_us, 0.35, 4.2, 0.32, 4.0, 12.3, quote_volume=None, trades=None, taker_buy_volume=None,
        origin=Origin.EXCHANGE,
    )  # fmt: skip


def test_candles_are_labelled_by_their_close_and_come_oldest_first():
    pages = CODEC.candles(BTC, Timeframe.M1, FEW)
    request = next(pages)

    assert request == Request(
        "/products/BTC-USD/candles", (("granularity", "60"), ("start", str(MINUTE)), ("end", str(MINUTE + 120)))
    )
    assert last_answer(pages, body(bar(MINUTE + 120), bar(MINUTE))) == [candle(MINUTE), candle(MINUTE + 120)]


def test_rows_outside_the_window_are_left_out_the_forming_one_too():
    pages = CODEC.candles(BTC, Timeframe.M1, Window(FEW.start_us + 1, FEW.end_us - 1))
    request = next(pages)

    assert dict(request.params) == {"granularity": "60", "start": str(MINUTE + 60), "end": str(MINUTE + 60)}
    assert last_answer(pages, body(*(bar(MINUTE + second) for second in (180, 120, 60, 0, -60)))) == [candle(MINUTE + 60)]


def test_no_more_than_300_candles_are_asked_for_at_once_and_an_empty_page_is_no_end():
    pages = CODEC.candles(BTC, Timeframe.M1, Window(MINUTE * 1_000_000, (MINUTE + 700 * 60) * 1_000_000))
    spans = []
    request = next(pages)
    for answer in (body(), body(bar(MINUTE + 301 * 60))):
        spans.append([int(dict(request.params)[name]) for name in ("start", "end")])
        request = pages.send(answer)
    spans.append([int(dict(request.params)[name]) for name in ("start", "end")])

    assert last_answer(pages, body(bar(MINUTE + 699 * 60))) == [candle(MINUTE + 301 * 60), candle(MINUTE + 699 * 60)]
    assert [((start - MINUTE) // 60, (end - MINUTE) // 60) for start, end in spans] == [(0, 299), (300, 599), (600, 699)]


@pytest.mark.parametrize("width_us", [0, 59_999_999])
def test_a_window_without_a_whole_candle_asks_for_nothing(width_us):
    assert list(CODEC.candles(BTC, Timeframe.M1, Window(FEW.start_us, FEW.start_us + width_us))) == []


@pytest.mark.parametrize(("timeframe", "seconds"), [("1m", "60"), ("5m", "300"), ("15m", "900"), ("1h", "3600"), ("1d", "86400")])
def test_the_width_is_asked_for_in_seconds(timeframe, seconds):
    assert dict(next(CODEC.candles(BTC, Timeframe(timeframe), Window(0, NOW))).params)["granularity"] == seconds


@pytest.mark.parametrize("timeframe", ["1s", "30m", "4h", "12h", "1w"])
def test_a_width_that_the_venue_does_not_have_is_refused_with_those_it_has(timeframe):
    with pytest.raises(InputError, match=f"COINBASE has no {timeframe} candles; it has 1m, 5m, 15m, 1h, 1d"):
        next(CODEC.candles(BTC, Timeframe(timeframe), Window(0, NOW)))


@pytest.mark.parametrize("bad", [[MINUTE, 1, 2, 1, 0, 5], [MINUTE, 1, 2, 1, 1, -5], [-60, 1, 2, 1, 1, 5], [MINUTE, 1, 2, 1, 1]])
def test_a_candle_that_cannot_be_is_refused(bad):
    pages = CODEC.candles(BTC, Timeframe.M1, FEW)
    next(pages)
    with pytest.raises(WireError):
        pages.send(body(bad))


@pytest.mark.parametrize(
    ("status", "answer", "transient", "words"),
    [
        (429, b'{"message":"Public rate limit exceeded"}', True, "Public rate limit exceeded"),
        (404, b'{"message":"NotFound"}', False, "NotFound"),
        (400, b'{"message":"Unsupported granularity"}', False, "Unsupported granularity"),
        (403, b"Forbidden", False, "HTTP 403"),
        (500, b'{"message":"Internal server error"}', True, "Internal server error"),
        (503, b"<html>", True, "HTTP 503"),
        (400, b'{"message":5}', False, "HTTP 400"),
    ],
)
def test_a_refusal_is_judged_by_its_status(status, answer, transient, words):
    refusal = CODEC.refusal(status, {}, answer)

    assert refusal.transient is transient
    assert words in str(refusal)


def test_a_good_answer_is_no_refusal():
    assert CODEC.refusal(200, {}, body()) is None


def test_the_budget_stays_inside_ten_a_second_and_fifteen_at_once():
    [budget] = Coinbase.budgets.values()

    assert budget.burst < 15
    assert budget.per_second < 10


@pytest.mark.parametrize(
    ("text", "moment_us"),
    [
        ("2026-08-09T21:05:59Z", 1_786_309_559_000_000),
        ("2026-08-09T21:05:59.9Z", 1_786_309_559_900_000),
        ("2026-08-09T21:05:59.000001Z", 1_786_309_559_000_001),
        ("2026-08-09T21:05:59.9999999Z", 1_786_309_559_999_999),
        ("2026-08-09T21:05:59.999999999Z", 1_786_309_559_999_999),
        ("1970-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ],
)
def test_what_is_finer_than_a_microsecond_is_cut_off_and_never_rounded(text, moment_us):
    assert moment_of(text) == moment_us


@given(st.integers(0, 253_402_300_799_999_999), st.integers(0, 999))
def test_any_moment_is_read_back(moment_us, nanos):
    text = to_datetime(moment_us).strftime("%H:%M:%S.%f")

    assert moment_of(f"{to_datetime(moment_us).date().isoformat()}T{text}{nanos:03d}Z") == moment_us


@pytest.mark.parametrize(
    "text",
    [
        "", "Z", "2026-08-09", "2026-08-09T21:05Z", "2026-08-09T21:05:59", "2026-08-09T21:05:59.Z", "2026-08-09T21:05:59.1",
        "2026-08-09 21:05:59Z", "2026-08-09T21:05:60Z", "2026-08-09T24:00:00Z", "2026-13-09T21:05:59Z", "2026-02-30T21:05:59Z",
        "2026-08-09T21:05:59.1234567890Z", "2026-08-09T21:05:59.-12Z", "2026-08-09T21:05:59.1 Z", "2026-08-09T21:05:59,1Z",
        "2026-08-09T21:05:59+00:00", "2026-08-09T21:05:59.1+00:00", "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z",
        "２０26-08-09T21:05:59Z", "2026-08-09T21:05:59.١Z", "20260809T21:05:59.12Z", "2026-W32-7T21:05:59Z",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        moment_of(text)


@given(st.text(alphabet="0123456789-T:.Z ", max_size=32))
def test_any_text_is_a_possible_moment_or_refused(text):
    try:
        moment_us = moment_of(text)
    except ValueError:
        return
    assert 0 <= moment_us < 253_402_300_800_000_000
