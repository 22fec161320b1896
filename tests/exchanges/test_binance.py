"""Binance's codec against documented frames and answers, with trades computed by hand."""

import json

import pytest

from exchanges import Binance
from exchanges.base import Control, ControlKind, Instrument, Request
from market.candle import Candle, Origin
from market.errors import InputError, WireError
from market.timeframe import Timeframe
from market.trade import Side, Trade
from market.window import Window

BNB = "BINANCE:BNB-BTC"
CODEC = Binance([BNB, "BINANCE:BTC-USDT"])
NOW = 1_700_000_000_000_000

TRADE = b'{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782135,"m":true,"M":true}'
SHUTDOWN = b'{"e":"serverShutdown","E":1770123456789}'
AGGREGATE = (
    b'{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,"T":1672515782135,'
    b'"m":false,"M":true}'
)


def changed(frame: bytes, **changes: object) -> bytes:
    return json.dumps(json.loads(frame) | changes).encode()


def combined(inner: bytes, stream: bytes = b"bnbbtc@trade") -> bytes:
    return b'{"stream":"%s","data":%s}' % (stream, inner)


@pytest.mark.parametrize("frame", [TRADE, combined(TRADE)], ids=["raw", "combined"])
def test_a_fill_is_read_and_the_makers_flag_gives_the_takers_side(frame):
    assert CODEC.parse(frame, NOW) == [Trade(BNB, 12345, 0.001, 100.0, Side.SELL, 1672515782135000, NOW)]


@pytest.mark.parametrize("frame", [AGGREGATE, combined(AGGREGATE, b"bnbbtc@aggTrade")], ids=["raw", "combined"])
def test_an_aggregate_stands_for_its_range_of_fills(frame):
    [trade] = CODEC.parse(frame, NOW)

    assert trade == Trade(BNB, 105, 0.001, 100.0, Side.BUY, 1672515782135000, NOW, 6, 6)
    assert trade.first_id == 100


def test_order_ids_of_older_frames_are_no_trouble():
    assert len(CODEC.parse(changed(TRADE, b=20720542158, a=20720542592), NOW)) == 1


@pytest.mark.parametrize(
    ("frame", "control"),
    [
        (b'{"result":null,"id":1}', Control(ControlKind.SUBSCRIBED)),
        (b'{"result":["btcusdt@trade"],"id":"x"}', Control(ControlKind.SUBSCRIBED)),
        (b'{"code":2,"msg":"Invalid request","id":"x"}', Control(ControlKind.REFUSED, None, "2", "Invalid request")),
        (b'{"error":{"code":3,"msg":"Invalid JSON"},"id":null}', Control(ControlKind.REFUSED, None, "3", "Invalid JSON")),
        (SHUTDOWN, Control(ControlKind.CLOSING, None, "serverShutdown", "the server will shut down")),
        (combined(SHUTDOWN, b"!serverShutdown"), Control(ControlKind.CLOSING, None, "serverShutdown", "the server will shut down")),
        (combined(b'{"e":"kline","E":1,"s":"BNBBTC","k":{}}', b"bnbbtc@kline_1m"), Control(ControlKind.OTHER, BNB)),
        (b'{"e":"depthUpdate","E":1,"s":"DOGEBTC","b":[],"a":[]}', Control(ControlKind.OTHER)),
        (combined(b'{"u":1,"s":"BNBBTC","b":"1","B":"1","a":"1","A":"1"}', b"bnbbtc@bookTicker"), Control(ControlKind.OTHER, BNB)),
        (combined(b'{"lastUpdateId":1,"bids":[],"asks":[]}', b"bnbbtc@depth20"), Control(ControlKind.OTHER, BNB)),
        (combined(b'{"u":1,"s":"DOGEBTC"}', b"!bookTicker"), Control(ControlKind.OTHER)),
    ],
)  # fmt: skip
def test_a_frame_without_trades_is_told_by_its_kind(frame, control):
    assert CODEC.parse(frame, NOW) == control


@pytest.mark.parametrize(
    "frame",
    [
        b"", b"pong", b"{}", b"[]", b"null", b'{"mood":"good"}', b"\xff\xfe", TRADE[:-1], TRADE + b"x", combined(b"1"),
        combined(b"{}"),
        combined(b"null", b"bnbbtc@aggTrade"), b'{"stream":5,"data":{}}',
    ],
)  # fmt: skip
def test_what_is_not_documented_is_refused(frame):
    with pytest.raises(WireError) as error:
        CODEC.parse(frame, NOW)

    assert (error.value.venue, error.value.frame) == ("BINANCE", frame)


@pytest.mark.parametrize("wrap", [bytes, combined], ids=["raw", "combined"])
@pytest.mark.parametrize(
    "changes",
    [
        {"p": "0"}, {"p": "-1"}, {"p": "NaN"}, {"p": "Infinity"}, {"p": ""}, {"p": None}, {"q": "0"}, {"q": "-1"}, {"q": "nan"},
        {"t": -1}, {"t": 1.5}, {"t": 2**63}, {"T": -1}, {"T": "soon"}, {"T": 10**18}, {"m": "perhaps"}, {"s": "DOGEBTC"}, {"s": ""},
    ],
)  # fmt: skip
def test_a_trade_that_cannot_be_is_refused(wrap, changes):
    with pytest.raises(WireError):
        CODEC.parse(wrap(changed(TRADE, **changes)), NOW)


@pytest.mark.parametrize("changes", [{"f": 106}, {"f": -1}, {"l": 99}, {"f": 0, "l": 2**40}])
def test_an_aggregate_with_an_impossible_range_is_refused(changes):
    with pytest.raises(WireError):
        CODEC.parse(changed(AGGREGATE, **changes), NOW)


@pytest.mark.parametrize("name", ["s", "t", "p", "q", "T", "m"])
def test_a_trade_without_one_of_its_fields_is_refused(name):
    with pytest.raises(WireError):
        CODEC.parse(json.dumps({key: value for key, value in json.loads(TRADE).items() if key != name}).encode(), NOW)


def test_frames_in_bulk_say_what_they_say_alone():
    frames = [TRADE, combined(TRADE), AGGREGATE, b'{"result":null,"id":1}', b"?", changed(TRADE, s="DOGEBTC")]
    parsed = CODEC.parse_all(frames, NOW)

    assert parsed.trades == [trade for frame in frames[:3] for trade in CODEC.parse(frame, NOW)]
    assert parsed.controls == [Control(ControlKind.SUBSCRIBED)]
    assert [error.frame for error in parsed.refused] == frames[4:]


def test_streams_are_subscribed_two_hundred_at_a_time():
    frames = [json.loads(frame) for frame in Binance([f"C{number}-USDT" for number in range(450)], channel="aggTrade").subscribe()]

    assert [(frame["method"], frame["id"], len(frame["params"])) for frame in frames] == [
        ("SUBSCRIBE", 1, 200),
        ("SUBSCRIBE", 2, 200),
        ("SUBSCRIBE", 3, 50),
    ]
    assert frames[0]["params"][0] == "c0usdt@aggTrade"
    assert CODEC.stream_path() == "/stream"


def test_the_clock_is_read_in_microseconds():
    assert CODEC.parse_server_time(b'{"serverTime":1499827319559}') == 1499827319559000


@pytest.mark.parametrize("body", [b"", b"{}", b'{"serverTime":"soon"}', b'{"serverTime":-1}'])
def test_an_answer_without_a_clock_is_refused(body):
    with pytest.raises(WireError):
        CODEC.parse_server_time(body)


def test_instruments_are_read_and_what_cannot_be_traded_by_steps_is_left_out():
    filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.01000000"}, {"filterType": "LOT_SIZE", "stepSize": "0.00001000"}]
    listed = {"symbol": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT", "status": "TRADING", "filters": filters}
    body = {
        "symbols": [listed, listed | {"filters": []}, listed | {"baseAsset": ""}, listed | {"baseAsset": "ETH", "status": "BREAK"}]
    }

    assert CODEC.parse_instruments(json.dumps(body).encode()) == [
        Instrument("BINANCE:BTC-USDT", "0.01", "0.00001", "live"), Instrument("BINANCE:ETH-USDT", "0.01", "0.00001", "break"),
    ]  # fmt: skip


def rows(*ids: int) -> bytes:
    return json.dumps([
        {"id": number, "price": "4.00000100", "qty": "12.00000000", "quoteQty": "48.000012", "time": 1499865549590,
         "isBuyerMaker": number % 2 == 0, "isBestMatch": True}
        for number in ids
    ]).encode()  # fmt: skip


def test_the_newest_trades_are_handed_on_oldest_first():
    pages = CODEC.newest_trades(BNB, NOW)
    request = next(pages)
    with pytest.raises(StopIteration) as done:
        pages.send(rows(28457, 28458))

    assert request == Request("/api/v3/trades", (("symbol", "BNBBTC"), ("limit", "1000")), cost=25)
    assert done.value.value == [
        Trade(BNB, 28457, 4.000001, 12.0, Side.BUY, 1499865549590000, NOW),
        Trade(BNB, 28458, 4.000001, 12.0, Side.SELL, 1499865549590000, NOW),
    ]  # fmt: skip


def test_a_range_of_ids_is_asked_for_from_its_begin():
    pages = CODEC.trades(BNB, 1, 1500, NOW)
    asked = [dict(next(pages).params)]
    asked.append(dict(pages.send(rows(*range(1, 1001))).params))
    with pytest.raises(StopIteration) as done:
        pages.send(rows(*range(1001, 1501)))

    assert asked == [{"symbol": "BNBBTC", "fromId": "1", "limit": "1000"}, {"symbol": "BNBBTC", "fromId": "1001", "limit": "500"}]
    assert [trade.trade_id for trade in done.value.value] == list(range(1, 1501))


@pytest.mark.parametrize(("body", "found"), [(rows(), []), (rows(3), []), (rows(10, 12, 30), [10, 12])])
def test_ids_that_the_venue_does_not_have_are_absent(body, found):
    pages = CODEC.trades(BNB, 10, 20, NOW)
    next(pages)
    with pytest.raises(StopIteration) as done:
        pages.send(body)

    assert [trade.trade_id for trade in done.value.value] == found


def kline(open_ms: int) -> list[object]:
    return [open_ms, "0.0163", "0.8", "0.015", "0.0157", "148976.11", open_ms + 59_999, "2434.19", 308, "1756.87", "28.46", "0"]


def test_candles_are_labelled_by_their_close_and_the_forming_one_is_left_out():
    start = 1_499_040_000_000
    pages = CODEC.candles(BNB, Timeframe.M1, Window(start * 1000, (start + 150_000) * 1000))
    request = next(pages)
    with pytest.raises(StopIteration) as done:
        pages.send(json.dumps([kline(start), kline(start + 60_000), kline(start + 120_000)]).encode())

    assert dict(request.params) == {
        "symbol": "BNBBTC", "interval": "1m", "startTime": str(start), "endTime": str(start + 149_999), "limit": "1000",
    }  # fmt: skip
    assert done.value.value == [
        Candle(
            BNB, Timeframe.M1, (open_ms + 60_000) * 1000, 0.0163, 0.8, 0.015, 0.0157, 148976.11, 2434.19, 308, 1756.87,
            origin=Origin.EXCHANGE,
        )
        for open_ms in (start, start + 60_000)
    ]  # fmt: skip


def test_a_full_page_of_candles_asks_for_the_next():
    start = 1_499_040_000_000
    pages = CODEC.candles(BNB, Timeframe.M1, Window(start * 1000, (start + 1500 * 60_000) * 1000))
    next(pages)
    request = pages.send(json.dumps([kline(start + number * 60_000) for number in range(1000)]).encode())
    with pytest.raises(StopIteration) as done:
        pages.send(json.dumps([kline(start + number * 60_000) for number in range(1000, 1500)]).encode())

    assert dict(request.params)["startTime"] == str(start + 999 * 60_000 + 1)
    assert len(done.value.value) == 1500


@pytest.mark.parametrize("timeframe", ["5s", "15s", "30s"])
def test_candles_that_the_venue_does_not_have_are_refused(timeframe):
    with pytest.raises(InputError, match=f"BINANCE has no {timeframe} candles"):
        next(CODEC.candles(BNB, Timeframe(timeframe), Window(0, NOW)))


@pytest.mark.parametrize(
    ("status", "headers", "body", "transient", "wait"),
    [
        (429, {"retry-after": "7"}, b'{"code":-1003,"msg":"Too much request weight used"}', True, 7.0),
        (418, {"retry-after": "120"}, b'{"code":-1003,"msg":"Way too much request weight used; IP banned"}', True, 120.0),
        (400, {}, b'{"code":-1121,"msg":"Invalid symbol."}', False, None),
        (403, {}, b"<html>WAF</html>", False, None),
        (503, {}, b"", True, None),
        (504, {}, b'{"code":-1007,"msg":"Timeout waiting for response from backend server."}', True, None),
    ],
)
def test_a_refusal_is_judged_by_its_status(status, headers, body, transient, wait):
    refusal = CODEC.refusal(status, headers, body)

    assert (refusal.transient, refusal.retry_after_seconds) == (transient, wait)


def test_a_good_answer_is_no_refusal():
    assert CODEC.refusal(200, {}, b"[]") is None
