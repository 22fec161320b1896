"""What each venue says on the wire: one file a venue, pure; `rest` asks for history."""

from exchanges.base import Control, ControlKind, DataProvider, Instrument, Request
from exchanges.binance import Binance
from exchanges.binance_usdm import BinanceUsdm
from exchanges.bybit import Bybit, BybitLinear
from exchanges.coinbase import Coinbase
from exchanges.kraken import Kraken
from exchanges.okx import OKX
from exchanges.synthetic import Synthetic
from market.errors import InputError, did_you_mean

VENUES: dict[str, type[DataProvider]] = {
    venue.name: venue for venue in (OKX, Binance, BinanceUsdm, Bybit, BybitLinear, Coinbase, Kraken, Synthetic)
}

__all__ = [
    "OKX", "VENUES", "Binance", "BinanceUsdm", "Bybit", "BybitLinear", "Coinbase", "Control", "ControlKind", "DataProvider",
    "Instrument", "Kraken", "Request", "Synthetic", "find_venue",
]  # fmt: skip


def find_venue(name: str) -> type[DataProvider]:
    """Return the venue of that name, in either case.

    Raises:
        InputError: If there is none.
    """
    known = [venue.lower() for venue in VENUES]
    if name.upper() not in VENUES:
        raise InputError(f"exchange {name!r} is not one of {', '.join(known)}{did_you_mean(name.lower(), known)}")
    return VENUES[name.upper()]
