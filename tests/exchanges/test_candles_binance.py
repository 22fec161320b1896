"""Candles made of Binance's recorded trades and candles are Binance's own, digit for digit."""

import json
from functools import partial

import msgspec
import pandas as pd
import pytest

from exchanges import Binance, BinanceUsdm, DataProvider
from market.builder import CandleBuilder
from market.candle import Candle
from market.rollup import roll_up
from market.timeframe import Timeframe
from market.trade import Trade
from tests.exchanges.binance_data import NOW, pairs_in, read, rows_of
from tests.recorded import frames_of, recorded

SPOT, USDM = "BINANCE:BTC-USDT", "BINANCEUSDM:BTC-USDT"
SPOT_NIGHT = [f"ws/binance/hft_spot_btcusdt_{day}.gz" for day in ("20240808", "20240809")]
USDM_NIGHT = [f"ws/binance/hft_usdm_btcusdt_{day}.gz" for day in ("20230404", "20230405")]
USDM_TABLE = "pairs/binance_usdm_BTCUSDT_20230405_klines_1m.csv"
NAMES = {"count": "trades", "taker_buy_volume": "taker_buy_volume", "quote_volume": "quote_volume"}


def built(codec: DataProvider, symbol: str, trades: list[Trade]) -> dict[int, Candle]:
    """Return the candles of whole minutes by their open in milliseconds."""
    builder = CandleBuilder(symbol, decimals=codec.decimals, provable=codec.provable)
    closed = [candle for trade in trades for candle in builder.add(trade)]
    return {candle.open_us // 1000: candle for candle in closed if candle.complete is not False}


def same(row: dict[str, float], candle: Candle) -> dict[str, tuple[float, float]]:
    """Return the numbers in which a candle differs from the venue's, theirs first."""
    names = ["open", "high", "low", "close", "volume", *(name for name in NAMES if name in row)]
    pairs = {name: (row[name], float(getattr(candle, NAMES.get(name, name)))) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def test_ten_recorded_minutes_of_spot_are_the_venues_own():
    codec = Binance([SPOT])
    _, trades = read(codec, *SPOT_NIGHT)
    candles = built(codec, SPOT, trades)
    rows = {int(row["open_time"]): row for row in rows_of("pairs/binance_spot_BTCUSDT_20240808_klines_1m.csv")}

    assert len(candles) == 10
    assert {time: same(rows[time], candle) for time, candle in candles.items()} == {time: {} for time in candles}


def usdm_night() -> list[Trade]:
    return read(BinanceUsdm([USDM], channel="trade"), *USDM_NIGHT)[1]


def usdm_minutes(trades: list[Trade]) -> dict[int, dict[str, tuple[float, float]]]:
    """Return in what each of the seven whole minutes differs from the venue's."""
    candles = built(BinanceUsdm([USDM], channel="trade"), USDM, trades)
    rows = {int(row["open_time"]): row for row in rows_of(USDM_TABLE)}

    assert sorted(candles) == sorted(rows)[1:-1]  # the first and the last are recorded in part
    return {time: same(rows[time], candle) for time, candle in candles.items()}


def test_seven_recorded_minutes_of_perpetuals_are_the_venues_own():
    trades = usdm_night()

    assert [trade.price for trade in trades if not trade.count] == [28722.5]
    assert list(usdm_minutes(trades).values()) == [{}] * 7


def test_what_the_insurance_fund_trades_is_in_no_candle_of_the_venue():
    trades = [msgspec.structs.replace(trade, count=1) for trade in usdm_night()]
    minutes = list(usdm_minutes(trades).values())

    assert minutes[:2] + minutes[3:] == [{}] * 6
    assert minutes[2] == {
        "high": (28154.2, 28722.5), "count": (1823.0, 1824.0), "volume": (186.965, 186.966),
        "quote_volume": (5262318.605, 5262347.3275),
    }  # fmt: skip


def forming(codec: DataProvider, trades: list[tuple[int, int, Trade]], kline: dict) -> Candle | None:
    """Return the candle of the fills that a pushed kline counts, None when not all of them are on the tape."""
    inside = [(first, last, trade) for first, last, trade in trades if kline["f"] <= first and last <= kline["L"]]
    if not inside or (inside[0][0], inside[-1][1]) != (kline["f"], kline["L"]):
        return None
    builder = CandleBuilder(inside[0][2].symbol, provable=codec.provable)
    for _, _, trade in inside:
        builder.add(trade)
    return builder.forming()


@pytest.mark.parametrize(
    ("venue", "name", "covered"),
    [
        (BinanceUsdm, "ws/binance/cf_binance_futures_20210722.jsonl.gz", 15),
        (Binance, "ws/binance/cf_binance_spot_20210814.jsonl.gz", 2),
    ],
)
def test_running_klines_are_met_by_the_aggregates_they_count(venue, name, covered):
    codec = venue(pairs_in(name, ("USDT", "BTC")), channel="aggTrade")
    trades: dict[str, list[tuple[int, int, Trade]]] = {}
    klines = []
    for frame in frames_of(name):
        data = json.loads(frame)["data"]
        if data.get("e") == "aggTrade":
            trades.setdefault(data["s"], []).append((data["f"], data["l"], codec.parse(frame, NOW)[0]))
        elif data.get("e") == "kline":
            klines.append(data["k"])
    found = [(kline, forming(codec, trades.get(kline["s"], []), kline)) for kline in klines]
    whole = [(kline, candle) for kline, candle in found if candle is not None]

    assert len(whole) == covered
    for kline, candle in whole:
        assert [
            getattr(candle, name) for name in ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume")
        ] == [float(kline[name]) for name in "ohlcvqV"]
        assert candle.trades == kline["n"]


def stored(name: str, timeframe: Timeframe) -> list[Candle]:
    frame = pd.read_feather(recorded(f"ohlcv/binance/{name}.feather"))
    opens = frame["date"].astype("datetime64[us, UTC]").astype("int64")
    make = partial(Candle, SPOT, timeframe, quote_volume=None, trades=None, taker_buy_volume=None)
    columns = [frame[column].tolist() for column in ("open", "high", "low", "close", "volume")]
    rows = zip(opens.tolist(), *columns, strict=True)
    return [
        make(timestamp_us=time + timeframe.width_us, open=open_, high=high, low=low, close=close, volume=volume)
        for time, open_, high, low, close, volume in rows
    ]


@pytest.mark.parametrize(
    ("narrow", "narrow_frame", "wide", "wide_frame", "bars"),
    [
        ("BTC_USDT-1m_202407_202408", Timeframe.M1, "BTC_USDT-5m_202403_202507", Timeframe.M5, 8641),
        ("BTC_USDT-1m_202506", Timeframe.M1, "BTC_USDT-5m_202403_202507", Timeframe.M5, 8639),
        ("BTC_USDT-15m_202304_202404", Timeframe.M15, "BTC_USDT-1h_2017_2024", Timeframe.H1, 8999),
    ],
)
def test_wider_candles_are_the_venues_own(narrow, narrow_frame, wide, wide_frame, bars):
    theirs = {candle.timestamp_us: candle for candle in stored(wide, wide_frame)}
    rolled = [candle for candle in roll_up(stored(narrow, narrow_frame), wide_frame) if candle.final and candle.complete]

    assert len(rolled) == bars
    assert [candle for candle in rolled if candle != theirs[candle.timestamp_us]] == []
