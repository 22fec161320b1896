"""Kraken's frames without trades, what is subscribed and how, against the documentation."""

import json

import pytest

from exchanges import Kraken
from exchanges.base import Control, ControlKind
from market.errors import InputError
from tests.exchanges.kraken_frames import ACK, BTC, CODEC, DOGE, NO_SUCH_PAIR, NOW, OHLC, STATUS


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
