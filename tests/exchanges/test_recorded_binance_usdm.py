"""Recorded frames and answers of Binance's USD-M futures decode, with the counts of the collection's own table."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges import BinanceUsdm
from market.errors import WireError
from market.timeframe import Timeframe
from market.window import Window
from tests.exchanges.asking import answered
from tests.exchanges.binance_data import NOW, answers_of, pairs_in, read
from tests.exchanges.hostile import mangled, read_or_refuse
from tests.recorded import frames_of, lines_of

BTC = "BINANCEUSDM:BTC-USDT"
FUTURES = "ws/binance/cf_binance_futures_20210722.jsonl.gz"
HISTORY = "rest/binance/gct_market_history.jsonl.gz"


@pytest.mark.parametrize(
    ("day", "frames", "trades", "snapshots"), [("20230404", 13_384, 2_197, 1), ("20230405", 60_381, 10_738, 0)]
)
def test_a_recorded_night_of_fills_decodes_whole(day, frames, trades, snapshots):
    kinds, found = read(BinanceUsdm([BTC], channel="trade"), f"ws/binance/hft_usdm_btcusdt_{day}.gz")

    assert kinds == Counter({"trades": trades, "other": frames - trades - snapshots, "refused": snapshots})
    assert [trade.trade_id for trade in found] == list(range(found[0].trade_id, found[0].trade_id + trades))


def test_of_the_recorded_nights_one_fill_is_no_market_trade():
    names = [f"ws/binance/hft_usdm_btcusdt_{day}.gz" for day in ("20230404", "20230405")]
    _, found = read(BinanceUsdm([BTC], channel="trade"), *names)

    assert [(trade.trade_id, trade.price, trade.size) for trade in found if trade.count != 1] == [(3535191080, 28722.5, 0.001)]


def test_recorded_aggregates_have_no_gap_and_count_their_fills():
    symbols = pairs_in(FUTURES, ("USDT",))
    kinds, found = read(BinanceUsdm(symbols), FUTURES)
    by_symbol = {f"BINANCEUSDM:{pair}": [] for pair in symbols}
    for trade in found:
        by_symbol[trade.symbol].append(trade)

    assert kinds == Counter({"trades": 91, "other": 1_535 - 91})
    assert {symbol: len(trades) for symbol, trades in by_symbol.items()} == {
        "BINANCEUSDM:AKRO-USDT": 8, "BINANCEUSDM:CTK-USDT": 38, "BINANCEUSDM:KEEP-USDT": 5, "BINANCEUSDM:SUSHI-USDT": 40,
    }  # fmt: skip
    for trades in by_symbol.values():
        first = trades[0].trade_id
        assert [(trade.first_id, trade.trade_id) for trade in trades] == [(first + n, first + n) for n in range(len(trades))]
    assert sum(trade.count for trade in found) == 180


def test_contracts_and_spot_among_the_single_frames_are_told_from_perpetuals():
    codec, kinds = BinanceUsdm([BTC]), Counter[tuple[str, str]]()
    for sample in lines_of("ws/frames_crypto_msg_parser.jsonl.gz"):
        if sample["exchange"] == "binance" and sample["kind"] == "trade":
            try:
                codec.parse(sample["frame"].encode(), NOW)
                kinds[sample["case"], "trades"] += 1
            except WireError:
                kinds[sample["case"], "refused"] += 1

    # Spot speaks the same language: only its address tells it from the perpetual.
    assert kinds == {("spot", "trades"): 1, ("linear_swap", "trades"): 1, ("linear_future", "refused"): 1}


def test_recorded_aggregates_over_rest_are_read():
    whole, pair = answers_of(HISTORY, "/fapi/v1/aggTrades")
    trades, _ = answered(BinanceUsdm().newest_trades("BINANCEUSDM:LTC-USDT", NOW), json.dumps(whole).encode())

    assert len(trades) == 500
    assert [trade.trade_id for trade in trades] == list(range(19427407, 19427907))
    assert [trade.count for trade in trades] == [row["l"] - row["f"] + 1 for row in whole]
    assert len(pair) == 6


def test_recorded_fills_over_rest_are_read():
    [rows] = answers_of(HISTORY, "/fapi/v1/trades")
    trades, _ = answered(BinanceUsdm(channel="trade").newest_trades(BTC, NOW), json.dumps(rows).encode())

    assert [(trade.trade_id, trade.price, trade.size) for trade in trades] == [
        (row["id"], float(row["price"]), float(row["qty"])) for row in rows
    ]


@pytest.mark.parametrize(("number", "timeframe", "count"), [(0, Timeframe.M5, 500), (1, Timeframe.D1, 116), (2, Timeframe.D1, 5)])
def test_recorded_klines_are_a_series_without_a_hole(number, timeframe, count):
    rows = answers_of(HISTORY, "/fapi/v1/klines")[number]
    end = rows[-1][0] * 1000 + timeframe.width_us
    pages = BinanceUsdm().candles(BTC, timeframe, Window(rows[0][0] * 1000, end))
    candles, _ = answered(pages, json.dumps(rows).encode())

    assert [candle.open_us for candle in candles] == [rows[0][0] * 1000 + n * timeframe.width_us for n in range(count)]
    assert [(candle.close, candle.volume, candle.trades) for candle in candles] == [
        (float(row[4]), float(row[5]), row[8]) for row in rows
    ]


FRAMES = [
    b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1,"a":16,"s":"BTCUSDT","p":"1.01","q":"10","f":23,"l":24,"T":16,"m":false}}',
    b'{"e":"aggTrade","E":1,"s":"BTCUSDT","a":5,"p":"0.001","q":"100","nq":"100","f":100,"l":105,"T":12,"m":true,"st":1}',
    b'{"e":"trade","E":1,"T":16,"s":"BTCUSDT","t":35,"p":"28145.10","q":"0.002","X":"MARKET","m":true}',
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"T":16,"s":"BTCUSDT","t":36,"p":"0","q":"0","X":"NA","m":true,"st":1}}',
    b'{"error":{"code":3,"msg":"Invalid JSON"},"id":null}',
]  # fmt: skip
CODEC = BinanceUsdm(["BTC-USDT"])


@settings(max_examples=500)
@given(frame=st.sampled_from(FRAMES).flatmap(mangled))
def test_a_mutilated_frame_is_read_or_refused(frame):
    read_or_refuse(CODEC, frame)


def test_no_recorded_frame_of_a_perpetual_is_refused_on_the_way_in_bulk():
    frames = list(frames_of(FUTURES))
    codec = BinanceUsdm(pairs_in(FUTURES, ("USDT",)))
    parsed = codec.parse_all(frames, NOW)

    assert (len(parsed.trades), len(parsed.controls), parsed.refused) == (91, 1_535 - 91, [])
