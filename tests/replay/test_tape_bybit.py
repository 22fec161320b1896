"""Tapes of Bybit: which of its markets is played, in which order, and what goes over the wire."""

import asyncio
import gzip
import json
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from exchanges import Bybit, BybitLinear
from exchanges.bybit_wire import trade_number
from market.errors import TapeError
from market.trade import Trade
from replay import LocalExchange, Tape, read_tape
from replay.bybit import BybitSession
from replay.marks import mark_of
from replay.source import Market, Slice
from tests.replay.tapes import RECORDED, START_MS, binance_fill, json_lines, recorded

CAPTURE = "bybit/cf_bybit_v5_20260809_BTC_SOL.jsonl.gz"
SPOT_BTC, LINEAR_BTC = "BYBIT:BTC-USDT", "BYBITLINEAR:BTC-USDT"
UUIDS = [f"{first}9188a0a-82bc-50de-be60-03eedbe3cdd7" for first in "a3f0"]


def frame(*ids: str, time_ms: int = START_MS, wire: str = "BTCUSDT") -> str:
    rows = [{"T": time_ms, "s": wire, "S": "Buy", "v": "0.1", "p": "65114.2", "i": each, "BT": False} for each in ids]
    return json.dumps({"topic": f"publicTrade.{wire}", "type": "snapshot", "ts": time_ms, "data": rows}, separators=(",", ":"))


def tape_of(path: Path, *frames: str, conn: str = "x.1") -> Path:
    path.write_bytes(json_lines([(START_MS + number, each) for number, each in enumerate(frames)], conn))
    return path


def ids_of(tape: Tape, symbol: str) -> list[int]:
    return [trade.trade_id for trade in tape.fills(symbol).slice(0, 999)]


def wire_lines(conn: str, symbol: str) -> list[bytes]:
    """Return the trade frames of a recorded connection."""
    with gzip.open(recorded(CAPTURE)) as file:
        lines = [json.loads(line) for line in file]
    wanted = f'"topic":"publicTrade.{symbol}"'
    return [line["data"].encode() for line in lines if line["dir"] == "recv" and line["conn"] == conn and wanted in line["data"]]


def test_trades_keep_the_order_of_the_tape_whatever_their_ids(tmp_path):
    tape = read_tape(tape_of(tmp_path / "tape", frame(UUIDS[0], UUIDS[1]), frame(UUIDS[2]), frame(UUIDS[3])))
    numbers = [trade_number(text) for text in UUIDS]

    assert ids_of(tape, LINEAR_BTC) == numbers != sorted(numbers)
    assert list(tape.fills(LINEAR_BTC).numbers(0, 9)) == [1, 2, 3, 4]
    assert [each.trade_id for each in tape.aggregates(LINEAR_BTC).slice(0, 9)] == numbers


def test_a_number_as_id_tells_spot_from_a_perpetual(tmp_path):
    tapes = [read_tape(tape_of(tmp_path / name, frame(text))) for name, text in (("a", "2290000001189048101"), ("b", UUIDS[0]))]

    assert [(tape.venue, tape.symbols) for tape in tapes] == [("BYBIT", (SPOT_BTC,)), ("BYBITLINEAR", (LINEAR_BTC,))]


def test_a_trade_that_two_connections_have_is_played_once(tmp_path):
    one = tape_of(tmp_path / "a", frame(UUIDS[0]), frame(UUIDS[1], UUIDS[2]))
    other = tape_of(tmp_path / "b", frame(UUIDS[0]), frame(UUIDS[1]), frame(UUIDS[2], UUIDS[3]))
    tape = read_tape(one, other)

    assert ids_of(tape, LINEAR_BTC) == [trade_number(text) for text in UUIDS]


def test_of_both_markets_the_one_with_more_frames_is_played_and_the_other_named(tmp_path):
    tape = read_tape(tape_of(tmp_path / "tape", frame(UUIDS[0]), frame("7"), frame("8")))

    assert (tape.venue, ids_of(tape, SPOT_BTC)) == ("BYBIT", [7, 8])
    [warning] = tape.report.warnings
    assert warning.startswith("the files hold several venues: 2 frames of BYBIT are played and 1 of BYBITLINEAR left out; ")
    assert warning.endswith("--exchange bybitlinear plays those")


def test_the_other_market_is_played_when_it_is_asked_for(tmp_path):
    tape = read_tape(tape_of(tmp_path / "tape", frame(UUIDS[0]), frame("7"), frame("8")), venue="bybitlinear")

    assert (tape.venue, tape.symbols, tape.report.warnings) == ("BYBITLINEAR", (LINEAR_BTC,), [])


def test_a_market_that_is_not_on_the_tape_is_refused_by_name(tmp_path):
    path = tape_of(tmp_path / "tape", frame(UUIDS[0]))

    with pytest.raises(TapeError, match="the files hold trades of BYBITLINEAR, none of BYBIT"):
        read_tape(path, venue="BYBIT")


def test_markets_of_two_companies_are_refused_unless_one_is_asked_for(tmp_path):
    path = tape_of(tmp_path / "tape", frame("7"), binance_fill(1, START_MS))

    with pytest.raises(TapeError, match="trades of BINANCE and BYBIT; a tape has one venue"):
        read_tape(path)
    assert read_tape(path, venue="BINANCE").symbols == ("BINANCE:BTC-USDT",)


def test_what_cannot_be_played_is_skipped_and_counted(tmp_path):
    wires = ["BTCUSD", "BTCUSDT-14AUG26", "BTCUSDT"]
    tape = read_tape(tape_of(tmp_path / "tape", *(frame(text, wire=wire) for text, wire in zip(UUIDS, wires, strict=False))))

    assert tape.report.skipped == {"BTCUSD": 1, "BTCUSDT-14AUG26": 1}


@pytest.mark.parametrize(
    ("text", "wire", "pair"),
    [
        ("7", "BTCUSDT", "BTC-USDT"), ("7", "USDTUSD", "USDT-USD"), ("7", "BTCXUSD", "BTC-XUSD"), ("7", "ETHRLUSD", "ETH-RLUSD"),
        ("7", "SOLUSDE", "SOL-USDE"), ("7", "ETHBTC", "ETH-BTC"), ("7", "BTCXYZ", None), ("7", "USDT", None),
        (UUIDS[0], "1000PEPEUSDT", "1000PEPE-USDT"), (UUIDS[0], "BTCPERP", "BTC-USDC"), (UUIDS[0], "BTCUSD", None),
        (UUIDS[0], "BTC-14AUG26", None), (UUIDS[0], "PERP", None),
    ],
)  # fmt: skip
def test_a_wire_symbol_is_split_by_its_quote_currency(text, wire, pair):
    mark = mark_of(frame(text, wire=wire).encode())

    assert (mark.venue, mark.wire, mark.pair) == ("BYBIT" if text == "7" else "BYBITLINEAR", wire, pair)


def test_every_recorded_symbol_is_split_as_the_venue_does():
    path = RECORDED.parent / "rest" / "bybit" / "cf_instruments_v5_20260809.jsonl.gz"
    if not path.exists():
        pytest.skip(f"the recorded data is not at {RECORDED.parent}")
    with gzip.open(path) as file:
        linear, spot = (json.loads(line)["body"]["result"]["list"] for line in file)
    perpetuals = [row for row in linear if row["contractType"] == "LinearPerpetual"]
    rows = [("7", row) for row in spot] + [(UUIDS[0], row) for row in perpetuals]
    found = [(row["symbol"], mark_of(frame(text, wire=row["symbol"]).encode()).pair) for text, row in rows]

    assert found == [(row["symbol"], f"{row['baseCoin']}-{row['quoteCoin']}") for _, row in rows]
    assert len(found) == 557 + 760


@pytest.mark.parametrize(
    ("venue", "counts"),
    [("BYBITLINEAR", {LINEAR_BTC: (16, 56), "BYBITLINEAR:SOL-USDT": (57, 165)}), ("BYBIT", {SPOT_BTC: (11, 11)})],
)
def test_a_recorded_capture_is_played_one_market_at_a_time(venue, counts):
    tape = read_tape(recorded(CAPTURE), venue=venue)
    found = {
        symbol: (len(tape.frames(symbol, "publicTrade", 0, 2**62)), len(tape.fills(symbol).slice(0, 999)))
        for symbol in tape.symbols
    }

    assert found == counts
    assert (tape.report.damaged, tape.report.duplicates, tape.report.skipped) == (0, 0, {})


def test_a_recorded_capture_without_a_word_plays_the_perpetuals():
    tape = read_tape(recorded(CAPTURE))

    assert (tape.venue, tape.report.frames, tape.report.trades) == ("BYBITLINEAR", 73, 221)
    assert "11 of BYBIT left out" in tape.report.warnings[0]


@pytest.mark.parametrize(
    ("conn", "codec"), [("BYBIT.ws.2", BybitLinear(["BTC-USDT"])), ("BYBIT.ws.3", Bybit(["BTC-USDT"]))], ids=["linear", "spot"]
)
async def test_a_recorded_capture_goes_over_the_wire_byte_for_byte(conn, codec):
    lines = wire_lines(conn, "BTCUSDT")
    tape = read_tape(recorded(CAPTURE), venue=codec.name)
    async with (
        LocalExchange(tape, speed=500) as exchange,
        connect(exchange.ws_url + codec.stream_path(), ping_interval=None) as socket,
        asyncio.timeout(20),
    ):
        await socket.send(codec.subscribe()[0])
        acknowledged, *frames = [(await socket.recv()).encode() for _ in range(1 + len(lines))]

    assert json.loads(acknowledged)["success"]
    assert frames == lines


def test_a_market_that_is_not_on_the_tape_cannot_be_subscribed(tmp_path):
    tape = read_tape(tape_of(tmp_path / "tape", frame(UUIDS[0])))
    answers = [
        BybitSession(category).receive('{"op":"subscribe","args":["publicTrade.BTCUSDT"]}', Market(tape, tape.first_us))[0]
        for category in ("linear", "spot")
    ]

    assert [json.loads(answer)["success"] for answer in answers] == [True, False]


def test_a_shifted_tape_is_made_anew_with_the_same_ids():
    tape = read_tape(recorded(CAPTURE))
    shifted, codec, session = tape.shifted(5_000_000), BybitLinear(["BTC-USDT"]), BybitSession("linear")
    session.receive(codec.subscribe()[0], Market(shifted, shifted.first_us))
    frames = session.push(Slice(shifted, shifted.last_us, shifted.first_us, {}))
    trades = [trade for each in frames for trade in codec.parse(each, 0)]

    assert [bare(trade) for trade in trades] == [bare(trade, 5_000_000) for trade in tape.fills(LINEAR_BTC).slice(0, 999)]
    assert len(trades) == 56


def bare(trade: Trade, later_us: int = 0) -> tuple:
    return trade.trade_id, trade.price, trade.size, trade.side, trade.timestamp_us + later_us
