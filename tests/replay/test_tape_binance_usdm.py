"""Tapes of Binance's USD-M futures: what can be played of them, and how aggregates and fills are numbered."""

import gzip
import json

import pytest

from exchanges import BinanceUsdm
from exchanges.base import Control
from market.errors import TapeError
from replay.marks import mark_of
from replay.tape import Tape, read_tape
from tests.replay.tapes import START_MS, binance_fill, json_lines, recorded, timed_lines
from tests.replay.tapes_usdm import bare, usdm_aggregate, usdm_fill

BTC = "BINANCEUSDM:BTC-USDT"
NIGHTS = [f"binance/hft_usdm_btcusdt_{day}.gz" for day in ("20230404", "20230405")]


def tape_of(path, *frames: str) -> Tape:
    path.write_bytes(timed_lines([(START_MS + number, frame) for number, frame in enumerate(frames)]))
    return read_tape(path)


def frames_of(tape: Tape, symbol: str, channel: str) -> list[bytes]:
    return [frame for _, _, frame in tape.frames(symbol, channel, tape.first_us, tape.last_us)]


@pytest.mark.parametrize(
    ("frame", "pair"),
    [
        (usdm_fill(1, START_MS), "BTC-USDT"),
        (bare(usdm_fill(1, START_MS)), "BTC-USDT"),
        (usdm_aggregate(1, START_MS, wire="ETHUSDC"), "ETH-USDC"),
        (usdm_aggregate(1, START_MS, wire="BTCUSDT_210924"), None),
        (usdm_aggregate(1, START_MS, wire="BTCUSD_PERP"), None),
        (usdm_aggregate(1, START_MS, wire="DOGEXYZ"), None),
    ],
)
def test_perpetuals_are_marked_and_other_contracts_cannot_be_played(frame, pair):
    mark = mark_of(frame.encode())

    assert (mark.venue, mark.pair) == ("BINANCEUSDM", pair)


def test_the_same_symbol_of_spot_is_another_venue():
    assert mark_of(binance_fill(1, START_MS).encode()).venue == "BINANCE"


def test_aggregates_keep_the_venues_numbers_and_the_holes_between_their_fills(tmp_path):
    tape = tape_of(
        tmp_path / "tape", usdm_aggregate(7, START_MS, (100, 102), size="0.007"), usdm_aggregate(8, START_MS + 5, (105, 105))
    )
    aggregates, fills = tape.aggregates(BTC), tape.fills(BTC)

    assert list(aggregates.numbers(0, 9)) == [7, 8]
    assert [(each.first_id, each.trade_id, each.count) for each in aggregates.slice(0, 9)] == [(100, 102, 3), (105, 105, 1)]
    assert [(each.trade_id, each.size) for each in fills.slice(0, 9)] == [(100, 0.002), (101, 0.002), (102, 0.003), (105, 0.004)]
    assert (tape.report.frames, tape.report.trades, tape.report.damaged) == (2, 4, 0)


def test_a_whole_number_is_divided_into_whole_numbers(tmp_path):
    tape = tape_of(tmp_path / "tape", usdm_aggregate(7, START_MS, (100, 102), size="10"))

    assert [fill.size for fill in tape.fills(BTC).slice(0, 9)] == [3.0, 3.0, 4.0]
    assert tape.instruments[BTC].lot_size == "1"


def test_fills_give_aggregates_that_are_numbered_from_one_without_what_is_no_market_trade(tmp_path):
    fills = [usdm_fill(11, START_MS), usdm_fill(12, START_MS), usdm_fill(13, START_MS, kind="ADL"), usdm_fill(14, START_MS)]
    tape = tape_of(tmp_path / "tape", *fills)
    aggregates = tape.aggregates(BTC)

    assert list(aggregates.numbers(0, 9)) == [1, 2]
    assert [(each.first_id, each.trade_id, each.size) for each in aggregates.slice(0, 9)] == [(11, 12, 0.004), (14, 14, 0.002)]
    assert [fill.count for fill in tape.fills(BTC).slice(0, 9)] == [1, 1, 0, 1]
    assert (tape.report.frames, tape.report.trades) == (4, 3)
    assert frames_of(tape, BTC, "trade") == [frame.encode() for frame in fills]


def test_a_number_without_a_trade_is_no_damage(tmp_path):
    placeholder = usdm_fill(12, START_MS, price="0", size="0", kind="NA")
    tape = tape_of(tmp_path / "tape", usdm_fill(11, START_MS), placeholder, usdm_fill(13, START_MS))

    assert (tape.report.frames, tape.report.damaged) == (2, 0)


def test_an_aggregate_that_two_connections_had_is_played_once(tmp_path):
    path = tmp_path / "tape"
    frames = [(START_MS + number, usdm_aggregate(number, START_MS + number)) for number in (1, 2, 3)]
    path.write_bytes(json_lines(frames, "x.1") + json_lines(frames[1:], "x.2"))
    tape = read_tape(path)

    assert (tape.report.frames, tape.report.duplicates) == (3, 2)


def test_a_damaged_aggregate_is_counted_and_the_rest_is_played(tmp_path):
    bad = usdm_aggregate(2, START_MS, (30, 20))
    tape = tape_of(
        tmp_path / "tape", usdm_aggregate(1, START_MS), bad, usdm_aggregate(3, START_MS, price="NaN"), usdm_aggregate(4, START_MS)
    )

    assert (tape.report.frames, tape.report.damaged) == (2, 2)
    assert list(tape.aggregates(BTC).numbers(0, 9)) == [1, 4]


def test_spot_and_perpetuals_are_not_played_together(tmp_path):
    with pytest.raises(TapeError, match="trades of BINANCE and BINANCEUSDM; a tape has one venue"):
        tape_of(tmp_path / "tape", binance_fill(1, START_MS), usdm_fill(1, START_MS))


def test_a_shifted_tape_keeps_the_numbers(tmp_path):
    tape = tape_of(tmp_path / "tape", usdm_aggregate(7, START_MS, (100, 102))).shifted(60_000_000)
    [aggregate] = tape.aggregates(BTC).slice(0, 9)

    assert (list(tape.aggregates(BTC).numbers(0, 9)), aggregate.first_id, aggregate.trade_id) == ([7], 100, 102)


def test_two_recorded_nights_join_without_a_lost_fill_and_byte_for_byte():
    paths = [recorded(name) for name in NIGHTS]
    tape = read_tape(*reversed(paths))
    lines = [
        line.split(b" ", 1)[1]
        for path in paths
        for line in gzip.decompress(path.read_bytes()).splitlines()
        if b'"e":"trade"' in line
    ]
    fills = tape.fills(BTC).slice(0, 10**6)

    assert frames_of(tape, BTC, "trade") == lines
    assert [fill.trade_id for fill in fills] == list(range(3535186032, 3535198967))
    assert (tape.report.frames, tape.report.trades) == (12_935, 12_934)
    assert [fill.price for fill in fills if not fill.count] == [28722.5]


def test_recorded_aggregates_are_played_byte_for_byte_under_the_venues_numbers():
    path = recorded("binance/cf_binance_futures_20210722.jsonl.gz")
    tape = read_tape(path)
    sent = [
        json.loads(line)["data"]
        for line in gzip.decompress(path.read_bytes()).splitlines()
        if b"aggTrade" in line and b'"recv"' in line
    ]
    codec = BinanceUsdm(tape.symbols)

    assert sorted(frame for symbol in tape.symbols for frame in frames_of(tape, symbol, "aggTrade")) == sorted(
        map(str.encode, sent)
    )
    for symbol in tape.symbols:
        parsed = [codec.parse(frame, 0) for frame in frames_of(tape, symbol, "aggTrade")]
        assert not any(isinstance(each, Control) for each in parsed)
        assert [trade.trade_id for [trade] in parsed] == list(tape.aggregates(symbol).numbers(0, 10**6))


@pytest.mark.parametrize("name", ["hft_cm_btcusd_perp_20240808.gz", "cf_binance_delivery_20210722.jsonl.gz"])
def test_recorded_contracts_of_the_other_market_cannot_be_played(name):
    with pytest.raises(TapeError, match="trades of contracts or unknown pairs only"):
        read_tape(recorded(f"binance/{name}"))
