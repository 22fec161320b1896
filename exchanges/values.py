"""The values that codecs speak in: numbers of the wire, requests, budgets, and what frames say."""

from collections.abc import Generator
from enum import StrEnum
from typing import Annotated

import msgspec

from market.candle import Candle
from market.errors import WireError
from market.trade import Trade

# What a number on any wire must be; the decoder refuses the rest, so that no codec can forget to.
# NaN fails every comparison; prices and sizes below 1e18 have sums that no minute overflows; 2**62 and the year 9999 keep ids
# and times inside what the tables can hold.
Positive = Annotated[float, msgspec.Meta(gt=0, lt=1e18)]
Amount = Annotated[float, msgspec.Meta(ge=0, lt=1e30)]
TradeId = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
Count = Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
Millis = Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800_000)]


class ControlKind(StrEnum):
    """What a frame without trades is for; CLOSING announces that the venue is about to end the line."""

    SUBSCRIBED = "subscribed"
    REFUSED = "refused"
    NOTICE = "notice"
    CLOSING = "closing"
    HEARTBEAT = "heartbeat"
    PONG = "pong"
    OTHER = "other"


class Control(msgspec.Struct, frozen=True):
    """A frame that carries no trade.

    Attributes:
        kind: What it is for.
        symbol: The symbol it is about, None when it names none or several.
        code: The venue's own code, empty when it gave none.
        message: The venue's own words.
        newest_id: The highest trade id of `symbol` that the venue says there is; None when it says nothing of it.
        at_us: When it said so by its own clock, UTC epoch microseconds; 0 when it does not say.
    """

    kind: ControlKind
    symbol: str | None = None
    code: str = ""
    message: str = ""
    newest_id: int | None = None
    at_us: int = 0


class Instrument(msgspec.Struct, frozen=True):
    """One line of a venue's symbol list.

    Attributes:
        tick_size: Smallest step of the price as the venue prints it, a decimal text.
        lot_size: Smallest step of the size in the base currency, a decimal text.
        status: `live`, or the venue's own word in lower case.
    """

    symbol: str
    tick_size: str
    lot_size: str
    status: str


class Request(msgspec.Struct, frozen=True):
    """One GET to a venue's REST interface.

    Attributes:
        path: Path, without a query.
        params: Query, ordered as sent.
        cost: What it takes from its budget.
        budget: Which of the provider's `budgets` pays; what stands behind a colon makes one of its own: `trades:XBTUSD`.
    """

    path: str
    params: tuple[tuple[str, str], ...] = ()
    cost: float = 1.0
    budget: str = ""


class Budget(msgspec.Struct, frozen=True):
    """How much may be asked: `burst` at once and `per_second` after it, so never more than burst + T * per_second in T seconds.

    Attributes:
        spared: The share of it that is kept from what is asked page after page, for single questions.
    """

    burst: float
    per_second: float
    spared: float = 0.2


class KeepAlive(msgspec.Struct, frozen=True):
    """How a line is kept, and when it is given up. All in seconds.

    It speaks of the line only: whether a symbol is quiet or lost is judged elsewhere.

    Attributes:
        ping: Text to send when nothing arrived for `ping_after`; None where the websocket's own pings do.
        ping_after: Silence after which to ping.
        pong_within: Time for the answer before the line counts as dead.
        silence: Time without any frame after which the line counts as dead; None where a venue may say nothing for long.
        life: Time after which the venue closes any connection; it is renewed shortly before. None for no such rule.
        pause: Time between two requests on one connection.
    """

    ping: str | None = None
    ping_after: float = 20.0
    pong_within: float = 10.0
    silence: float | None = None
    life: float | None = None
    pause: float = 0.25


class Parsed(msgspec.Struct):
    """What some frames said.

    Attributes:
        trades: All trades, in the order of their frames.
        controls: The frames without trades.
        refused: The frames that the venue's documentation does not have, with their text.
        numbers: The numbers of the frames, where a venue counts all frames of a connection; a jump proves a lost one.
    """

    trades: list[Trade] = msgspec.field(default_factory=list)
    controls: list[Control] = msgspec.field(default_factory=list)
    refused: list[WireError] = msgspec.field(default_factory=list)
    numbers: list[int] = msgspec.field(default_factory=list)


Pages = Generator[Request, bytes, list[Trade]]
CandlePages = Generator[Request, bytes, list[Candle]]


class Endpoints(msgspec.Struct, frozen=True):
    """Addresses of a venue, without paths: `wss://host:port` and `https://host`.

    Attributes:
        stream: Of its websocket.
        rest: Of its REST interface.
        limits: Folder in which all processes keep the venue's limits together; each keeps its own if empty.
    """

    stream: str
    rest: str
    limits: str = ""
