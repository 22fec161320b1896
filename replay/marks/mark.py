"""What a recorded frame with trades is."""

from functools import lru_cache

import msgspec

QUOTES = (
    "USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USDP", "USD1", "PAX", "USDS", "UST", "DAI", "EURI", "AEUR",
    "BTC", "ETH", "BNB", "XRP", "TRX", "DOGE", "DOT", "SOL",
    "EUR", "TRY", "BRL", "JPY", "GBP", "AUD", "RUB", "UAH", "ZAR", "PLN", "RON", "ARS", "MXN", "COP", "CZK",
    "NGN", "IDRT", "BIDR", "VAI",
)  # fmt: skip


class Mark(msgspec.Struct, gc=False):
    """A frame with trades.

    Attributes:
        venue: Upper-case name of the venue, as in `exchanges.VENUES`.
        channel: Which of its trade channels.
        wire: The symbol in the venue's spelling.
        pair: `BTC-USDT`; None for a symbol that cannot be played, because it is a contract or its quote is unknown.
        number: The venue's id of the aggregate, 0 where the channel has none.
        fills: First and last fill id of an aggregate, where its trade has the aggregate's number for an id; None elsewhere.
        past: Whether the frame tells a new subscriber what happened before.
        why: Why frames of its kind cannot be played, in words; empty where the pair says it all.
    """

    venue: str
    channel: str
    wire: str
    pair: str | None
    number: int = 0
    fills: tuple[int, int] | None = None
    past: bool = False
    why: str = ""


@lru_cache
def split_wire(wire: str) -> str | None:
    """Return `BTC-USDT` for `BTCUSDT`, None when the quote currency is not a known one."""
    quotes = [quote for quote in QUOTES if wire.endswith(quote) and len(wire) > len(quote)]
    return f"{wire[: -len(max(quotes, key=len))]}-{max(quotes, key=len)}" if quotes and wire.isalnum() else None
