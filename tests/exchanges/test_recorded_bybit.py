"""Recorded frames and answers of Bybit decode, with the counts of the collection's own table; mutilated ones are a WireError."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges import Bybit, BybitLinear, DataProvider
from exchanges.base import Control
from market.errors import WireError
from market.trade import Side, Trade

DATA = Path(__file__).parents[3] / "shared" / "data"
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


def recorded(name: str) -> Path:
    if not (DATA / name).exists():
        pytest.skip(f"the recorded data is not at {DATA}")
    return DATA / name


def lines_of(name: str) -> Iterator[tuple[str, bytes]]:
    """Yield connection and frame of what was received."""
    with gzip.open(recorded(name)) as file:
        for line in file:
            recording = json.loads(line)
            if recording.get("dir") == "recv":
                yield recording["conn"], recording["data"].encode()


def read(codec: DataProvider, frames: Iterator[bytes]) -> tuple[Counter[str], list[Trade]]:
    """Return how many frames are trades, of another kind, and refused; and the trades."""
    kinds, trades = Counter[str](), list[Trade]()
    for frame in frames:
        try:
            found = codec.parse(frame, NOW)
        except WireError:
            kinds["refused"] += 1
            continue
        kinds[found.kind.value if isinstance(found, Control) else "trades"] += 1
        trades += [] if isinstance(found, Control) else found
    return kinds, trades


def test_a_recorded_capture_of_both_categories_decodes_whole():
    codecs = {LINEAR: BybitLinear(["BTC-USDT", "SOL-USDT"]), SPOT: Bybit(["BTC-USDT"])}
    lines = list(lines_of(V5))
    found = {conn: read(codec, (frame for each, frame in lines if each == conn)) for conn, codec in codecs.items()}

    assert len(lines) == 1686
    assert found[LINEAR][0] == Counter({"trades": 73, "subscribed": 17, "other": 1222})
    assert found[SPOT][0] == Counter({"trades": 11, "subscribed": 7, "other": 356})
    assert Counter(trade.symbol for _, trades in found.values() for trade in trades) == {
        "BYBITLINEAR:BTC-USDT": 56, "BYBITLINEAR:SOL-USDT": 165, "BYBIT:BTC-USDT": 11,
    }  # fmt: skip


def test_the_first_recorded_trades_are_what_was_on_the_wire():
    trades = [
        trade for conn, frame in lines_of(V5) if conn == SPOT and b"publicTrade" in frame for trade in CODECS[0].parse(frame, NOW)
    ]

    assert trades[0] == Trade("BYBIT:BTC-USDT", 2290000001189048101, 65140.5, 0.002705, Side.BUY, 1786310822605000, NOW)


def test_recorded_trades_have_ids_of_their_own_that_are_in_no_order():
    codec = BybitLinear(["BTC-USDT", "SOL-USDT"])
    _, trades = read(codec, (frame for conn, frame in lines_of(V5) if conn == LINEAR))
    btc = [trade for trade in trades if trade.symbol == "BYBITLINEAR:BTC-USDT"]

    assert len({trade.trade_id for trade in trades}) == len(trades) == 221
    assert [trade.timestamp_us for trade in btc] == sorted(trade.timestamp_us for trade in btc)
    assert [trade.trade_id for trade in btc] != sorted(trade.trade_id for trade in btc)


def test_no_recorded_trade_is_a_block_trade_or_a_price_improvement():
    rows = [row for _, frame in lines_of(V5) if b'"publicTrade.' in frame for row in json.loads(frame)["data"]]

    assert Counter((row["BT"], row["RPI"]) for row in rows) == {(False, False): 232}


def test_nothing_of_the_old_protocol_is_taken_for_a_trade():
    kinds, trades = read(
        BybitLinear(["BCH-USDT", "LTC-USDT", "ETH-USDT"]),
        (frame for _, frame in lines_of("ws/bybit/cf_bybit_linear_v2_20210417.jsonl.gz")),
    )

    assert (kinds, trades) == (Counter({"refused": 3342}), [])


def test_every_single_frame_of_the_collection_is_old_and_refused():
    with gzip.open(recorded("ws/frames_crypto_msg_parser.jsonl.gz")) as file:
        frames = [sample["frame"].encode() for sample in map(json.loads, file) if sample["exchange"] == "bybit"]
    kinds, _ = read(BybitLinear(["BTC-USDT"]), iter(frames))

    assert kinds == Counter({"refused": 14})


def test_recorded_instruments_are_read():
    with gzip.open(recorded("rest/bybit/cf_instruments_v5_20260809.jsonl.gz")) as file:
        linear, spot = (json.loads(line)["body"] for line in file)
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
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=12,
)


def trade_or_control(codec: DataProvider, frame: bytes) -> None:
    """Assert that a frame gives values that may be stored, or WireError, and nothing else."""
    try:
        found = codec.parse(frame, NOW)
    except WireError:
        return
    for trade in [] if isinstance(found, Control) else found:
        assert 0 < trade.price < float("inf")
        assert 0 < trade.size < float("inf")
        assert 0 <= trade.first_id == trade.trade_id < 2**62
        assert trade.symbol in codec.symbols


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@given(frame=st.binary(max_size=80), value=JSON)
def test_any_bytes_and_any_json_are_read_or_refused(codec, frame, value):
    trade_or_control(codec, frame)
    trade_or_control(codec, json.dumps(value).encode())


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@settings(max_examples=500)
@given(frame=st.sampled_from(FRAMES), data=st.data())
def test_a_mutilated_frame_is_read_or_refused(codec, frame, data):
    position = data.draw(st.integers(0, len(frame)))
    length = data.draw(st.integers(0, 12))
    inserted = data.draw(
        st.sampled_from([b"", b"0", b"-", b"1e400", b'"', b"}", b"null", b"NaN", b",", b"\\ud800", b"9" * 25])
        | st.binary(max_size=4)
    )

    trade_or_control(codec, frame[:position] + inserted + frame[position + length :])


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@pytest.mark.parametrize("method", ["parse_server_time", "parse_instruments"])
@given(value=JSON)
def test_any_answer_is_read_or_refused(codec, method, value):
    with suppress(WireError):
        getattr(codec, method)(json.dumps(value).encode())
        getattr(codec, method)(json.dumps({"retCode": 0, "result": value}).encode())
