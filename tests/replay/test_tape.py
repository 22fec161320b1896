"""Tapes: what is on them, in which order it is played, and what is left out."""

import gzip
from pathlib import Path

import pytest

from market.errors import TapeError
from market.timeframe import MINUTE_US
from replay.bars import Interval
from replay.marks.mark import split_wire
from replay.tape import Tape, read_tape
from tests.replay.tapes import START_MS, binance_fill, json_lines, okx_trade, recorded, timed_lines

BTC = "BINANCE:BTC-USDT"
OKX_BTC = "OKX:BTC-USDT"


def binance_tape(path: Path, *fills: tuple[int, int], **fields: str) -> Path:
    path.write_bytes(timed_lines([(START_MS + ms, binance_fill(number, START_MS + ms, **fields)) for number, ms in fills]))
    return path


def frames_of(tape: Tape, symbol: str, channel: str) -> list[bytes]:
    return [frame for _, _, frame in tape.frames(symbol, channel, tape.first_us, tape.last_us)]


def test_a_tape_begins_with_its_first_trade_and_ends_after_its_last(tmp_path):
    tape = read_tape(binance_tape(tmp_path / "tape", (1, 100), (2, 100), (3, 2500)))

    assert (tape.first_us, tape.last_us) == ((START_MS + 100) * 1000, (START_MS + 2501) * 1000)
    assert (tape.venue, tape.symbols, tape.label) == ("BINANCE", (BTC,), "recorded")
    assert (tape.report.frames, tape.report.trades) == (3, 3)


def test_steps_are_the_finest_digits_on_the_tape(tmp_path):
    tape = read_tape(binance_tape(tmp_path / "tape", (1, 0), price="61837.60000000", size="0.02000000"))

    assert (tape.instruments[BTC].tick_size, tape.instruments[BTC].lot_size) == ("0.1", "0.01")


def test_several_files_are_one_tape_whatever_their_order(tmp_path):
    later, earlier = binance_tape(tmp_path / "a", (3, 20), (4, 30)), binance_tape(tmp_path / "b", (1, 0), (2, 10))
    tape = read_tape(later, earlier)

    assert [trade.trade_id for trade in tape.fills(BTC).slice(0, 9)] == [1, 2, 3, 4]


def test_a_trade_that_two_files_have_is_played_once(tmp_path):
    tape = read_tape(binance_tape(tmp_path / "a", (1, 0), (2, 10)), binance_tape(tmp_path / "b", (2, 10), (3, 20)))

    assert len(frames_of(tape, BTC, "trade")) == 3
    assert tape.report.duplicates == 1


def test_connections_that_are_grouped_in_a_file_are_interleaved_by_their_local_time(tmp_path):
    first = json_lines([(START_MS + ms, okx_trade(ms, START_MS + ms)) for ms in (0, 20, 40)], "x.1")
    second = json_lines([(START_MS + ms, okx_trade(ms, START_MS + ms, wire="ETH-USDT")) for ms in (10, 30)], "x.2")
    path = tmp_path / "tape"
    path.write_bytes(first + second)
    tape = read_tape(path)

    places = [tape.frames(f"OKX:{pair}", "trades", 0, 2**62) for pair in ("BTC-USDT", "ETH-USDT")]
    assert [[place for _, place, _ in frames] for frames in places] == [[0, 2, 4], [1, 3]]


def test_frames_are_played_at_the_venues_time_not_the_recorders(tmp_path):
    path = tmp_path / "tape"
    path.write_bytes(timed_lines([(START_MS - 1270 + ms, binance_fill(ms, START_MS + ms)) for ms in (1, 500, 900)]))
    tape = read_tape(path)

    assert [time for time, _, _ in tape.frames(BTC, "trade", 0, 2**62)] == [(START_MS + ms) * 1000 for ms in (1, 500, 900)]


def test_a_late_trade_is_played_in_its_place_and_counts_in_its_own_minute(tmp_path):
    path = tmp_path / "tape"
    times = {1: 59_000, 2: 60_100, 3: 59_900}
    path.write_bytes(timed_lines([(START_MS + 60_000 + n, binance_fill(n, START_MS + ms)) for n, ms in times.items()]))
    tape = read_tape(path)
    bars = tape.bars(BTC, Interval(MINUTE_US), 0, 2**62, (START_MS + 120_000) * 1000)

    assert [time // 1000 - START_MS for time, _, _ in tape.frames(BTC, "trade", 0, 2**62)] == [59_000, 60_100, 60_100]
    assert [bar.trades for bar in bars] == [2, 1, 0]


def test_a_stale_first_trade_does_not_draw_the_start_back(tmp_path):
    path = tmp_path / "tape"
    hour = 3_600_000
    trades = [(7, -5 * hour), (8, 1_000), (9, 2_000)]
    path.write_bytes(json_lines([(START_MS + max(0, ms) + 30, okx_trade(number, START_MS + ms)) for number, ms in trades]))
    tape = read_tape(path)

    assert tape.first_us == (START_MS + 1_000) * 1000
    assert [time for time, _, _ in tape.frames(OKX_BTC, "trades", 0, 2**62)] == [
        (START_MS + ms) * 1000 for ms in (1_000, 1_000, 2_000)
    ]
    assert tape.fills(OKX_BTC).slice(0, 1)[0].timestamp_us == (START_MS - 5 * hour) * 1000


def test_fills_of_one_order_are_merged_and_numbered_from_one(tmp_path):
    frames = [
        binance_fill(1, START_MS),
        binance_fill(2, START_MS),
        binance_fill(3, START_MS, sell=False),
        binance_fill(4, START_MS + 1),
    ]
    path = tmp_path / "tape"
    path.write_bytes(timed_lines([(START_MS, frame) for frame in frames]))
    aggregates = read_tape(path).aggregates(BTC)

    assert [(each.first_id, each.trade_id, each.size) for each in aggregates.slice(0, 9)] == [
        (1, 2, 0.04),
        (3, 3, 0.02),
        (4, 4, 0.02),
    ]
    assert list(aggregates.numbers(0, 9)) == [1, 2, 3]


def test_an_aggregate_is_divided_into_fills_that_add_up(tmp_path):
    path = tmp_path / "tape"
    path.write_bytes(json_lines([(START_MS, okx_trade(130, START_MS, count=5))]))
    fills = read_tape(path).fills(OKX_BTC).slice(0, 9)

    assert [fill.trade_id for fill in fills] == [126, 127, 128, 129, 130]
    assert [fill.size for fill in fills] == [0.02, 0.02, 0.02, 0.02, 0.04]
    assert {(fill.count, fill.id_span, fill.price) for fill in fills} == {(1, 1, 42219.9)}


def test_single_fills_are_preferred_where_both_channels_are_recorded(tmp_path):
    path = tmp_path / "tape"
    single = [(START_MS + n, okx_trade(n, START_MS, channel="trades-all")) for n in (1, 2)]
    path.write_bytes(json_lines([*single, (START_MS + 3, okx_trade(2, START_MS, count=2))]))
    tape = read_tape(path)

    assert [fill.size for fill in tape.fills(OKX_BTC).slice(0, 9)] == [0.12, 0.12]
    assert [each.id_span for each in tape.aggregates(OKX_BTC).slice(0, 9)] == [2]


def test_damaged_trade_frames_are_counted_and_the_rest_is_played(tmp_path):
    good = binance_fill(1, START_MS)
    frames = [good, good.replace('"p":"61837.63000000"', '"p":"NaN"'), good.replace('"t":1', '"t":-1'), binance_fill(2, START_MS)]
    path = tmp_path / "tape"
    path.write_bytes(timed_lines([(START_MS, frame) for frame in frames]))
    tape = read_tape(path)

    assert (tape.report.damaged, tape.report.frames) == (2, 2)


def test_other_frames_are_skipped_without_a_word(tmp_path):
    others = ['{"lastUpdateId":1,"bids":[],"asks":[]}', '{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT"}}']
    acknowledgement = '{"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"}}'
    path = tmp_path / "tape"
    path.write_bytes(timed_lines([(START_MS, frame) for frame in [*others, acknowledgement, binance_fill(1, START_MS)]]))
    tape = read_tape(path)

    assert (tape.report.frames, tape.report.damaged, tape.report.skipped) == (1, 0, {})


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([okx_trade(1, START_MS, wire="BTC-USDT-SWAP")], r"contracts or unknown pairs only \(BTC-USDT-SWAP\)"),
        (
            ['{"e":"trade","E":1,"T":1,"s":"BTCUSD_PERP","t":1,"p":"1","q":"1","X":"MARKET","m":true}'],
            r"unknown pairs only \(BTCUSD_PERP\)",
        ),
        (['{"topic":"publicTrade.BTCUSDT","data":[]}'], "holds no trades of OKX"),
        ([binance_fill(1, START_MS), okx_trade(1, START_MS)], "trades of BINANCE and OKX; a tape has one venue"),
        ([okx_trade(1, START_MS).replace("0.12", "-1")], "no OKX trade that can be read; 1 frames are damaged"),
    ],
    ids=["contracts", "futures", "bybit", "two venues", "all damaged"],
)
def test_a_tape_without_spot_trades_of_one_venue_is_refused(tmp_path, frames, message):
    path = tmp_path / "tape"
    path.write_bytes(json_lines([(START_MS, frame) for frame in frames]))

    with pytest.raises(TapeError, match=message):
        read_tape(path)


@pytest.mark.parametrize(
    ("wire", "pair"),
    [
        ("BTCUSDT", "BTC-USDT"), ("BTCFDUSD", "BTC-FDUSD"), ("ETHBTC", "ETH-BTC"), ("USDTTRY", "USDT-TRY"), ("BNBETH", "BNB-ETH"),
        ("TUSDUSDT", "TUSD-USDT"), ("1INCHBTC", "1INCH-BTC"), ("USDT", None), ("BTCXYZ", None), ("BTCUSD_PERP", None),
    ],
)  # fmt: skip
def test_a_wire_symbol_is_split_by_its_quote_currency(wire, pair):
    assert split_wire(wire) == pair


def test_a_shifted_tape_moves_every_time_and_keeps_the_rest(tmp_path):
    tape = read_tape(binance_tape(tmp_path / "tape", (1, 0), (2, 10)))
    shifted = tape.shifted(5_000_000)

    assert (shifted.first_us, shifted.last_us, shifted.label) == (tape.first_us + 5_000_000, tape.last_us + 5_000_000, "shifted")
    assert [trade.timestamp_us for trade in shifted.fills(BTC).slice(0, 9)] == [
        tape.first_us + 5_000_000,
        tape.first_us + 5_010_000,
    ]
    assert shifted.frames(BTC, "trade", 0, 2**62) is None


def test_two_recorded_nights_of_binance_join_without_a_lost_trade():
    paths = [recorded(f"binance/hft_spot_btcusdt_{day}.gz") for day in ("20240809", "20240808")]
    tape = read_tape(*paths)
    ids = [trade.trade_id for trade in tape.fills(BTC).slice(0, 10**6)]

    assert ids == list(range(3735683259, 3735703163))
    assert len(ids) == 19_904


def test_recorded_frames_are_kept_byte_for_byte():
    path = recorded("binance/hft_spot_btcusdt_20230405.gz")
    lines = [line.split(b" ", 1)[1] for line in gzip.decompress(path.read_bytes()).splitlines() if b'"e":"trade"' in line]

    assert frames_of(read_tape(path), BTC, "trade") == lines


def test_three_recorded_connections_of_okx_are_one_tape():
    paths = [recorded(f"okx/cf_okx_v5_20210722_conn{number}.jsonl.gz") for number in (1, 2, 3)]
    tape, alone = read_tape(*paths), read_tape(paths[0])

    assert (tape.report.frames, tape.report.duplicates) == (alone.report.frames, 2 * alone.report.frames)
    assert sum(alone.report.skipped.values()) + alone.report.frames == 36


def test_recorded_aggregates_keep_the_venues_numbers():
    tape = read_tape(recorded("binance/cf_binance_spot_20210405.jsonl.gz"))
    numbers = tape.aggregates("BINANCE:ZIL-USDT").numbers(0, 10**6)

    assert tape.report.frames == 1240
    assert numbers[0] == 18938405
    assert list(numbers) == list(range(numbers[0], numbers[-1] + 1))
