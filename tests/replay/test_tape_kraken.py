"""Kraken's frames on a tape: what is played of them, and why other files are refused."""

import re
from pathlib import Path

import pytest

from exchanges import Kraken
from market.errors import TapeError
from market.trade import Side, Trade
from replay.kraken import KrakenSession, time_text
from replay.marks import mark_of, parts_of
from replay.source import Market, Source
from replay.tape import Tape, read_tape
from replay.views import shifted
from replay.wire import TapeReport, read_pushes
from tests.replay.kraken_asking import ask, trades_of
from tests.replay.played import push
from tests.replay.tapes import START_MS, binance_fill, json_lines, recorded


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
