"""Trades and candles of March and August, seen from August, for the tests of maintenance."""

from db.operations import DatabaseOperations
from market.candle import Candle, Origin
from market.clock import parse_time
from market.timeframe import BASE, MINUTE_US
from market.trade import Side, Trade

SYMBOL = "OKX:BTC-USDT"
NOW_US = parse_time("2024-08-20T12:00:00Z")
OLD_US, NEW_US = parse_time("2024-03-10T10:00:00Z"), parse_time("2024-08-18T10:00:00Z")


class Still:
    """A clock that stands; months go by for those who ask it."""

    def now_us(self) -> int:
        return NOW_US

    def monotonic(self) -> float:
        return 0.0


def trade(number: int, moment_us: int, symbol: str = SYMBOL) -> Trade:
    return Trade(symbol, number, 100.0 + number % 7, 1.0, Side.BUY, moment_us, moment_us)


def trades(first: int, count: int, begin_us: int, step_us: int = 10_000_000) -> list[Trade]:
    return [trade(first + number, begin_us + number * step_us) for number in range(count)]


def candle(label_us: int, made_of: list[Trade], *, complete: bool | None = True) -> Candle:
    inside = [each for each in made_of if label_us - MINUTE_US <= each.timestamp_us < label_us]
    prices = [each.price for each in inside]
    return Candle(
        made_of[0].symbol, BASE, label_us, prices[0], max(prices), min(prices), prices[-1], float(len(inside)), sum(prices),
        len(inside), float(len(inside)), inside[0].trade_id, inside[-1].trade_id, complete=complete, origin=Origin.LIVE,
    )  # fmt: skip


def numbers(database: DatabaseOperations, symbol: str = SYMBOL) -> list[int]:
    with database.transaction() as store:
        return [each.trade_id for each in store.raw_trades.get_trades(symbol, 0, NOW_US)]
