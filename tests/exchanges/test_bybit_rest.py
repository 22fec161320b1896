"""Bybit's REST answers against documented ones: clock, symbols, trades and refusals."""

import pytest

from exchanges.base import Instrument, Request
from market.errors import WireError
from market.trade import Side, Trade
from tests.exchanges.asking import last_answer
from tests.exchanges.bybit_data import (
    BTC,
    DOCUMENTED,
    LINEAR,
    LINEAR_BTC,
    NOW,
    SPOT,
    UUID_NUMBER,
    answer,
    execution,
    listing,
)


def test_the_clock_is_read_in_microseconds():
    assert SPOT.server_time() == Request("/v5/market/time")
    assert SPOT.parse_server_time(answer({"timeSecond": "1688639403", "timeNano": "1688639403423213947"})) == 1688639403423213


@pytest.mark.parametrize("body", [b"", b"{}", answer({}), answer({"timeNano": "soon"}), answer({"timeNano": "-1"}), answer(None)])
def test_an_answer_without_a_clock_is_refused(body):
    with pytest.raises(WireError):
        SPOT.parse_server_time(body)


def test_all_symbols_of_a_category_are_asked_for_in_one_page():
    assert [dict(venue.instruments().params) for venue in (SPOT, LINEAR)] == [
        {"category": category, "status": "Trading", "limit": "1000"} for category in ("spot", "linear")
    ]


def test_spot_pairs_are_read_with_their_steps():
    listed = {
        "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "status": "Trading", "priceFilter": {"tickSize": "0.10"},
        "lotSizeFilter": {"basePrecision": "0.000001", "minOrderAmt": "5"},
    }  # fmt: skip
    body = listing(
        listed, listed | {"symbol": "X", "baseCoin": ""}, listed | {"symbol": "ETHUSDT", "baseCoin": "ETH", "status": "Halt"}
    )

    assert SPOT.parse_instruments(body) == [
        Instrument(BTC, "0.1", "0.000001", "live"), Instrument("BYBIT:ETH-USDT", "0.1", "0.000001", "halt"),
    ]  # fmt: skip


def test_perpetuals_are_read_and_dated_futures_left_out():
    listed = {
        "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "baseCoin": "BTC", "quoteCoin": "USDT", "status": "Trading",
        "priceFilter": {"tickSize": "0.10"}, "lotSizeFilter": {"qtyStep": "0.001", "minOrderQty": "0.001"},
    }  # fmt: skip
    body = listing(listed, listed | {"symbol": "BTCUSDT-14AUG26"}, listed | {"symbol": "BTCPERP", "quoteCoin": "USDC"})

    assert LINEAR.parse_instruments(body) == [
        Instrument(LINEAR_BTC, "0.1", "0.001", "live"), Instrument("BYBITLINEAR:BTC-USDC", "0.1", "0.001", "live"),
    ]  # fmt: skip


@pytest.mark.parametrize(("venue", "limit"), [(SPOT, "60"), (LINEAR, "1000")])
def test_the_newest_trades_are_handed_on_oldest_first(venue, limit):
    symbol = venue.symbols[0]
    pages = venue.newest_trades(symbol, NOW)
    request = next(pages)
    rows = execution(execId="20f43950-d8dd-5b31-9112-a178eb6023af", isBlockTrade=True), execution(execId="8", side="Sell")
    found = last_answer(pages, listing(*rows))

    assert request == Request("/v5/market/recent-trade", (("category", venue.category), ("symbol", "BTCUSDT"), ("limit", limit)))
    assert found == [
        Trade(symbol, 8, 16618.49, 0.00012, Side.SELL, 1672052955758000, NOW),
        Trade(symbol, UUID_NUMBER, 16618.49, 0.00012, Side.BUY, 1672052955758000, NOW),
    ]


def test_a_trade_has_the_same_id_on_the_stream_and_over_rest():
    pages = LINEAR.newest_trades(LINEAR_BTC, NOW)
    next(pages)
    [over_rest] = last_answer(pages, listing(execution(execId="20f43950-d8dd-5b31-9112-a178eb6023af")))
    [streamed] = LINEAR.parse(DOCUMENTED, NOW)

    assert over_rest.trade_id == streamed.trade_id


@pytest.mark.parametrize(
    "changes", [{"symbol": "ETHUSDT"}, {"price": "0"}, {"size": "NaN"}, {"side": "buy"}, {"time": "-1"}, {"execId": ""}]
)
def test_an_answer_with_a_trade_that_cannot_be_is_refused(changes):
    pages = SPOT.newest_trades(BTC, NOW)
    next(pages)

    with pytest.raises(WireError):
        pages.send(listing(execution(), execution(**changes)))


def test_a_range_of_ids_is_what_the_newest_page_has_of_it():
    pages = SPOT.trades(BTC, 5, 8, NOW)
    request = next(pages)
    found = last_answer(pages, listing(*(execution(execId=number) for number in ("8", "3", "6", "9"))))

    assert request.path == "/v5/market/recent-trade"
    assert [trade.trade_id for trade in found] == [6, 8]


RESET = {"x-bapi-limit-status": "0", "x-bapi-limit-reset-timestamp": "1672053055858"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "transient", "wait", "words"),
    [
        (200, RESET, answer({}, 10006, "Too many visits!"), True, 1.5, "10006 Too many visits!"),
        (200, RESET | {"x-bapi-limit-reset-timestamp": "1672053054000"}, answer({}, 10006), True, 0.0, "10006"),
        (200, {"x-bapi-limit-reset-timestamp": "²"}, answer({}, 10006), True, None, "10006"),
        (200, {"x-bapi-limit-reset-timestamp": "²", "retry-after": "3"}, answer({}, 10006), True, 3.0, "10006"),
        (429, RESET | {"retry-after": "3"}, answer({}, 10006), True, 3.0, "10006"),
        (200, RESET, answer({}, 10006, time=0), True, None, "10006"),
        (429, {"retry-after": "3"}, b"", True, 3.0, "HTTP 429"),
        (403, {}, b"403, access too frequent", True, 600.0, "HTTP 403"),
        (403, {}, answer({}, 10018, "Access too frequent"), True, 600.0, "10018"),
        (403, {}, b"The Amazon CloudFront distribution is configured to block access from your country", False, None, "HTTP 403"),
        (200, {}, answer({}, 10016, "Internal System Error."), True, None, "10016"),
        (200, {}, answer({}, 10001, "params error: symbol invalid"), False, None, "10001 params error: symbol invalid"),
        (200, {}, answer({}, 10009, "IP has been banned."), False, None, "10009"),
        (404, {}, b"", False, None, "HTTP 404"),
        (502, {}, b"<html>Bad gateway</html>", True, None, "HTTP 502"),
        (500, {}, listing(), True, None, "HTTP 500"),
    ],
)  # fmt: skip
def test_a_refusal_is_judged_by_its_code_and_status(status, headers, body, transient, wait, words):
    refusal = SPOT.refusal(status, headers, body)

    assert (refusal.transient, refusal.retry_after_seconds) == (transient, wait)
    assert words in str(refusal)


@pytest.mark.parametrize("body", [listing(), answer({"timeNano": "1"})])
def test_a_good_answer_is_no_refusal(body):
    assert SPOT.refusal(200, {}, body) is None
