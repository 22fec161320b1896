"""Candles made of Coinbase's recorded trades and bars are Coinbase's own, digit for digit."""

import json
from math import fsum

import pandas as pd
import pytest

from exchanges import Coinbase
from market.aggregation import aggregate_to_timeframe
from market.builder import CandleBuilder
from market.candle import Candle
from market.clock import parse_time
from market.rollup import roll_up
from market.timeframe import Timeframe
from market.trade import Trade
from tests.exchanges.coinbase_data import ADVANCED, ADVANCED_PRODUCTS, NOW, bars_of
from tests.recorded import frames_of

BTC, ETH = "COINBASE:BTC-USD", "COINBASE:ETH-USD"
BAR_US = parse_time("2026-08-09T21:05:00")


def candles_of(day: str, name: str, timeframe: Timeframe) -> list[Candle]:
    """Return the recorded bars of a day, which are labelled by their open in milliseconds since midnight."""
    rows = bars_of(f"pairs/coinbase_btcusd_{day}_{name}_trade.zip")
    midnight = parse_time(f"{day[:4]}-{day[4:6]}-{day[6:]}T00:00:00")
    return [
        Candle(BTC, timeframe, midnight + int(open_ms) * 1000 + timeframe.width_us, *map(float, numbers))
        for open_ms, *numbers in rows
    ]


def numbers_of(candle: Candle) -> tuple[int, float, float, float, float, float]:
    return candle.timestamp_us, candle.open, candle.high, candle.low, candle.close, candle.volume


@pytest.mark.parametrize(("day", "count"), [("20161007", 1419), ("20161008", 1400)])
def test_recorded_seconds_make_the_recorded_minutes(day, count):
    seconds, minutes = (candles_of(day, *kind) for kind in (("second", Timeframe.S1), ("minute", Timeframe.M1)))
    rolled = roll_up(seconds, Timeframe.M1)

    assert len(minutes) == count
    assert [numbers_of(candle) for candle in rolled] == [numbers_of(candle) for candle in minutes]


@pytest.mark.parametrize(("day", "absent"), [("20161007", 21), ("20161008", 40)])
def test_a_minute_without_a_trade_has_no_bar_at_the_venue(day, absent):
    minutes = candles_of(day, "minute", Timeframe.M1)

    assert len({candle.timestamp_us for candle in minutes}) == 1440 - absent
    assert all(candle.volume > 0 for candle in minutes)


def trades_and_bars() -> tuple[list[Trade], list[tuple[int, dict[str, str]]]]:
    """Return the recorded trades, and the venue's own running bars with how many trades had come before each."""
    codec, trades, bars = Coinbase(ADVANCED_PRODUCTS, channel="market_trades"), list[Trade](), list[tuple[int, dict[str, str]]]()
    for frame in frames_of(ADVANCED):
        found = codec.parse(frame, NOW)
        if isinstance(found, list):
            trades += found
            continue
        message = json.loads(frame)
        for event in message["events"] if message["channel"] == "candles" else ():
            if event["type"] == "update":
                bars += [(len(trades), bar) for bar in event["candles"]]
    return trades, bars


@pytest.mark.parametrize(
    ("symbol", "volume", "trade_id"), [(ETH, 36.36630914, 833140778), (BTC, 1.0555351, 1068572093)], ids=["ETH", "BTC"]
)
def test_the_venues_running_volume_is_met_exactly_at_one_trade(symbol, volume, trade_id):
    trades, bars = trades_and_bars()
    inside = [trade for trade in trades if trade.symbol == symbol and trade.timestamp_us >= BAR_US]
    running = {trade.trade_id: round(fsum(each.size for each in inside[: place + 1]), 8) for place, trade in enumerate(inside)}
    printed = [float(bar["volume"]) for _, bar in bars if f"COINBASE:{bar['product_id']}" == symbol]

    assert [number for number, sum_ in running.items() if sum_ == volume] == [trade_id]
    assert volume in printed


@pytest.mark.parametrize(("symbol", "last_id"), [(ETH, 833140778), (BTC, 1068572093)], ids=["ETH", "BTC"])
def test_the_venues_running_bar_is_the_candle_of_the_trades_up_to_it(symbol, last_id):
    trades, bars = trades_and_bars()
    inside = [trade for trade in trades if trade.symbol == symbol and trade.timestamp_us >= BAR_US and trade.trade_id <= last_id]
    ticks = pd.DataFrame(
        {
            "timestamp": [each.timestamp_us for each in inside], "price": [each.price for each in inside],
            "size": [each.size for each in inside], "trade_id": [each.trade_id for each in inside],
        }
    )  # fmt: skip
    [candle] = aggregate_to_timeframe(ticks, "5m").to_dict("records")
    [bar] = [bar for _, bar in bars if f"COINBASE:{bar['product_id']}" == symbol]

    assert {name: candle[name] for name in ("open", "high", "low", "close", "volume")} == {
        name: float(bar[name]) for name in ("open", "high", "low", "close", "volume")
    }
    assert candle["timestamp"] == pd.Timestamp(int(bar["start"]) + 300, unit="s", tz="UTC")


def test_the_recorded_minute_before_the_capture_is_built_whole_from_the_snapshot():
    codec = Coinbase(ADVANCED_PRODUCTS, channel="market_trades")
    trades, _ = trades_and_bars()
    builder = CandleBuilder(BTC, decimals=codec.decimals, provable=codec.provable)
    closed = [candle for trade in trades if trade.symbol == BTC for candle in builder.add(trade)]
    whole = [candle for candle in closed if candle.complete]

    assert [candle.timestamp_us for candle in whole] == [BAR_US + 60_000_000]
    assert whole[0].trades == sum(
        1 for trade in trades if trade.symbol == BTC and trade.timestamp_us in range(BAR_US, BAR_US + 60_000_000)
    )
