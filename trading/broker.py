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

    Only bars that were traded fill anything. Within one bar: market orders at the open, symbol by symbol; then limit orders,
    stops and targets. What a limit order entered may be stopped in the same bar, but takes no profit in it: the high may have
    come first. A trailing stop follows the best price as of the bar before.

    A target is acted on once: after a stop there is no new order until another target is wanted.

    Args:
        rules: How orders are made and filled.
        listings: What the venue says of each symbol.
        balance: In the quote currency.

    Attributes:
        cash: In the quote currency; what came for a short position is in it.
        equity: At the last close.
        positions: One a symbol.
        fills: All of them, oldest first.
        both: How often a bar reached stop and target, so that the stop was taken.
        refused: How often an order was too small, or there was nothing to pay it with.
    """

    def __init__(self, rules: Rules, listings: Sequence[Listing], balance: float) -> None:
        self.rules, self.cash, self.equity = rules, balance, balance
        self.positions = [Position(number, listing) for number, listing in enumerate(listings)]
        self.fills: list[Fill] = []
        self.both = self.refused = 0
        self._protections = Protections(rules, balance)
        self._bar, self._decision = -1, 0
        self._deciding = False
        self._at_close = rules.fill_at is FillAt.CLOSE

    # -- inside a bar --------------------------------------------------------------------------------------------

    def trade(self, bars: Sequence[Bar | None]) -> None:
        """Fill orders inside a bar of each symbol; None where there is none."""
        self._bar += 1
        traded = []
        for position, bar in zip(self.positions, bars, strict=True):
            if bar is not None:
                position.mark, position.volume = bar.open, bar.volume
                position.left = fills.most_of(bar.volume, self.rules.volume_share)
                if bar.volume != 0.0 and (position.size != 0.0 or not isnan(position.wanted)):
                    traded.append((position, bar))
        if not self._at_close:
            for position, bar in traded:
                self._at_market(position, bar.open)
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
        fresh, open_ = False, bar.open
        if position.has_order and not isnan(position.limit) and position.size * position.wanted >= 0.0:
            side = 1 if position.wanted > 0.0 else -1
            price = fills.limit_fill(side, position.limit, bar.open, bar.low, bar.high)
            if not isnan(price):
                fresh = not position.is_open
                self._enter(position, price, price, self.rules.maker_fee)
                open_ = price if fresh else open_
        if position.is_open:
            self._protect(position, bar, open_, fresh=fresh)

    def _protect(self, position: Position, bar: Bar, open_: float, *, fresh: bool) -> None:
        rules, side = self.rules, 1 if position.size > 0.0 else -1
        tick = position.listing.tick
        stop = fills.exit_price(position.entry, side, -rules.stop_loss, tick) if rules.stop_loss > 0.0 else nan
        trail = fills.exit_price(position.best, side, -rules.trailing_stop, tick) if rules.trailing_stop > 0.0 else nan
        profit = rules.take_profit > 0.0 and not fresh
        target = fills.exit_price(position.entry, side, rules.take_profit, tick) if profit else nan
        trailing = not isnan(trail) and not side * (trail - stop) <= 0.0
        kind, price = fills.exit_inside(side, open_, bar.high, bar.low, trail if trailing else stop, target)
        if kind == fills.TARGET:
            self._book(position, -side * self._fillable(position, abs(position.size)), price, rules.maker_fee, Reason.TAKE_PROFIT)
        elif kind != fills.NO_EXIT:
            self.both += kind == fills.BOTH
            why = Reason.TRAILING_STOP if trailing else Reason.STOP_LOSS
            self._leave(position, price, why)
            self._protections.note_stop(self._decision)
            if position.is_open:
                position.leave(why)
        if not position.is_open and position.wanted * side > 0.0:
            position.forget_order()
        if position.is_open:
            best = bar.close if fresh else bar.high if side > 0 else bar.low
            position.best = max(position.best, best) if side > 0 else min(position.best, best)

    # -- orders --------------------------------------------------------------------------------------------------

    def _at_market(self, position: Position, price: float) -> None:
        if not position.has_order:
            return
        wanted = position.wanted
        if position.is_open and (wanted == 0.0 or wanted * position.size < 0.0):
            self._leave(position, price, position.why)
            if position.is_open:
                return
        if wanted == 0.0:
            position.forget_order()
        elif isnan(position.limit):
            self._enter(position, price, self._worst(position, price), self.rules.taker_fee)

    def _leave(self, position: Position, price: float, why: Reason) -> None:
        side, size = -1 if position.size > 0.0 else 1, self._fillable(position, abs(position.size))
        if size > 0.0:
            self._book(position, side * size, self._slipped(position, price, side, size), self.rules.taker_fee, why)

    def _enter(self, position: Position, price: float, sizing_price: float, fee_rate: float) -> None:
        """Fill what there is room for of an order that makes a position larger, or smaller, to what is wanted.

        Args:
            position: Of the symbol; it is not on the other side.
            price: Where the bar fills it, before slippage.
            sizing_price: What is reckoned with, for what it will pay is known only when its size is.
            fee_rate: Maker or taker.
        """
        if position.rest == 0.0 and not self._size_order(position, sizing_price, fee_rate):
            position.forget_order()
            return
        side, size = 1 if position.rest > 0.0 else -1, self._fillable(position, abs(position.rest))
        if size < DUST:
            return
        if isnan(position.limit):
            price = self._slipped(position, price, side, size)
        why = Reason.ENTRY if position.rest * position.wanted > 0.0 else Reason.TARGET_CHANGED
        rest = position.rest - side * size
        self._book(position, side * size, price, fee_rate, why)
        position.rest = 0.0 if abs(rest) < DUST else rest
        if position.rest == 0.0:
            position.forget_order()

    def _size_order(self, position: Position, price: float, fee_rate: float) -> bool:
        rules, equity = self.rules, self._value()
        value = abs(position.wanted) * rules.size
        if rules.sizing is not Sizing.VALUE:
            value = value * position.scale * equity
        side, held, cost = 1 if position.wanted > 0.0 else -1, abs(position.size), price * (1.0 + fee_rate)
        wanted = value / cost
        if wanted <= held:
            less = fills.whole_lots(held - wanted, position.listing.lot)
            position.rest = -side * less
            return less > 0.0
        room = (rules.leverage * equity - self._exposure()) / cost
        more = fills.whole_lots(max(min(wanted - held, room), 0.0), position.listing.lot)
        if more < DUST or more * price < position.listing.least_value:
            self.refused += 1
            return False
        position.rest = side * more
        return True

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
            position.entered = self._decision + (1 if self._at_close and self._deciding else 0)
        elif before * size > 0.0:
            position.entry = (position.entry * before + value) / after
        position.size = after
        position.left -= abs(size)
        if after == 0.0:
            position.blocked = self._decision + self.rules.cooldown_bars
        self.fills.append(Fill(self._bar, position.number, why, price, size, fee))

    # -- decisions -----------------------------------------------------------------------------------------------

    def decide(
        self, bars: Sequence[Bar | None], targets: Sequence[float], *, scales: Sequence[float] | None = None, day: int = 0
    ) -> None:
        """Make orders of what is wanted at the close of a bar, and of what the rules say of time and losses.

        Args:
            bars: The bars that closed; without one a symbol keeps its order.
            targets: Wanted positions, -1 to 1; NaN wants nothing new.
            scales: What targets are multiplied with, 1 if None.
            day: Number of the UTC day in which the bar closed.
        """
        self._deciding = True
        halted = self._protections.halts(self._decision, day, self.equity)
        for position, bar in zip(self.positions, bars, strict=True):
            if bar is None:
                continue
            if not isnan(position.limit) and self._decision >= position.gives_up:
                position.forget_order()
            if halted:
                position.leave(Reason.PROTECTION)
            else:
                self._time_out(position)
                position.scale = scales[position.number] if scales is not None else 1.0
                self._want(position, targets[position.number], bar)
            if self._at_close and bar.volume != 0.0:
                self._at_market(position, bar.close)
        self._decision += 1
        self._deciding = False

    def _time_out(self, position: Position) -> None:
        bars = self.rules.time_exit
        if bars and position.is_open and not position.has_order and self._decision - position.entered + 1 >= bars:
            position.leave(Reason.TIME)

    def _want(self, position: Position, target: float, bar: Bar) -> None:
        rules = self.rules
        target = 0.0 if target < 0.0 and not rules.short else target
        if isnan(target) or target == position.acted:
            return
        if target != 0.0 and not self._may_enter(position):
            if position.size * target < 0.0:
                position.leave(Reason.TARGET_CHANGED)
            return
        position.forget_order()
        position.acted, position.why = target, Reason.TARGET_CHANGED
        if target != 0.0 or position.is_open:
            position.wanted = target
        if target != 0.0 and rules.limit_offset > 0.0:
            position.limit = fills.limit_price(bar.close, 1 if target > 0.0 else -1, rules.limit_offset, position.listing.tick)
            position.gives_up = self._decision + rules.limit_bars

    def _may_enter(self, position: Position) -> bool:
        return self._decision >= position.blocked and self._protections.may_enter(self._decision)

    def close_out(self, number: int, price: float) -> None:
        """Sell all that is held of a symbol at a price, whatever was traded: behind it nothing is known of the market."""
        position = self.positions[number]
        position.forget_order()
        position.acted, position.left = 0.0, fills.UNBOUNDED
        if position.is_open:
            self._leave(position, price, Reason.HOLE)
        self.equity = self._value()

    # -- numbers -------------------------------------------------------------------------------------------------

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

    def _fillable(self, position: Position, size: float) -> float:
        return size if position.left >= size else fills.whole_lots(position.left, position.listing.lot)

    def _slipped(self, position: Position, price: float, side: int, size: float) -> float:
        rules, share = self.rules, fills.share_of(size, position.volume)
        return fills.market_price(price, side, rules.slippage, rules.slippage_amount, share, position.listing.tick)

    def _worst(self, position: Position, price: float) -> float:
        rules, side = self.rules, 1 if position.wanted > 0.0 else -1
        return fills.market_price(
            price, side, rules.slippage, rules.slippage_amount, rules.volume_share or 1.0, position.listing.tick
        )
