"""A generated tape on Binance's wire, and the truth about it."""

from pathlib import Path

import pandas as pd

from market.aggregation import aggregate_to_timeframe
from market.timeframe import MINUTE_US
from market.trade import Side, Trade
from replay import SyntheticMarket, TapeWriter

START_US = 1_767_225_600_000_000 - 47_000_000  # 47 s before midnight, so that the tape begins inside a minute
SYMBOL = "BINANCE:BTC-USDT"


def generated_trades(minutes: int) -> list[Trade]:
    """Return the trades of so many minutes of the generated market, as Binance's."""
    series = SyntheticMarket().fills("SYNTHETIC:BTC-USDT")
    return series.slice(series.at(START_US), series.at(START_US + minutes * MINUTE_US))


def write_tape(path: Path, trades: list[Trade]) -> Path:
    """Record trades as frames of Binance's combined stream."""
    with TapeWriter(path) as tape:
        tape.write("connect", "wss://stream.binance.com:9443/stream", "", trades[0].timestamp_us * 1000)
        for trade in trades:
            ms, maker = trade.timestamp_us // 1000, "true" if trade.side is Side.SELL else "false"
            tape.write(
                "recv",
                "wss://stream.binance.com:9443/stream",
                f'{{"stream":"btcusdt@trade","data":{{"e":"trade","E":{ms},"s":"BTCUSDT","t":{trade.trade_id},'
                f'"p":"{trade.price:.8f}","q":"{trade.size:.8f}","T":{ms},"m":{maker},"M":true}}}}',
                ms * 1_000_000,
            )
    return path


def true_minutes(trades: list[Trade]) -> pd.DataFrame:
    """Return the candles that the whole tape makes, computed at once."""
    columns = {
        "timestamp": [trade.timestamp_us for trade in trades],
        "price": [trade.price for trade in trades],
        "size": [trade.size for trade in trades],
        "side": [str(trade.side) for trade in trades],
        "trade_id": [trade.trade_id for trade in trades],
        "count": [trade.count for trade in trades],
    }
    return aggregate_to_timeframe(pd.DataFrame(columns), "1m").set_index("timestamp")
