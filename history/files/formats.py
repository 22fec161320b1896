"""The layouts of columns that are known; apart from what reads them, so that `--help` is quick."""

from enum import StrEnum


class Format(StrEnum):
    """A layout of columns."""

    AUTO = "auto"
    OHLCV = "ohlcv"
    BINANCE = "binance"
    KRAKEN = "kraken"
    BITFINEX = "bitfinex"
    LEAN = "lean"
    TCPDASH = "tcpdash"
