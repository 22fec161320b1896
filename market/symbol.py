"""A symbol: one string that names an instrument everywhere, `EXCHANGE:BASE-QUOTE`."""

import re
from dataclasses import dataclass
from typing import Self

from market.errors import SymbolError

_PATTERN = re.compile(r"([^\W_]+):([^\W_][\w.]*)-([^\W_][\w.]*)((?:-[\w.]+)*)")


@dataclass(frozen=True, slots=True)
class Symbol:
    """The parts of a symbol; `str()` gives the one spelling used in tables, channels and on screens.

    Attributes:
        exchange: The venue in upper case, `OKX`.
        base: What is traded, `BTC`.
        quote: What it is paid in, `USDT`.
        suffix: What a derivative adds, `-SWAP` or `-240927`; empty for spot.
    """

    exchange: str
    base: str
    quote: str
    suffix: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a symbol.

        Raises:
            SymbolError: If the text is not `EXCHANGE:BASE-QUOTE` in upper case.
        """
        match = _PATTERN.fullmatch(text)
        if match is None or text != text.upper():
            raise SymbolError(text)
        return cls(*match.groups())

    def __str__(self) -> str:
        return f"{self.exchange}:{self.base}-{self.quote}{self.suffix}"

    @property
    def pair(self) -> str:
        """The symbol without its venue: `BTC-USDT`."""
        return f"{self.base}-{self.quote}{self.suffix}"


def full_symbol(exchange: str, text: str) -> str:
    """Return `EXCHANGE:BASE-QUOTE` for a pair that may lack its venue; lower case is accepted.

    Raises:
        SymbolError: If the text is no pair, or names another venue.
    """
    upper = text.strip().upper()
    symbol = Symbol.parse(upper if ":" in upper else f"{exchange.upper()}:{upper}")
    if symbol.exchange != exchange.upper():
        raise SymbolError(text, exchange.upper())
    return str(symbol)
