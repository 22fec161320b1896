"""Bybit's codec against documented frames and answers, with trades computed by hand."""

import json
from hashlib import blake2b

import pytest

from exchanges import Bybit, BybitLinear
from exchanges.base import Control, ControlKind, Instrument, Request
from exchanges.bybit_wire import trade_number
from market.candle import Candle, Origin
from market.errors import InputError, WireError
from market.timeframe import Timeframe
from market.trade import Side, Trade
from market.window import Window

BTC, LINEAR_BTC = "BYBIT:BTC-USDT", "BYBITLINEAR:BTC-USDT"
SPOT, LINEAR = Bybit([BTC, "BYBIT:ETH-USDT"]), BybitLinear([LINEAR_BTC, "BYBITLINEAR:ETH-USDT"])
NOW = 1_700_000_000_000_000
MINUTE = 60_000

DOCUMENTED = (
    b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,"s":"BTCUSDT","S":"Buy",'
    b'"v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,"RPI":false,"seq":1783284617}]}'
)
UUID_NUMBER = 0x20F43950D8DD5B31 >> 2


def row(**changes: object) -> dict[str, object]:
    return {"T": 1672304486865, "s": "BTCUSDT", "S": "Sell", "v": "0.12", "p": "16578.5", "i": "7", "BT": False} | changes


def push(*rows: dict[str, object], topic: str = "publicTrade.BTCUSDT") -> bytes:
    return json.dumps({"topic": topic, "type": "snapshot", "ts": 1672304486868, "data": list(rows)}).encode()


def execution(**changes: object) -> dict[str, object]:
    return {
        "execId": "7", "symbol": "BTCUSDT", "price": "16618.49", "size": "0.00012", "side": "Buy", "time": "1672052955758",
        "isBlockTrade": False, "isRPITrade": True, "seq": "123456",
    } | changes  # fmt: skip


def answer(result: object, code: int = 0, message: str = "OK", **fields: object) -> bytes:
    return json.dumps(
        {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": 1672053054358} | fields
    ).encode()


def listing(*rows: object) -> bytes:
    return answer({"category": "spot", "list": list(rows)})


def test_a_documented_push_is_read():
    assert LINEAR.parse(DOCUMENTED, NOW) == [
        Trade(LINEAR_BTC, UUID_NUMBER, 16578.5, 0.001, Side.BUY, 1672304486865000, NOW),
    ]


def test_every_trade_of_a_push_is_read_in_its_order():
    frame = push(row(i="9"), row(i="8", S="Buy"), row(i="7"))

    assert [(trade.trade_id, trade.side) for trade in SPOT.parse(frame, NOW)] == [(9, Side.SELL), (8, Side.BUY), (7, Side.SELL)]


def test_block_trades_and_price_improvements_are_trades_like_any_other():
    trades = SPOT.parse(push(row(i="1", BT=True), row(i="2", RPI=True)), NOW)

    assert [(trade.trade_id, trade.count) for trade in trades] == [(1, 1), (2, 1)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("20f43950-d8dd-5b31-9112-a178eb6023af", UUID_NUMBER),
        ("20F43950-D8DD-5B31-9112-A178EB6023AF", UUID_NUMBER),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", 2**62 - 1),
        ("2290000001189048101", 2290000001189048101),
        ("0", 0),
        (str(2**62 - 1), 2**62 - 1),
        *((text, int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 2) for text in (str(2**62), "1e3", "²", "a-b")),
    ],
)  # fmt: skip
def test_an_id_is_a_number_that_says_nothing_of_order(text, number):
    assert trade_number(text) == number < 2**62


def test_ids_prove_nothing_and_no_history_can_be_had():
    assert [(venue.provable, venue.history_seconds, venue.channels) for venue in (SPOT, LINEAR)] == [
        (False, 0.0, ("publicTrade",))
    ] * 2


@pytest.mark.parametrize(
    ("frame", "control"),
    [
        (
            b'{"success":true,"ret_msg":"pong","conn_id":"0970e817","req_id":"","op":"ping"}',
            Control(ControlKind.PONG),
        ),
        (b'{"req_id":"test","op":"pong","args":["1675418560633"],"conn_id":"cfcb4oc"}', Control(ControlKind.PONG)),
        (b'{"args":["1672916271846"],"op":"pong"}', Control(ControlKind.PONG)),
        (
            b'{"success":true,"ret_msg":"","conn_id":"2324d924","req_id":"1","op":"subscribe"}',
            Control(ControlKind.SUBSCRIBED),
        ),
        (
            b'{"success":true,"ret_msg":"subscribe","conn_id":"2324d924","req_id":"ETHUSDT","op":"subscribe"}',
            Control(ControlKind.SUBSCRIBED, "BYBIT:ETH-USDT"),
        ),
        (b'{"success":true,"ret_msg":"subscribe","conn_id":"2324d924","op":"subscribe"}', Control(ControlKind.SUBSCRIBED)),
        (b'{"success":true,"ret_msg":"","conn_id":"x","req_id":"","op":"unsubscribe"}', Control(ControlKind.OTHER)),
        (
            b'{"success":false,"ret_msg":"error:handler not found,topic:publicTrade.ETHUSDT","req_id":"1","op":"subscribe"}',
            Control(ControlKind.REFUSED, "BYBIT:ETH-USDT", "", "error:handler not found,topic:publicTrade.ETHUSDT"),
        ),
        (
            b'{"success":false,"ret_msg":"Invalid symbol :[publicTrade.ETHUSDT]","conn_id":"x","op":"subscribe"}',
            Control(ControlKind.REFUSED, "BYBIT:ETH-USDT", "", "Invalid symbol :[publicTrade.ETHUSDT]"),
        ),
        (
            b'{"success":false,"ret_msg":"error:handler not found,topic:publicTrade.FOOUSDT","req_id":"1","op":"subscribe"}',
            Control(ControlKind.REFUSED, None, "", "error:handler not found,topic:publicTrade.FOOUSDT"),
        ),
        (
            b'{"success":false,"ret_msg":"Params Error","req_id":"BTCUSDT","op":"subscribe"}',
            Control(ControlKind.REFUSED, BTC, "", "Params Error"),
        ),
        (
            b'{"success":false,"ret_msg":"args size >10","conn_id":"x","req_id":"1","op":"subscribe"}',
            Control(ControlKind.REFUSED, None, "", "args size >10"),
        ),
        (
            b'{"success":false,"ret_msg":"error:already subscribed,topic:publicTrade.BTCUSDT","req_id":"1","op":"subscribe"}',
            Control(ControlKind.SUBSCRIBED, BTC, "", "error:already subscribed,topic:publicTrade.BTCUSDT"),
        ),
        (b'{"success":false,"ret_msg":"Params Error","op":""}', Control(ControlKind.REFUSED, None, "", "Params Error")),
        (
            b'{"topic":"kline.1.BTCUSDT","data":[{"start":1786310760000,"confirm":false}],"ts":1786310818440,"type":"snapshot"}',
            Control(ControlKind.OTHER, BTC),
        ),
        (b'{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1,"data":{"s":"BTCUSDT","b":[]}}', Control(ControlKind.OTHER, BTC)),
        (b'{"topic":"tickers.DOGEUSDT","type":"snapshot","data":{},"cs":1,"ts":1}', Control(ControlKind.OTHER)),
        (b'{"topic":"allLiquidation.BTCUSDT","type":"snapshot","data":[],"ts":1}', Control(ControlKind.OTHER, BTC)),
    ],
)  # fmt: skip
def test_a_frame_without_trades_is_told_by_its_kind(frame, control):
    assert SPOT.parse(frame, NOW) == control


@pytest.mark.parametrize(
    "frame",
    [
        b"", b"pong", b"{}", b"[]", b"null", b"\xff\xfe", DOCUMENTED[:-1], DOCUMENTED + b"x", push(), push(topic="moods.BTCUSDT"),
        push(row(), topic="publicTrade.DOGEUSDT"), push(row(), topic="publicTrade"), push(row(), topic="trade.BTCUSDT"),
        b'{"topic":"publicTrade.BTCUSDT"}', b'{"op":"subscribe"}', b'{"success":true,"ret_msg":"","request":{"op":"subscribe"}}',
        b'{"success":true,"ret_msg":"","op":"auth"}', b'{"success":"yes","op":"subscribe"}', b'{"op":"dance"}',
    ],
)  # fmt: skip
def test_what_is_not_documented_is_refused(frame):
    with pytest.raises(WireError) as error:
        SPOT.parse(frame, NOW)

    assert (error.value.venue, error.value.frame) == ("BYBIT", frame)


@pytest.mark.parametrize(
    "changes",
    [
        {"p": "0"}, {"p": "-1"}, {"p": "NaN"}, {"p": "inf"}, {"p": "1e999"}, {"p": ""}, {"p": "1,5"}, {"p": None}, {"p": "1e18"},
        {"v": "0"}, {"v": "-0.1"}, {"v": "nan"}, {"S": "buy"}, {"S": "hold"}, {"i": ""}, {"i": 7}, {"i": None}, {"i": "x" * 65},
        {"T": -1}, {"T": "soon"}, {"T": 10**18}, {"s": "ETHUSDT"}, {"s": "DOGEUSDT"}, {"s": ""},
    ],
)  # fmt: skip
def test_a_trade_that_cannot_be_is_refused_with_its_frame(changes):
    with pytest.raises(WireError):
        SPOT.parse(push(row(), row(**changes)), NOW)


@pytest.mark.parametrize("name", ["T", "s", "S", "v", "p", "i"])
def test_a_trade_without_one_of_its_fields_is_refused(name):
    with pytest.raises(WireError):
        SPOT.parse(push({key: value for key, value in row().items() if key != name}), NOW)


def test_each_category_has_its_address():
    assert [SPOT.stream_path(), LINEAR.stream_path()] == ["/v5/public/spot", "/v5/public/linear"]


def test_symbols_are_subscribed_ten_at_a_time():
    frames = [json.loads(frame) for frame in LINEAR.following([f"C{number}-USDT" for number in range(21)]).subscribe()]

    assert [len(frame["args"]) for frame in frames] == [10, 10, 1]
    assert frames[0] == {"req_id": "1", "op": "subscribe", "args": [f"publicTrade.C{number}USDT" for number in range(10)]}
    assert frames[2] == {"req_id": "C20USDT", "op": "subscribe", "args": ["publicTrade.C20USDT"]}


def test_nothing_is_subscribed_without_symbols():
    assert list(Bybit().subscribe()) == []


def test_the_line_is_kept_by_a_ping_that_the_venue_understands():
    assert (json.loads(SPOT.keep_alive.ping), SPOT.keep_alive.ping_after) == ({"op": "ping"}, 20.0)


def test_budgets_stay_below_half_of_the_venues_limit():
    for budget in SPOT.budgets.values():
        assert budget.burst + 5 * budget.per_second <= 300


@pytest.mark.parametrize(
    ("symbol", "wire"),
    [("BTC-USDT", "BTCUSDT"), ("BTC-USDC", "BTCPERP"), ("1000PEPE-USDC", "1000PEPEPERP"), ("SHIB1000-USDT", "SHIB1000USDT")],
)
def test_a_perpetual_is_named_by_what_it_is_paid_in(symbol, wire):
    assert LINEAR.wire_symbol(f"BYBITLINEAR:{symbol}") == wire


@pytest.mark.parametrize("symbol", ["BTC-USD", "BTC-EUR", "BTC-USDT-14AUG26"])
def test_what_is_no_perpetual_paid_in_usdt_or_usdc_is_refused(symbol):
    with pytest.raises(InputError, match="no perpetual paid in USDT or USDC"):
        BybitLinear([symbol])


def test_a_contract_is_no_spot_pair():
    with pytest.raises(InputError, match="only spot symbols"):
        Bybit(["BTC-USDT-14AUG26"])


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


def last_answer(pages, *bodies: bytes) -> list:
    """Return what a paging generator makes of some answers, the first request being out."""
    try:
        for body in bodies:
            pages.send(body)
    except StopIteration as done:
        return done.value
    raise AssertionError("more is asked for")


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


RESET = {"x-bapi-limit-status": "0", "x-bapi-limit-reset-timestamp": "1672053055858"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "transient", "wait", "words"),
    [
        (200, RESET, answer({}, 10006, "Too many visits!"), True, 1.5, "10006 Too many visits!"),
        (200, RESET | {"x-bapi-limit-reset-timestamp": "1672053054000"}, answer({}, 10006), True, 0.0, "10006"),
        (200, {"x-bapi-limit-reset-timestamp": "²"}, answer({}, 10006), True, None, "10006"),
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
