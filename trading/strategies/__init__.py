"""The strategies that come with the program, one file each."""

from trading.strategies.bollinger_reversion import BollingerReversion
from trading.strategies.buy_and_hold import BuyAndHold
from trading.strategies.donchian_breakout import DonchianBreakout
from trading.strategies.ema_cross import EmaCross
from trading.strategies.macd import Macd
from trading.strategies.rsi import Rsi
from trading.strategies.sma_cross import SmaCross
from trading.strategy import BaseStrategy

SHIPPED: tuple[type[BaseStrategy], ...] = (
    BollingerReversion,
    BuyAndHold,
    DonchianBreakout,
    EmaCross,
    Macd,
    Rsi,
    SmaCross,
)
"""All of them, in the order of the alphabet."""

__all__ = [
    "SHIPPED",
    "BollingerReversion",
    "BuyAndHold",
    "DonchianBreakout",
    "EmaCross",
    "Macd",
    "Rsi",
    "SmaCross",
]
