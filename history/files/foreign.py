"""Names what is in files that hold no candles: the trades of several venues."""

from collections.abc import Sequence

_BOOLEANS = {"true", "false"}
# Columns that only this kind of file has, in small letters.
_NAMED = {
    frozenset({"aggtradeid"}): "aggregate trades of Binance",
    frozenset({"isbuyermaker"}): "trades of Binance",
    frozenset({"buyermaker"}): "trades of Binance",
    frozenset({"trdmatchid"}): "trades of Bybit",
    frozenset({"localtimestamp"}): "trades of tardis.dev",
    frozenset({"tradeid", "createdtime"}): "trades of OKX",
    frozenset({"a", "p", "q", "m"}): "aggregate trades of Binance",
    frozenset({"px", "sz"}): "trades of OKX",
    frozenset({"bestbidprice", "bestaskprice"}): "best bids and asks, no candles",
    frozenset({"lastfundingrate"}): "funding rates, no candles",
    frozenset({"sumopeninterest"}): "open interest, no candles",
}


def name_of_trades(names: Sequence[str] | None, first: Sequence[str]) -> str | None:
    """Return what a file holds that holds no candles, None when it may hold some.

    Args:
        names: Of its columns, if it has any.
        first: Its first row as text.
    """
    if names is not None:
        return _by_names({"".join(filter(str.isalnum, name.split("/")[0].lower())) for name in names})
    return _by_look([cell.strip().lower() for cell in first])


def _by_names(known: set[str]) -> str | None:
    for columns, told in _NAMED.items():
        if columns <= known:
            return told
    if "price" in known and "open" not in known and known & {"amount", "size", "volume", "qty", "quantity"}:
        return "trades"
    return None


def _by_look(cells: list[str]) -> str | None:
    if len(cells) in {7, 8} and set(cells[-2:]) <= _BOOLEANS:
        return "aggregate trades of Binance" if len(cells) == 8 else "trades of Binance"
    if len(cells) == 3:
        return "trades as Kraken dumps them (time, price, volume)"
    if set(cells) & {"buy", "sell", "b", "s", "bid", "ask"}:
        return "trades"
    return None
