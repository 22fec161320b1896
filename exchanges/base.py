"""What a venue must offer: its wire language, pure. Bytes in, values out."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Self, TypeVar

import msgspec

from exchanges.refusals import http_refusal
from exchanges.values import (
    Amount,
    Budget,
    CandlePages,
    Control,
    ControlKind,
    Count,
    Endpoints,
    Instrument,
    KeepAlive,
    Millis,
    Pages,
    Parsed,
    Positive,
    Request,
    TradeId,
)  # fmt: skip
from market.errors import InputError, VenueError, WireError
from market.symbol import Symbol, full_symbol
from market.timeframe import Timeframe
from market.trade import Trade
from market.window import Window

__all__ = [
    "BAD_JSON", "Amount", "Budget", "CandlePages", "Control", "ControlKind", "Count", "DataProvider", "Endpoints", "Instrument",
    "KeepAlive", "Millis", "Pages", "Parsed", "Positive", "Request", "TradeId", "http_refusal", "pieces", "plain_decimal",
]  # fmt: skip

T = TypeVar("T")

BAD_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding arbitrary bytes raises; the last one for brackets without end."""


class DataProvider(ABC):
    """One venue's public market data: what to send, what its frames and answers mean.

    An instance knows the symbols it was made for and nothing else; it holds no connection and reads no clock.

    Attributes:
        name: The venue in upper case, the first part of its symbols.
        home: The venue's own public addresses.
        endpoints: The addresses in use.
        channels: Names of its trade channels, the default first.
        merging: Those of them whose trades are several fills in one.
        decimals: Digits after the point to which the venue prints volumes.
        keep_alive: Its rules of silence.
        page: Most rows it returns in one answer with trades.
        budgets: How much may be asked over REST, by name; the nameless one is for what has none of its own.
        unproven: Channels whose ids prove nothing: they skip numbers, or are none.
        history_seconds: How far back `trades` reaches; None for the first trade ever, 0 for the newest page only.
        paged_by_time: Whether `trades` finds ids by time only, so that `since_us` saves questions.
        candle_page: Most candles it returns in one answer.
        candle_rows: How many of the newest candles it has; None for all.
        candle_delay_seconds: How long after its end a candle may still change, or be absent.
        skips_quiet: Whether it has no candle of a span in which nobody traded.
    """

    name: ClassVar[str]
    home: ClassVar[Endpoints]
    channels: ClassVar[tuple[str, ...]]
    merging: ClassVar[frozenset[str]] = frozenset()
    decimals: ClassVar[int] = 8
    keep_alive: ClassVar[KeepAlive] = KeepAlive()
    page: ClassVar[int] = 1000
    budgets: ClassVar[Mapping[str, Budget]] = {"": Budget(burst=2, per_second=2)}
    unproven: ClassVar[frozenset[str]] = frozenset()
    history_seconds: ClassVar[float | None] = None
    paged_by_time: ClassVar[bool] = False
    candle_page: ClassVar[int] = 1000
    candle_rows: ClassVar[int | None] = None
    candle_delay_seconds: ClassVar[float] = 10.0
    skips_quiet: ClassVar[bool] = False

    def __init__(self, symbols: Iterable[str] = (), *, channel: str | None = None, endpoints: Endpoints | None = None) -> None:
        if channel is not None and channel not in self.channels:
            raise InputError(f"{self.name} has no trade channel {channel!r}; it has {', '.join(self.channels)}")
        self.channel = channel or self.channels[0]
        self.endpoints = endpoints or self.home_of(self.channel)
        self.symbols = tuple(dict.fromkeys(full_symbol(self.name, symbol) for symbol in symbols))
        self._by_wire = {self.wire_symbol(symbol): symbol for symbol in self.symbols}

    @classmethod
    def home_of(cls, channel: str) -> Endpoints:  # noqa: ARG003 - for those whose channels live apart
        """Return the venue's own public addresses for a channel."""
        return cls.home

    @property
    def provable(self) -> bool:
        """Whether the ids of the channel rise by one, so that they prove that nothing is missing."""
        return self.channel not in self.unproven

    def following(self, symbols: Iterable[str]) -> Self:
        """Return the same venue, at the same addresses, for other symbols."""
        return type(self)(symbols, channel=self.channel, endpoints=self.endpoints)

    @abstractmethod
    def wire_symbol(self, symbol: str) -> str:
        """Return the venue's spelling of a symbol.

        Raises:
            InputError: If the venue's codec cannot carry such a symbol.
        """

    # -- the stream ----------------------------------------------------------------------------------------------

    @abstractmethod
    def stream_path(self) -> str:
        """Return path and query of the websocket."""

    @abstractmethod
    def subscribe(self, symbols: Sequence[str] | None = None) -> Sequence[str]:
        """Return the frames that subscribe some of the symbols, all of them if None.

        One bad symbol may cost the whole request at some venues; those that were not acknowledged are then asked for one by one.
        """

    @abstractmethod
    def parse(self, frame: bytes, received_us: int) -> list[Trade] | Control:
        """Return the trades in one frame, oldest first, or what else the frame says.

        Raises:
            WireError: If the frame is not one that the venue documents.
        """

    def parse_all(self, frames: Iterable[bytes], received_us: int) -> Parsed:
        """Return what some frames say. It raises nothing: one bad frame must not cost the good ones behind it."""
        parsed = Parsed()
        for frame in frames:
            self._parse_into(parsed, frame, received_us)
        return parsed

    def _parse_into(self, parsed: Parsed, frame: bytes, received_us: int) -> None:
        try:
            found = self.parse(frame, received_us)
        except WireError as error:
            parsed.refused.append(error)
            return
        if isinstance(found, Control):
            parsed.controls.append(found)
        else:
            parsed.trades += found

    # -- history -------------------------------------------------------------------------------------------------

    @abstractmethod
    def server_time(self) -> Request:
        """Return the request for the venue's clock."""

    @abstractmethod
    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock, UTC epoch microseconds."""

    @abstractmethod
    def instruments(self) -> Request:
        """Return the request for the list of spot symbols."""

    @abstractmethod
    def parse_instruments(self, body: bytes) -> list[Instrument]:
        """Return the spot symbols that the venue lists."""

    @abstractmethod
    def newest_trades(self, symbol: str, received_us: int) -> Pages:
        """Ask for the newest page of trades; the result is oldest first."""

    @abstractmethod
    def trades(self, symbol: str, first_id: int, last_id: int, received_us: int, since_us: int | None = None) -> Pages:
        """Ask for the trades with ids `first_id` to `last_id`, both inclusive; the result is oldest first.

        Ids that the venue no longer has, or never gave out, are absent from the result.

        Args:
            symbol: `EXCHANGE:BASE-QUOTE`.
            first_id: Lowest id.
            last_id: Highest id.
            received_us: What the trades say of their receipt.
            since_us: A moment not later than the first of them, for venues that page by time; UTC epoch microseconds.
        """

    @abstractmethod
    def candles(self, symbol: str, timeframe: Timeframe, window: Window) -> CandlePages:
        """Ask for the closed candles whose spans lie in a window, oldest first."""

    @abstractmethod
    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError | None:
        """Return why an answer is a refusal, None when it is a good one. The one place that judges what may be tried again."""

    # -- shared by the venues ------------------------------------------------------------------------------------

    def spot(self, symbol: str) -> Symbol:
        """Return the parts of a spot symbol; a contract is refused, its sizes need a contract size that no codec knows yet."""
        parsed = Symbol.parse(symbol)
        if parsed.suffix:
            example = f"{self.name}:BTC-USDT"
            raise InputError(f"{symbol} is a contract; of {self.name} only spot symbols are supported, for example {example}")
        return parsed

    def wire_error(self, frame: bytes | str) -> WireError:
        """Return the error for a frame or body that the venue's documentation does not have."""
        return WireError(self.name, frame)

    def decode(self, decoder: msgspec.json.Decoder[T], body: bytes) -> T:
        """Return what an answer says.

        Raises:
            WireError: If it is not what the venue documents.
        """
        try:
            return decoder.decode(body)
        except BAD_JSON as error:
            raise self.wire_error(body) from error

    def pair_of(self, base: str, quote: str) -> str | None:
        """Return the symbol of a listed pair, None when its names cannot stand in one."""
        try:
            return str(Symbol.parse(f"{self.name}:{base}-{quote}".upper()))
        except InputError:
            return None


def pieces(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return a sequence in pieces of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def plain_decimal(text: str) -> str:
    """Return a decimal text without the zeros at its end: `0.00001000` is `0.00001`."""
    return text.rstrip("0").rstrip(".") if "." in text else text
