"""Candles built from Kraken's trades are Kraken's own candles, on recorded pairs of both."""

import csv
import io
import json
from collections.abc import Iterable
from itertools import pairwise

import pytest

from exchanges import Kraken
from market.builder import CandleBuilder
from market.candle import Candle, Origin
from market.clock import parse_time
from market.rollup import roll_up
from market.timeframe import SECOND_US, Timeframe
from market.trade import Side, Trade
from market.window import Window
from tests.exchanges.asking import answered
from tests.recorded import content_of

USDT, USD = "KRAKEN:BTC-USDT", "KRAKEN:BTC-USD"
FROM, UNTIL = parse_time("2025-11-10T17:24:00"), parse_time("2025-11-10T21:00:00")


def rows_of(name: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content_of(name).decode())))


def built(trades: Iterable[Trade], timeframe: Timeframe, until_us: int) -> list[Candle]:
    symbol = next(iter(trades)).symbol
    builder = CandleBuilder(symbol, timeframe, decimals=Kraken.decimals)
    closed = [candle for trade in trades for candle in builder.add(trade)]
    return closed + builder.close_until(until_us)


def numbers(candle: Candle) -> tuple[float | int | None, ...]:
    return candle.timestamp_us, candle.open, candle.high, candle.low, candle.close, candle.volume, candle.trades


def test_the_minutes_built_from_trades_are_the_venues_own():
    trades = answered(Kraken().newest_trades(USDT, 0), content_of("pairs/kraken_XBTUSDT_20251110_part1_trades.json"))[0]
    answer = json.loads(content_of("pairs/kraken_XBTUSDT_20251110_part1_ohlc.json"))
    # The file was cut at 21:00, the venue's last row is the forming one: it is put back, so that the codec leaves out no other.
    answer["result"]["XBTUSDT"].append([UNTIL // SECOND_US, *["105950.5"] * 4, "0.0", "0.00000000", 0])
    theirs = answered(Kraken().candles(USDT, Timeframe.M1, Window(FROM, UNTIL)), json.dumps(answer).encode())[0]
    ours = [candle for candle in built(trades, Timeframe.M1, UNTIL) if candle.open_us >= FROM]
    quiet = [candle for candle in ours if not candle.trades]

    assert (len(theirs), len(ours), len(ours) - len(quiet), len(quiet)) == (216, 216, 139, 77)
    assert [numbers(candle) for candle in ours] == [numbers(candle) for candle in theirs]
    assert all(candle.complete for candle in ours)
    assert all(len({candle.open, candle.high, candle.low, candle.close}) == 1 for candle in quiet)


def hour_of_trades() -> list[Trade]:
    _, *rows = rows_of("pairs/kraken_XBTUSD_20190701_00h_trades.csv.gz")
    return [
        Trade(USD, number, float(price), float(size), Side(side), int(ms) * 1000, int(ms) * 1000)
        for number, (ms, _, side, price, size) in enumerate(rows, 1)
    ]


def the_hour_of_the_venue() -> tuple[float | int, ...]:
    [_, (opened, *prices, volume, count)] = rows_of("pairs/kraken_XBTUSD_20190701_00h_ohlc.csv")
    return (int(opened) + 3600) * SECOND_US, *map(float, prices), float(volume), int(count)


def test_a_trade_that_is_told_twice_spoils_volume_and_count_only():
    trades = hour_of_trades()
    [ours] = built(trades, Timeframe.H1, the_hour_of_the_venue()[0])
    theirs = the_hour_of_the_venue()

    assert len(trades) == 2672
    assert numbers(ours)[:5] == theirs[:5]
    assert (ours.volume, ours.trades) == (pytest.approx(theirs[5] + 0.04641442, abs=1e-8), theirs[6] + 1)


def test_without_the_duplicate_the_hour_is_the_venues_own():
    told = hour_of_trades()
    doubles = [trade for before, trade in pairwise(told) if trade.agrees(before) and trade.timestamp_us == before.timestamp_us]
    [ours] = built([trade for trade in told if trade not in doubles], Timeframe.H1, the_hour_of_the_venue()[0])

    assert [(trade.price, trade.size) for trade in doubles] == [(10812.2, 0.04641442)]
    assert numbers(ours) == the_hour_of_the_venue()
    assert (ours.volume, ours.trades) == (903.65604099, 2671)


def dump(name: str, timeframe: Timeframe) -> list[Candle]:
    """Return the rows of one of Kraken's own files; spans without trades have none.

    The days carry the noise of float sums behind the eighth digit, 5718.3365549701, where no lot reaches.
    """
    return [
        Candle(
            USD, timeframe, int(opened) * SECOND_US + timeframe.width_us, *map(float, prices),
            volume=round(float(volume), Kraken.decimals),
            quote_volume=None, trades=int(count), taker_buy_volume=None, origin=Origin.EXCHANGE,
        )
        for opened, *prices, volume, count in rows_of(name)
    ]  # fmt: skip


def test_nine_years_of_hours_rolled_up_are_the_venues_own_days():
    hours = dump("ohlcv/kraken/XBTUSD_60m_2013_2023.csv.gz", Timeframe.H1)
    theirs = dump("ohlcv/kraken/XBTUSD_1d_2013_2022.csv.gz", Timeframe.D1)
    ours = roll_up(hours, Timeframe.D1)

    assert (len(hours), len(theirs)) == (70_253, 3_178)
    assert [numbers(candle) for candle in ours[:3_178]] == [numbers(candle) for candle in theirs]
