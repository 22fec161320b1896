"""How orders are made of what a strategy wants, and what ends a position: the rules of a backtest and of a paper bot."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum, IntEnum, StrEnum
from math import isfinite, nan
from typing import Any, cast

from market.errors import InputError, did_you_mean
from trading.fills import Slippage


class FillAt(StrEnum):
    """Where a market order is filled that was decided at the close of a bar."""

    NEXT_OPEN = "next-open"
    CLOSE = "close"


class Sizing(IntEnum):
    """What `size` of the rules is: a fraction of equity, a value in the quote currency, or a yearly volatility that is aimed at."""

    FRACTION = 0
    VALUE = 1
    VOLATILITY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What the venue says of one symbol: the steps of its prices and sizes, and the smallest order; 0 where it says nothing.

    Attributes:
        tick: Step of the price, in the quote currency.
        lot: Step of the size, in the base currency.
        least_value: Smallest value of an order that enters, in the quote currency; what leaves a position is never refused.
    """

    tick: float = 0.0
    lot: float = 0.0
    least_value: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a wanted position becomes orders. All fractions are of 1, all bars those of the strategy; 0 switches a rule off.

    Attributes:
        fill_at: Where market orders are filled.
        maker_fee: Fee of limit orders, a fraction of the value.
        taker_fee: Fee of market and stop orders, a fraction of the value.
        slippage: How market and stop orders are filled worse than the bar says.
        slippage_amount: Basis points, spread in the quote currency, or impact factor; see `Slippage`.
        volume_share: Largest part of a bar's volume that one symbol's orders may have; what is left waits for the next bar.
        limit_offset: Entries are limit orders, so far from the close towards which the market has to come. One is filled, whole,
            where a bar touches it, and at the open where that is better: queues are not modelled. A smaller target of the same
            side sells at market.
        limit_bars: After so many bars an entry that was not filled is given up.
        stop_loss: A loss of so much from the average entry price ends a position.
        take_profit: A gain of so much from the average entry price ends it, by a limit order.
        trailing_stop: A loss of so much from the best price since the entry, as of the bar before, ends it.
        time_exit: A position is ended after so many bars.
        sizing: What `size` is.
        size: How large a position of target 1 is; with several symbols their sum is what `leverage` bounds, and who comes first
            of those that enter at the same moment gets what there is.
        volatility_bars: Over how many bars volatility is measured.
        short: Whether negative targets are sold short; else they are 0.
        leverage: Largest value of all positions, as a multiple of equity, whenever one is made larger. What the market makes of
            it afterwards calls nothing in, and nothing is paid for what is borrowed, until a close finds the account worth
            nothing: then all is left, for good.
        cooldown_bars: No new position for so many bars after one was left; a turn to the other side waits for it, too.
        guard_stops: After so many stops within `guard_within_bars` no new position for `guard_pause_bars`; orders that work
            already go on.
        guard_within_bars: See `guard_stops`.
        guard_pause_bars: See `guard_stops`.
        max_drawdown: A loss of so much from the highest equity leaves all positions, for `drawdown_pause_bars` (0: for good).
        drawdown_pause_bars: See `max_drawdown`.
        daily_loss: A loss of so much since the UTC day began leaves all positions until it ends.
    """

    fill_at: FillAt = FillAt.NEXT_OPEN
    maker_fee: float = 0.001
    taker_fee: float = 0.001
    slippage: Slippage = Slippage.NONE
    slippage_amount: float = 0.0
    volume_share: float = 0.0
    limit_offset: float = 0.0
    limit_bars: int = 1
    stop_loss: float = 0.0
    take_profit: float = 0.0
    trailing_stop: float = 0.0
    time_exit: int = 0
    sizing: Sizing = Sizing.FRACTION
    size: float = 1.0
    volatility_bars: int = 20
    short: bool = False
    leverage: float = 1.0
    cooldown_bars: int = 0
    guard_stops: int = 0
    guard_within_bars: int = 0
    guard_pause_bars: int = 0
    max_drawdown: float = 0.0
    drawdown_pause_bars: int = 0
    daily_loss: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no order could be made of.

        Raises:
            InputError: If a number is out of its bounds; it says which.
        """
        for each in fields(self):
            number, (low, high) = getattr(self, each.name), _BOUNDS.get(each.name, (0, _HUGE))
            if not isinstance(number, StrEnum) and not low <= number <= high:
                raise InputError(f"rule {each.name} is {number:g}; expected was a number from {low:g} to {high:g}")


_HUGE = 1e18
_BOUNDS: dict[str, tuple[float, float]] = {
    "maker_fee": (-0.01, 0.1), "taker_fee": (0, 0.1), "volume_share": (0, 1), "limit_offset": (0, 0.99), "limit_bars": (1, 1e9),
    "stop_loss": (0, 0.999), "take_profit": (0, 1_000), "trailing_stop": (0, 0.999), "leverage": (0.01, 100),
    "volatility_bars": (2, 1e6), "max_drawdown": (0, 1), "daily_loss": (0, 1), "size": (0, _HUGE),
}  # fmt: skip


def rules_from(given: Mapping[str, object], base: Rules | None = None) -> Rules:
    """Return rules with values as a person writes them: texts, numbers, `true`, and `basis-points` for one of several.

    Args:
        given: Values by the names of the rules; `stop-loss` is `stop_loss`.
        base: What holds where nothing is given; the defaults if None.

    Raises:
        InputError: If a name is none, or a value is not what its rule takes; it says which and what was expected.
    """
    start, known = base or Rules(), [each.name for each in fields(Rules)]
    values = {name.strip().replace("-", "_"): value for name, value in given.items()}
    for name in values:
        if name not in known:
            raise InputError(f"rule {name!r} is not one of {', '.join(known)}{did_you_mean(name, known)}")
    read = {name: _read(name, value, getattr(start, name)) for name, value in values.items()}
    return replace(start, **cast("dict[str, Any]", read))


def word_of(value: Enum) -> str:
    """Return how one of several is written: `stop-loss`."""
    return value.name.lower().replace("_", "-")


def _read(name: str, value: object, like: object) -> object:
    if isinstance(like, Enum):
        kind = type(like)
        words = {word_of(each): each for each in kind}
        word = word_of(value) if isinstance(value, kind) else str(value).strip().lower().replace("_", "-")
        if word not in words:
            raise InputError(f"rule {name} is {value!r}; expected was one of {', '.join(words)}{did_you_mean(word, list(words))}")
        return words[word]
    if isinstance(like, bool):
        flags = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if str(value).strip().lower() not in flags:
            raise InputError(f"rule {name} is {value!r}; expected was true or false")
        return flags[str(value).strip().lower()]
    try:
        number = nan if isinstance(value, bool) else float(cast("str", value))
    except (TypeError, ValueError, OverflowError):
        number = nan
    whole = isinstance(like, int)
    if not isfinite(number) or (whole and number != int(number)):
        raise InputError(f"rule {name} is {value!r}; expected was a {'whole ' if whole else ''}number")
    return int(number) if whole else number
