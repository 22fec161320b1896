"""The websocket protocol of Binance's USD-M futures, one session at a time, and the addresses that are silent."""

import json
from pathlib import Path

import pytest

from exchanges import BinanceUsdm
from exchanges.base import ControlKind
from market.trade import Trade
from replay import routes
from replay.answer import read_question
from replay.binance_usdm import BinanceUsdmSession, is_stream_path
from replay.session import Session
from replay.source import Market, Slice, Source
from replay.tape import Tape, read_tape
from tests.replay.binance_asking import ask
from tests.replay.played import NOW, SYMBOL, push
from tests.replay.tapes import START_MS, json_lines, recorded, timed_lines
from tests.replay.tapes_usdm import bare, usdm_aggregate, usdm_fill

BTC = "BINANCEUSDM:BTC-USDT"
MINUTES_10 = 600_000_000
MINUTE = 60_000_000


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    frames = [usdm_aggregate(5, START_MS + 10, (100, 102)), usdm_aggregate(6, START_MS + 20), usdm_fill(100, START_MS + 10)]
    path = tmp_path / "tape"
    path.write_bytes(timed_lines([(START_MS + number, frame) for number, frame in enumerate(frames)]))
    return read_tape(path)


def open_(target: str) -> Session:
    session = routes.session_of(read_question(target))
    assert session is not None
    return session


def played(target: str, tape: Tape) -> list[bytes]:
    return push(open_(target), tape, tape.first_us, tape.last_us)


def told(trade: Trade, number: int) -> tuple:
    return number, trade.price, trade.size, trade.side, trade.timestamp_us, trade.count


def parsed(frames: list[bytes], channel: str) -> list[tuple]:
    codec = BinanceUsdm(["BTC-USDT"], channel=channel)
    return [told(trade, trade.trade_id) for frame in frames for trade in codec.parse(frame, 0)]


def expected(source: Source, series: str) -> list[tuple]:
    found = getattr(source, series)(SYMBOL)
    start, stop = found.at(NOW), found.at(NOW + MINUTES_10)
    return [told(trade, number) for trade, number in zip(found.slice(start, stop), found.numbers(start, stop), strict=True)]


@pytest.mark.parametrize(
    "target", ["/market/ws", "/market/stream", "/public/ws", "/public/stream", "/market/ws/btcusdt@aggTrade", "/public/ws/0"]
)
def test_the_addresses_of_2026_are_served(target):
    assert isinstance(open_(target), BinanceUsdmSession)
    assert routes.refusal_of(read_question(target)) is None


@pytest.mark.parametrize("target", ["/market", "/private/ws", "/market/wss", "/market/stream/x", "/publicws", "/market/ws-fapi/v1"])
def test_other_addresses_are_refused_with_the_ones_there_are(target):
    refusal = routes.refusal_of(read_question(target))

    assert not is_stream_path(target)
    assert refusal is not None
    assert b"/market/stream, /public/ws" in refusal.body


@pytest.mark.parametrize("name", ["btcusdt@aggTrade", "btcusdt@trade", "btcusdt@kline_1m"])
@pytest.mark.parametrize(("target", "silent"), [("/ws", True), ("/stream", True), ("/market/ws", False), ("/public/ws", False)])
def test_the_old_addresses_acknowledge_perpetuals_and_stay_silent(tape, name, target, silent):
    session = open_(target)
    answer = ask(session, Market(tape, tape.first_us), "SUBSCRIBE", [name], 7)
    right = "/public/ws" if name.endswith("@trade") else "/market/ws"
    sent = push(session, tape, tape.first_us, tape.last_us)

    assert answer == {"result": None, "id": 7}
    assert session.listening
    assert bool(sent) == (not silent and target == right)


@pytest.mark.parametrize(
    "target",
    ["/ws/btcusdt@aggTrade", "/stream?streams=btcusdt@aggTrade/btcusdt@trade", "/public/ws/btcusdt@aggTrade",
     "/market/ws/btcusdt@trade", "/public/stream?streams=btcusdt@kline_1m", "/market/ws/BTCUSDT@aggTrade",
     "/market/ws/dogeusdt@aggTrade", "/market/ws/btcusdt@kline_1s"],
)  # fmt: skip
def test_a_stream_in_the_wrong_place_or_none_at_all_is_silent(tape, target):
    assert played(target, tape) == []


def test_the_old_addresses_are_not_silent_for_spot(source):
    assert push(open_("/ws/btcusdt@aggTrade"), source) != []


@pytest.mark.parametrize(
    ("target", "channel", "series"),
    [
        ("/public/ws/btcusdt@trade", "trade", "fills"), ("/public/stream?streams=btcusdt@trade", "trade", "fills"),
        ("/market/ws/btcusdt@aggTrade", "aggTrade", "aggregates"),
        ("/market/stream?streams=btcusdt@aggTrade", "aggTrade", "aggregates"),
    ],
)  # fmt: skip
def test_both_trade_channels_carry_the_whole_market(source, target, channel, series):
    assert parsed(push(open_(target), source), channel) == expected(source, series)


def test_frames_of_perpetuals_are_not_those_of_spot_and_are_told_apart_in_one_span(source):
    span = Slice(source, NOW + MINUTES_10, NOW, {})
    spot, perpetual = (open_(target).push(span) for target in ("/ws/btcusdt@aggTrade", "/market/ws/btcusdt@aggTrade"))
    first = json.loads(perpetual[0])

    assert len(spot) == len(perpetual)
    assert list(first) == ["e", "E", "s", "a", "p", "q", "nq", "f", "l", "T", "m", "st"]
    assert (len(first["p"].partition(".")[2]), len(first["q"].partition(".")[2]), first["st"]) == (1, 5, 1)
    assert "M" in json.loads(spot[0])


def test_recorded_frames_are_sent_byte_for_byte_in_both_forms(tape):
    aggregates = [usdm_aggregate(5, START_MS + 10, (100, 102)), usdm_aggregate(6, START_MS + 20)]

    assert played("/market/stream?streams=btcusdt@aggTrade", tape) == [frame.encode() for frame in aggregates]
    assert played("/market/ws/btcusdt@aggTrade", tape) == [bare(frame).encode() for frame in aggregates]
    assert played("/public/ws/btcusdt@trade", tape) == [bare(usdm_fill(100, START_MS + 10)).encode()]


def test_a_shifted_tape_sends_frames_of_the_same_trades(tmp_path):
    frames = [usdm_fill(1, START_MS), usdm_fill(2, START_MS + 5, kind="INSURANCE_FUND"), usdm_fill(4, START_MS + 9)]
    (tmp_path / "tape").write_bytes(timed_lines([(START_MS, frame) for frame in frames]))
    tape = read_tape(tmp_path / "tape").shifted(MINUTE)
    made = played("/public/ws/btcusdt@trade", tape)
    merged = played("/market/ws/btcusdt@aggTrade", tape)

    assert [(number, count) for number, *_, count in parsed(made, "trade")] == [(1, 1), (2, 0), (4, 1)]
    assert [json.loads(frame)["X"] for frame in made] == ["MARKET", "INSURANCE_FUND", "MARKET"]
    assert [(row["a"], row["f"], row["l"]) for row in map(json.loads, merged)] == [(1, 1, 1), (2, 4, 4)]


def test_a_bad_request_is_answered_with_an_error_that_the_codec_reads(source):
    [answer] = open_("/market/ws").receive("hello", Market(source, NOW))

    assert BinanceUsdm().parse(answer, 0).kind is ControlKind.REFUSED


def test_klines_come_four_times_a_second_and_end_with_the_closed_one(source):
    session = open_("/market/ws/btcusdt@kline_1m")
    rows = []
    for start in range(NOW, NOW + 45_000_000, 50_000):
        rows += [json.loads(frame)["k"] for frame in push(session, source, start, start + 50_000)]
    minute = NOW // MINUTE * MINUTE
    [bar] = source.minutes(SYMBOL, minute, minute + MINUTE)
    [closed] = [row for row in rows if row["x"]]

    assert (closed["t"], closed["n"], closed["f"], closed["L"]) == (minute // 1000, bar.trades, bar.first_id, bar.last_id)
    assert [float(closed[name]) for name in "ohlcvq"] == [bar.open, bar.high, bar.low, bar.close, bar.volume, bar.quote_volume]
    assert len(closed["v"].partition(".")[2]) == 5
    assert 26 < len(rows) < 182


def test_the_server_pings_every_three_minutes():
    assert open_("/market/ws").ping_seconds == 180.0


def test_the_minutes_of_a_recorded_night_are_the_venues_own_without_the_insurance_fund():
    tape = read_tape(*(recorded(f"binance/hft_usdm_btcusdt_{day}.gz") for day in ("20230404", "20230405")))
    table = recorded("binance").parents[1] / "pairs" / "binance_usdm_BTCUSDT_20230405_klines_1m.csv"
    theirs = {int(row.split(",")[0]): [float(cell) for cell in row.split(",")] for row in table.read_text().splitlines()[1:]}
    bars = tape.minutes(BTC, 0, 2**62)[1:-1]

    assert len(bars) == 7
    for bar in bars:
        close_time = bar.open_us / 1000 + 59_999
        sums = [bar.quote_volume, bar.trades, bar.taker_volume, bar.taker_quote]
        row = [bar.open_us / 1000, bar.open, bar.high, bar.low, bar.close, bar.volume, close_time, *sums, 0.0]
        assert row == theirs[bar.open_us // 1000]


def test_a_quiet_minute_repeats_the_last_price_of_the_market(tmp_path):
    fills = [usdm_fill(1, START_MS), usdm_fill(2, START_MS + 5, price="99999.00", kind="ADL"), usdm_fill(3, START_MS + 130_000)]
    (tmp_path / "tape").write_bytes(json_lines([(START_MS, frame) for frame in fills]))
    tape = read_tape(tmp_path / "tape")
    session = open_("/market/ws/btcusdt@kline_1m")
    start = START_MS * 1000 + MINUTE
    [frame] = push(session, tape, start, start + 1_000_000)

    assert [json.loads(frame)["k"][name] for name in "ohlcvn"] == ["28145.1"] * 4 + ["0.000", 0]
