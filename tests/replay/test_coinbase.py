"""Coinbase's websocket protocols, one session at a time: Exchange's, and Advanced Trade's."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from exchanges import Coinbase
from exchanges.base import ControlKind, Instrument
from market.trade import Trade
from replay.answer import read_question
from replay.coinbase import CoinbaseSession
from replay.routes import refusal_of, session_of
from replay.source import Market, Slice, Source
from replay.synthetic import SyntheticMarket
from tests.replay.played import NOW, SYMBOL, bare, push

MINUTE_US = 60_000_000
BTC, BOTH = ["BTC-USDT"], ["BTC-USDT", "ETH-USDT"]


class AsCoinbase(SyntheticMarket):
    """The generated market with one symbol under another name, as a product of Coinbase."""

    def __init__(self, pair: str) -> None:
        super().__init__()
        self.venue = "COINBASE"
        self.instruments = {f"COINBASE:{pair}": Instrument(f"COINBASE:{pair}", "0.1", "0.00001", "live")}

    def fills(self, symbol: str) -> Any:
        assert symbol in self.instruments
        return super().fills(SYMBOL)


def say(session: CoinbaseSession, market: Market, **request: Any) -> list[dict[str, Any]]:
    return [json.loads(answer) for answer in session.receive(json.dumps(request), market)]


def exchange(
    session: CoinbaseSession, market: Market, products: Sequence[str], *channels: Any, what: str = "subscribe"
) -> list[dict]:
    return say(session, market, type=what, product_ids=list(products), channels=list(channels))


def advanced(session: CoinbaseSession, market: Market, products: Sequence[str], channel: str = "market_trades") -> list[dict]:
    return say(session, market, type="subscribe", product_ids=list(products), channel=channel)


def trades_of(frames: Sequence[bytes], pairs: Sequence[str] = BOTH) -> list[Trade]:
    return Coinbase(pairs).parse_all(frames, 0).trades


def fills_in(source: Source, start_us: int, end_us: int, symbol: str = SYMBOL) -> list[Trade]:
    fills = source.fills(symbol)
    return fills.slice(fills.at(start_us), fills.at(end_us))


def test_the_address_is_a_bare_slash():
    assert isinstance(session_of(read_question("/")), CoinbaseSession)
    assert refusal_of(read_question("/")) is None
    assert b", /" in refusal_of(read_question("/moods")).body


def test_a_subscription_is_listed_and_begins_with_the_last_match(source, market):
    session = CoinbaseSession()
    before = session.listening
    subscribed, *last = exchange(session, market, BOTH, "matches", "heartbeat")
    newest = [fills_in(source, NOW - 10 * MINUTE_US, NOW, f"SYNTHETIC:{pair}")[-1] for pair in BOTH]

    assert (before, session.listening) == (False, True)
    assert subscribed == {
        "type": "subscriptions",
        "channels": [{"name": "matches", "product_ids": BOTH}, {"name": "heartbeat", "product_ids": BOTH}],
    }
    assert [each["type"] for each in last] == ["last_match"] * 2
    assert [bare(each) for each in trades_of([json.dumps(each).encode() for each in last])] == [bare(each) for each in newest]


def test_a_channel_may_name_its_own_products(market):
    subscribed, *last = exchange(CoinbaseSession(), market, BTC, "matches", {"name": "heartbeat", "product_ids": ["ETH-USDT"]})

    assert subscribed["channels"] == [
        {"name": "matches", "product_ids": ["BTC-USDT"]}, {"name": "heartbeat", "product_ids": ["ETH-USDT"]},
    ]  # fmt: skip
    assert [each["product_id"] for each in last] == ["BTC-USDT"]


def test_matches_are_the_single_fills_with_the_makers_side(source, market):
    session = CoinbaseSession()
    exchange(session, market, BTC, "matches")
    frames = push(session, source, NOW, NOW + 10 * MINUTE_US)
    expected = fills_in(source, NOW, NOW + 10 * MINUTE_US)

    assert [bare(each) for each in trades_of(frames)] == [bare(each) for each in expected]
    assert {json.loads(frame)["side"] for frame in frames} == {"buy", "sell"}
    assert json.loads(frames[0]).keys() >= {"type", "sequence", "maker_order_id", "taker_order_id", "time", "product_id"}


def test_the_first_match_follows_the_last_one_before_it(source, market):
    session = CoinbaseSession()
    [_, last] = exchange(session, market, BTC, "matches")
    [first, *_] = trades_of(push(session, source, NOW, NOW + MINUTE_US))

    assert first.trade_id == last["trade_id"] + 1


def test_spans_that_touch_give_every_trade_once(source, market):
    whole, pieces = CoinbaseSession(), CoinbaseSession()
    for session in (whole, pieces):
        exchange(session, market, BTC, "matches")
    sent = [frame for start in range(NOW, NOW + MINUTE_US, 10_000) for frame in push(pieces, source, start, start + 10_000)]

    assert sent == push(whole, source, NOW, NOW + MINUTE_US)


def test_heartbeats_come_once_a_second_with_the_newest_id(source, market):
    session = CoinbaseSession()
    exchange(session, market, BTC, "matches", "heartbeat")
    beats = [(second, session.beat(Market(source, NOW + int(second * 1e6)), second)) for second in (5.0, 5.5, 5.99, 6.0, 6.5, 7.1)]
    [control] = Coinbase(BTC).parse_all(beats[3][1], 0).controls

    assert [second for second, frames in beats if frames] == [5.0, 6.0, 7.1]
    assert (control.kind, control.symbol) == (ControlKind.HEARTBEAT, "COINBASE:BTC-USDT")
    assert control.newest_id == fills_in(source, NOW, NOW + 6_000_000)[-1].trade_id


def test_a_heartbeat_before_the_first_trade_says_nothing():
    session, market = CoinbaseSession(), Market(SyntheticMarket(), 0)
    exchange(session, market, BTC, "heartbeat")
    [control] = Coinbase(BTC).parse_all(session.beat(market, 0.0), 0).controls

    assert control.newest_id is None


def test_nothing_is_sent_that_was_not_asked_for(source, market):
    session = CoinbaseSession()
    exchange(session, market, BTC, "heartbeat")
    quiet = push(session, source, NOW, NOW + MINUTE_US)
    left = exchange(session, market, [], "heartbeat", what="unsubscribe")

    assert left == [{"type": "subscriptions", "channels": []}]
    assert quiet == session.beat(market, 0.0) == []
    assert not session.listening


def test_one_product_can_be_left(source, market):
    session = CoinbaseSession()
    exchange(session, market, BOTH, "matches", "heartbeat")
    exchange(session, market, BTC, "matches", what="unsubscribe")

    assert {trade.symbol for trade in trades_of(push(session, source, NOW, NOW + MINUTE_US))} == {"COINBASE:ETH-USDT"}
    assert len(session.beat(market, 0.0)) == 2


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"type": "dance"}, "Type has to be either subscribe or unsubscribe"),
        ({"product_ids": BTC}, "Failed to subscribe: No channels provided"),
        ({"channels": ["matches"]}, "Failed to subscribe: You need to specify at least one product ID for channel matches"),
        ({"product_ids": BTC, "channels": ["moods"]}, "Failed to subscribe: moods is not a valid channel"),
        ({"product_ids": BTC, "channels": ["full"]}, "Failed to subscribe: full channel requires authentication"),
        ({"product_ids": ["FOO-BAR"], "channel": "market_trades"}, "failure to subscribe"),
        ({"product_ids": [], "channel": "market_trades"}, "failure to subscribe"),
        ({"product_ids": BTC, "channel": "moods"}, "failure to subscribe"),
    ],
)
def test_a_bad_request_is_answered_with_one_error(market, asked, message):
    session = CoinbaseSession()
    answers = session.receive(json.dumps({"type": "subscribe", **asked}), market)
    [control] = Coinbase(BTC).parse_all(answers, 0).controls

    assert (control.kind, control.message) == (ControlKind.REFUSED, message)
    assert not session.listening


@pytest.mark.parametrize("message", ["hello", b"\xff\xfe", "[1]", '{"type":5}', '{"type":"subscribe","channels":[5]}'])
def test_what_is_no_request_is_malformed(market, message):
    assert CoinbaseSession().receive(message, market) == [b'{"type":"error","message":"Malformed JSON"}']


def test_one_unknown_product_costs_the_whole_request_and_is_named(market):
    session = CoinbaseSession()
    answers = session.receive(
        '{"type":"subscribe","product_ids":["BTC-USDT","FOO-BAR"],"channels":["matches","heartbeat"]}', market
    )
    [control] = Coinbase(["BTC-USDT", "FOO-BAR"]).parse_all(answers, 0).controls

    assert (control.symbol, control.message) == ("COINBASE:FOO-BAR", "Failed to subscribe: FOO-BAR is not a valid product")
    assert not session.listening


def test_advanced_begins_with_a_snapshot_of_the_last_hundred_trades_newest_first(source, market):
    snapshot, subscribed = advanced(CoinbaseSession(), market, BTC)
    [event] = snapshot["events"]
    ids = [int(row["trade_id"]) for row in event["trades"]]
    newest = fills_in(source, NOW - 60 * MINUTE_US, NOW)[-1].trade_id

    assert (snapshot["channel"], event["type"]) == ("market_trades", "snapshot")
    assert ids == list(range(newest, newest - 100, -1))
    assert subscribed["events"] == [{"subscriptions": {"market_trades": BTC}}]


def test_advanced_updates_are_the_fills_after_the_snapshot(source, market):
    session = CoinbaseSession()
    snapshot, _ = advanced(session, market, BTC)
    frames = push(session, source, NOW, NOW + 10 * MINUTE_US)
    trades = Coinbase(BTC, channel="market_trades").parse_all([json.dumps(snapshot).encode(), *frames], 0).trades

    assert [bare(each) for each in trades[100:]] == [bare(each) for each in fills_in(source, NOW, NOW + 10 * MINUTE_US)]
    assert trades[100].trade_id == trades[99].trade_id + 1
    assert len(frames) < len(trades) - 100  # some share a quarter of a second
    assert {event["type"] for frame in frames for event in json.loads(frame)["events"]} == {"update"}


def test_all_frames_of_a_connection_to_advanced_are_counted_together(source, market):
    session = CoinbaseSession()
    frames = session.receive('{"type":"subscribe","product_ids":["BTC-USDT","ETH-USDT"],"channel":"market_trades"}', market)
    frames += session.receive('{"type":"subscribe","channel":"heartbeats"}', market)
    for second in range(20):
        start = NOW + second * 1_000_000
        frames += push(session, source, start, start + 1_000_000)
        frames += session.beat(Market(source, start + 1_000_000), float(second))
    parsed = Coinbase(BOTH, channel="market_trades").parse_all(frames, 0)

    assert parsed.numbers == list(range(len(frames)))
    assert not parsed.refused
    assert [control.kind for control in parsed.controls] == [ControlKind.SUBSCRIBED] * 2 + [ControlKind.HEARTBEAT] * 20


def test_two_connections_count_each_on_its_own(source, market):
    sessions = [CoinbaseSession(), CoinbaseSession()]
    for session in sessions:
        advanced(session, market, BTC)
    sessions[0].receive('{"type":"subscribe","channel":"heartbeats"}', market)
    span = Slice(source, NOW + MINUTE_US, NOW, {})
    numbers = [[json.loads(frame)["sequence_num"] for frame in session.push(span)] for session in sessions]

    assert [each[0] for each in numbers] == [3, 2]
    assert len(numbers[0]) == len(numbers[1])


def test_advanced_subscriptions_can_be_left(source, market):
    session = CoinbaseSession()
    advanced(session, market, BOTH)
    advanced(session, market, [], "heartbeats")
    left = [say(session, market, type="unsubscribe", product_ids=ids, channel=name)[-1]["events"][0]["subscriptions"]
            for name, ids in (("market_trades", BTC), ("heartbeats", []), ("moods", []), ("market_trades", []))]  # fmt: skip

    assert left == [
        {"market_trades": ["ETH-USDT"], "heartbeats": ["heartbeats"]}, {"market_trades": ["ETH-USDT"]},
        {"market_trades": ["ETH-USDT"]}, {},
    ]  # fmt: skip
    assert push(session, source, NOW, NOW + MINUTE_US) == session.beat(market, 0.0) == []


@pytest.mark.parametrize(("listed", "asked"), [("BTC-USD", "BTC-USDC"), ("BTC-USDC", "BTC-USDC"), ("BTC-USD", "BTC-USD")])
def test_advanced_answers_a_usdc_product_under_the_name_of_its_dollar_book(listed, asked):
    source, session = AsCoinbase(listed), CoinbaseSession()
    snapshot, subscribed = advanced(session, Market(source, NOW), [asked])
    frames = [json.dumps(snapshot).encode(), *push(session, source, NOW, NOW + MINUTE_US)]
    parsed = Coinbase([asked], channel="market_trades").parse_all(frames, 0)

    assert {row["product_id"] for frame in frames for row in json.loads(frame)["events"][0]["trades"]} == {"BTC-USD"}
    assert {trade.symbol for trade in parsed.trades} == {f"COINBASE:{asked}"}
    assert subscribed["events"] == [{"subscriptions": {"market_trades": [asked]}}]


def test_exchange_knows_a_product_by_its_one_name():
    [error] = exchange(CoinbaseSession(), Market(AsCoinbase("BTC-USD"), NOW), ["BTC-USDC"], "matches")

    assert error["reason"] == "BTC-USDC is not a valid product"
