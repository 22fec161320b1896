"""Kraken's trades on the websocket against documented frames, with values computed by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.clock import parse_time
from market.errors import WireError
from market.trade import Side, Trade
from tests.exchanges.kraken_frames import BTC, CODEC, DOCUMENTED, DOGE, NOW, push, row


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
