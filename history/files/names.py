"""What the name of a file says of its pair and timeframe."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from market.errors import InputError
from market.symbol import Symbol
from market.timeframe import Timeframe

# BTC_USDT-5m.feather, BTC_USDT_USDT-1h-futures.feather and BTC_USDT_USDT-240927-1h-futures.feather of freqtrade, where the third
# coin is what a future is settled in; BTC-USD_4h.json of others.
_PAIR = re.compile(
    r"(?<![A-Za-z0-9])([A-Z0-9]+)[_-](\d*[A-Z][A-Z0-9]*)(?:_([A-Z0-9]+)(?:-(\d{6}))?)?[_-]([1-9]\d*(?:mo|[smhdwMy]))"
    r"(?:-([A-Za-z_]+))?(?![A-Za-z0-9])"
)
# BTCUSD_PERP-1m-2024-01.zip, BTCUSDT_240927-1m-2024-01.zip of Binance's futures.
_FUTURE = re.compile(r"(?<![A-Za-z0-9])([A-Z0-9]{5,20})_(PERP|\d{6})-([1-9]\d*(?:mo|[smhdw]))(?![A-Za-z0-9])")
# BTCUSDT-1m-2024-01.zip of Binance, XBTUSD_60.csv of Kraken (minutes), BTCUSD_1h.csv of others.
_LETTERS = re.compile(r"(?<![A-Za-z0-9])([A-Z0-9]{5,20})[_-]([1-9]\d*)(mo|[smhdwM]?)(?![A-Za-z0-9])")
_MINUTES = {1, 3, 5, 15, 30, 60, 120, 240, 360, 480, 720, 1440, 10080, 21600}
_NO_TRADES = {"mark", "index", "premiumindex", "funding_rate"}

ALIASES = {"XBT": "BTC", "XDG": "DOGE"}
"""Kraken's names of coins, and everybody else's."""

_QUOTES = (
    *("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "AEUR", "EURI", "DAI", "USD", "EUR", "GBP", "TRY", "BRL", "JPY"),
    *("AUD", "CAD", "CHF", "BTC", "XBT", "ETH", "BNB"),
)


@dataclass(frozen=True, slots=True)
class Name:
    """What a name says.

    Attributes:
        letters: The pair without anything between its coins, `BTCUSDT`; empty where the name does not say.
        pair: The pair as we write it, `BTC-USDT`, empty where it cannot be told.
        width: The timeframe, as `60m` or `1h`, empty likewise.
        prices: What the numbers are, where they are no prices of trades: `mark`.
        future: Whether it names a future or a swap, whose prices are not those of spot.
    """

    letters: str = ""
    pair: str = ""
    width: str = ""
    prices: str = ""
    future: bool = False


def read_name(names: Sequence[str]) -> Name:
    """Return what the first of some names that says anything says."""
    for name in names:
        if found := _FUTURE.search(name):
            letters, kind, width = found.groups()
            return Name(_plain_letters(letters) + kind, "", width, future=True)
        if found := _PAIR.search(name):
            base, quote, settled, expiry, width, kind = found.groups()
            base, quote, kind = _plain(base), _plain(quote), (kind or "").lower()
            if settled is not None and settled not in {base, quote}:  # KRAKEN_BTC_USD-1h
                base, quote, settled = quote, _plain(settled), None
            prices, future = kind if kind in _NO_TRADES else "", kind == "futures" or settled is not None
            pair = "" if expiry else f"{base}-{quote}"
            return Name(base + quote + (expiry or ""), pair, width, prices, future)
        if found := _LETTERS.search(name):
            letters, number, unit = found.groups()
            if unit or int(number) in _MINUTES:
                return Name(_plain_letters(letters), _split(letters), f"{number}{unit or 'm'}")
    return Name()


def agrees(letters: str, symbol: Symbol) -> bool:
    """Return whether a pair without its separator, as `XBTUSD` or `btc_usdt`, is the one of a symbol."""
    plain = re.sub(r"[^A-Z0-9]", "", letters.upper())
    base, quote = _plain(symbol.base), _plain(symbol.quote)
    suffix = re.sub(r"[^A-Z0-9]", "", symbol.suffix)
    return _plain_letters(plain) in {base + quote, base + quote + suffix, base + quote + quote, base + quote + "PERP"}


def timeframe_named(width: str) -> Timeframe | None:
    """Return the timeframe that a name means, None where it says nothing.

    Raises:
        InputError: If it names one that is not kept.
    """
    if not width:
        return None
    number, unit = int(re.split(r"\D", width)[0]), width.lstrip("0123456789")
    units = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
    seconds = number * units[unit] if unit in units else 0
    found = next((each for each in Timeframe if each.width_us == seconds * 1_000_000), None)
    if found is None:
        raise InputError(f"the name says {width}, and candles of {width} are not kept; known are {', '.join(Timeframe)}")
    return found


def _split(letters: str) -> str:
    # A coin has three letters or more: XBTUSD is no XB-TUSD. Whether BTCBUSD is BTC-BUSD or BTCB-USD, nobody can tell.
    quotes = [quote for quote in _QUOTES if letters.endswith(quote) and len(letters) >= len(quote) + 3]
    return f"{_plain(letters.removesuffix(quotes[0]))}-{_plain(quotes[0])}" if len(quotes) == 1 else ""


def _plain(coin: str) -> str:
    return ALIASES.get(coin, coin)


def _plain_letters(letters: str) -> str:
    for alias, coin in ALIASES.items():
        if letters.startswith(alias):
            letters = coin + letters.removeprefix(alias)
        if letters.endswith(alias):
            letters = letters.removesuffix(alias) + coin
    return letters
