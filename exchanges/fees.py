"""What venues take for a trade: the fees of an account without discounts, as their public schedules said in November 2026."""

from collections.abc import Iterable
from typing import NamedTuple


class Fees(NamedTuple):
    """Fractions of the value of a trade: 0.001 is 0.1 %."""

    maker: float
    taker: float


USUAL = Fees(0.001, 0.001)
"""For a venue that is not in the list."""

_FEES = {
    "OKX": Fees(0.0008, 0.001),  # okx.com/fees, spot, regular users
    "SYNTHETIC": Fees(0.0008, 0.001),
    "BINANCE": Fees(0.001, 0.001),  # binance.com/en/fee/schedule, spot, regular, without BNB
    "BINANCEUSDM": Fees(0.0002, 0.0005),  # the same, USD-M futures
    "BYBIT": Fees(0.001, 0.001),  # bybit.com, spot, VIP 0
    "BYBITLINEAR": Fees(0.0002, 0.00055),  # the same, perpetuals
    "COINBASE": Fees(0.004, 0.006),  # Coinbase Exchange, up to 10,000 USD in 30 days
    "KRAKEN": Fees(0.0025, 0.004),  # kraken.com/features/fee-schedule, Kraken Pro, spot
}


def fees_of(symbols: Iterable[str]) -> Fees:
    """Return the fees of the venues of some symbols; of several venues the highest of each kind."""
    found = [_FEES.get(symbol.partition(":")[0], USUAL) for symbol in symbols] or [USUAL]
    return Fees(max(fees.maker for fees in found), max(fees.taker for fees in found))
