"""One symbol of a virtual account: what is held, what is wanted, and what of it was filled."""

from dataclasses import dataclass
from math import isnan, nan
from typing import NamedTuple

from trading import fills
from trading.fills import Reason
from trading.rules import Listing, Rules


class Bar(NamedTuple):
    """What a broker has to know of a candle; of one without trades the volume is 0, an unknown one is NaN."""

    open: float
    high: float
    low: float
    close: float
    volume: float


class Fill(NamedTuple):
    """A part of an order that was filled.

    Attributes:
        bar: Number of the bar inside which it was, from 0.
        symbol: Number of the symbol, from 0.
        reason: Why.
        price: In the quote currency.
        size: In the base currency, negative for what was sold.
        fee: In the quote currency.
    """

    bar: int
    symbol: int
    reason: Reason
    price: float
    size: float
    fee: float


@dataclass(slots=True)
class Position:
    """What is held of one symbol, and the order that works on it.

    Attributes:
        number: Of the symbol, from 0.
        listing: What the venue says of it.
        size: Held, in the base currency, negative when short.
        entry: Average price of what is held.
        best: Best price since the entry, for the trailing stop.
        mark: Last price known.
        wanted: Target that the order works towards, NaN without one.
        scale: What the target is multiplied with, as of its decision: how large a position of 1 is by volatility.
        rest: What is left of the order once its size is known, negative for what is sold.
        limit: Its price, NaN for a market order.
        gives_up: Decision at which a limit order is given up.
        why: What is said of an order that leaves the position.
        acted: The target that was acted on last: another one has to come before there is another order.
        entered: Number of the first decision behind the entry.
        blocked: No new position before this decision.
        volume: Traded in this bar.
        left: What may still be filled in this bar.
        orders: How many orders were made of it so far.
        refused: How many of them were too small, or there was nothing to pay them with.
    """

    number: int
    listing: Listing
    size: float = 0.0
    entry: float = 0.0
    best: float = 0.0
    mark: float = 0.0
    wanted: float = nan
    scale: float = 1.0
    rest: float = 0.0
    limit: float = nan
    gives_up: int = 0
    why: Reason = Reason.TARGET_CHANGED
    acted: float = 0.0
    entered: int = 0
    blocked: int = 0
    volume: float = 0.0
    left: float = 0.0
    orders: int = 0
    refused: int = 0

    @property
    def is_open(self) -> bool:
        """Whether anything is held."""
        return self.size != 0.0

    @property
    def has_order(self) -> bool:
        """Whether an order works."""
        return not isnan(self.wanted)

    @property
    def is_turning(self) -> bool:
        """Whether the order that works leaves what is held, to be out or on the other side."""
        return self.is_open and (self.wanted == 0.0 or self.wanted * self.size < 0.0)

    @property
    def is_stopped(self) -> bool:
        """Whether a stop was reached, and what the volume left of it is still held."""
        return self.wanted == 0.0 and self.why in {Reason.STOP_LOSS, Reason.TRAILING_STOP}

    def forget_order(self) -> None:
        """Take back the order that works."""
        self.wanted, self.rest, self.limit = nan, 0.0, nan

    def leave(self, why: Reason) -> None:
        """Make an order that sells all that is held, or buys it back; one that does so for the same reason goes on."""
        goes_on = self.wanted == 0.0 and self.why == why
        self.forget_order()
        if self.is_open:
            self.wanted, self.why = 0.0, why
            self.orders += not goes_on

    def fillable(self, size: float) -> float:
        """Return how much of a size the volume of the bar leaves to be filled."""
        return size if self.left >= size else fills.whole_lots(self.left, self.listing.lot)

    def exits(self, rules: Rules) -> tuple[float, float, bool]:
        """Return the prices of stop and target, NaN without one, and whether the stop is the trailing one."""
        side, tick = 1 if self.size > 0.0 else -1, self.listing.tick
        stop = fills.exit_price(self.entry, side, -rules.stop_loss, tick) if rules.stop_loss > 0.0 else nan
        trail = fills.exit_price(self.best, side, -rules.trailing_stop, tick) if rules.trailing_stop > 0.0 else nan
        target = fills.exit_price(self.entry, side, rules.take_profit, tick) if rules.take_profit > 0.0 else nan
        trailing = not isnan(trail) and not side * (trail - stop) <= 0.0
        return trail if trailing else stop, target, trailing

    def ends_at(self, price: float, rules: Rules) -> bool:
        """Return whether stop or target leave what is held where a bar opens."""
        if not self.is_open:
            return False
        stop, target, _ = self.exits(rules)
        return fills.exit_inside(1 if self.size > 0.0 else -1, price, price, price, stop, target)[0] != fills.NO_EXIT
