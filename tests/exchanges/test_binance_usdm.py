"""The codec of Binance's USD-M futures against documented frames and answers, with trades computed by hand."""

import json

import pytest

from exchanges import BinanceUsdm
from exchanges.base import Control, ControlKind, Instrument, Request
from market.candle import Candle, Origin
from market.errors import InputError, WireError
from market.timeframe import Timeframe
from market.trade import Side, Trade
from market.window import Window

BTC = "BINANCEUSDM:BTC-USDT"
CODEC = BinanceUsdm([BTC, "BINANCEUSDM:ETH-USDC"])
FILLS = BinanceUsdm([BTC], channel="trade")
NOW = 1_700_000_000_000_000

AGGREGATE = (
    b'{"e":"aggTrade","E":123456789,"s":"BTCUSDT","a":5933014,"p":"0.001","q":"100","nq":"90","f":100,"l":105,'
    b'"T":123456785,"m":true,"st":1}'
)
FILL = (
    b'{"e":"trade","E":1680652700455,"T":1680652700452,"s":"BTCUSDT","t":3535186032,"p":"28145.10","q":"0.002","X":"MARKET",'
    b'"m":false}'
)
PLACEHOLDER = (
    b'{"e":"trade","E":1785780046072,"T":1785780046071,"s":"BTCUSDT","t":7950493454,"p":"0","q":"0","X":"NA","m":true,"st":1}'
)
SHUTDOWN = b'{"e":"serverShutdown","E":1770123456789}'


def changed(frame: bytes, **changes: object) -> bytes:
    return json.dumps(json.loads(frame) | changes).encode()


def without(frame: bytes, name: str) -> bytes:
    return json.dumps({key: value for key, value in json.loads(frame).items() if key != name}).encode()


def combined(inner: bytes, stream: bytes = b"btcusdt@aggTrade") -> bytes:
    return b'{"stream":"%s","data":%s}' % (stream, inner)


@pytest.mark.parametrize("frame", [AGGREGATE, combined(AGGREGATE), without(without(AGGREGATE, "nq"), "st")])
def test_an_aggregate_is_numbered_by_its_own_id_and_counts_its_fills(frame):
    assert CODEC.parse(frame, NOW) == [Trade(BTC, 5933014, 0.001, 100.0, Side.SELL, 123456785000, NOW, 6, 1)]


def test_a_hole_in_the_fills_between_two_aggregates_is_no_hole_in_the_trades():
    after = changed(AGGREGATE, a=5933015, f=108, l=108)
    first, second = (CODEC.parse(frame, NOW)[0] for frame in (AGGREGATE, after))

    assert second.first_id == first.trade_id + 1
    assert CODEC.provable


@pytest.mark.parametrize("frame", [FILL, combined(FILL, b"btcusdt@trade"), without(FILL, "X"), changed(FILL, st=1)])
def test_a_fill_is_read_and_the_makers_flag_gives_the_takers_side(frame):
    assert FILLS.parse(frame, NOW) == [Trade(BTC, 3535186032, 28145.1, 0.002, Side.BUY, 1680652700452000, NOW)]
    assert not FILLS.provable


@pytest.mark.parametrize("kind", ["INSURANCE_FUND", "ADL", "NA", "SOMETHING_NEW"])
def test_what_is_no_market_trade_counts_in_no_candle(kind):
    [trade] = FILLS.parse(changed(FILL, X=kind), NOW)

    assert (trade.count, trade.id_span, trade.price) == (0, 1, 28145.1)


@pytest.mark.parametrize("frame", [PLACEHOLDER, combined(PLACEHOLDER, b"btcusdt@trade"), changed(PLACEHOLDER, p="0.00")])
def test_a_number_without_a_trade_is_no_trade_and_no_trouble(frame):
    assert FILLS.parse(frame, NOW) == Control(ControlKind.OTHER, BTC)


@pytest.mark.parametrize("changes", [{"X": "MARKET"}, {"p": "1"}, {"q": "1"}, {"p": "NaN"}, {"e": "aggTrade"}])
def test_a_zero_is_excused_for_such_a_number_only(changes):
    with pytest.raises(WireError):
        FILLS.parse(changed(PLACEHOLDER, **changes), NOW)


@pytest.mark.parametrize("frame", [changed(AGGREGATE, st=2), combined(changed(AGGREGATE, st=2, s="BTCUSD_PERP"), b"!aggTrade")])
def test_what_the_other_market_trades_is_not_ours(frame):
    parsed = CODEC.parse_all([frame], NOW)

    assert CODEC.parse(frame, NOW) == Control(ControlKind.OTHER)
    assert (parsed.controls, parsed.trades, parsed.refused) == ([Control(ControlKind.OTHER)], [], [])


@pytest.mark.parametrize(
    ("frame", "control"),
    [
        (b'{"result":null,"id":1}', Control(ControlKind.SUBSCRIBED)),
        (b'{"code":2,"msg":"Invalid request","id":"x"}', Control(ControlKind.REFUSED, None, "2", "Invalid request")),
        (b'{"error":{"code":3,"msg":"Invalid JSON"},"id":null}', Control(ControlKind.REFUSED, None, "3", "Invalid JSON")),
        (SHUTDOWN, Control(ControlKind.CLOSING, None, "serverShutdown", "the server will shut down")),
        (combined(SHUTDOWN, b"!serverShutdown"), Control(ControlKind.CLOSING, None, "serverShutdown", "the server will shut down")),
        (combined(b'{"e":"kline","E":1,"s":"BTCUSDT","k":{}}', b"btcusdt@kline_1m"), Control(ControlKind.OTHER, BTC)),
        (combined(b'{"e":"markPriceUpdate","E":1,"s":"ETHUSDT"}', b"ethusdt@markPrice@1s"), Control(ControlKind.OTHER)),
        (b'{"e":"bookTicker","u":1,"s":"BTCUSDT","b":"1","B":"1","a":"1","A":"1","T":1,"E":1}', Control(ControlKind.OTHER, BTC)),
    ],
)  # fmt: skip
def test_a_frame_without_trades_is_told_by_its_kind(frame, control):
    assert CODEC.parse(frame, NOW) == control


@pytest.mark.parametrize(
    "frame",
    [b"", b"pong", b"{}", b"[]", b"null", b'{"mood":"good"}', b"\xff\xfe", AGGREGATE[:-1], AGGREGATE + b"x", combined(b"1"),
     combined(b"{}"),
     combined(b"null"), b'{"stream":5,"data":{}}'],
)  # fmt: skip
def test_what_is_not_documented_is_refused(frame):
    with pytest.raises(WireError) as error:
        CODEC.parse(frame, NOW)

    assert (error.value.venue, error.value.frame) == ("BINANCEUSDM", frame)


@pytest.mark.parametrize("wrap", [bytes, combined], ids=["raw", "combined"])
@pytest.mark.parametrize("frame", [AGGREGATE, FILL], ids=["aggregate", "fill"])
@pytest.mark.parametrize(
    "changes",
    [
        {"p": "0"}, {"p": "-1"}, {"p": "NaN"}, {"p": "Infinity"}, {"p": ""}, {"p": None}, {"q": "0"}, {"q": "-1"}, {"q": "nan"},
        {"T": -1}, {"T": "soon"}, {"T": 10**18}, {"m": "perhaps"}, {"s": "DOGEUSDT"}, {"s": ""}, {"st": "x"},
        {"t": -1, "a": -1}, {"t": 1.5, "a": 1.5}, {"t": 2**63, "a": 2**63},
    ],
)  # fmt: skip
def test_a_trade_that_cannot_be_is_refused(wrap, frame, changes):
    with pytest.raises(WireError):
        CODEC.parse(wrap(changed(frame, **changes)), NOW)


@pytest.mark.parametrize("changes", [{"f": 106}, {"f": -1}, {"l": 99}, {"f": 0, "l": 2**40}])
def test_an_aggregate_with_an_impossible_range_is_refused(changes):
    with pytest.raises(WireError):
        CODEC.parse(changed(AGGREGATE, **changes), NOW)


@pytest.mark.parametrize("name", ["s", "a", "f", "l", "p", "q", "T", "m"])
def test_an_aggregate_without_one_of_its_fields_is_refused(name):
    with pytest.raises(WireError):
        CODEC.parse(without(AGGREGATE, name), NOW)


def test_frames_in_bulk_say_what_they_say_alone():
    frames = [combined(AGGREGATE), FILL, AGGREGATE, PLACEHOLDER, b'{"result":null,"id":1}', b"?", changed(FILL, s="DOGEUSDT")]
    parsed = CODEC.parse_all([*frames, changed(AGGREGATE, l=99)], NOW)

    assert parsed.trades == [trade for frame in frames[:3] for trade in CODEC.parse(frame, NOW)]
    assert parsed.controls == [CODEC.parse(frame, NOW) for frame in frames[3:5]]
    assert [error.frame for error in parsed.refused] == [*frames[5:], changed(AGGREGATE, l=99)]


def test_each_channel_has_its_own_address_and_none_is_the_old_one():
    assert (CODEC.channel, CODEC.stream_path(), FILLS.stream_path()) == ("aggTrade", "/market/stream", "/public/stream")
    assert CODEC.endpoints.stream == "wss://fstream.binance.com"


def test_streams_are_subscribed_two_hundred_at_a_time():
    frames = [json.loads(frame) for frame in BinanceUsdm([f"C{number}-USDT" for number in range(250)]).subscribe()]

    assert [(frame["method"], frame["id"], len(frame["params"])) for frame in frames] == [
        ("SUBSCRIBE", 1, 200),
        ("SUBSCRIBE", 2, 50),
    ]
    assert frames[0]["params"][0] == "c0usdt@aggTrade"
    assert json.loads(FILLS.subscribe([BTC])[0])["params"] == ["btcusdt@trade"]


def test_a_contract_that_is_delivered_is_refused():
    with pytest.raises(InputError, match="BINANCEUSDM:BTC-USDT-240927 is delivered; of BINANCEUSDM only perpetuals are supported"):
        BinanceUsdm(["BTC-USDT-240927"])


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


def drive(pages, *bodies: bytes) -> tuple[list[Request], list[Trade]]:
    """Return what was asked for, and what came of the answers."""
    asked = [next(pages)]
    asked += [pages.send(body) for body in bodies[:-1]]
    with pytest.raises(StopIteration) as done:
        pages.send(bodies[-1])
    return asked, done.value.value


def test_the_newest_aggregates_are_handed_on_oldest_first():
    asked, found = drive(CODEC.newest_trades(BTC, NOW), aggregates(28457, 28458))

    assert asked == [Request("/fapi/v1/aggTrades", (("symbol", "BTCUSDT"), ("limit", "1000")), cost=20)]
    assert found == [
        Trade(BTC, 28457, 4.01, 12.5, Side.BUY, 1499865549590000, NOW, 3),
        Trade(BTC, 28458, 4.01, 12.5, Side.SELL, 1499865549590000, NOW, 3),
    ]  # fmt: skip


def test_a_range_of_aggregates_is_asked_for_from_its_begin():
    asked, found = drive(CODEC.trades(BTC, 1, 1500, NOW), aggregates(*range(1, 1001)), aggregates(*range(1001, 1501)))

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
    _, trades = drive(CODEC.trades(BTC, 10, 20, NOW), body)

    assert [trade.trade_id for trade in trades] == found


def test_an_old_aggregate_with_an_impossible_range_is_refused():
    pages = CODEC.newest_trades(BTC, NOW)
    next(pages)
    with pytest.raises(WireError):
        pages.send(aggregates(1).replace(b'"l": 12', b'"l": 9'))


def test_of_fills_the_newest_page_is_all_that_needs_no_key():
    newest, all_found = drive(FILLS.newest_trades(BTC, NOW), fills(7, 8, 11))
    asked, found = drive(FILLS.trades(BTC, 8, 10, NOW), fills(7, 8, 11))

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
    asked, found = drive(
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
    asked, found = drive(CODEC.candles(BTC, Timeframe.M1, window), *(json.dumps(page).encode() for page in pages))

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
