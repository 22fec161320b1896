"""What has to hold of candles and trades: each rule by name, how bad it is to break it, and the checks it is made of."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf

from market.errors import PlatformError

LARGEST = 1.7e308
"""A finite number is not beyond this one."""
LONGEST_REPEAT = 10
"""So many candles in a row that are the same to the last digit of their volume come from a feed that is stuck."""

MOST_AHEAD_SECONDS = 10.0
"""So far may the clock of a venue be ahead of ours."""


class QualityError(PlatformError):
    """Raised when the checks themselves cannot be done; nothing is known of the data then."""


class Severity(StrEnum):
    """How bad it is that a rule is broken."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Present:
    """Every row has a value."""

    column: str


@dataclass(frozen=True, slots=True)
class Unique:
    """No value comes twice."""

    column: str


@dataclass(frozen=True, slots=True)
class Between:
    """Every value that is there lies in [low, high]; with `above` in (low, high]."""

    column: str
    low: float = -inf
    high: float = inf
    above: bool = False


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Of every row that has both, the first is not less than the second."""

    larger: str
    smaller: str


@dataclass(frozen=True, slots=True)
class Same:
    """Of every row both are the same."""

    first: str
    second: str


Check = Present | Unique | Between | AtLeast | Same


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Something that has to hold.

    Attributes:
        name: One word.
        says: What it asks for, as a sentence.
        checks: What it is made of, on the columns of a table that is made for it; empty where something else finds out.
        severity: How bad it is to break it.
        shows: Columns of a row that is wrong.
    """

    name: str
    says: str
    checks: tuple[Check, ...] = ()
    severity: Severity = Severity.CRITICAL
    shows: tuple[str, ...] = ()


def finite(*columns: str) -> tuple[Check, ...]:
    """Return the checks that numbers are there and finite."""
    return *(Present(name) for name in columns), *(Between(name, -LARGEST, LARGEST) for name in columns)


_OHLC = ("open", "high", "low", "close")

SCHEMA = Rule(
    name="schema",
    says="Columns, their types and the primary key are those that this program made.",
    checks=(Same("expected", "found"),),
    shows=("item", "expected", "found"),
)

CANDLE_RULES = (
    Rule(
        name="present", says="Prices and volume are there, and every number is finite.",
        checks=(*finite(*_OHLC, "volume"), *(Between(name, -LARGEST, LARGEST) for name in ("quote_volume", "taker_buy_volume"))),
        shows=(*_OHLC, "volume", "quote_volume", "taker_buy_volume"),
    ),
    Rule(name="unique", says="No candle is stored twice.", checks=(Unique("timestamp"),), shows=(*_OHLC, "volume")),
    Rule(
        name="high", says="The high is not below open, close and low.",
        checks=tuple(AtLeast("high", name) for name in ("open", "close", "low")), shows=_OHLC,
    ),
    Rule(
        name="low", says="The low is not above open and close.",
        checks=tuple(AtLeast(name, "low") for name in ("open", "close")), shows=_OHLC,
    ),
    Rule(name="positive", says="Prices are above 0.", checks=(Between("low", 0, above=True),), shows=_OHLC),
    Rule(
        name="volume", says="Volumes and counts are not negative, agree, and takers bought no more than was traded.",
        checks=(
            Between("volume", 0), Between("quote_volume", 0), Between("trades", 0), Between("taker_buy_volume", 0),
            AtLeast("volume_limit", "taker_buy_volume"), Between("disagrees", 0, 0),
        ),
        shows=("volume", "quote_volume", "trades", "taker_buy_volume"),
    ),
    Rule(
        name="standing", says="Origin and revision are possible, and candles called complete leave no id out between them.",
        checks=(Between("revision", 0), AtLeast("last_trade_id", "first_trade_id"), Between("ids_left_out", 0, 0)),
        shows=("revision", "first_trade_id", "last_trade_id", "ids_left_out"),
    ),
    Rule(
        name="aligned", says="Each candle closes where one of its width does.",
        checks=(Between("offset_us", 0, 0),), shows=("offset_us",),
    ),
    Rule(
        name="jumps", says="Prices move within a candle, and from one to the next, by no more than a multiple of what is usual.",
        checks=(AtLeast("move_limit", "move"), AtLeast("gap_limit", "gap")), severity=Severity.WARNING,
        shows=(*_OHLC, "move", "move_limit", "gap", "gap_limit"),
    ),
    Rule(
        name="flat", says="No long run of candles repeats one price, unless it is proven that nobody traded.",
        checks=(AtLeast("flat_limit", "flat_rows"), Between("repeated_rows", 0, LONGEST_REPEAT)), severity=Severity.WARNING,
        shows=("close", "volume", "flat_rows", "flat_limit", "repeated_rows"),
    ),
)  # fmt: skip
"""On the stored rows of one symbol and width, as history/quality/columns.py prepares them."""

SPACING = Rule(
    name="spacing", says="Every span from the first candle to the last has one, or its hole is in the ledger.",
    checks=(Between("unexplained", 0, 0),), shows=("start", "end", "missing", "unexplained"),
)  # fmt: skip
FRESH = Rule(
    name="fresh", says="The newest candle is not older than it may be, and none lies in the future.",
    checks=(AtLeast("limit_seconds", "age_seconds"), Between("age_seconds", -MOST_AHEAD_SECONDS)),
    shows=("timestamp", "age_seconds", "limit_seconds"),
)  # fmt: skip
WIDER = Rule(
    name="wider", says="Stored wider candles are what the stored 1m candles make.",
    checks=(Between("differs", 0, 0),), shows=("timeframe", "timestamp", "differs", "stored", "made"),
)  # fmt: skip
VENUE = Rule(name="venue", says="A sample of candles is the venue's own, to the digits that it prints.")

TRADE_RULES = (
    Rule(
        name="present", says="Prices, sizes and sides are there, and numbers are finite.",
        checks=(*finite("price", "size"), Present("taker_buy")), shows=("trade_id", "price", "size", "taker_buy"),
    ),
    Rule(
        name="positive", says="Prices, sizes and counts are above 0.",
        checks=tuple(Between(name, 0, above=True) for name in ("price", "size", "count", "id_span")),
        shows=("trade_id", "price", "size", "count", "id_span"),
    ),
    Rule(
        name="unique", says="No id is stored twice.", checks=(Between("repeated", 0, 0),), shows=("trade_id", "price", "size"),
    ),
    Rule(
        name="order", says="Trades happened in the order of their ids, and none in the future.",
        checks=(AtLeast("backwards_limit_seconds", "backwards_seconds"), Between("ahead_seconds", high=MOST_AHEAD_SECONDS)),
        shows=("trade_id", "backwards_seconds", "ahead_seconds"),
    ),
)  # fmt: skip
"""On stored trades of one symbol, in the order of their ids, as history/quality/trades.py prepares them."""

CONTIGUOUS = Rule(
    name="contiguous", says="No id is missing from the first to the last, or its hole is in the ledger.",
    checks=(Between("unexplained", 0, 0),), shows=("first_id", "last_id", "unexplained", "start", "end"),
)  # fmt: skip
