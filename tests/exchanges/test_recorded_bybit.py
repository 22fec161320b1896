"""Recorded frames and answers of Bybit decode, with the counts of the collection's own table; mutilated ones are a WireError."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges import Bybit, BybitLinear
from market.errors import WireError
from market.trade import Side, Trade
from tests.exchanges.hostile import json_values, mangled, read_or_refuse
from tests.recorded import frames_of, lines_of, tally

NOW = 1_700_000_000_000_000
V5 = "ws/bybit/cf_bybit_v5_20260809_BTC_SOL.jsonl.gz"
LINEAR, SPOT = "BYBIT.ws.2", "BYBIT.ws.3"

FRAMES = [
    b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":16,"data":[{"T":15,"s":"BTCUSDT","S":"Buy","v":"0.1","p":"16.5","i":"2290","BT":false,"RPI":false,"seq":1}]}',
    b'{"topic":"publicTrade.BTCUSDT","ts":16,"data":[{"T":15,"s":"BTCUSDT","S":"Sell","v":"1","p":"16","i":"a9188a0a-82bc-50de-be60-03eedbe3cdd7"}]}',
    b'{"success":false,"ret_msg":"error:handler not found,topic:publicTrade.BTCUSDT","conn_id":"x","req_id":"1","op":"subscribe"}',
    b'{"success":true,"ret_msg":"pong","conn_id":"x","req_id":"BTCUSDT","op":"ping"}',
    b'{"topic":"kline.1.BTCUSDT","data":[{"start":1,"confirm":false}],"ts":1,"type":"snapshot"}',
]  # fmt: skip
CODECS = [Bybit(["BTC-USDT"]), BybitLinear(["BTC-USDT"])]


def received(name: str) -> Iterator[tuple[str, bytes]]:
    """Yield connection and frame of what was received."""
    for line in lines_of(name):
        if line["dir"] == "recv":
            yield line["conn"], line["data"].encode()


def test_a_recorded_capture_of_both_categories_decodes_whole():
    codecs = {LINEAR: BybitLinear(["BTC-USDT", "SOL-USDT"]), SPOT: Bybit(["BTC-USDT"])}
    lines = list(received(V5))
    found = {conn: tally(codec, (frame for each, frame in lines if each == conn), NOW) for conn, codec in codecs.items()}

    assert len(lines) == 1686
    assert found[LINEAR][0] == Counter({"trades": 73, "subscribed": 17, "other": 1222})
    assert found[SPOT][0] == Counter({"trades": 11, "subscribed": 7, "other": 356})
    assert Counter(trade.symbol for _, trades in found.values() for trade in trades) == {
        "BYBITLINEAR:BTC-USDT": 56, "BYBITLINEAR:SOL-USDT": 165, "BYBIT:BTC-USDT": 11,
    }  # fmt: skip


def test_the_first_recorded_trades_are_what_was_on_the_wire():
    trades = [
        trade for conn, frame in received(V5) if conn == SPOT and b"publicTrade" in frame for trade in CODECS[0].parse(frame, NOW)
    ]

    assert trades[0] == Trade("BYBIT:BTC-USDT", 2290000001189048101, 65140.5, 0.002705, Side.BUY, 1786310822605000, NOW)


def test_recorded_trades_have_ids_of_their_own_that_are_in_no_order():
    codec = BybitLinear(["BTC-USDT", "SOL-USDT"])
    _, trades = tally(codec, (frame for conn, frame in received(V5) if conn == LINEAR), NOW)
    btc = [trade for trade in trades if trade.symbol == "BYBITLINEAR:BTC-USDT"]

    assert len({trade.trade_id for trade in trades}) == len(trades) == 221
    assert [trade.timestamp_us for trade in btc] == sorted(trade.timestamp_us for trade in btc)
    assert [trade.trade_id for trade in btc] != sorted(trade.trade_id for trade in btc)


def test_no_recorded_trade_is_a_block_trade_or_a_price_improvement():
    rows = [row for _, frame in received(V5) if b'"publicTrade.' in frame for row in json.loads(frame)["data"]]

    assert Counter((row["BT"], row["RPI"]) for row in rows) == {(False, False): 232}


def test_nothing_of_the_old_protocol_is_taken_for_a_trade():
    codec = BybitLinear(["BCH-USDT", "LTC-USDT", "ETH-USDT"])
    kinds, trades = tally(codec, frames_of("ws/bybit/cf_bybit_linear_v2_20210417.jsonl.gz"), NOW)

    assert (kinds, trades) == (Counter({"refused": 3342}), [])


def test_every_single_frame_of_the_collection_is_old_and_refused():
    samples = lines_of("ws/frames_crypto_msg_parser.jsonl.gz")
    frames = [sample["frame"].encode() for sample in samples if sample["exchange"] == "bybit"]
    kinds, _ = tally(BybitLinear(["BTC-USDT"]), frames, NOW)

    assert kinds == Counter({"refused": 14})


def test_recorded_instruments_are_read():
    linear, spot = (line["body"] for line in lines_of("rest/bybit/cf_instruments_v5_20260809.jsonl.gz"))
    perpetuals = {each.symbol: each for each in BybitLinear().parse_instruments(json.dumps(linear).encode())}
    pairs = {each.symbol: each for each in Bybit().parse_instruments(json.dumps(spot).encode())}
    futures = [row for row in linear["result"]["list"] if row["contractType"] == "LinearFutures"]

    assert (len(perpetuals), len(futures), len(pairs)) == (760, 40, 557)
    assert (perpetuals["BYBITLINEAR:BTC-USDT"].tick_size, perpetuals["BYBITLINEAR:BTC-USDT"].lot_size) == ("0.1", "0.001")
    assert (pairs["BYBIT:BTC-USDT"].tick_size, pairs["BYBIT:BTC-USDT"].lot_size) == ("0.1", "0.000001")
    assert {each.status for each in [*perpetuals.values(), *pairs.values()]} == {"live"}
    assert BybitLinear().wire_symbol("BYBITLINEAR:BTC-USDC") == "BTCPERP"
    assert "BYBITLINEAR:BTC-USDC" in perpetuals


NAMES = [
    "topic",
    "data",
    "T",
    "s",
    "S",
    "v",
    "p",
    "i",
    "seq",
    "success",
    "ret_msg",
    "op",
    "req_id",
    "args",
    "result",
    "list",
    "retCode",
]
JSON = json_values(NAMES)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@given(frame=st.binary(max_size=80), value=JSON)
def test_any_bytes_and_any_json_are_read_or_refused(codec, frame, value):
    read_or_refuse(codec, frame)
    read_or_refuse(codec, json.dumps(value).encode())


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@settings(max_examples=500)
@given(frame=st.sampled_from(FRAMES).flatmap(mangled))
def test_a_mutilated_frame_is_read_or_refused(codec, frame):
    read_or_refuse(codec, frame)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@pytest.mark.parametrize("method", ["parse_server_time", "parse_instruments"])
@given(value=JSON)
def test_any_answer_is_read_or_refused(codec, method, value):
    with suppress(WireError):
        getattr(codec, method)(json.dumps(value).encode())
        getattr(codec, method)(json.dumps({"retCode": 0, "result": value}).encode())
