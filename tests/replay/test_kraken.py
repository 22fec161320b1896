"""Kraken's websocket protocol, one session at a time, and Kraken's frames on a tape."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from exchanges import Kraken
from exchanges.base import ControlKind
from market.clock import parse_time
from market.errors import TapeError
from market.trade import Side, Trade
from replay.answer import Question
from replay.bars import Bar
from replay.kraken import KrakenSession, average_text, number_text, time_text
from replay.marks import mark_of, parts_of
from replay.routes import refusal_of, session_of
from replay.source import Market, Slice, Source
from replay.synthetic import SyntheticMarket
from replay.tape import Tape, read_tape
from replay.views import shifted
from replay.wire import TapeReport, read_pushes
from tests.replay.tapes import START_MS, binance_fill, json_lines, recorded

SYMBOL = "SYNTHETIC:BTC-USDT"
NOW = parse_time("2025-06-15T04:10:30")
MINUTE = 60_000_000


@pytest.fixture(scope="module")
def source() -> SyntheticMarket:
    return SyntheticMarket()


@pytest.fixture
def market(source) -> Market:
    return Market(source, NOW)


def said(frames: list[bytes]) -> list[dict]:
    return [json.loads(frame) for frame in frames]


def ask(session: KrakenSession, market: Market, method: str = "subscribe", **params: object) -> list[dict]:
    """Return the answers to a request, without the greeting of a new connection."""
    request = {"method": method, "params": {"channel": "trade", "symbol": ["BTC/USDT"]} | params, "req_id": 9}
    return [answer for answer in said(session.receive(json.dumps(request), market)) if answer.get("channel") != "status"]


def push(session: KrakenSession, source: Source, start_us: int, end_us: int) -> list[bytes]:
    return session.push(Slice(source, end_us, start_us, {}))


def trades_of(frames: list[bytes]) -> list[Trade]:
    codec = Kraken(["BTC-USDT", "ETH-USDT"])
    return [trade for frame in frames for trade in codec.parse(frame, 0)]


def bare(trade: Trade) -> tuple:
    return trade.trade_id, trade.price, trade.size, trade.side, trade.timestamp_us, trade.count, trade.id_span


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


def test_trades_are_the_single_fills(source, market):
    session = KrakenSession()
    ask(session, market)
    frames = push(session, source, NOW, NOW + 10 * MINUTE)
    fills = source.fills(SYMBOL)

    assert [bare(each) for each in trades_of(frames)] == [
        bare(each) for each in fills.slice(fills.at(NOW), fills.at(NOW + 10 * MINUTE))
    ]
    assert list(json.loads(frames[0])["data"][0]) == ["symbol", "side", "price", "qty", "ord_type", "trade_id", "timestamp"]


def test_what_was_traded_at_one_moment_comes_in_one_frame(source, market):
    session = KrakenSession()
    ask(session, market)
    frames = push(session, source, NOW, NOW + 10 * MINUTE)
    moments = [{row["timestamp"] for row in json.loads(frame)["data"]} for frame in frames]

    assert all(len(each) == 1 for each in moments)
    assert len(set.union(*moments)) == len(frames)
    assert any(len(json.loads(frame)["data"]) > 1 for frame in frames)


def test_spans_that_touch_give_every_trade_once(source, market):
    sessions = [KrakenSession(), KrakenSession()]
    for session in sessions:
        ask(session, market)
    whole = push(sessions[0], source, NOW, NOW + MINUTE)
    pieces = [frame for start in range(NOW, NOW + MINUTE, 7_000) for frame in push(sessions[1], source, start, start + 7_000)]

    assert pieces[: len(whole)] == whole


def test_several_symbols_are_interleaved_in_time(source, market):
    session = KrakenSession()
    ask(session, market, symbol=["BTC/USDT", "ETH/USDT"])
    trades = trades_of(push(session, source, NOW, NOW + MINUTE))

    assert [trade.timestamp_us for trade in trades] == sorted(trade.timestamp_us for trade in trades)
    assert len({trade.symbol for trade in trades}) == 2


def test_a_snapshot_has_the_last_fifty_trades_and_the_next_frame_goes_on(source, market):
    session = KrakenSession()
    acknowledgement, snapshot = ask(session, market, snapshot=True)
    fills = source.fills(SYMBOL)
    told = trades_of([json.dumps(snapshot).encode()])
    following = trades_of(push(session, source, NOW, NOW + MINUTE))

    assert (acknowledgement["result"]["snapshot"], snapshot["type"]) == (True, "snapshot")
    assert [bare(each) for each in told] == [bare(each) for each in fills.newest(fills.at(NOW), 50)]
    assert following[0].trade_id == told[-1].trade_id + 1


def test_heartbeats_come_each_second_of_silence_and_only_while_subscribed(market):
    session = KrakenSession()
    ask(session, market, "unsubscribe")
    silent = [session.beat(market, second / 10) for second in range(50)]
    ask(session, market)
    beats = [second for second in range(50, 101) if session.beat(market, second / 10)]

    assert silent == [[]] * 50
    assert beats == [60, 70, 80, 90, 100]


def test_a_trade_puts_the_heartbeat_off(source, market):
    session = KrakenSession()
    ask(session, market)
    session.beat(market, 0.0)
    pushed = push(session, source, NOW, NOW + MINUTE)
    beats = [second for second in (0.75, 1.0, 1.5, 1.75, 2.0) if session.beat(market, second) == [b'{"channel":"heartbeat"}']]

    assert pushed
    assert beats == [1.75]


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (83744.3, 1, "83744.3"),
        (77400.0, 1, "77400.0"),
        (0.0004478, 8, "0.00044780"),
        (1e-8, 8, "0.00000001"),
        (60123.0, 0, "60123"),
    ],
)
def test_numbers_are_printed_to_the_precision_of_the_instrument(number, digits, text):
    assert number_text(number, digits) == text


def test_times_are_printed_to_the_microsecond():
    assert time_text(parse_time("2026-03-25T07:49:37.708706")) == "2026-03-25T07:49:37.708706Z"
    assert time_text(parse_time("2023-10-04T16:25:00"), digits=9) == "2023-10-04T16:25:00.000000000Z"


def candle(session: KrakenSession, market: Market, **params: object) -> list[dict]:
    return ask(session, market, **{"channel": "ohlc", "interval": 1, "snapshot": False} | params)


def test_a_candle_is_told_of_while_it_forms_and_stands_as_it_was_when_the_next_begins(source, market):
    session = KrakenSession()
    candle(session, market)
    rows: list[dict] = []
    for start in range(NOW, NOW + 91_000_000, 250_000):
        for frame in push(session, source, start, start + 250_000):
            assert json.loads(frame)["channel"] == "ohlc"
            rows += json.loads(frame)["data"]
    opens = list(dict.fromkeys(row["interval_begin"] for row in rows))
    last = {row["interval_begin"]: row for row in rows}
    minute = NOW // MINUTE * MINUTE
    [bar] = source.minutes(SYMBOL, minute, minute + MINUTE)
    found = last[opens[0]]

    assert opens[0] == "2025-06-15T04:10:00.000000000Z"
    assert [found[name] for name in ("open", "high", "low", "close", "volume", "trades")] == [
        bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trades,
    ]  # fmt: skip
    assert (found["interval"], found["timestamp"]) == (1, "2025-06-15T04:11:00.000000Z")
    assert all(row["trades"] for row in rows)


def test_a_snapshot_of_candles_comes_unless_it_is_not_wanted(market):
    acknowledgement, snapshot = candle(KrakenSession(), market, interval=5, snapshot=None)
    [alone] = candle(KrakenSession(), market)

    assert (acknowledgement["result"]["interval"], acknowledgement["result"]["snapshot"]) == (5, True)
    assert (snapshot["type"], snapshot["data"][-1]["interval_begin"]) == ("snapshot", "2025-06-15T04:10:00.000000000Z")
    assert alone["result"]["snapshot"] is False


def test_the_average_price_is_cut_not_rounded():
    whole = Bar(0, 106038.3, 106038.3, 106038.3, 106038.3, 0.00032101, round(106038.3 * 0.00032101, 8), 1)
    mixed = Bar(0, 1.0, 1.2, 1.0, 1.2, 3.0, 3.26, 2)
    empty = Bar(0, 1.0, 1.0, 1.0, 1.0)

    assert [average_text(bar, 1) for bar in (whole, mixed, empty)] == ["106038.3", "1.0", "0.0"]


def test_recorded_averages_are_met():
    rows = json.loads(recorded("../pairs/kraken_XBTUSDT_20251110_part1_ohlc.json").read_bytes())["result"]["XBTUSDT"]
    listed = json.loads(recorded("../pairs/kraken_XBTUSDT_20251110_part1_trades.json").read_bytes())["result"]["XBTUSDT"]
    sums: dict[int, tuple[Decimal, Decimal]] = {}
    for price, size, time, *_ in listed:
        value, volume = sums.get(int(time // 60) * 60, (Decimal(0), Decimal(0)))
        sums[int(time // 60) * 60] = value + Decimal(price) * Decimal(size), volume + Decimal(size)
    traded = [row for row in rows if row[0] in sums and row[0] > min(sums)]
    bars = [
        Bar(0, *map(float, row[1:5]), float(row[6]), float(round(sums[row[0]][0], 8)), row[7]) for row in traded
    ]  # fmt: skip

    assert len(traded) == 139
    assert [average_text(bar, 1) for bar in bars] == [row[5] for row in traded]


# -- Kraken's frames on a tape ---------------------------------------------------------------------------------------


def row(number: int, ms: int, wire: str = "BTC/USD", *, price: str = "60123.4") -> str:
    moment = time_text((START_MS + ms) * 1000)
    return (
        f'{{"symbol":"{wire}","side":"sell","price":{price},"qty":0.0031,"ord_type":"market","trade_id":{number},'
        f'"timestamp":"{moment}"}}'
    )


def frame(*rows: str, kind: str = "update") -> str:
    return f'{{"channel":"trade","type":"{kind}","data":[{",".join(rows)}]}}'


def tape_of(path: Path, *frames: str) -> Tape:
    path.write_bytes(json_lines([(START_MS + 20 * place, each) for place, each in enumerate(frames)]))
    return read_tape(path)


def sent(tape: Source, *wires: str) -> list[bytes]:
    session = KrakenSession()
    ask(session, Market(tape, tape.first_us), symbol=list(wires), snapshot=False)
    return push(session, tape, tape.first_us, tape.last_us)


def test_recorded_frames_are_sent_byte_for_byte(tmp_path):
    frames = [frame(row(7, 0), row(8, 0)), frame(row(9, 15, price="6.01234e4"))]
    tape = tape_of(tmp_path / "tape", '{"channel":"heartbeat"}', *frames, '{"channel":"status","type":"update","data":[]}')

    assert (tape.venue, tape.symbols, tape.report.frames, tape.report.trades) == ("KRAKEN", ("KRAKEN:BTC-USD",), 2, 3)
    assert sent(tape, "BTC/USD") == [each.encode() for each in frames]


def test_a_frame_of_several_symbols_is_played_to_each_subscriber_alone(tmp_path):
    tape = tape_of(tmp_path / "tape", frame(row(7, 0), row(30, 1, "ETH/USD"), row(8, 2)), frame(row(31, 3, "ETH/USD")))

    assert sent(tape, "BTC/USD") == [frame(row(7, 0), row(8, 2)).encode()]
    assert sent(tape, "ETH/USD") == [frame(row(30, 1, "ETH/USD")).encode(), frame(row(31, 3, "ETH/USD")).encode()]
    assert [trade.trade_id for trade in tape.fills("KRAKEN:BTC-USD").slice(0, 9)] == [7, 8]


def test_only_a_frame_of_several_symbols_is_taken_apart():
    whole = [frame(row(7, 0), row(8, 0)).encode(), binance_fill(1, START_MS).encode(), b"{", b'{"x":"trade","symbol":1,"symbol":2}']

    assert [parts_of(each) for each in whole] == [[each] for each in whole]


def test_a_snapshot_does_not_draw_the_start_of_a_tape_back(tmp_path):
    tape = tape_of(tmp_path / "tape", frame(row(1, -900_000), row(2, -60_000), kind="snapshot"), frame(row(3, 500)))

    assert tape.first_us == (START_MS + 500) * 1000
    assert mark_of(frame(row(1, 0), kind="snapshot").encode()).past
    assert not mark_of(frame(row(1, 0)).encode()).past


def test_other_frames_have_no_mark():
    others = [
        '{"channel":"trade","type":"snapshot","data":[]}', '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD"}]}',
        '{"method":"subscribe","result":{"channel":"trade","symbol":"BTC/USD"},"success":true}',
        '[320,{"b":[]},"book-25","XBT/USD"]',
        '{"event":"subscribed","feed":"trade","product_ids":["PI_XBTUSD"]}', '{"feed":"ticker","product_id":"PI_XBTUSD"}',
        '[340,{"a":["29938.60000",12,"12.41074632"]},"ticker","XBT/USD"]',
    ]  # fmt: skip

    assert [mark_of(each.encode()) for each in others] == [None] * len(others)


def test_a_tape_of_another_venue_is_told_in_krakens_words(tmp_path):
    path = tmp_path / "tape"
    path.write_bytes(json_lines([(START_MS, binance_fill(1, START_MS, price="61837.63000000"))]))
    [only] = sent(read_tape(path), "BTC/USDT")

    assert trades_of([only]) == [Trade("KRAKEN:BTC-USDT", 1, 61837.63, 0.02, Side.SELL, START_MS * 1000, 0)]


def test_a_shifted_tape_is_told_anew(tmp_path):
    tape = tape_of(tmp_path / "tape", frame(row(7, 0), row(8, 0)), frame(row(9, 15)))
    frames = sent(shifted(tape, 5_000_000), "BTC/USD")
    codec = Kraken(["BTC-USD"])

    assert [trade.trade_id for each in frames for trade in codec.parse(each, 0)] == [7, 8, 9]
    assert b"2024-08-08T23:54:05.000000Z" in frames[0]


def refusal_of_tape(name: str) -> tuple[str, int]:
    """Return why a recorded file cannot be played, and how many of its frames have trades."""
    report = TapeReport()
    with pytest.raises(TapeError) as error:
        read_pushes([recorded(f"kraken/{name}.jsonl.gz")], report)
    return str(error.value), sum(report.skipped.values())


def test_the_first_protocol_is_refused_because_it_has_no_ids():
    message, frames = refusal_of_tape("cf_kraken_spot_20210417_trade")

    assert message == (
        "the tape holds no trades that can be played (XMR/USD, SC/EUR): trades of Kraken's websocket v1 have no ids, "
        "so that nothing proves them complete; record wss://ws.kraken.com/v2"
    )
    assert frames == 8


def test_futures_are_refused_as_contracts():
    message, frames = refusal_of_tape("cf_kraken_futures_20210722")

    assert re.search(r"holds trades of contracts or unknown pairs only \((P|F)I_\w+, ", message)
    assert frames == 13


def test_a_tape_of_order_books_says_what_could_be_played():
    with pytest.raises(TapeError, match=r"the tape holds no trades of .*KRAKEN \(trade\)"):
        read_tape(recorded("kraken/cf_kraken_spot_20210417_book.jsonl.gz"))


def test_frames_of_the_first_protocol_beside_the_second_are_counted_with_their_reason(tmp_path):
    old = '[321,[["57126.70000","0.02063928","1616333924.737428","b","m",""]],"trade","XBT/USD"]'
    report = tape_of(tmp_path / "tape", old, frame(row(1, 0)), old).report

    assert (report.frames, report.skipped, len(report.reasons)) == (1, {"XBT/USD": 2}, 1)
