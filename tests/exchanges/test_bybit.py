"""Bybit's codec against documented frames and answers, with trades computed by hand."""

import json
from hashlib import blake2b

import pytest

from exchanges import Bybit, BybitLinear
from exchanges.base import Control, ControlKind
from exchanges.bybit_wire import trade_number
from market.errors import InputError, WireError
from market.trade import Side, Trade
from tests.exchanges.bybit_data import BTC, DOCUMENTED, LINEAR, LINEAR_BTC, NOW, SPOT, UUID_NUMBER, push, row


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
