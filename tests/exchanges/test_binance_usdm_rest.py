"""REST answers of Binance's USD-M futures against documented ones: symbols, trades, candles and refusals."""

import json

import pytest

from exchanges.base import Instrument, Request
from market.candle import Candle, Origin
from market.errors import InputError, WireError
from market.timeframe import Timeframe
from market.trade import Side, Trade
from market.window import Window
from tests.exchanges.asking import answered
from tests.exchanges.binance_usdm_frames import BTC, CODEC, FILLS, NOW


def test_the_clock_is_read_in_microseconds():
    assert CODEC.server_time() == Request("/fapi/v1/time")
    assert CODEC.parse_server_time(b'{"serverTime":1499827319559}') == 1499827319559000


def test_perpetuals_are_listed_and_contracts_that_are_delivered_are_not():
    filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.10"}, {"filterType": "LOT_SIZE", "stepSize": "0.001"}]
    listed = {
        "symbol": "BTCUSDT", "pair": "BTCUSDT", "contractType": "PERPETUAL", "baseAsset": "BTC", "quoteAsset": "USDT",
        "status": "TRADING", "filters": filters,
    }  # fmt: skip
    others = [
        {"symbol": "BTCUSDT_240927", "contractType": "CURRENT_QUARTER"}, {"symbol": "BTCUSD_PERP", "quoteAsset": "USD"},
        {"contractType": ""}, {"filters": []},
    ]  # fmt: skip
    settling = {"symbol": "1000SHIBUSDT", "baseAsset": "1000SHIB", "status": "SETTLING"}
    body = {"symbols": [listed, *(listed | other for other in others), listed | settling]}

    assert CODEC.instruments() == Request("/fapi/v1/exchangeInfo", cost=1)
    assert CODEC.parse_instruments(json.dumps(body).encode()) == [
        Instrument(BTC, "0.1", "0.001", "live"), Instrument("BINANCEUSDM:1000SHIB-USDT", "0.1", "0.001", "settling"),
    ]  # fmt: skip


def aggregates(*ids: int) -> bytes:
    return json.dumps([
        {"a": number, "p": "4.01", "q": "12.5", "nq": "12.5", "f": 10 * number, "l": 10 * number + 2, "T": 1499865549590,
         "m": number % 2 == 0}
        for number in ids
    ]).encode()  # fmt: skip


def fills(*ids: int) -> bytes:
    return json.dumps([
        {"id": number, "price": "4.01", "qty": "12.5", "quoteQty": "50.12", "time": 1499865549590, "isBuyerMaker": number % 2 == 0,
         "isRPITrade": False}
        for number in ids
    ]).encode()  # fmt: skip


def test_the_newest_aggregates_are_handed_on_oldest_first():
    found, asked = answered(CODEC.newest_trades(BTC, NOW), aggregates(28457, 28458))

    assert asked == [Request("/fapi/v1/aggTrades", (("symbol", "BTCUSDT"), ("limit", "1000")), cost=20)]
    assert found == [
        Trade(BTC, 28457, 4.01, 12.5, Side.BUY, 1499865549590000, NOW, 3),
        Trade(BTC, 28458, 4.01, 12.5, Side.SELL, 1499865549590000, NOW, 3),
    ]  # fmt: skip


def test_a_range_of_aggregates_is_asked_for_from_its_begin():
    found, asked = answered(CODEC.trades(BTC, 1, 1500, NOW), aggregates(*range(1, 1001)), aggregates(*range(1001, 1501)))

    assert [(request.path, request.cost) for request in asked] == [("/fapi/v1/aggTrades", 20)] * 2
    assert [dict(request.params) for request in asked] == [
        {"symbol": "BTCUSDT", "fromId": "1", "limit": "1000"},
        {"symbol": "BTCUSDT", "fromId": "1001", "limit": "500"},
    ]
    assert [trade.trade_id for trade in found] == list(range(1, 1501))


@pytest.mark.parametrize(
    ("body", "found"),
    [(aggregates(), []), (aggregates(3), []), (aggregates(10, 12, 30), [10, 12]), (aggregates(500, 501), [])],
    ids=["nothing", "no progress", "some", "all younger"],
)
def test_ids_that_the_venue_does_not_have_are_absent(body, found):
    trades, _ = answered(CODEC.trades(BTC, 10, 20, NOW), body)

    assert [trade.trade_id for trade in trades] == found


def test_an_old_aggregate_with_an_impossible_range_is_refused():
    pages = CODEC.newest_trades(BTC, NOW)
    next(pages)
    with pytest.raises(WireError):
        pages.send(aggregates(1).replace(b'"l": 12', b'"l": 9'))


def test_of_fills_the_newest_page_is_all_that_needs_no_key():
    all_found, newest = answered(FILLS.newest_trades(BTC, NOW), fills(7, 8, 11))
    found, asked = answered(FILLS.trades(BTC, 8, 10, NOW), fills(7, 8, 11))

    assert newest == asked == [Request("/fapi/v1/trades", (("symbol", "BTCUSDT"), ("limit", "1000")), cost=5)]
    assert [(trade.trade_id, trade.count) for trade in all_found] == [(7, 1), (8, 1), (11, 1)]
    assert [trade.trade_id for trade in found] == [8]


def kline(open_ms: int) -> list[object]:
    return [
        open_ms,
        "11419.36",
        "11550.00",
        "11280.50",
        "11417.13",
        "192.970",
        open_ms + 59_999,
        "2198967.67917",
        694,
        "93.555",
        "1063.0",
        "0",
    ]


def test_candles_are_labelled_by_their_close_and_the_forming_one_is_left_out():
    start = 1_499_040_000_000
    window = Window(start * 1000, (start + 150_000) * 1000)
    found, asked = answered(
        CODEC.candles(BTC, Timeframe.M1, window), json.dumps([kline(start + n * 60_000) for n in range(3)]).encode()
    )

    assert [dict(request.params) for request in asked] == [
        {"symbol": "BTCUSDT", "interval": "1m", "startTime": str(start), "endTime": str(start + 149_999), "limit": "4"}
    ]
    assert found == [
        Candle(
            BTC, Timeframe.M1, (open_ms + 60_000) * 1000, 11419.36, 11550.0, 11280.5, 11417.13, 192.97, 2198967.67917, 694, 93.555,
            origin=Origin.EXCHANGE,
        )
        for open_ms in (start, start + 60_000)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("minutes", "limit", "cost"), [(1, 2, 1), (98, 99, 1), (99, 100, 2), (498, 499, 2), (499, 500, 5), (9000, 1000, 5)]
)
def test_a_page_of_candles_costs_what_its_length_does(minutes, limit, cost):
    request = next(CODEC.candles(BTC, Timeframe.M1, Window(0, minutes * 60_000_000)))

    assert (dict(request.params)["limit"], request.cost) == (str(limit), cost)


def test_a_full_page_of_candles_asks_for_the_next():
    start = 1_499_040_000_000
    pages = [[kline(start + number * 60_000) for number in part] for part in (range(1000), range(1000, 1500))]
    window = Window(start * 1000, (start + 1500 * 60_000) * 1000)
    found, asked = answered(CODEC.candles(BTC, Timeframe.M1, window), *(json.dumps(page).encode() for page in pages))

    assert [dict(request.params)["startTime"] for request in asked] == [str(start), str(start + 999 * 60_000 + 1)]
    assert [(dict(request.params)["limit"], request.cost) for request in asked] == [("1000", 5), ("502", 5)]
    assert len(found) == 1500


@pytest.mark.parametrize("timeframe", ["1s", "5s", "15s", "30s"])
def test_candles_that_the_venue_does_not_have_are_refused(timeframe):
    with pytest.raises(InputError, match=f"BINANCEUSDM has no {timeframe} candles; the narrowest is 1m"):
        next(CODEC.candles(BTC, Timeframe(timeframe), Window(0, NOW)))


@pytest.mark.parametrize(
    ("status", "headers", "body", "transient", "wait"),
    [
        (429, {"retry-after": "7"}, b'{"code":-1003,"msg":"Too many requests"}', True, 7.0),
        (418, {"retry-after": "120"}, b'{"code":-1003,"msg":"Way too many requests; IP banned until 1"}', True, 120.0),
        (400, {}, b'{"code":-1121,"msg":"Invalid symbol."}', False, None),
        (400, {}, b'{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}', True, None),
        (200, {}, b'{"code":-1008,"msg":"Server is currently overloaded with other requests."}', True, None),
        (401, {}, b'{"code":-2014,"msg":"API-key format invalid."}', False, None),
        (403, {}, b"<html>WAF</html>", False, None),
        (503, {}, b"", True, None),
        (504, {}, b'{"code":-1007,"msg":"Timeout waiting for response from backend server."}', True, None),
    ],
)
def test_a_refusal_is_judged_by_its_status_and_code(status, headers, body, transient, wait):
    refusal = CODEC.refusal(status, headers, body)

    assert (refusal.venue, refusal.transient, refusal.retry_after_seconds) == ("BINANCEUSDM", transient, wait)


@pytest.mark.parametrize("body", [b"[]", b'{"serverTime":1}', b'{"code":-x'])
def test_a_good_answer_is_no_refusal(body):
    assert CODEC.refusal(200, {}, body) is None


def test_a_minute_at_the_budgets_pace_stays_inside_the_venues_limit():
    [budget] = CODEC.budgets.values()

    assert budget.burst + 60 * budget.per_second < 0.75 * 2400
    assert CODEC.history_seconds < 48 * 3600
