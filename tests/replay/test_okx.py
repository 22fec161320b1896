"""OKX's websocket protocol, one session at a time."""

import json

import pytest

from exchanges import OKX, Synthetic
from exchanges.base import ControlKind
from market.clock import parse_time
from market.trade import Trade
from replay.okx import OkxSession, bar_interval
from replay.source import Market
from replay.tape import read_tape
from tests.replay.played import NOW, SYMBOL, bare, push
from tests.replay.tapes import START_MS, json_lines, okx_trade


def ask(session: OkxSession, market: Market, op: str, *args: dict, **fields) -> list[dict]:
    request = {"op": op, "args": list(args), **fields}
    return [json.loads(answer) for answer in session.receive(json.dumps(request), market)]


def trades_of(frames: list[bytes]) -> list[Trade]:
    codec = Synthetic([SYMBOL, "SYNTHETIC:ETH-USDT"])
    return [trade for frame in frames for trade in codec.parse(frame, 0)]


ARG = {"channel": "trades", "instId": "BTC-USDT"}
ALL = {"channel": "trades-all", "instId": "BTC-USDT"}
CANDLE = {"channel": "candle1m", "instId": "BTC-USDT"}


def test_every_argument_is_acknowledged_on_its_own_with_the_id(market):
    session = OkxSession("public")
    answers = ask(session, market, "subscribe", ARG, {**ARG, "instId": "ETH-USDT"}, id="1512")

    assert answers == [
        {"id": "1512", "event": "subscribe", "arg": arg, "connId": session.conn_id} for arg in (ARG, {**ARG, "instId": "ETH-USDT"})
    ]
    assert session.listening


def test_no_id_is_echoed_where_none_was_given(market):
    assert "id" not in ask(OkxSession("public"), market, "subscribe", ARG)[0]


def test_an_unknown_instrument_is_refused_and_the_others_are_not(market):
    answers = ask(OkxSession("public"), market, "subscribe", {**ARG, "instId": "FOO-BAR"}, ARG)

    assert [answer["event"] for answer in answers] == ["error", "subscribe"]
    assert answers[0]["code"] == "60018"
    assert "channel:trades,instId:FOO-BAR doesn't exist" in answers[0]["msg"]


def test_the_codec_finds_the_symbol_in_a_refusal(market):
    refusal = OkxSession("public").receive(json.dumps({"op": "subscribe", "args": [{**ARG, "instId": "FOO-BAR"}]}), market)[0]
    control = OKX(["OKX:FOO-BAR"]).parse(refusal, 0)

    assert (control.kind, control.symbol, control.code) == (ControlKind.REFUSED, "OKX:FOO-BAR", "60018")


@pytest.mark.parametrize(
    ("name", "arg", "code"),
    [
        ("public", ALL, "64001"),
        ("public", CANDLE, "64001"),
        ("business", ARG, "64002"),
        ("public", {**ARG, "channel": "moods"}, "60018"),
        ("business", {**ARG, "channel": "candle7m"}, "60018"),
        ("private", ARG, "60011"),
    ],
)
def test_a_channel_has_its_own_address(market, name, arg, code):
    session = OkxSession(name)

    assert ask(session, market, "subscribe", arg)[0]["code"] == code
    assert not session.listening


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("hello", "60012"), ("[1]", "60012"), ('{"op":"dance","args":[]}', "60012"), ('{"op":"subscribe","args":[]}', "60013"),
        ('{"op":"subscribe","args":["trades"]}', "60012"), (b"\xff\xfe", "60012"), ('{"op":"login","args":[{}]}', "60009"),
    ],
)  # fmt: skip
def test_a_bad_request_is_answered_with_its_error(market, message, code):
    [answer] = OkxSession("public").receive(message, market)

    assert (json.loads(answer)["event"], json.loads(answer)["code"]) == ("error", code)


def test_ping_is_answered_with_pong_in_plain_text(market):
    assert OkxSession("public").receive("ping", market) == [b"pong"]


def test_nothing_is_pushed_before_subscribing_and_after_unsubscribing(source, market):
    session = OkxSession("public")
    before = push(session, source, NOW, NOW + 60_000_000)
    ask(session, market, "subscribe", ARG)
    [answer] = ask(session, market, "unsubscribe", ARG)

    assert answer["event"] == "unsubscribe"
    assert before == push(session, source, NOW, NOW + 60_000_000) == []


def test_trades_all_are_the_single_fills(source, market):
    session = OkxSession("business")
    ask(session, market, "subscribe", ALL)
    frames = push(session, source, NOW, NOW + 600_000_000)
    fills = source.fills(SYMBOL)

    assert [bare(each) for each in trades_of(frames)] == [
        bare(each) for each in fills.slice(fills.at(NOW), fills.at(NOW + 600_000_000))
    ]
    assert set(json.loads(frames[0])["data"][0]) == {"instId", "tradeId", "px", "sz", "side", "source", "ts"}


def test_trades_are_merged_and_carry_their_count(source, market):
    session = OkxSession("public")
    ask(session, market, "subscribe", ARG)
    frames = push(session, source, NOW, NOW + 600_000_000)
    aggregates = source.aggregates(SYMBOL)

    assert [bare(each) for each in trades_of(frames)] == [
        bare(each) for each in aggregates.slice(aggregates.at(NOW), aggregates.at(NOW + 600_000_000))
    ]
    assert json.loads(frames[0])["data"][0].keys() >= {"count", "seqId"}


def test_spans_that_touch_give_every_trade_once(source, market):
    sessions = [OkxSession("business"), OkxSession("business")]
    for session in sessions:
        ask(session, market, "subscribe", ALL)
    whole = push(sessions[0], source, NOW, NOW + 60_000_000)
    pieces = [frame for start in range(NOW, NOW + 60_000_000, 7_000) for frame in push(sessions[1], source, start, start + 7_000)]

    assert pieces[: len(whole)] == whole


def test_several_symbols_are_interleaved_in_time(source, market):
    session = OkxSession("business")
    ask(session, market, "subscribe", ALL, {**ALL, "instId": "ETH-USDT"})
    trades = trades_of(push(session, source, NOW, NOW + 60_000_000))

    assert [trade.timestamp_us for trade in trades] == sorted(trade.timestamp_us for trade in trades)
    assert len({trade.symbol for trade in trades}) == 2


def test_a_recorded_channel_is_sent_byte_for_byte_and_the_other_is_made_from_it(tmp_path):
    frames = [okx_trade(number, START_MS + number, count=2) for number in (12, 14)]
    (tmp_path / "tape").write_bytes(json_lines([(START_MS + 20 + n, frame) for n, frame in enumerate(frames)]))
    tape = read_tape(tmp_path / "tape")
    sessions = {name: OkxSession(name) for name in ("public", "business")}
    for name, arg in (("public", ARG), ("business", ALL)):
        ask(sessions[name], Market(tape, tape.first_us), "subscribe", arg)
    sent = {name: push(session, tape, tape.first_us, tape.last_us) for name, session in sessions.items()}

    assert sent["public"] == [frame.encode() for frame in frames]
    assert [json.loads(frame)["data"][0]["tradeId"] for frame in sent["business"]] == ["11", "12", "13", "14"]


def test_a_candle_is_pushed_while_it_forms_and_once_when_it_closes(source, market):
    session = OkxSession("business")
    ask(session, market, "subscribe", CANDLE)
    rows = []
    for start in range(NOW, NOW + 91_000_000, 250_000):
        for frame in push(session, source, start, start + 250_000):
            assert json.loads(frame)["arg"] == CANDLE
            rows += json.loads(frame)["data"]
    minute = NOW // 60_000_000 * 60_000_000
    [bar] = source.minutes(SYMBOL, minute, minute + 60_000_000)
    closed = [row for row in rows if row[8] == "1"]

    assert [float(number) for number in closed[0][1:7]] == [bar.open, bar.high, bar.low, bar.close, bar.volume, bar.quote_volume]
    assert [int(row[0]) * 1000 for row in closed] == [minute, minute + 60_000_000]
    assert 20 < len(rows) < 96


def test_a_candle_begins_flat_at_the_previous_close(source):
    minute = next(start for start in range(NOW // 60_000_000 * 60_000_000, NOW + 3_600_000_000, 60_000_000)
                  if not source.minutes(SYMBOL, start, start + 60_000_000))  # fmt: skip
    session = OkxSession("business")
    ask(session, Market(source, minute), "subscribe", CANDLE)
    [frame] = push(session, source, minute - 10_000, minute)
    [time, *prices, volume, _, _, confirm] = json.loads(frame)["data"][0]

    assert (int(time) * 1000, len(set(prices)), volume, confirm) == (minute, 1, "0", "0")


def test_days_begin_in_hong_kong_unless_the_bar_says_utc():
    moment = parse_time("2024-08-08T17:00:00")

    assert bar_interval("1D").open_of(moment) == parse_time("2024-08-08T16:00:00")
    assert bar_interval("1Dutc").open_of(moment) == parse_time("2024-08-08T00:00:00")
    assert bar_interval("1W").open_of(parse_time("2024-08-11T16:00:00")) == parse_time("2024-08-11T16:00:00")
    assert [bar_interval(bar) for bar in ("1h", "1d", "7m", "4Hutc", "")] == [None] * 5
