"""Kraken's recorded answers decode; its frames of the first websocket and of futures are refused, each with its count."""

import json

import pytest

from exchanges import Kraken
from market.clock import parse_time
from market.errors import WireError
from market.timeframe import MINUTE_US, Timeframe
from market.trade import Trade
from market.window import Window
from tests.exchanges.asking import answered
from tests.recorded import content_of, frames_of

NOW = 1_800_000_000_000_000
CODEC = Kraken(["BTC-USD", "XRP-USD"])


def test_recorded_pairs_are_read_under_our_names():
    listed = json.loads(content_of("rest/kraken/cf_AssetPairs_20210417.jsonl.gz"))["body"]
    found = {each.symbol: each for each in CODEC.parse_instruments(json.dumps(listed).encode())}
    named = [row for row in listed["result"].values() if "wsname" in row]

    assert (len(listed["result"]), len(named), len(found)) == (304, 293, 293)
    assert {CODEC.rest_name(symbol) for symbol in found} == {row["altname"] for row in named}
    assert [found[f"KRAKEN:{pair}"].tick_size for pair in ("BTC-USD", "DOGE-USD", "ETH-BTC")] == ["0.1", "0.0000001", "0.00001"]
    assert {each.lot_size for each in found.values()} == {"0.00000001"}
    assert {each.status for each in found.values()} == {"live"}


def test_recorded_candles_are_read_and_the_forming_one_is_not():
    body = content_of("rest/kraken/xchange_ohlc_XXBTZUSD.json.gz")
    rows = json.loads(body)["result"]["XXBTZUSD"]
    candles = answered(CODEC.candles("KRAKEN:BTC-USD", Timeframe.M1, Window(0, NOW)), body)[0]

    assert (len(rows), len(candles)) == (720, 719)
    assert candles[-1].open_us == json.loads(body)["result"]["last"] * 1_000_000
    assert [each.timestamp_us for each in candles] == [(row[0] + 60) * 1_000_000 for row in rows[:-1]]
    assert [
        (each.open, each.high, each.low, each.close, each.volume, each.trades) for each in candles
    ] == [(*map(float, row[1:5]), float(row[6]), row[7]) for row in rows[:-1]]  # fmt: skip


def test_recorded_trades_have_no_gap_and_stand_in_their_minutes():
    body = content_of("pairs/kraken_XBTUSDT_20251110_part1_trades.json")
    rows = json.loads(body)["result"]["XBTUSDT"]
    trades: list[Trade] = answered(CODEC.newest_trades("KRAKEN:BTC-USDT", NOW), body)[0]

    assert [trade.trade_id for trade in trades] == list(range(10218208, 10218208 + 488))
    assert [trade.timestamp_us // MINUTE_US for trade in trades] == [int(row[2] // 60) for row in rows]
    assert trades[0].timestamp_us == parse_time("2025-11-10T17:23:53.971744")
    assert len({trade.timestamp_us for trade in trades}) < 488


def test_recorded_pages_are_healed_from_the_time_of_the_trade_before_them():
    body = content_of("pairs/kraken_XBTUSDT_20251110_part1_trades.json")
    pages = CODEC.trades("KRAKEN:BTC-USDT", 10218300, 10218400, NOW, parse_time("2025-11-10T17:00:00"))

    assert [trade.trade_id for trade in answered(pages, body)[0]] == list(range(10218300, 10218401))


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("cf_kraken_spot_20210417_book", 4_321), ("cf_kraken_spot_20210417_ticker", 60), ("cf_kraken_spot_20210417_trade", 49),
        ("cf_kraken_futures_20210722", 7_175),
    ],
)  # fmt: skip
def test_frames_of_another_protocol_are_refused_and_nothing_else(name, frames):
    read = list(frames_of(f"ws/kraken/{name}.jsonl.gz"))
    parsed = CODEC.parse_all(read, NOW)

    assert len(read) == frames
    assert (len(parsed.refused), parsed.trades, parsed.controls) == (frames, [], [])


def test_single_recorded_frames_of_another_protocol_are_refused():
    samples = [json.loads(line) for line in content_of("ws/frames_crypto_msg_parser.jsonl.gz").splitlines()]
    frames = [sample["frame"].encode() for sample in samples if sample["exchange"] == "kraken"]

    assert len(frames) == 13
    for frame in frames:
        with pytest.raises(WireError):
            CODEC.parse(frame, NOW)
