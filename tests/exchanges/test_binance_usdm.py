"""The codec of Binance's USD-M futures against documented frames and answers, with trades computed by hand."""

import json

import pytest

from exchanges import BinanceUsdm
from exchanges.base import Control, ControlKind
from market.errors import InputError, WireError
from market.trade import Side, Trade
from tests.exchanges.binance_usdm_frames import (
    AGGREGATE,
    BTC,
    CODEC,
    FILL,
    FILLS,
    NOW,
    PLACEHOLDER,
    SHUTDOWN,
    changed,
    combined,
    without,
)


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
