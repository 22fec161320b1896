"""Coinbase's codec against documented frames and answers, with trades computed by hand."""

import json

import pytest

from exchanges import VENUES, Coinbase
from exchanges.base import Control, ControlKind, Endpoints, Parsed
from exchanges.coinbase_rest import book_of
from market.errors import InputError, WireError
from market.trade import Side, Trade

BTC = "COINBASE:BTC-USD"
ETH = "COINBASE:ETH-USD"
CODEC = Coinbase([BTC, ETH])
ADVANCED = Coinbase([BTC, ETH], channel="market_trades")
NOW = 1_700_000_000_000_000

MATCH = {
    "type": "match", "trade_id": 10, "sequence": 50, "maker_order_id": "ac928c66", "taker_order_id": "132fb6ae",
    "time": "2014-11-07T08:19:27.028459Z", "product_id": "BTC-USD", "size": "5.23512", "price": "400.23", "side": "sell",
}  # fmt: skip
ROW = {
    "trade_id": "12345", "product_id": "BTC-USD", "price": "1260.01", "size": "0.3", "side": "BUY",
    "time": "2026-02-09T20:19:35.39625Z",
}  # fmt: skip
MATCH_US = 1_415_348_367_028_459
ROW_US = 1_770_668_375_396_250


def frame(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def match(**changes: object) -> bytes:
    return frame(**(MATCH | changes))


def event(*rows: dict[str, object], kind: str = "update") -> dict[str, object]:
    return {"type": kind, "trades": list(rows)}


def advanced(*events: object, channel: str = "market_trades", number: int = 7) -> bytes:
    return frame(channel=channel, timestamp="2026-02-09T20:19:35.39625135Z", sequence_num=number, events=list(events))


def finish(pages, body: bytes) -> list:
    """Return what a generator makes of its last answer."""
    with pytest.raises(StopIteration) as done:
        pages.send(body)
    return done.value.value


def test_the_venue_is_known_by_its_name_and_each_feed_has_its_address():
    rest = "https://api.exchange.coinbase.com"

    assert VENUES["COINBASE"] is Coinbase
    assert Coinbase.channels == ("matches", "market_trades")
    assert CODEC.endpoints == Endpoints("wss://ws-feed.exchange.coinbase.com", rest)
    assert ADVANCED.endpoints == Endpoints("wss://advanced-trade-ws.coinbase.com", rest)
    assert (CODEC.stream_path(), ADVANCED.stream_path()) == ("/", "/")
    assert CODEC.provable
    assert ADVANCED.provable


@pytest.mark.parametrize("kind", ["match", "last_match"])
def test_a_resting_sell_that_was_hit_is_a_taker_who_bought(kind):
    assert CODEC.parse(match(type=kind), NOW) == [Trade(BTC, 10, 400.23, 5.23512, Side.BUY, MATCH_US, NOW)]
    assert CODEC.parse(match(type=kind, side="buy"), NOW) == [Trade(BTC, 10, 400.23, 5.23512, Side.SELL, MATCH_US, NOW)]


@pytest.mark.parametrize("kind", ["snapshot", "update"])
def test_trades_of_advanced_are_handed_on_oldest_first_with_the_takers_side(kind):
    older = event(ROW | {"trade_id": "12344", "side": "SELL"}, kind=kind)
    newer = event(ROW | {"trade_id": "12347"}, ROW | {"trade_id": "12346"}, kind=kind)

    assert ADVANCED.parse(advanced(older, newer), NOW) == [
        Trade(BTC, number, 1260.01, 0.3, side, ROW_US, NOW)
        for number, side in ((12344, Side.BUY), (12346, Side.SELL), (12347, Side.SELL))
    ]


def test_a_frame_of_several_products_is_read_whole():
    rows = [ROW, ROW | {"product_id": "ETH-USD", "trade_id": "9"}]

    assert {(trade.symbol, trade.trade_id) for trade in ADVANCED.parse(advanced(event(*rows)), NOW)} == {(BTC, 12345), (ETH, 9)}


@pytest.mark.parametrize("codec", [CODEC, ADVANCED], ids=["matches", "market_trades"])
def test_either_codec_reads_both_feeds(codec):
    assert [len(codec.parse(each, NOW)) for each in (match(), advanced(event(ROW)))] == [1, 1]


@pytest.mark.parametrize(
    ("followed", "named", "symbols"),
    [
        (["BTC-USDC"], "BTC-USD", ["COINBASE:BTC-USDC"]),
        (["BTC-USDC"], "BTC-USDC", ["COINBASE:BTC-USDC"]),
        (["BTC-USD", "BTC-USDC"], "BTC-USD", [BTC, "COINBASE:BTC-USDC"]),
        (["USDT-USDC"], "USDT-USDC", ["COINBASE:USDT-USDC"]),
        (["EURC-USDC"], "EURC-USDC", ["COINBASE:EURC-USDC"]),
    ],
)
def test_a_usdc_product_is_answered_under_the_name_of_its_dollar_book(followed, named, symbols):
    trades = Coinbase(followed, channel="market_trades").parse(advanced(event(ROW | {"product_id": named})), NOW)

    assert [trade.symbol for trade in trades] == symbols


@pytest.mark.parametrize(("followed", "named"), [("USDT-USDC", "USDT-USD"), ("EURC-USDC", "EURC-USD"), ("BTC-USD", "BTC-USDC")])
def test_a_book_of_its_own_has_one_name(followed, named):
    with pytest.raises(WireError):
        Coinbase([followed], channel="market_trades").parse(advanced(event(ROW | {"product_id": named})), NOW)


def test_exchange_names_products_as_they_were_asked_for():
    with pytest.raises(WireError):
        Coinbase(["BTC-USDC"]).parse(match(), NOW)


def test_history_of_a_usdc_product_is_that_of_the_book_that_advanced_follows():
    asked = [next(Coinbase(channel=channel).newest_trades("COINBASE:BTC-USDC", NOW)).path for channel in Coinbase.channels]

    assert asked == ["/products/BTC-USDC/trades", "/products/BTC-USD/trades"]
    assert [book_of(wire) for wire in ("BTC-USDT", "USDC-EUR", "USDT-USDC")] == ["BTC-USDT", "USDC-EUR", "USDT-USDC"]


@pytest.mark.parametrize(
    ("sent", "control"),
    [
        (
            frame(type="heartbeat", sequence=90, last_trade_id=20, product_id="BTC-USD", time="2014-11-07T08:19:28.464459Z"),
            Control(ControlKind.HEARTBEAT, BTC, newest_id=20, at_us=1_415_348_368_464_459),
        ),
        (frame(type="heartbeat", last_trade_id=20, product_id="BTC-USD"), Control(ControlKind.HEARTBEAT, BTC, newest_id=20)),
        (frame(type="heartbeat", sequence=90, last_trade_id=0, product_id="BTC-USD"), Control(ControlKind.HEARTBEAT, BTC)),
        (frame(type="heartbeat", sequence=90, last_trade_id=20, product_id="SOL-USD"), Control(ControlKind.HEARTBEAT)),
        (
            frame(type="subscriptions", channels=[{"name": "matches", "product_ids": ["BTC-USD"]}]),
            Control(ControlKind.SUBSCRIBED),
        ),
        (
            frame(type="error", message="Failed to subscribe", reason="ETH-USD is not a valid product"),
            Control(ControlKind.REFUSED, ETH, message="Failed to subscribe: ETH-USD is not a valid product"),
        ),
        (
            frame(type="error", message="Failed to subscribe", reason="FOO-BAR is not a valid product"),
            Control(ControlKind.REFUSED, None, message="Failed to subscribe: FOO-BAR is not a valid product"),
        ),
        (
            frame(type="error", message="Failed to subscribe", reason="BTC-USD and ETH-USD are not valid products"),
            Control(ControlKind.REFUSED, None, message="Failed to subscribe: BTC-USD and ETH-USD are not valid products"),
        ),
        (frame(type="error", message="failure to subscribe"), Control(ControlKind.REFUSED, message="failure to subscribe")),
        (frame(type="error", message="late", sequence_num=3), Control(ControlKind.REFUSED, message="late")),
        (frame(type="ticker", sequence=1, product_id="BTC-USD", price="1", trade_id=5), Control(ControlKind.OTHER, BTC)),
        (frame(type="l2update", product_id="ETH-USD", changes=[["buy", "1", "2"]]), Control(ControlKind.OTHER, ETH)),
        (frame(type="snapshot", product_id="SOL-USD", asks=[], bids=[]), Control(ControlKind.OTHER)),
        (frame(type="status", products=[], currencies=[]), Control(ControlKind.OTHER)),
        (advanced({"current_time": "2026-08-09 21:05:48", "heartbeat_counter": 41691}, channel="heartbeats"),
         Control(ControlKind.HEARTBEAT)),
        (advanced({"subscriptions": {"market_trades": ["BTC-USD"]}}, channel="subscriptions"), Control(ControlKind.SUBSCRIBED)),
        (advanced({"type": "snapshot", "candles": []}, channel="candles"), Control(ControlKind.OTHER)),
        (advanced({"type": "update", "updates": []}, channel="l2_data"), Control(ControlKind.OTHER)),
    ],
)  # fmt: skip
def test_a_frame_without_trades_is_told_by_its_kind(sent, control):
    assert CODEC.parse(sent, NOW) == ADVANCED.parse(sent, NOW) == control


def test_every_frame_of_advanced_is_counted_also_those_that_are_refused():
    frames = [
        advanced(event(ROW), number=0), advanced({}, channel="heartbeats", number=1), advanced({}, channel="moods", number=2),
        advanced(event(ROW | {"price": "NaN"}), number=3), b"nonsense", advanced({}, channel="subscriptions", number=4),
        b'{"sequence_num":"much"}',
    ]  # fmt: skip
    parsed = ADVANCED.parse_all(frames, NOW)

    assert parsed.numbers == [0, 1, 2, 3, 4]
    assert (len(parsed.trades), len(parsed.controls), len(parsed.refused)) == (1, 2, 4)


def test_frames_of_exchange_have_no_numbers_of_the_connection():
    assert CODEC.parse_all([match()], NOW) == Parsed(trades=CODEC.parse(match(), NOW))


@pytest.mark.parametrize(
    "sent",
    [
        b"", b"{}", b"[]", b"null", b'"pong"', b"\xff\xfe", match()[:-1], match() + b"x", frame(type="moods"),
        frame(channel="moods"), frame(type="subscriptions"), frame(type="heartbeat"),
        frame(type="heartbeat", product_id="BTC-USD", last_trade_id=-1),
        advanced(channel="moods"), advanced({"type": "moods", "trades": []}), advanced({"type": "update"}),
        frame(channel="market_trades", events=[event(ROW)]), frame(channel="heartbeats", sequence_num=-1, events=[]),
    ],
)  # fmt: skip
def test_what_is_not_documented_is_refused(sent):
    with pytest.raises(WireError) as error:
        CODEC.parse(sent, NOW)

    assert (error.value.venue, error.value.frame) == ("COINBASE", sent)


IMPOSSIBLE = [
    {"price": "0"}, {"price": "-1"}, {"price": "NaN"}, {"price": "inf"}, {"price": "1e18"}, {"price": ""}, {"price": None},
    {"size": "0"}, {"size": "-0.1"}, {"size": "nan"}, {"side": "hold"}, {"side": ""}, {"side": "UNKNOWN_ORDER_SIDE"},
    {"trade_id": -1}, {"trade_id": "1.5"}, {"trade_id": 2**63}, {"trade_id": ""}, {"product_id": "DOGE-USD"}, {"product_id": ""},
    {"time": ""}, {"time": "soon"}, {"time": 1415348367}, {"time": "2014-02-30T08:19:27Z"}, {"time": "2014-11-07T08:19:27"},
]  # fmt: skip


@pytest.mark.parametrize("changes", IMPOSSIBLE)
def test_a_trade_that_cannot_be_is_refused_with_its_frame(changes):
    for codec, sent in ((CODEC, match(**changes)), (ADVANCED, advanced(event(ROW, ROW | changes)))):
        with pytest.raises(WireError) as error:
            codec.parse(sent, NOW)
        assert error.value.frame == sent


@pytest.mark.parametrize("name", ["trade_id", "time", "product_id", "size", "price", "side"])
def test_a_trade_without_one_of_its_fields_is_refused(name):
    with pytest.raises(WireError):
        CODEC.parse(frame(**{key: value for key, value in MATCH.items() if key != name}), NOW)
    with pytest.raises(WireError):
        ADVANCED.parse(advanced(event({key: value for key, value in ROW.items() if key != name})), NOW)


def test_the_feeds_spell_sides_each_in_their_own_way():
    with pytest.raises(WireError):
        CODEC.parse(match(side="SELL"), NOW)
    with pytest.raises(WireError):
        ADVANCED.parse(advanced(event(ROW | {"side": "sell"})), NOW)


def test_matches_and_heartbeats_are_subscribed_together_a_hundred_products_at_a_time():
    frames = [json.loads(each) for each in Coinbase([f"C{number}-USD" for number in range(250)]).subscribe()]

    assert [len(each.pop("product_ids")) for each in frames] == [100, 100, 50]
    assert frames == [{"type": "subscribe", "channels": ["matches", "heartbeat"]}] * 3


def test_advanced_takes_one_channel_a_request():
    assert [json.loads(each) for each in ADVANCED.subscribe([ETH])] == [
        {"type": "subscribe", "product_ids": ["ETH-USD"], "channel": "market_trades"},
        {"type": "subscribe", "channel": "heartbeats"},
    ]


def test_nothing_is_subscribed_without_symbols():
    assert [list(Coinbase(channel=channel).subscribe()) for channel in Coinbase.channels] == [[], []]


@pytest.mark.parametrize("symbol", ["BIT-28JUL23-CDE", "BTC-PERP-INTX"])
def test_a_contract_is_refused(symbol):
    with pytest.raises(InputError, match="only spot symbols"):
        Coinbase([symbol])
