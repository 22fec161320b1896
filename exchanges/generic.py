"""Any exchange that ccxt knows, for candles over REST: `BITSTAMP:BTC-USD` is ccxt's `bitstamp`, `BTC/USD`."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from math import inf
from types import TracebackType
from typing import Any, Self, TypeVar

from exchanges.base import Instrument
from market.candle import Candle, Origin
from market.clock import now_us
from market.errors import InputError, VenueError, VenueUnreachable, WireError, did_you_mean
from market.symbol import Symbol
from market.timeframe import Timeframe
from market.window import Window

T = TypeVar("T")

_PAGE = 500
_MOST_PAGE = 1000
_OLD_PAGES = 3


class GenericVenue:
    """One of ccxt's exchanges: spot candles over REST, within the limits that ccxt keeps for it.

    Nothing but what ccxt promises is relied on. Most exchanges leave out spans in which nobody traded, so those between two
    candles count as quiet. An answer without any candle proves nothing: some exchanges give their newest rows whatever is asked.

    Args:
        name: ccxt's name of the exchange, in either case.
        config: What ccxt's client is made with besides: `{"urls": {"api": …}}` for other addresses.

    Raises:
        InputError: If ccxt has no such exchange, or no candles of it.
    """

    decimals = 8
    candle_rows: int | None = None
    candle_delay_seconds = 600.0
    skips_quiet = True
    proves_absence = False

    def __init__(self, name: str, config: Mapping[str, Any] | None = None) -> None:
        from ccxt import async_support  # noqa: PLC0415 - it takes seconds, and the native venues do without

        if name.lower() not in async_support.exchanges:
            known = async_support.exchanges
            raise InputError(f"exchange {name!r} is none that ccxt knows{did_you_mean(name.lower(), known)}")
        self.name = name.upper()
        self._client: Any = getattr(async_support, name.lower())({"enableRateLimit": True, **(config or {})})
        self.candle_page, self._pairs = _PAGE, dict[str, str]()
        if self._client.has["fetchOHLCV"] is not True:
            raise InputError(f"{self.name} hands out no candles over REST; choose another exchange")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._client.close()

    async def server_time(self) -> int:
        """Return the exchange's clock, UTC epoch microseconds; the local one where it shows none."""
        if not self._client.has["fetchTime"]:
            return now_us()
        return int(await self._asked(self._client.fetch_time)) * 1000

    async def instruments(self) -> list[Instrument]:
        """Return the spot symbols that the exchange lists."""
        found = []
        for market in (await self._asked(self._client.load_markets)).values():
            symbol = self._symbol_of(market)
            if symbol is not None and market.get("spot"):
                status = "closed" if market.get("active") is False else "live"
                precision = market.get("precision") or {}
                self._pairs[symbol] = market["symbol"]
                found.append(Instrument(symbol, str(precision.get("price") or ""), str(precision.get("amount") or ""), status))
        self._note_page()
        return found

    async def candles(self, symbol: str, timeframe: Timeframe, window: Window, asked: Callable[[], None]) -> list[Candle]:
        """Return the closed candles whose spans lie in the window, oldest first.

        Raises:
            InputError: If the exchange has no candles of that width, or none that begin where ours do.
            VenueError: If it refuses; `transient` says whether to try again.
            WireError: If it answers with what is no candle.
        """
        self._check_width(timeframe)
        pair = self._pairs.get(symbol, symbol.partition(":")[2].replace("-", "/"))
        found: dict[int, Candle] = {}
        start_us, old = window.start_us, 0
        while start_us < window.end_us and old < _OLD_PAGES:
            asked()
            limit = min(self.candle_page, (window.end_us - start_us) // timeframe.width_us + 1)
            rows = await self._asked(partial(self._client.fetch_ohlcv, pair, str(timeframe), start_us // 1000, limit))
            candles = sorted((self._candle(symbol, timeframe, row) for row in rows), key=lambda each: each.timestamp_us)
            found |= {each.timestamp_us: each for each in candles if window.start_us <= each.open_us < window.end_us}
            following_us = candles[-1].timestamp_us if candles else start_us
            if following_us <= start_us:
                break
            old += not found  # an exchange that answers with old rows for ever
            start_us = following_us
        return [found[label] for label in sorted(found) if label <= window.end_us]

    # -- inside --------------------------------------------------------------------------------------------------

    def _check_width(self, timeframe: Timeframe) -> None:
        known = list(self._client.timeframes or ())
        if str(timeframe) not in known:
            raise InputError(f"{self.name} has no {timeframe} candles; it has {', '.join(known)}")

    def _note_page(self) -> None:
        features = (getattr(self._client, "features", None) or {}).get("spot") or {}
        limit = (features.get("fetchOHLCV") or {}).get("limit")
        self.candle_page = min(int(limit), _MOST_PAGE) if limit else _PAGE

    def _symbol_of(self, market: Mapping[str, Any]) -> str | None:
        try:
            return str(Symbol.parse(f"{self.name}:{market['base']}-{market['quote']}".upper()))
        except InputError:
            return None

    def _candle(self, symbol: str, timeframe: Timeframe, row: Any) -> Candle:
        try:
            opened, open_, high, low, close, volume = (float(cell) for cell in row[:6])
        except (TypeError, ValueError) as error:
            raise WireError(self.name, str(row)) from error
        good = 0 < low <= open_ <= high < inf and low <= close <= high and 0 <= volume < inf  # refuses NaN too
        if not good:
            raise WireError(self.name, str(row))
        open_us = int(opened) * 1000
        if timeframe.open_of(open_us) != open_us:
            where = f"the {timeframe} candles of {self.name} begin at other times than ours"
            raise InputError(f"{where}; take narrower ones, of which wider ones are made")
        return Candle(
            symbol, timeframe, open_us + timeframe.width_us, open_, high, low, close, volume, quote_volume=None, trades=None,
            taker_buy_volume=None, origin=Origin.EXCHANGE,
        )  # fmt: skip

    async def _asked(self, question: Callable[[], Awaitable[T]]) -> T:
        """Return what ccxt answers; its errors become ours."""
        import ccxt  # noqa: PLC0415 - see above

        try:
            return await question()
        except (ccxt.RateLimitExceeded, ccxt.DDoSProtection, ccxt.OnMaintenance) as error:
            raise self._refusal(error, transient=True) from error
        except ccxt.NetworkError as error:
            raise VenueUnreachable(self.name, self._address(), _words(error)) from error
        except ccxt.BaseError as error:
            raise self._refusal(error, transient=False) from error

    def _refusal(self, error: Exception, *, transient: bool) -> VenueError:
        return VenueError(self.name, _words(error), transient=transient)

    def _address(self) -> str:
        return str(self._client.urls.get("www") or self._client.id)


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
