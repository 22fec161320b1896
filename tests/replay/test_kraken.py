"""Kraken's websocket protocol, one session at a time: what is asked, and the answers."""

import json

import pytest

from exchanges import Kraken
from exchanges.base import ControlKind
from replay.answer import Question
from replay.kraken import KrakenSession
from replay.routes import refusal_of, session_of
from tests.replay.kraken_asking import MINUTE, ask, said
from tests.replay.played import NOW, push


def test_the_path_is_the_second_protocols():
    assert isinstance(session_of(Question("/v2", {})), KrakenSession)
    assert refusal_of(Question("/v2", {})) is None
    assert b"/v2" in refusal_of(Question("/v3", {})).body


def test_every_symbol_is_acknowledged_on_its_own_with_the_id(market):
    answers = ask(KrakenSession(), market, symbol=["BTC/USDT", "ETH/USDT"], snapshot=False)
    moment = "2025-06-15T04:10:30.000000Z"

    assert answers == [
        {
            "method": "subscribe", "result": {"channel": "trade", "snapshot": False, "symbol": wire}, "success": True,
            "time_in": moment, "time_out": moment, "req_id": 9,
        }
        for wire in ("BTC/USDT", "ETH/USDT")
    ]  # fmt: skip


def test_no_id_is_echoed_where_none_was_given(market):
    request = {"method": "subscribe", "params": {"channel": "trade", "symbol": ["BTC/USDT"]}}

    assert "req_id" not in said(KrakenSession().receive(json.dumps(request), market))[-1]


def test_the_status_stands_before_the_first_answer_and_comes_once(market):
    session = KrakenSession()
    first, second = said(session.receive('{"method":"ping"}', market)), said(session.receive('{"method":"ping"}', market))

    assert [frame.get("channel") or frame["method"] for frame in first + second] == ["status", "pong", "pong"]
    assert first[0]["data"][0]["system"] == "online"


def test_who_says_nothing_is_told_the_status_too(market):
    session = KrakenSession()

    assert [frame["channel"] for frame in said(session.beat(market, 0.0) + session.beat(market, 5.0))] == ["status"]


def test_the_codec_reads_every_word_of_the_exchange(market, source):
    session, codec = KrakenSession(), Kraken(["BTC-USDT", "FOO-USDT"])
    request = {"method": "subscribe", "params": {"channel": "trade", "symbol": ["BTC/USDT", "FOO/USDT"], "snapshot": False}}
    frames = session.receive(json.dumps(request), market) + session.receive(codec.keep_alive.ping or "", market)
    frames += session.beat(market, 0.0) + session.beat(market, 1.0)
    parsed = codec.parse_all(frames + push(session, source, NOW, NOW + MINUTE), 0)

    assert [(each.kind, each.symbol) for each in parsed.controls] == [
        (ControlKind.OTHER, None), (ControlKind.SUBSCRIBED, "KRAKEN:BTC-USDT"), (ControlKind.REFUSED, "KRAKEN:FOO-USDT"),
        (ControlKind.PONG, None), (ControlKind.HEARTBEAT, None),
    ]  # fmt: skip
    assert parsed.trades
    assert parsed.refused == []


def test_the_codecs_own_request_is_understood(market):
    session = KrakenSession()
    [request] = Kraken(["BTC-USDT"]).subscribe()
    session.receive(request, market)

    assert session.listening


@pytest.mark.parametrize(
    ("wire", "error"),
    [
        ("FOO/BAR", "Currency pair not supported FOO/BAR"), ("/", "Currency pair not supported /"),
        ("BTCUSDT", "Currency pair not in ISO 4217-A3 format BTCUSDT"), ("", "Currency pair not in ISO 4217-A3 format "),
        ("BTC-USDT", "Currency pair not in ISO 4217-A3 format BTC-USDT"),
        ("BTC/USDT/X", "Currency pair not in ISO 4217-A3 format BTC/USDT/X"),
    ],
)  # fmt: skip
def test_an_unknown_pair_is_refused_and_the_others_are_not(market, wire, error):
    session = KrakenSession()
    refused, accepted = ask(session, market, symbol=[wire, "ETH/USDT"])

    assert (refused["success"], refused["error"], refused["method"]) == (False, error, "subscribe")
    assert accepted["success"]
    assert session.listening


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"channel": "moods"}, "Channel not supported"), ({"channel": "ohlc", "interval": 7}, "interval not supported"),
        ({"symbol": []}, "not found"), ({"symbol": "BTC/USDT"}, "Malformed request"), ({"symbol": [7]}, "Malformed request"),
    ],
)  # fmt: skip
def test_what_cannot_be_subscribed_is_refused(market, params, error):
    session = KrakenSession()
    [answer] = ask(session, market, **params)

    assert (answer["success"], error in answer["error"]) == (False, True)
    assert not session.listening


@pytest.mark.parametrize(
    "message", ["hello", "ping", "[1]", "{}", '{"event":"subscribe"}', b"\xff\xfe", '{"method":7}', "[" * 99_999]
)
def test_a_malformed_request_is_answered_with_its_error(market, message):
    answer = said(KrakenSession().receive(message, market))[-1]

    assert (answer["error"], answer["success"]) == ("Malformed request", False)


@pytest.mark.parametrize(
    "message", ['{"method":"dance","params":{}}', '{"method":"subscribe"}', '{"method":"add_order","params":{}}']
)
def test_an_unknown_method_is_refused(market, message):
    answer = said(KrakenSession().receive(message, market))[-1]

    assert (answer["success"], answer["error"].startswith("Unsupported method")) == (False, True)


def test_a_ping_is_answered_with_its_id(market):
    pong = said(KrakenSession().receive('{"method":"ping","req_id":101}', market))[-1]

    assert (pong["method"], pong["req_id"], set(pong)) == ("pong", 101, {"method", "req_id", "time_in", "time_out"})


def test_a_second_subscription_is_refused_and_the_codec_takes_it_for_one(market):
    session = KrakenSession()
    ask(session, market)
    request = {"method": "subscribe", "params": {"channel": "trade", "symbol": ["BTC/USDT"]}}
    [answer] = session.receive(json.dumps(request), market)

    assert json.loads(answer)["error"] == "Already subscribed"
    assert Kraken(["BTC-USDT"]).parse(answer, 0).kind is ControlKind.SUBSCRIBED


def test_nothing_is_pushed_before_subscribing_and_after_unsubscribing(source, market):
    session = KrakenSession()
    before = push(session, source, NOW, NOW + MINUTE)
    ask(session, market)
    [answer] = ask(session, market, "unsubscribe")
    [again] = ask(session, market, "unsubscribe")

    assert (answer["method"], answer["success"], again["error"]) == ("unsubscribe", True, "Subscription Not Found")
    assert before == push(session, source, NOW, NOW + MINUTE) == []
    assert not session.listening
