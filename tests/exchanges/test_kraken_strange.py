"""Frames that Kraken never sends are read or refused."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges.hostile import json_values, mangled, read_or_refuse, strangely_filled
from tests.exchanges.kraken_frames import ACK, CODEC, DOCUMENTED, NO_SUCH_PAIR, OHLC, STATUS, push, row

FRAMES = [
    DOCUMENTED,
    push(row(), row(trade_id=8, symbol="DOGE/BTC"), kind="snapshot"),
    ACK,
    NO_SUCH_PAIR,
    OHLC,
    (STATUS % "x").encode(),
]
NAMES = [
    "channel", "type", "data", "symbol", "side", "price", "qty", "trade_id", "timestamp", "method", "result", "success", "error",
    "system", "req_id",
]  # fmt: skip
JSON = json_values(NAMES, "trade", "status", "BTC/USD")


@given(frame=st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(frame):
    read_or_refuse(CODEC, frame)


@given(value=JSON)
def test_any_json_is_read_or_refused(value):
    read_or_refuse(CODEC, json.dumps(value).encode())


@given(frame=st.sampled_from(FRAMES).flatmap(mangled))
def test_a_mutilated_frame_is_read_or_refused(frame):
    read_or_refuse(CODEC, frame)


@given(frame=st.sampled_from(FRAMES).flatmap(lambda good: strangely_filled(good, JSON)))
def test_a_frame_with_a_strange_value_is_read_or_refused(frame):
    read_or_refuse(CODEC, frame)
