"""Bybit's websocket protocol, one session at a time."""

import json

import pytest

from exchanges import Bybit, BybitLinear
from exchanges.base import ControlKind
from market.clock import parse_time
from market.trade import Trade
from replay.answer import read_question
from replay.bars import Interval
from replay.bybit import BybitSession, id_text, kline_interval, opened
from replay.routes import refusal_of, session_of
from replay.source import Market
from tests.replay.played import NOW, SYMBOL, bare, push

SECOND = 1_000_000
BTC, ETH, KLINE = "publicTrade.BTCUSDT", "publicTrade.ETHUSDT", "kline.1.BTCUSDT"
CODECS = {"spot": Bybit(["BTC-USDT", "ETH-USDT"]), "linear": BybitLinear(["BTC-USDT", "ETH-USDT"])}
CATEGORIES = list(CODECS)


def ask(session: BybitSession, market: Market, op: str, *topics: str, **fields) -> dict:
    [answer] = session.receive(json.dumps({"op": op, "args": list(topics), **fields}), market)
    return json.loads(answer)


def trades_of(category: str, frames: list[bytes]) -> list[Trade]:
    return [trade for frame in frames for trade in CODECS[category].parse(frame, 0)]


@pytest.mark.parametrize(("category", "word"), [("spot", "subscribe"), ("linear", "")])
def test_a_request_is_acknowledged_as_a_whole_in_the_words_of_its_category(market, category, word):
    session = BybitSession(category)

    assert ask(session, market, "subscribe", BTC, ETH, req_id="t1") == {
        "success": True, "ret_msg": word, "conn_id": session.conn_id, "req_id": "t1", "op": "subscribe",
    }  # fmt: skip
    assert session.listening


def test_a_request_without_an_id_is_answered_as_its_category_does(market):
    assert ask(BybitSession("linear"), market, "subscribe", BTC)["req_id"] == ""
    assert "req_id" not in ask(BybitSession("spot"), market, "subscribe", BTC)


def test_an_id_that_is_a_number_is_given_back_as_text(market):
    assert ask(BybitSession("linear"), market, "subscribe", BTC, req_id=7)["req_id"] == "7"


@pytest.mark.parametrize(
    ("category", "message"),
    [("linear", "error:handler not found,topic:publicTrade.FOOUSDT"), ("spot", "Invalid symbol :[publicTrade.FOOUSDT]")],
)
def test_one_bad_topic_costs_its_whole_request(market, category, message):
    session = BybitSession(category)
    answer = ask(session, market, "subscribe", BTC, "publicTrade.FOOUSDT")

    assert (answer["success"], answer["ret_msg"]) == (False, message)
    assert not session.listening


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_codec_finds_the_symbol_in_a_refusal(market, category):
    codec = CODECS[category].following(["FOO-USDT", "BTC-USDT"])
    [refusal] = BybitSession(category).receive(codec.subscribe()[0], market)
    control = codec.parse(refusal, 0)

    assert (control.kind, control.symbol) == (ControlKind.REFUSED, f"{codec.name}:FOO-USDT")


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_codec_reads_acknowledgement_and_pong(market, category):
    session, codec = BybitSession(category), CODECS[category].following(["BTC-USDT"])
    [acknowledged] = session.receive(codec.subscribe()[0], market)
    [pong] = session.receive(codec.keep_alive.ping, market)

    assert (codec.parse(acknowledged, 0).kind, codec.parse(acknowledged, 0).symbol) == (ControlKind.SUBSCRIBED, codec.symbols[0])
    assert codec.parse(pong, 0).kind is ControlKind.PONG


def test_what_is_subscribed_already_is_said_and_stays(market):
    session = BybitSession("linear")
    ask(session, market, "subscribe", BTC)
    answer = ask(session, market, "subscribe", BTC)

    assert (answer["success"], answer["ret_msg"]) == (False, f"error:already subscribed,topic:{BTC}")
    assert session.listening


def test_spot_takes_ten_topics_in_a_request_and_perpetuals_any_number(market):
    topics = [f"kline.{minutes}.{wire}" for minutes in (1, 3, 5, 15, 30, 60) for wire in ("BTCUSDT", "ETHUSDT")][:11]

    assert ask(BybitSession("spot"), market, "subscribe", *topics)["ret_msg"] == "args size >10"
    assert ask(BybitSession("spot"), market, "subscribe", *topics[:10])["success"]
    assert ask(BybitSession("linear"), market, "subscribe", *topics)["success"]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("hello", "Failed to decode incoming data"), ("[1]", "Failed to decode"), (b"\xff\xfe", "Failed to decode"),
        ('{"op":"dance","args":[]}', "error:invalid op"), ('{"op":"subscribe"}', "Params Error"),
        ('{"op":"subscribe","args":[7]}', "Params Error"), ('{"op":"subscribe","args":["kline.7.BTCUSDT"]}', "handler not found"),
        ('{"op":"subscribe","args":["tickers.BTCUSDT"]}', "handler not found"),
        ('{"op":"subscribe","args":["BTCUSDT"]}', "not found"),
        ('{"op":"subscribe","args":["publicTrade.btcusdt"]}', "handler not found"),
        ('{"op":"subscribe","args":["orderbook.50.BTCUSDT"]}', "handler not found"),
    ],
)  # fmt: skip
def test_a_bad_request_is_answered_with_its_error(market, message, words):
    [answer] = BybitSession("linear").receive(message, market)

    assert json.loads(answer)["success"] is False
    assert words in json.loads(answer)["ret_msg"]


def test_nothing_is_pushed_before_subscribing_and_after_unsubscribing(source, market):
    session = BybitSession("linear")
    before = push(session, source, NOW, NOW + 60 * SECOND)
    ask(session, market, "subscribe", BTC, KLINE)
    answer = ask(session, market, "unsubscribe", BTC, KLINE)

    assert (answer["success"], answer["op"]) == (True, "unsubscribe")
    assert before == push(session, source, NOW, NOW + 60 * SECOND) == []
    assert not session.listening


@pytest.mark.parametrize("category", CATEGORIES)
def test_trades_are_the_single_fills_of_the_source(source, market, category):
    session = BybitSession(category)
    ask(session, market, "subscribe", BTC)
    frames = push(session, source, NOW, NOW + 600 * SECOND)
    fills = source.fills(SYMBOL)
    expected = fills.slice(fills.at(NOW), fills.at(NOW + 600 * SECOND))

    assert [bare(each) for each in trades_of(category, frames)] == [bare(each) for each in expected]
    assert [len(json.loads(frame)["data"]) for frame in frames] == [1024] * (len(expected) // 1024) + [len(expected) % 1024]


def test_a_frame_looks_like_the_venues(source, market):
    session = BybitSession("linear")
    ask(session, market, "subscribe", BTC)
    [frame] = push(session, source, NOW, NOW + 5 * SECOND)
    fills = source.fills(SYMBOL)
    [fill] = fills.slice(fills.at(NOW), fills.at(NOW) + 1)
    body = json.loads(frame)

    assert {name: value for name, value in body.items() if name != "data"} == {
        "topic": BTC, "type": "snapshot", "ts": body["data"][-1]["T"],
    }  # fmt: skip
    assert body["data"][0] == {
        "T": fill.timestamp_us // 1000, "s": "BTCUSDT", "S": fill.side.value.capitalize(), "v": f"{fill.size:g}",
        "p": f"{fill.price:.10g}", "i": id_text("linear", fill.trade_id), "BT": False, "RPI": False, "seq": fill.trade_id,
    }  # fmt: skip
    assert [row["seq"] for row in body["data"]] == list(range(fill.trade_id, fill.trade_id + len(body["data"])))


@pytest.mark.parametrize("number", [0, 1, 2290000001189048101, 2**62 - 1])
def test_an_id_of_either_kind_is_read_as_the_number_that_it_was_made_of(number):
    texts = [id_text(category, number) for category in CATEGORIES]
    frames = [
        json.dumps({"topic": BTC, "data": [{"T": 1, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "1", "i": text}]}).encode()
        for text in texts
    ]

    assert [codec.parse(frame, 0)[0].trade_id for codec, frame in zip(CODECS.values(), frames, strict=True)] == [number] * 2
    assert [(len(text), text.count("-")) for text in texts] == [(len(str(number)), 0), (36, 4)]


def test_spans_that_touch_give_every_trade_once(source, market):
    sessions = [BybitSession("spot"), BybitSession("spot")]
    for session in sessions:
        ask(session, market, "subscribe", BTC)
    whole = trades_of("spot", push(sessions[0], source, NOW, NOW + 60 * SECOND))
    pieces = [frame for start in range(NOW, NOW + 60 * SECOND, 7_000) for frame in push(sessions[1], source, start, start + 7_000)]

    assert trades_of("spot", pieces)[: len(whole)] == whole


def test_several_symbols_are_interleaved_in_time(source, market):
    session = BybitSession("linear")
    ask(session, market, "subscribe", BTC, ETH)
    times = []
    for start in range(NOW, NOW + 30 * SECOND, 10_000):
        times += [json.loads(frame)["ts"] for frame in push(session, source, start, start + 10_000)]

    assert times == sorted(times)
    assert len(times) > 50


def test_a_candle_is_pushed_while_it_forms_and_once_when_it_closes(source, market):
    session = BybitSession("linear")
    ask(session, market, "subscribe", KLINE)
    bodies = []
    for start in range(NOW, NOW + 91 * SECOND, 250_000):
        bodies += [json.loads(frame) for frame in push(session, source, start, start + 250_000)]
    rows = [row for body in bodies for row in body["data"]]
    minute = NOW // (60 * SECOND) * 60 * SECOND
    [bar] = source.minutes(SYMBOL, minute, minute + 60 * SECOND)
    closed = [row for row in rows if row["confirm"]]

    assert {body["topic"] for body in bodies} == {KLINE}
    assert [[row["confirm"] for row in body["data"]] for body in bodies if len(body["data"]) > 1] == [[True, False]] * 2
    assert [row["start"] * 1000 for row in closed] == [minute, minute + 60 * SECOND]
    assert (closed[0]["end"], closed[0]["interval"]) == (closed[0]["start"] + 59_999, "1")
    assert [float(closed[0][name]) for name in ("close", "volume", "turnover")] == [bar.close, bar.volume, bar.quote_volume]
    assert 20 < len(rows) < 96
    assert all(row["timestamp"] * 1000 <= NOW + 91 * SECOND for row in rows)


def test_a_candle_opens_at_the_close_before_it_and_reaches_that_price(source):
    start = NOW // (60 * SECOND) * 60 * SECOND
    fills = source.fills(SYMBOL)
    bars = source.bars(SYMBOL, Interval(60 * SECOND), start - 600 * SECOND, start, start)
    [before] = fills.newest(fills.at(bars[0].open_us), 1)
    found = opened(bars, fills)

    assert [bar.open for bar in found] == [before.price, *(bar.close for bar in bars[:-1])]
    assert [(bar.high, bar.low) for bar in found] == [
        (max(bar.high, made.open), min(bar.low, made.open)) for bar, made in zip(bars, found, strict=True)
    ]
    assert [(bar.close, bar.volume, bar.trades) for bar in found] == [(bar.close, bar.volume, bar.trades) for bar in bars]
    assert any(bar.open != made.open for bar, made in zip(bars, found, strict=True))


@pytest.mark.parametrize(
    ("name", "width_seconds"),
    [("1", 60), ("3", 180), ("30", 1800), ("60", 3600), ("240", 14_400), ("720", 43_200), ("D", 86_400), ("W", 604_800)],
)
def test_intervals_have_the_venues_names(name, width_seconds):
    assert kline_interval(name).width_us == width_seconds * SECOND


def test_weeks_begin_on_monday_and_other_names_are_none():
    assert kline_interval("W").open_of(parse_time("2024-08-11T16:00:00")) == parse_time("2024-08-05T00:00:00")
    assert kline_interval("M").open_of(parse_time("2024-08-11T16:00:00")) == parse_time("2024-08-01T00:00:00")
    assert [kline_interval(name) for name in ("1m", "7", "", "d", "1D", "05")] == [None] * 6


def test_each_category_has_its_path_and_other_paths_are_refused():
    sessions = [session_of(read_question(f"/v5/public/{category}")) for category in CATEGORIES]

    assert [(type(session), session.category) for session in sessions] == [(BybitSession, category) for category in CATEGORIES]
    assert refusal_of(read_question("/v5/public/linear")) is None
    assert refusal_of(read_question("/v5/public/moods")).status == 404
