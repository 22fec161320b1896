"""Kraken's websocket codec against documented frames, with trades computed by hand."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges import Kraken
from exchanges.base import Control, ControlKind, DataProvider
from market.clock import parse_time
from market.errors import InputError, WireError
from market.trade import Side, Trade

BTC, DOGE = "KRAKEN:BTC-USD", "KRAKEN:DOGE-BTC"
CODEC = Kraken([BTC, DOGE])
NOW = 1_700_000_000_000_000

DOCUMENTED = (
    b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":60123.4,"qty":0.0031,'
    b'"ord_type":"market","trade_id":4665906,"timestamp":"2026-03-25T07:49:37.708706Z"}]}'
)


def row(**changes: object) -> dict[str, object]:
    fields = {"symbol": "BTC/USD", "side": "buy", "price": 60123.4, "qty": 0.0031, "ord_type": "limit", "trade_id": 7}
    return fields | {"timestamp": "2026-03-25T07:49:37.708706Z"} | changes


def push(*rows: dict[str, object], kind: str = "update") -> bytes:
    return json.dumps({"channel": "trade", "type": kind, "data": list(rows)}).encode()


def test_a_documented_trade_is_read():
    assert CODEC.parse(DOCUMENTED, NOW) == [
        Trade(BTC, 4665906, 60123.4, 0.0031, Side.SELL, parse_time("2026-03-25T07:49:37.708706"), NOW)
    ]


@pytest.mark.parametrize("kind", ["snapshot", "update"])
def test_every_trade_of_a_frame_is_read(kind):
    frame = push(row(trade_id=7), row(trade_id=8, symbol="DOGE/BTC"), row(trade_id=9), kind=kind)

    assert [(trade.symbol, trade.trade_id) for trade in CODEC.parse(frame, NOW)] == [(BTC, 7), (DOGE, 8), (BTC, 9)]


def test_trades_that_share_a_time_are_all_read():
    frame = push(*(row(trade_id=number) for number in range(100, 150)))

    assert [trade.trade_id for trade in CODEC.parse(frame, NOW)] == list(range(100, 150))


def test_the_oldest_trade_of_a_frame_comes_first():
    assert [trade.trade_id for trade in CODEC.parse(push(row(trade_id=9), row(trade_id=8)), NOW)] == [8, 9]


def test_a_snapshot_of_a_book_in_which_nobody_ever_traded_is_empty():
    assert CODEC.parse(push(kind="snapshot"), NOW) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("60123.4", 60123.4), ("5", 5.0), ("740.0", 740.0), ("1e-05", 0.00001), ("1E-8", 0.00000001), ("6423.46326", 6423.46326),
        ("0.1000000000000000055511151231257827", 0.1), ("9007199254740993", 9007199254740992.0), ("1.5e3", 1500.0),
    ],
)  # fmt: skip
def test_a_number_is_the_nearest_to_the_printed_one(text, number):
    frame = DOCUMENTED.replace(b"60123.4", text.encode()).replace(b"0.0031", text.encode())
    [trade] = CODEC.parse(frame, NOW)

    assert (trade.price, trade.size) == (number, number)


@given(st.integers(1, 10**17), st.integers(0, 12), st.booleans())
def test_every_printed_number_is_read_exactly(units, places, with_exponent):
    printed = f"{units}e-{places}" if with_exponent else format(Decimal(units).scaleb(-places), "f")
    [trade] = CODEC.parse(DOCUMENTED.replace(b"60123.4", printed.encode()), NOW)

    assert trade.price == float(printed)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-25T07:49:37.708706Z", "2026-03-25T07:49:37.708706"), ("2026-03-25T07:49:37Z", "2026-03-25T07:49:37"),
        ("2026-03-25T07:49:37.7Z", "2026-03-25T07:49:37.700000"), ("2026-03-25T07:49:37.000001Z", "2026-03-25T07:49:37.000001"),
        ("2026-03-25T07:49:37.708706123Z", "2026-03-25T07:49:37.708706"), ("2024-02-29T00:00:00.000000Z", "2024-02-29T00:00:00"),
        ("2026-03-25T09:49:37.5+02:00", "2026-03-25T07:49:37.500000"), ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00"),
    ],
)  # fmt: skip
def test_a_time_is_read_in_microseconds(text, moment):
    assert CODEC.parse(push(row(timestamp=text)), NOW)[0].timestamp_us == parse_time(moment)


@pytest.mark.parametrize("digits", ["9999999", "99999951", "999999999"])
def test_a_trade_at_the_end_of_a_minute_stays_in_it(digits):
    [trade] = CODEC.parse(push(row(timestamp=f"2026-03-25T07:49:59.{digits}Z")), NOW)

    assert trade.timestamp_us == parse_time("2026-03-25T07:49:59.999999")


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "2026-03-25", "2026-03-25T07:49Z", "2026-03-25T07:49:37", "2026-03-25 07:49:37Z", "20260325T074937Z",
        "2026-13-25T07:49:37Z", "2026-02-30T07:49:37Z", "2026-03-25T24:00:01Z", "2026-03-25T07:49:61Z", "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+01:00", "0000-01-01T00:00:00Z", "2026-03-25T07:49:37.Z", "2026-03-25T07:49:37,5Z",
        "2026-03-25T07:49:37.1234567890Z", "2026-03-25T07:49:37Z\n", "２026-03-25T07:49:37Z", 1700000000, None,
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    with pytest.raises(WireError):
        CODEC.parse(push(row(timestamp=text)), NOW)


ACK = (
    b'{"method":"subscribe","result":{"channel":"trade","snapshot":false,"symbol":"BTC/USD"},"success":true,'
    b'"time_in":"2026-03-25T07:49:37.000001Z","time_out":"2026-03-25T07:49:37.000031Z","req_id":1}'
)
NO_SUCH_PAIR = (
    b'{"error":"Currency pair not supported DOGE/BTC","method":"subscribe","req_id":1,"success":false,"symbol":"DOGE/BTC",'
    b'"time_in":"2026-03-25T07:49:37.000001Z","time_out":"2026-03-25T07:49:37.000031Z"}'
)
STATUS = (
    '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"%s","api_version":"v2",'
    '"connection_id":6447481662169813000}]}'
)
OHLC = (
    b'{"channel":"ohlc","type":"update","timestamp":"2023-10-04T16:26:30.524394914Z","data":[{"symbol":"BTC/USD","open":0.5624,'
    b'"high":0.5628,"low":0.5622,"close":0.5627,"trades":12,"volume":30927.6,"vwap":0.5626,'
    b'"interval_begin":"2023-10-04T16:25:00.000000000Z","interval":5,"timestamp":"2023-10-04T16:30:00.000000Z"}]}'
)


@pytest.mark.parametrize(
    ("frame", "control"),
    [
        (b'{"channel":"heartbeat"}', Control(ControlKind.HEARTBEAT)),
        (b'{"method":"pong","req_id":9,"time_in":"2026-03-25T07:49:37Z"}', Control(ControlKind.PONG)),
        (b'{"method":"pong","success":true,"result":{"warnings":[]}}', Control(ControlKind.PONG)),
        ((STATUS % "online").encode(), Control(ControlKind.OTHER, None, "online")),
        ((STATUS % "maintenance").encode(), Control(ControlKind.NOTICE, None, "maintenance")),
        ((STATUS % "cancel_only").encode(), Control(ControlKind.NOTICE, None, "cancel_only")),
        ((STATUS % "post_only").encode(), Control(ControlKind.NOTICE, None, "post_only")),
        (ACK, Control(ControlKind.SUBSCRIBED, BTC)),
        (ACK.replace(b"BTC/USD", b"FOO/BAR"), Control(ControlKind.SUBSCRIBED)),
        (NO_SUCH_PAIR, Control(ControlKind.REFUSED, DOGE, "", "Currency pair not supported DOGE/BTC")),
        (
            NO_SUCH_PAIR.replace(b"DOGE/BTC", b"FOO/BAR"),
            Control(ControlKind.REFUSED, None, "", "Currency pair not supported FOO/BAR"),
        ),
        (
            b'{"error":"Already subscribed","method":"subscribe","success":false,"symbol":"BTC/USD"}',
            Control(ControlKind.SUBSCRIBED, BTC),
        ),
        (
            b'{"error":"Exceeded msg rate","method":"subscribe","success":false}',
            Control(ControlKind.REFUSED, None, "", "Exceeded msg rate"),
        ),
        (b'{"error":"Malformed request","success":false}', Control(ControlKind.REFUSED, None, "", "Malformed request")),
        (ACK.replace(b"subscribe", b"unsubscribe"), Control(ControlKind.OTHER, BTC)),
        (OHLC, Control(ControlKind.OTHER, BTC)),
        (b'{"channel":"book","type":"snapshot","data":[{"symbol":"FOO/BAR","bids":[],"asks":[]}]}', Control(ControlKind.OTHER)),
        (b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD"},{"symbol":"DOGE/BTC"}]}', Control(ControlKind.OTHER)),
        (b'{"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[{}]}}', Control(ControlKind.OTHER)),
    ],
)  # fmt: skip
def test_a_frame_without_trades_is_told_by_its_kind(frame, control):
    assert CODEC.parse(frame, NOW) == control


@pytest.mark.parametrize(
    "frame",
    [
        b"", b"pong", b"{}", b"[]", b"null", b"7", b'{"channel":"moods","data":[]}', b'{"channel":"trade"}',
        b'{"method":"subscribe"}',
        b'{"method":"add_order","success":true}', b'{"channel":"status","data":[]}', b'{"channel":"status"}', b"\xff\xfe",
        b'{"success":true}', b'{"error":"words alone"}', b'{"channel":"ohlc"}', b'{"channel":"book","data":[{"symbol":[]}]}',
        DOCUMENTED[:-1], DOCUMENTED + b"x", DOCUMENTED.replace(b'"update"', b'"mood"'),
        DOCUMENTED.replace(b'"type":"update",', b""),
        b'[321,[["57126.70000","0.02063928","1616333924.737428","b","m",""]],"trade","XBT/USD"]', b'{"event":"heartbeat"}',
    ],
)  # fmt: skip
def test_what_is_not_documented_is_refused(frame):
    with pytest.raises(WireError) as error:
        CODEC.parse(frame, NOW)

    assert (error.value.venue, error.value.frame) == ("KRAKEN", frame)


@pytest.mark.parametrize(
    "changes",
    [
        {"price": 0}, {"price": -1}, {"price": 1e18}, {"price": None}, {"price": "60123.4"}, {"price": True}, {"qty": 0},
        {"qty": -0.1},
        {"qty": []}, {"side": "BUY"}, {"side": "hold"}, {"trade_id": -1}, {"trade_id": 1.5}, {"trade_id": 2**63}, {"trade_id": "7"},
        {"trade_id": None}, {"symbol": "XBT/USD"}, {"symbol": ""}, {"symbol": None},
    ],
)  # fmt: skip
def test_a_trade_that_cannot_be_is_refused_with_its_frame(changes):
    with pytest.raises(WireError):
        CODEC.parse(push(row(), row(**changes)), NOW)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e400", b"1e-400", b"-0.0", b"01", b"1.", b"0x10"])
def test_what_is_no_number_of_money_is_refused(number):
    with pytest.raises(WireError):
        CODEC.parse(DOCUMENTED.replace(b"60123.4", number), NOW)


@pytest.mark.parametrize("name", ["symbol", "side", "price", "qty", "trade_id", "timestamp"])
def test_a_trade_without_one_of_its_fields_is_refused(name):
    with pytest.raises(WireError):
        CODEC.parse(push({key: value for key, value in row().items() if key != name}), NOW)


def test_fields_that_the_venue_adds_are_no_trouble():
    assert len(CODEC.parse(push(row(mood="good", ord_type=None)), NOW)) == 1


def test_symbols_are_subscribed_a_hundred_at_a_time_without_a_snapshot():
    frames = [json.loads(frame) for frame in Kraken([f"C{number}-USD" for number in range(250)]).subscribe()]

    assert [len(frame["params"]["symbol"]) for frame in frames] == [100, 100, 50]
    assert [frame["req_id"] for frame in frames] == [1, 2, 3]
    assert frames[0]["method"] == "subscribe"
    assert frames[0]["params"] | {"symbol": []} == {"channel": "trade", "symbol": [], "snapshot": False}
    assert frames[0]["params"]["symbol"][0] == "C0/USD"


def test_nothing_is_subscribed_without_symbols():
    assert list(Kraken().subscribe()) == []


def test_some_symbols_are_subscribed_alone():
    [frame] = CODEC.subscribe([DOGE])

    assert json.loads(frame)["params"]["symbol"] == ["DOGE/BTC"]


def test_the_websocket_is_the_second_one():
    assert (Kraken().stream_path(), Kraken.home.stream, Kraken.home.rest) == (
        "/v2",
        "wss://ws.kraken.com",
        "https://api.kraken.com",
    )
    assert (Kraken.channels, Kraken().provable, Kraken.history_seconds) == (("trade",), True, None)


def test_the_line_is_kept_by_pings_that_the_venue_answers():
    assert json.loads(Kraken.keep_alive.ping or "") == {"method": "ping"}
    assert Kraken.keep_alive.silence == 10.0
    assert Kraken.keep_alive.ping_after + Kraken.keep_alive.pong_within <= Kraken.keep_alive.silence


@pytest.mark.parametrize(("symbol", "named"), [("XBT-USD", "BTC-USD"), ("ETH-XBT", "BTC-USD"), ("XDG-USD", "DOGE-USD")])
def test_an_old_name_of_a_coin_is_refused_with_the_one_in_use(symbol, named):
    with pytest.raises(InputError, match=f"for example KRAKEN:{named}"):
        Kraken([symbol])


def test_a_contract_is_refused():
    with pytest.raises(InputError, match="is a contract"):
        Kraken(["BTC-USD-240927"])


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
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["trade", "status", "BTC/USD"]),
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
        assert 0 <= trade.first_id <= trade.trade_id < 2**62
        assert trade.timestamp_us >= 0
        assert trade.symbol in codec.symbols


@given(frame=st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(frame):
    trade_or_control(CODEC, frame)


@given(value=JSON)
def test_any_json_is_read_or_refused(value):
    trade_or_control(CODEC, json.dumps(value).encode())


@given(frame=st.sampled_from(FRAMES), data=st.data())
def test_a_mutilated_frame_is_read_or_refused(frame, data):
    position = data.draw(st.integers(0, len(frame)))
    length = data.draw(st.integers(0, 12))
    inserted = data.draw(
        st.sampled_from([b"", b"0", b"-", b"1e400", b'"', b"}", b"null", b"NaN", b",", b"9" * 25]) | st.binary(max_size=4)
    )

    trade_or_control(CODEC, frame[:position] + inserted + frame[position + length :])


@given(frame=st.sampled_from(FRAMES), value=JSON, data=st.data())
def test_a_frame_with_a_strange_value_is_read_or_refused(frame, value, data):
    outer = json.loads(frame)
    holder = outer["data"][0] if "data" in outer and data.draw(st.booleans()) else outer
    holder[data.draw(st.sampled_from(sorted(holder)))] = value

    trade_or_control(CODEC, json.dumps(outer).encode())
