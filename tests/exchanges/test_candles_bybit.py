"""Bybit's own candles against its recorded trades, and its wider candles against its narrower ones."""

import json
from dataclasses import dataclass, field
from math import fsum

import pandas as pd
import pytest

from exchanges import Bybit, BybitLinear
from market.candle import Candle, Origin
from market.rollup import roll_up
from market.timeframe import Timeframe
from market.trade import Trade
from tests.recorded import lines_of, recorded

MINUTE_MS = 1_786_310_820_000  # 2026-08-09T21:27:00Z
CODECS = {"BYBIT.ws.2": BybitLinear(["BTC-USDT", "SOL-USDT"]), "BYBIT.ws.3": Bybit(["BTC-USDT"])}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A running candle of the minute, the close before it, and the trades of the minute that had come up to then."""

    symbol: str
    bar: dict[str, str]
    before: float
    trades: list[Trade] = field(default_factory=list)

    @property
    def volume(self) -> float:
        return round(fsum(trade.size for trade in self.trades), 8)


@pytest.fixture(scope="module")
def moments() -> list[Moment]:
    """Return the running candles of 21:27 in the order of their receipt, with the trades up to their own time."""
    lines = [line for line in lines_of("ws/bybit/cf_bybit_v5_20260809_BTC_SOL.jsonl.gz") if line["dir"] == "recv"]
    trades, closes, found = dict[str, list[Trade]](), dict[str, float](), list[Moment]()
    for line in sorted(lines, key=lambda line: line["ts_ns"]):
        codec, frame = CODECS[line["conn"]], line["data"]
        if '"publicTrade.' in frame:
            for trade in codec.parse(frame.encode(), 0):
                trades.setdefault(trade.symbol, []).append(trade)
        elif '"kline.1.' in frame:
            body = json.loads(frame)
            symbol = f"{codec.name}:{body['topic'][8:].replace('USDT', '-USDT')}"
            for bar in body["data"]:  # two at the border of a minute: the one that closed, and the next
                if bar["start"] < MINUTE_MS:
                    closes[symbol] = float(bar["close"])
                    continue
                counted = [each for each in trades.get(symbol, []) if MINUTE_MS <= each.timestamp_us // 1000 <= bar["timestamp"]]
                found.append(Moment(symbol=symbol, bar=bar, before=closes[symbol], trades=counted))
    return found


@pytest.fixture(scope="module")
def equal(moments) -> list[Moment]:
    return [moment for moment in moments if moment.volume == float(moment.bar["volume"])]


def test_running_volumes_are_those_of_the_trades_received_before(moments, equal):
    assert (len(moments), len(equal)) == (55, 54)
    assert {moment.symbol for moment in equal} == {"BYBIT:BTC-USDT", "BYBITLINEAR:BTC-USDT", "BYBITLINEAR:SOL-USDT"}


def test_the_one_other_candle_lacks_the_last_trade_before_it(moments, equal):
    [other] = [moment for moment in moments if moment not in equal]
    *earlier, last = other.trades

    assert round(fsum(trade.size for trade in earlier), 8) == float(other.bar["volume"])
    assert 0 < other.bar["timestamp"] - last.timestamp_us // 1000 < 100


def test_turnover_and_close_are_those_of_the_trades(equal):
    for moment in equal:
        assert round(fsum(trade.price * trade.size for trade in moment.trades), 7) == float(moment.bar["turnover"])
        assert [moment.before, *(trade.price for trade in moment.trades)][-1] == float(moment.bar["close"])


def test_a_candle_opens_at_the_close_before_it_and_high_and_low_reach_that_price(equal):
    for moment in equal:
        prices = [moment.before, *(trade.price for trade in moment.trades)]

        assert [float(moment.bar[name]) for name in ("open", "high", "low")] == [moment.before, max(prices), min(prices)]
    assert any(moment.trades and moment.trades[0].price != moment.before for moment in equal)


def candles_of(name: str, timeframe: Timeframe) -> list[Candle]:
    table = pd.read_feather(recorded(f"ohlcv/bybit/BTC_USDT_USDT-{name}_202509_202607.feather"))
    opens = table["date"].astype("int64") // (10**6 if table["date"].dt.unit == "ns" else 1)
    rows = zip(opens, *(table[column] for column in ("open", "high", "low", "close", "volume")), strict=True)
    return [
        Candle(
            "BYBITLINEAR:BTC-USDT", timeframe, open_ms * 1000 + timeframe.width_us, *numbers,
            quote_volume=None, trades=None, taker_buy_volume=None, origin=Origin.EXCHANGE,
        )
        for open_ms, *numbers in rows
    ]  # fmt: skip


def test_five_minutes_roll_up_to_the_venues_own_four_hours():
    narrow, wide = candles_of("5m", Timeframe.M5), candles_of("4h", Timeframe.H4)
    rolled = {candle.timestamp_us: candle for candle in roll_up(narrow, Timeframe.H4)}
    pairs = [(rolled[each.timestamp_us], each) for each in wide]

    assert len(pairs) == 1804
    assert [(own.open, own.high, own.low, own.close, own.volume) for own, _ in pairs] == [
        (each.open, each.high, each.low, each.close, each.volume) for _, each in pairs
    ]


def test_every_candle_of_ten_months_opens_at_the_close_before_it():
    candles = candles_of("5m", Timeframe.M5)

    assert len(candles) == 86_604
    assert [after.open for after in candles[1:]] == [before.close for before in candles[:-1]]
