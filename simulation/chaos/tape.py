"""The tape of a run: two symbols of Binance whose prices move enough for stops, targets and crossings within minutes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import msgspec

from market.clock import parse_time
from market.timeframe import MINUTE_US
from market.trade import Side, Trade
from replay.small import SmallMarket
from replay.tape_writer import TapeWriter

SYMBOLS = ("BINANCE:BTC-USDT", "BINANCE:ETH-USDT")
START_US = parse_time("2024-08-09T09:00:20")
_URL = "wss://stream.binance.com:9443/stream"
_FIRST = {SYMBOLS[0]: 40_000.0, SYMBOLS[1]: 2_000.0}
_MOVE, _CALM_RATE = 0.0006, 0.5


def trades_of(seed: int, minutes: int) -> dict[str, list[Trade]]:
    """Return the trades of a run by symbol; each has one half a minute behind the last full minute, which proves that one."""
    seconds = minutes * 60.0
    market = SmallMarket("BINANCE", SYMBOLS, seed=seed, start_us=START_US, seconds=seconds, rate=_CALM_RATE)
    return {symbol: _moved(market.trades(symbol), seed, START_US + round(seconds * 1e6)) for symbol in SYMBOLS}


def last_minute_us(trades: Mapping[str, Sequence[Trade]]) -> int:
    """Return the close of the last full minute."""
    return min(each[-1].timestamp_us for each in trades.values()) // MINUTE_US * MINUTE_US


def write(path: Path, trades: Mapping[str, Sequence[Trade]]) -> None:
    """Record trades as frames of Binance's combined stream."""
    ordered = sorted((trade for each in trades.values() for trade in each), key=lambda trade: trade.timestamp_us)
    with TapeWriter(path) as tape:
        tape.write("connect", _URL, "", ordered[0].timestamp_us * 1000)
        for trade in ordered:
            tape.write("recv", _URL, _frame(trade), trade.timestamp_us * 1000)


def _moved(trades: Sequence[Trade], seed: int, end_us: int) -> list[Trade]:
    chance, symbol = Random(f"prices {seed} {trades[0].symbol}"), trades[0].symbol
    price, moved, before_us = _FIRST[symbol], [], 0
    last = msgspec.structs.replace(trades[-1], trade_id=trades[-1].trade_id + 1, timestamp_us=end_us, received_us=end_us)
    for trade in [*trades, last]:
        if trade.timestamp_us != before_us:
            price *= 1 + chance.gauss(0, _MOVE)
        before_us = trade.timestamp_us
        moved.append(msgspec.structs.replace(trade, price=round(price, 2)))
    return moved


def _frame(trade: Trade) -> str:
    ms, maker = trade.timestamp_us // 1000, "true" if trade.side is Side.SELL else "false"
    wire = trade.symbol.partition(":")[2].replace("-", "")
    return (
        f'{{"stream":"{wire.lower()}@trade","data":{{"e":"trade","E":{ms},"s":"{wire}","t":{trade.trade_id},'
        f'"p":"{trade.price:.8f}","q":"{trade.size:.8f}","T":{ms},"m":{maker},"M":true}}}}'
    )
