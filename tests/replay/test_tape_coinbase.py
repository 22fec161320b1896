"""Tapes of Coinbase: both recorded captures are read and played, and what told the recorder the past is not played twice."""

import asyncio
import json
import re
from collections.abc import Sequence
from math import fsum
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from exchanges import Coinbase
from exchanges.rest import HistoryClient
from market.clock import parse_time
from market.errors import TapeError
from market.timeframe import Timeframe
from market.window import Window
from replay import LocalExchange, Tape, read_tape
from replay.coinbase import CoinbaseSession
from replay.marks import mark_of
from replay.source import Market, Slice
from tests.replay.tapes import START_MS, json_lines, recorded

EXCHANGE = "coinbase/cf_coinbase_exchange_20210417_part1.jsonl.gz"
ADVANCED = "coinbase/cf_coinbase_advanced_20260809_part1.jsonl.gz"
BTC = "COINBASE:BTC-USD"
MINUTE_US = parse_time("2026-08-09T21:05:00")


def text_of(time_ms: int) -> str:
    seconds, millis = divmod(time_ms - START_MS, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"2024-08-08T23:{54 + minutes:02d}:{seconds:02d}.{millis:03d}Z"


def match(number: int, ms: int, *, kind: str = "match", product: str = "BTC-USD", price: str = "400.23") -> str:
    return json.dumps(
        {"type": kind, "trade_id": number, "side": "sell", "size": "5.2", "price": price, "product_id": product,
         "sequence": number, "time": text_of(START_MS + ms)}, separators=(",", ":"),
    )  # fmt: skip


def market_trades(kind: str, *trades: tuple[int, int], products: Sequence[str] = ("BTC-USD",), number: int = 5) -> str:
    rows = [
        {
            "product_id": product,
            "trade_id": str(each),
            "price": "400.23",
            "size": "5.2",
            "time": text_of(START_MS + ms),
            "side": "SELL",
        }
        for product in products
        for each, ms in trades
    ]
    return json.dumps(
        {"channel": "market_trades", "timestamp": "2024-08-08T23:54:00Z", "sequence_num": number,
         "events": [{"type": kind, "trades": rows}]}, separators=(",", ":"),
    )  # fmt: skip


def tape_of(path: Path, *frames: tuple[int, str]) -> Tape:
    path.write_bytes(json_lines([(START_MS + ms, frame) for ms, frame in frames]))
    return read_tape(path)


def ask(session: CoinbaseSession, tape: Tape, moment_us: int, *, channel: str = "") -> list[bytes]:
    ids = [symbol.partition(":")[2] for symbol in tape.symbols]
    what = {"channel": channel} if channel else {"channels": ["matches"]}
    return session.receive(json.dumps({"type": "subscribe", "product_ids": ids, **what}), Market(tape, moment_us))


def play(tape: Tape, *, channel: str = "", begin_us: int | None = None) -> list[bytes]:
    """Return all trade frames that a subscriber gets who comes at a moment, from the start if None, and stays to the end."""
    session, moment_us = CoinbaseSession(), (begin_us or tape.first_us) // 1000 * 1000
    frames = ask(session, tape, moment_us, channel=channel)
    while moment_us < tape.last_us:
        frames += session.push(Slice(tape, moment_us + 10_000, moment_us, {}))
        moment_us += 10_000
    return [frame for frame in frames if b'"trade_id"' in frame]


def recorded_frames(tape: Tape, channel: str) -> list[bytes]:
    frames = [frame for symbol in tape.symbols for frame in tape.frames(symbol, channel, 0, 2**62)]
    return [frame for _, _, frame in sorted(frames, key=lambda each: each[1])]


def without_number(frame: bytes) -> bytes:
    return re.sub(rb'"sequence_num":\d+', b"", frame)


def test_the_recorded_capture_of_exchange_is_read_whole_and_begins_with_its_first_match():
    tape = read_tape(recorded(EXCHANGE))
    times = [trade.timestamp_us for symbol in tape.symbols for trade in tape.fills(symbol).trades]

    assert (tape.venue, len(tape.symbols)) == ("COINBASE", 10)
    assert (tape.report.frames, tape.report.trades, tape.report.damaged, tape.report.skipped) == (41, 41, 0, {})
    assert sum(1 for time in times if time < tape.first_us) == 10
    assert tape.last_us - tape.first_us < 15_400_000


def test_the_recorded_capture_of_exchange_is_played_byte_for_byte():
    tape = read_tape(recorded(EXCHANGE))
    frames = play(tape)
    known = recorded_frames(tape, "matches")

    assert sorted(frames) == sorted(known)
    assert frames[10:] == [frame for frame in known if b'"match"' in frame]


def test_the_recorded_capture_of_advanced_trade_is_read_whole():
    tape = read_tape(recorded(ADVANCED))

    assert tape.symbols == (BTC, "COINBASE:ETH-USD")
    assert (tape.report.frames, tape.report.trades, tape.report.damaged) == (40, 255, 0)
    assert [len(tape.fills(symbol).trades) for symbol in tape.symbols] == [134, 121]
    assert tape.last_us - tape.first_us < 11_980_000  # of 70 s of which there are trades


def test_the_recorded_capture_of_advanced_trade_is_played_byte_for_byte_but_for_its_numbers():
    tape = read_tape(recorded(ADVANCED))
    frames = play(tape, channel="market_trades")
    parsed = Coinbase(tape.symbols, channel="market_trades").parse_all(frames, 0)

    assert sorted(map(without_number, frames)) == sorted(map(without_number, recorded_frames(tape, "market_trades")))
    for symbol in tape.symbols:  # each product's in its order
        wire = b'"%s"' % symbol.partition(":")[2].encode()
        known = [without_number(frame) for _, _, frame in tape.frames(symbol, "market_trades", 0, 2**62)]
        assert [without_number(frame) for frame in frames if wire in frame] == known
    assert parsed.numbers == [0, 1, *range(3, 41)]  # 2 is the answer to the subscription
    assert len(parsed.trades) == 255


def test_who_comes_late_is_told_the_last_hundred_trades_and_no_trade_twice():
    tape = read_tape(recorded(ADVANCED))
    frames = play(tape, channel="market_trades", begin_us=tape.first_us + 6_000_000)
    trades = Coinbase(tape.symbols, channel="market_trades").parse_all(frames, 0).trades

    for symbol in tape.symbols:
        ids = [trade.trade_id for trade in trades if trade.symbol == symbol]
        assert ids == list(range(tape.fills(symbol).trades[-1].trade_id - len(ids) + 1, tape.fills(symbol).trades[-1].trade_id + 1))
        assert len(ids) > 100


def test_a_recorded_feed_is_made_into_the_other():
    tapes = [read_tape(recorded(name)) for name in (EXCHANGE, ADVANCED)]
    played = [play(tapes[0], channel="market_trades"), play(tapes[1])]
    found = [Coinbase(tape.symbols).parse_all(frames, 0) for tape, frames in zip(tapes, played, strict=True)]

    assert [len(parsed.trades) for parsed in found] == [41, 57]  # of Advanced Trade's 255 those since the last before the start
    assert found[0].numbers == [*range(10), *range(11, 11 + len(played[0]) - 10)]
    assert not any(parsed.refused for parsed in found)


async def test_our_own_client_follows_a_recorded_capture_over_a_socket():
    tape = read_tape(recorded(ADVANCED))
    async with LocalExchange(tape, speed=50) as exchange:
        codec = Coinbase(tape.symbols, channel="market_trades", endpoints=exchange.endpoints)
        frames = list[bytes]()
        async with (
            asyncio.timeout(30),
            connect(exchange.ws_url + codec.stream_path(), ping_interval=None, max_queue=None) as socket,
        ):
            for request in codec.subscribe():
                await socket.send(request)
            while len(codec.parse_all(frames, 0).trades) < 255:
                frames.append(await socket.recv(decode=False))
        await asyncio.wait_for(exchange.ended.wait(), 20)
        parsed = codec.parse_all(frames, 0)
        async with HistoryClient(codec) as client:
            healed = await client.trades(BTC, 1068571991, 1068572124)
            [candle] = await client.candles(BTC, Timeframe.M1, Window(MINUTE_US, MINUTE_US + 60_000_000))
    inside = [trade for trade in healed if trade.timestamp_us in range(MINUTE_US, MINUTE_US + 60_000_000)]

    assert parsed.numbers == list(range(len(frames)))
    assert not parsed.refused
    assert [trade.trade_id for trade in healed] == list(range(1068571991, 1068572125))
    assert {trade.trade_id for trade in parsed.trades if trade.symbol == BTC} == {trade.trade_id for trade in healed}
    assert (candle.open, candle.close, candle.volume) == (
        inside[0].price, inside[-1].price, round(fsum(trade.size for trade in inside), 8),
    )  # fmt: skip


def test_what_told_the_recorder_the_past_does_not_draw_the_start_back(tmp_path):
    tape = tape_of(tmp_path / "tape", (0, match(7, -180_000, kind="last_match")), (100, match(8, 90)), (200, match(9, 190)))

    assert tape.first_us == (START_MS + 90) * 1000
    assert [json.loads(frame)["trade_id"] for frame in play(tape)] == [7, 8, 9]


def test_a_tape_of_nothing_but_the_past_begins_with_its_newest_trade(tmp_path):
    tape = tape_of(tmp_path / "tape", (0, market_trades("snapshot", (8, -2_000), (7, -9_000))))

    assert tape.first_us == (START_MS - 2_000) * 1000
    assert [trade.trade_id for trade in Coinbase([BTC]).parse_all(play(tape, channel="market_trades"), 0).trades][-1] == 8


def test_a_snapshot_after_a_break_is_played_where_it_tells_something_new(tmp_path):
    tape = tape_of(
        tmp_path / "tape",
        (0, market_trades("snapshot", (2, -500), (1, -900), number=0)),
        (100, market_trades("update", (3, 90), number=2)),
        (5_000, market_trades("snapshot", (5, 3_000), (4, 2_000), (3, 90), number=0)),
        (5_100, market_trades("update", (6, 5_090), number=1)),
    )
    trades = Coinbase([BTC]).parse_all(play(tape, channel="market_trades"), 0).trades

    assert [trade.trade_id for trade in trades] == [1, 2, 3, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("frame", "channel", "wire", "pair", "past"),
    [
        (match(1, 0), "matches", "BTC-USD", "BTC-USD", False),
        (match(1, 0, kind="last_match"), "matches", "BTC-USD", "BTC-USD", True),
        (match(1, 0, product="BTC-PERP-INTX"), "matches", "BTC-PERP-INTX", None, False),
        (match(1, 0, product="btc-usd"), "matches", "btc-usd", None, False),
        (market_trades("update", (1, 0)), "market_trades", "BTC-USD", "BTC-USD", False),
        (market_trades("snapshot", (1, 0)), "market_trades", "BTC-USD", "BTC-USD", True),
        (market_trades("update", (1, 0), products=("BIT-28JUL23-CDE",)), "market_trades", "BIT-28JUL23-CDE", None, False),
        (market_trades("update", (1, 0), products=("BTC-USD", "ETH-USD")), "market_trades", "BTC-USD,ETH-USD", None, False),
    ],
)  # fmt: skip
def test_a_frame_is_marked_with_its_feed_and_product(frame, channel, wire, pair, past):
    mark = mark_of(frame.encode())

    assert (mark.venue, mark.channel, mark.wire, mark.pair, mark.past) == ("COINBASE", channel, wire, pair, past)


@pytest.mark.parametrize("kind", ["ticker", "l2update", "heartbeat", "snapshot"])
def test_other_frames_of_exchange_are_no_trades(kind):
    assert mark_of(match(1, 0, kind=kind).encode()) is None


@pytest.mark.parametrize("channel", ["ticker", "candles", "l2_data"])
def test_other_frames_of_advanced_trade_are_no_trades(channel):
    assert mark_of(market_trades("update", (1, 0)).replace("market_trades", channel).encode()) is None


def test_damaged_and_strange_frames_are_counted_and_the_rest_is_played(tmp_path):
    tape = tape_of(
        tmp_path / "tape", (0, match(1, 0)), (1, match(2, 1, price="NaN")), (2, match(3, 2, product="A-B-C")), (3, match(4, 3))
    )

    assert (tape.report.frames, tape.report.damaged, tape.report.skipped) == (2, 1, {"A-B-C": 1})


def test_a_file_without_trades_is_refused_with_the_channels_that_can_be_played(tmp_path):
    with pytest.raises(TapeError, match=r"COINBASE \(matches, market_trades\)"):
        tape_of(tmp_path / "tape", (0, '{"type":"subscriptions","channels":[]}'))


def test_a_shifted_tape_is_made_anew_at_its_new_times():
    tape = read_tape(recorded(EXCHANGE))
    moved = tape.shifted(5_000_000)
    frames = play(moved)
    trades = Coinbase(tape.symbols).parse_all(frames, 0).trades

    assert len(trades) == 41
    assert min(trade.timestamp_us for trade in trades[10:]) == tape.first_us + 5_000_000
