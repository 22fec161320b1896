"""A virtual broker in plain Python: one account, some symbols, bar by bar; the reference that the kernel is held equal to."""

from collections.abc import Sequence
from math import isnan, nan

from trading import fills
from trading.fills import Reason
from trading.position import Bar, Fill, Position
from trading.protections import Protections
from trading.rules import FillAt, Listing, Rules, Sizing

DUST = 1e-12
"""A position smaller than this, in the base currency, is rounding; so little is not bought either."""


class Broker:
    """An account that trades bar by bar: `trade` fills orders inside a bar, `close` values it, `decide` makes orders.

    Only bars that were traded fill anything. Within one bar: market orders at the open, those that make positions smaller before
    those that need cash; then, symbol by symbol, limit orders, stops and targets. Who comes first of several that need cash gets
    it. A position that a gap ends at the open is not added to. What a limit order entered may be stopped in the same bar, but
    takes no profit in it: the high may have come first. A trailing stop follows the best price as of the bar before.

    A target is acted on once: after a stop there is no new order until another target is wanted. An account that is worth nothing
    at a close leaves all it holds, and that was it.

    Args:
        rules: How orders are made and filled.
        listings: What the venue says of each symbol.
        balance: In the quote currency.

    Attributes:
        cash: In the quote currency; what came for a short position is in it.
        equity: At the last close, and `positions`: one a symbol.
        fills: All of them, oldest first; who goes on for ever takes them away.
        both: How often a bar reached stop and target, so that the stop was taken.
        refused: How often an order was too small, or there was nothing to pay it with.
        protections: What keeps it from trading on.
        bar: Number of the newest bar, from 0, and `decision` that of the next decision.
    """

    def __init__(self, rules: Rules, listings: Sequence[Listing], balance: float) -> None:
        self.rules, self.cash, self.equity = rules, balance, balance
        self.positions = [Position(number, listing) for number, listing in enumerate(listings)]
        self.fills: list[Fill] = []
        self.both = self.refused = 0
        self.protections = Protections(rules, balance)
        self.bar, self.decision = -1, 0
        self._deciding = False
        self._at_close = rules.fill_at is FillAt.CLOSE

    # -- inside a bar --------------------------------------------------------------------------------------------

    def trade(self, bars: Sequence[Bar | None]) -> None:
        """Fill orders inside a bar of each symbol; None where there is none."""
        self.bar += 1
        traded = []
        for position, bar in zip(self.positions, bars, strict=True):
            if bar is not None:
                position.mark, position.volume = bar.open, bar.volume
                position.left = fills.most_of(bar.volume, self.rules.volume_share)
                if bar.volume != 0.0 and (position.size != 0.0 or not isnan(position.wanted)):
                    traded.append((position, bar))
        if not self._at_close:
            self._at_market([(position, bar.open) for position, bar in traded])
        for position, bar in traded:
            self._inside(position, bar)

    def close(self, bars: Sequence[Bar | None]) -> float:
        """Return the equity at the close of a bar."""
        for position, bar in zip(self.positions, bars, strict=True):
            if bar is not None:
                position.mark = bar.close
        self.equity = self._value()
        return self.equity

    def _inside(self, position: Position, bar: Bar) -> None:
        before = position.size
        if not isnan(position.limit) and before * position.wanted >= 0.0 and not position.ends_at(bar.open, self.rules):
            side = 1 if position.wanted > 0.0 else -1
            price = fills.limit_fill(side, position.limit, bar.open, bar.low, bar.high)
            if not isnan(price):
                self._enter(position, price, price, self.rules.maker_fee)
        if position.is_open:
            self._protect(position, bar, before)

    def _protect(self, position: Position, bar: Bar, before: float) -> None:
        rules, side, entered = self.rules, 1 if position.size > 0.0 else -1, position.size != before
        stop, target, trailing = position.exits(rules)
        kind, price = fills.exit_inside(side, bar.open, bar.high, bar.low, stop, nan if entered else target)
        if kind == fills.TARGET:
            self._book(position, -side * position.fillable(abs(position.size)), price, rules.maker_fee, Reason.TAKE_PROFIT)
        elif kind != fills.NO_EXIT:
            why = Reason.TRAILING_STOP if trailing else Reason.STOP_LOSS
            if not position.is_stopped:
                self.both += kind == fills.BOTH
                self.protections.note_stop(self.decision)
            self._leave(position, price, why)
            if position.is_open:
                position.leave(why)
        if not position.is_open and position.wanted * side > 0.0:
            position.forget_order()
        if position.is_open:
            best = bar.close if before == 0.0 else bar.high if side > 0 else bar.low
            position.best = max(position.best, best) if side > 0 else min(position.best, best)

    # -- orders --------------------------------------------------------------------------------------------------

    def _at_market(self, prices: Sequence[tuple[Position, float]]) -> None:
        """Fill market orders, each symbol at its price: what makes positions smaller first, for the others may need the cash."""
        for position, price in prices:
            if position.has_order:
                self._make_smaller(position, price)
        for position, price in prices:
            if position.has_order and isnan(position.limit) and not position.is_turning:
                self._enter(position, price, self._worst(position, price), self.rules.taker_fee)

    def _make_smaller(self, position: Position, price: float) -> None:
        if position.is_turning:
            self._leave(position, price, position.why)
        elif position.is_open and isnan(position.limit) and position.rest * position.wanted <= 0.0:
            worst = self._worst(position, price)
            if position.rest != 0.0 or self._aim(position, worst, self.rules.taker_fee) <= abs(position.size):
                self._enter(position, price, worst, self.rules.taker_fee)
        if position.wanted == 0.0 and not position.is_open:
            position.forget_order()

    def _leave(self, position: Position, price: float, why: Reason) -> None:
        side, size = -1 if position.size > 0.0 else 1, position.fillable(abs(position.size))
        if size > 0.0:
            self._book(position, side * size, self._slipped(position, price, side, size), self.rules.taker_fee, why)

    def _enter(self, position: Position, price: float, sizing_price: float, fee_rate: float) -> None:
        """Fill what there is room for of an order that makes a position larger, or smaller, to what is wanted.

        `sizing_price` is what is reckoned with: what the order pays beside `price`, for slippage, is known only when its size is.
        """
        if not (self._keep_to_room if position.rest != 0.0 else self._size_order)(position, sizing_price, fee_rate):
            position.forget_order()
            return
        side, size = 1 if position.rest > 0.0 else -1, position.fillable(abs(position.rest))
        if size < DUST:
            return
        price = self._slipped(position, price, side, size) if isnan(position.limit) else price
        why = Reason.ENTRY if position.rest * position.wanted > 0.0 else Reason.TARGET_CHANGED
        rest = position.rest - side * size
        self._book(position, side * size, price, fee_rate, why)
        position.rest = 0.0 if abs(rest) < DUST else rest
        if position.rest == 0.0:
            position.forget_order()

    def _aim(self, position: Position, price: float, fee_rate: float) -> float:
        """Return how large the position is that an order works towards, in the base currency."""
        rules = self.rules
        value = abs(position.wanted) * rules.size
        if rules.sizing is not Sizing.VALUE:
            value = value * position.scale * max(self._value(), 0.0)
        return value / (price * (1.0 + fee_rate))

    def _size_order(self, position: Position, price: float, fee_rate: float) -> bool:
        if price <= 0.0:
            return self._refuse(position)
        side, held, wanted = 1 if position.wanted > 0.0 else -1, abs(position.size), self._aim(position, price, fee_rate)
        if wanted <= held:
            less = fills.whole_lots(held - wanted, position.listing.lot) if isnan(position.limit) else 0.0
            position.rest = -side * less
            return less >= DUST
        more = fills.whole_lots(min(wanted - held, self._room(price, fee_rate)), position.listing.lot)
        if more < DUST or more * price < position.listing.least_value:
            return self._refuse(position)
        position.rest = side * more
        return True

    def _refuse(self, position: Position) -> bool:
        self.refused, position.refused = self.refused + 1, position.refused + 1
        return False

    def _keep_to_room(self, position: Position, price: float, fee_rate: float) -> bool:
        """Make what is left of an order no larger than can be paid now; return whether anything is left."""
        if position.rest * position.wanted > 0.0:
            room = fills.whole_lots(self._room(price, fee_rate), position.listing.lot)
            position.rest = max(min(position.rest, room), -room)
        return abs(position.rest) >= DUST

    def _room(self, price: float, fee_rate: float) -> float:
        room = self.rules.leverage * self._value() - self._exposure()
        return max(room, 0.0) / (price * (1.0 + fee_rate)) if price > 0.0 else 0.0

    def _book(self, position: Position, size: float, price: float, fee_rate: float, why: Reason) -> None:
        """Book a fill of a size, negative for what is sold."""
        if size == 0.0:
            return
        value = size * price
        fee = abs(value) * fee_rate
        before, after = position.size, position.size + size
        after = 0.0 if abs(after) < DUST else after
        self.cash -= value + fee
        if before == 0.0:
            position.entry = position.best = price
            position.entered = self.decision + (1 if self._at_close and self._deciding else 0)
        elif before * size > 0.0:
            position.entry = (position.entry * before + value) / after
        position.size = after
        position.left -= abs(size)
        if after == 0.0:
            position.blocked = self.decision + self.rules.cooldown_bars
        self.fills.append(Fill(self.bar, position.number, why, price, size, fee))

    # -- decisions -----------------------------------------------------------------------------------------------

    def decide(
        self, bars: Sequence[Bar | None], targets: Sequence[float], *, scales: Sequence[float] | None = None, day: int = 0,
    ) -> None:  # fmt: skip
        """Make orders of what is wanted at the close of a bar, and of what the rules say of time and losses.

        Args:
            bars: The bars that closed; without one a symbol keeps its order.
            targets: Wanted positions, -1 to 1; NaN wants nothing new.
            scales: What targets are multiplied with, 1 if None.
            day: Number of the UTC day in which the bar closed.
        """
        self._deciding = True
        halted = self.protections.halts(self.decision, day, self.equity)
        traded = []
        for position, bar in zip(self.positions, bars, strict=True):
            if bar is None:
                continue
            if not isnan(position.limit) and self.decision >= position.gives_up:
                position.forget_order()
            target, scale = targets[position.number], 1.0 if scales is None else scales[position.number]
            target = 0.0 if target < 0.0 and not self.rules.short else target
            if halted:
                position.leave(Reason.PROTECTION)
                position.acted = 0.0 if target == 0.0 else position.acted
            else:
                self._time_out(position)
                self._want(position, target, scale, bar.close)
            if bar.volume != 0.0:
                traded.append((position, bar.close))
        if self._at_close:
            self._at_market(traded)
        self.decision += 1
        self._deciding = False

    def _time_out(self, position: Position) -> None:
        bars = self.rules.time_exit
        if bars and position.is_open and not position.is_turning and self.decision - position.entered + 1 >= bars:
            position.leave(Reason.TIME)

    def _want(self, position: Position, target: float, scale: float, close: float) -> None:
        rules, held = self.rules, position.size * target
        if isnan(target) or target == position.acted:
            return
        if target != 0.0 and held <= 0.0 and (not self._may_enter(position) or (held < 0.0 and rules.cooldown_bars)):
            if held < 0.0:
                position.leave(Reason.TARGET_CHANGED)
            return
        smaller = held > 0.0 and abs(target) < abs(position.acted)
        position.forget_order()
        position.acted, position.scale, position.why = target, scale, Reason.TARGET_CHANGED
        if target != 0.0 or position.is_open:
            position.wanted = target
            position.orders += 1
        if target != 0.0 and rules.limit_offset > 0.0 and not smaller:
            position.limit = fills.limit_price(close, 1 if target > 0.0 else -1, rules.limit_offset, position.listing.tick)
            position.gives_up = self.decision + rules.limit_bars

    def _may_enter(self, position: Position) -> bool:
        return self.decision >= position.blocked and self.protections.may_enter(self.decision)

    def close_out(self, number: int, price: float) -> None:
        """Sell all that is held of a symbol at a price, whatever was traded: behind it nothing is known of the market."""
        position = self.positions[number]
        position.forget_order()
        position.acted, position.left = 0.0, fills.UNBOUNDED
        if position.is_open:
            self._leave(position, price, Reason.HOLE)
        self.equity = self._value()

    def _value(self) -> float:
        value = self.cash
        for position in self.positions:
            value += position.size * position.mark
        return value

    def _exposure(self) -> float:
        exposure = 0.0
        for position in self.positions:
            exposure += abs(position.size) * position.mark
        return exposure

    def _slipped(self, position: Position, price: float, side: int, size: float) -> float:
        rules, share = self.rules, fills.share_of(size, position.volume)
        return fills.market_price(price, side, rules.slippage, rules.slippage_amount, share, position.listing.tick)

    def _worst(self, position: Position, price: float) -> float:
        rules, side = self.rules, 1 if position.wanted > 0.0 else -1
        return fills.market_price(
            price, side, rules.slippage, rules.slippage_amount, rules.volume_share or 1.0, position.listing.tick
        )
