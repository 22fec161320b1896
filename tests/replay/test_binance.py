"""Binance's websocket protocol, one session at a time."""

import json
from itertools import pairwise

import pytest

from exchanges import Binance
from exchanges.base import ControlKind
from replay.answer import read_question
from replay.binance import BinanceSession
from replay.source import Market, Source
from replay.tape import read_tape
from tests.replay.binance_asking import ask
from tests.replay.played import NOW, SYMBOL, bare, push
from tests.replay.tapes import START_MS, binance_fill, recorded, timed_lines

MINUTES_10 = 600_000_000


def open_(target: str) -> BinanceSession:
    return BinanceSession(read_question(target))


def parsed(frames: list[bytes]) -> list[tuple]:
    codec = Binance(["BINANCE:BTC-USDT"])
    return [bare(trade) for frame in frames for trade in codec.parse(frame, 0)]


def expected(source: Source, series: str) -> list[tuple]:
    found = getattr(source, series)(SYMBOL)
    return [bare(trade) for trade in found.slice(found.at(NOW), found.at(NOW + MINUTES_10))]


@pytest.mark.parametrize("name", ["btcusdt@trade", "foobar@trade", "btcusdt@moods"])
def test_any_stream_is_acknowledged_whether_it_exists_or_not(source, name):
    session = open_("/ws")

    assert ask(session, Market(source, NOW), "SUBSCRIBE", [name], 7) == {"result": None, "id": 7}
    assert session.listening


def test_subscriptions_are_listed_and_ended(source):
    session, market = open_("/stream?streams=btcusdt@trade/ethusdt@trade"), Market(source, NOW)
    ask(session, market, "SUBSCRIBE", ["btcusdt@kline_1m", "btcusdt@trade"])
    ask(session, market, "UNSUBSCRIBE", ["ethusdt@trade"])

    assert ask(session, market, "LIST_SUBSCRIPTIONS", number="x") == {"result": ["btcusdt@trade", "btcusdt@kline_1m"], "id": "x"}


@pytest.mark.parametrize(
    "message",
    ["hello", "[]", '{"id":1}', '{"method":"DANCE","id":1}', '{"method":"SUBSCRIBE","params":[],"id":1}',
     '{"method":"SUBSCRIBE","params":[5],"id":1}', '{"method":"SUBSCRIBE","params":"btcusdt@trade","id":1}', b"\xff"],
)  # fmt: skip
def test_a_bad_request_is_answered_with_an_error_that_the_codec_reads(source, message):
    [answer] = open_("/ws").receive(message, Market(source, NOW))

    assert json.loads(answer)["code"] == 2
    assert Binance().parse(answer, 0).kind is ControlKind.REFUSED


def test_more_than_1024_streams_are_refused(source):
    session, market = open_("/ws"), Market(source, NOW)
    answer = ask(session, market, "SUBSCRIBE", [f"s{number}@trade" for number in range(1025)])

    assert answer["code"] == 2
    assert len(ask(session, market, "LIST_SUBSCRIPTIONS")["result"]) == 1024


@pytest.mark.parametrize("target", ["/ws/btcusdt@trade", "/stream?streams=btcusdt@trade"])
def test_a_stream_may_be_named_in_the_address(source, target):
    assert parsed(push(open_(target), source)) == expected(source, "fills")


def test_an_address_without_a_stream_does_not_listen():
    assert [open_(target).listening for target in ("/ws", "/ws/0", "/stream", "/stream?streams=")] == [False] * 4


@pytest.mark.parametrize(("channel", "series"), [("trade", "fills"), ("aggTrade", "aggregates")])
def test_both_trade_channels_carry_the_whole_market(source, channel, series):
    assert parsed(push(open_(f"/ws/btcusdt@{channel}"), source)) == expected(source, series)


def test_aggregate_ids_have_no_gap_and_their_ranges_touch(source):
    rows = [json.loads(frame) for frame in push(open_("/ws/btcusdt@aggTrade"), source)]

    assert [row["a"] for row in rows] == list(range(rows[0]["a"], rows[0]["a"] + len(rows)))
    assert all(row["f"] == before["l"] + 1 for before, row in pairwise(rows))


def test_combined_streams_wrap_the_same_events(source):
    raw, combined = (push(open_(target), source) for target in ("/ws/btcusdt@trade", "/stream?streams=btcusdt@trade"))

    assert combined == [b'{"stream":"btcusdt@trade","data":%s}' % frame for frame in raw]


def test_a_connection_can_be_made_combined(source):
    session, market = open_("/ws/btcusdt@trade"), Market(source, NOW)
    answers = [ask(session, market, "SET_PROPERTY", ["combined", True]), ask(session, market, "GET_PROPERTY", ["combined"])]

    assert answers == [{"result": None, "id": 1}, {"result": True, "id": 1}]
    assert push(session, source)[0].startswith(b'{"stream":"btcusdt@trade"')


@pytest.mark.parametrize("name", ["BTCUSDT@trade", "dogeusdt@trade", "btcusdt@depth", "btcusdt@kline_7m", "0", "@", "btcusdt@"])
def test_a_stream_that_does_not_exist_stays_silent(source, name):
    assert push(open_(f"/ws/{name}"), source) == []


def test_recorded_frames_are_sent_byte_for_byte_in_both_forms(tmp_path):
    frames = [binance_fill(number, START_MS + number) for number in (1, 2, 3)]
    (tmp_path / "tape").write_bytes(timed_lines([(START_MS, frame) for frame in frames]))
    tape = read_tape(tmp_path / "tape")
    combined, raw = (
        push(open_(target), tape, tape.first_us, tape.last_us) for target in ("/stream?streams=btcusdt@trade", "/ws/btcusdt@trade")
    )

    assert combined == [frame.encode() for frame in frames]
    assert raw == [frame.removeprefix('{"stream":"btcusdt@trade","data":')[:-1].encode() for frame in frames]


def test_frames_that_were_recorded_raw_are_wrapped_for_a_combined_stream(tmp_path):
    inner = binance_fill(1, START_MS).removeprefix('{"stream":"btcusdt@trade","data":')[:-1]
    (tmp_path / "tape").write_bytes(timed_lines([(START_MS, inner)]))
    tape = read_tape(tmp_path / "tape")

    assert push(open_("/stream?streams=btcusdt@trade"), tape, tape.first_us, tape.last_us) == [binance_fill(1, START_MS).encode()]


def test_klines_come_every_two_seconds_and_end_with_the_closed_one(source):
    session = open_("/ws/btcusdt@kline_1m")
    rows = []
    for start in range(NOW, NOW + 45_000_000, 100_000):
        rows += [json.loads(frame)["k"] for frame in push(session, source, start, start + 100_000)]
    minute = NOW // 60_000_000 * 60_000_000
    [bar] = source.minutes(SYMBOL, minute, minute + 60_000_000)
    [closed] = [row for row in rows if row["x"]]

    assert (closed["t"], closed["T"], closed["n"]) == (minute // 1000, minute // 1000 + 59_999, bar.trades)
    assert [float(closed[name]) for name in "ohlcvq"] == [bar.open, bar.high, bar.low, bar.close, bar.volume, bar.quote_volume]
    assert (closed["f"], closed["L"]) == (bar.first_id, bar.last_id)
    assert 10 < len(rows) < 26


def test_the_minutes_of_a_recorded_night_are_binances_own():
    tape = read_tape(*(recorded(f"binance/hft_spot_btcusdt_{day}.gz") for day in ("20240808", "20240809")))
    table = recorded("binance").parents[1] / "pairs" / "binance_spot_BTCUSDT_20240808_klines_1m.csv"
    theirs = [[float(cell) for cell in row.split(",")] for row in table.read_text().splitlines()[1:]]
    ours = {bar.open_us // 1000: bar for bar in tape.minutes("BINANCE:BTC-USDT", 0, 2**62)}
    whole = [row for row in theirs if tape.first_us <= row[0] * 1000 and row[0] * 1000 + 60_000_000 <= tape.last_us]
    found = [ours[int(time)] for time, *_ in whole]

    assert len(whole) >= 5
    assert [[bar.open_us / 1000, bar.open, bar.high, bar.low, bar.close, bar.volume] for bar in found] == whole
