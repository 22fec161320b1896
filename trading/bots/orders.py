"""The orders of an account: what its broker did, told as orders that are made, filled in parts, and end."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from math import isnan
from typing import Any, NamedTuple

from db.bot_rows import OrderRow
from trading.bots.ledger import Booked, added, exact
from trading.broker import Broker
from trading.fills import Reason
from trading.position import Fill, Position
from trading.rules import word_of

_KINDS = {Reason.STOP_LOSS: "stop", Reason.TAKE_PROFIT: "take-profit", Reason.TRAILING_STOP: "trailing-stop"}
_AIMS = {word_of(Reason.ENTRY), word_of(Reason.TARGET_CHANGED)}
_AMOUNTS = ("price", "filled", "value")


class _Work(NamedTuple):
    """The order that works on a position; an exit inside a bar has none before it is filled in part."""

    wanted: float
    limit: float | None
    why: Reason


class Before(NamedTuple):
    """What a position was before the broker did something: the order that worked, and how many were made and refused."""

    work: _Work | None
    orders: int
    refused: int


class Moment(NamedTuple):
    """Time of the market, UTC epoch microseconds, and whether newer candles were there."""

    at_us: int
    caught_up: bool


class OrderBook:
    """Numbers the orders of an account; a broker's positions have one at a time, and say only what is left of it.

    Args:
        symbols: In the order of the broker's positions.

    Attributes:
        changed: Orders that were made or changed since they were taken away, by number.
    """

    def __init__(self, symbols: Sequence[str]) -> None:
        self._symbols = tuple(symbols)
        self._next = 1
        self._working: dict[int, OrderRow] = {}
        self.changed: dict[int, OrderRow] = {}

    def before(self, broker: Broker) -> list[Before]:
        """Return what each position is now; to be handed to `note` behind what the broker does next."""
        return [Before(_work_of(position), position.orders, position.refused) for position in broker.positions]

    def note(
        self, broker: Broker, before: Sequence[Before], fills: Sequence[tuple[Fill, Booked]], moment: Moment, *,
        decided: bool = False,
    ) -> list[int]:  # fmt: skip
        """Note what a broker did, and return the number of the order of each fill.

        Args:
            broker: As it is now.
            before: As it was.
            fills: What it filled, oldest first, and as what each was booked.
            moment: When.
            decided: Whether it decided: then orders that it made took the place of others before anything was filled.
        """
        fresh, numbers = self._next, [0] * len(fills)
        for position, was in zip(broker.positions, before, strict=True):
            number, work, filled = position.number, _work_of(position), False
            if decided and position.orders > was.orders and number in self._working:
                self._end(number, moment, "cancelled", _why_replaced(position.why))
            for place, (fill, booked) in enumerate(fills):
                if fill.symbol == number:
                    numbers[place] = self._fill(position, fill, booked, moment=moment, was_filled=filled)
                    filled = True
            order = self._working.get(number)
            if order is not None and (work is None or (order.number < fresh and work != was.work)):
                why = "too small, or nothing to pay it with" if position.refused > was.refused else _why_ended(order, work)
                self._end(number, moment, "filled" if filled and work is None else _unfilled(why), why)
            if work is not None and number not in self._working:
                self._make(position, _KINDS.get(work.why, "market") if work.wanted == 0.0 else "market", moment)
        return numbers

    def state(self) -> dict[str, Any]:
        """Return all that `restore` needs, as plain values."""
        return {"next": self._next, "working": {str(number): _plain(row) for number, row in self._working.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where the book was that a state is of."""
        self._next = state["next"]
        self._working = {int(number): _read(row) for number, row in state["working"].items()}

    def _fill(self, position: Position, fill: Fill, booked: Booked, *, moment: Moment, was_filled: bool) -> int:
        order = self._working.get(position.number)
        if order is not None and not _explains(order, fill):
            # What was filled before an exit inside the same bar was filled whole: else no volume were left for the exit.
            self._end(position.number, moment, "filled" if was_filled else "cancelled", f"{word_of(fill.reason)} came first")
            order = None
        if order is None:
            order = self._make(position, _KINDS.get(fill.reason, "market"), moment, fill)
        filled, value = added(order.filled, booked.size.copy_abs()), added(order.value, booked.value)
        self._keep(position.number, replace(order, side="buy" if fill.size > 0.0 else "sell", filled=filled, value=value))
        return order.number

    def _make(self, position: Position, kind: str, moment: Moment, fill: Fill | None = None) -> OrderRow:
        work = _work_of(position) if fill is None else None
        limit = None if work is None or work.limit is None else exact(work.limit)
        target = None if kind != "market" else work.wanted if work is not None else _target_of(position, fill)
        order = OrderRow(
            number=self._next, symbol=self._symbols[position.number], kind=kind if limit is None else "limit",
            side=_side(position) if fill is None else "buy" if fill.size > 0.0 else "sell",
            target=target, price=limit, state="working",
            reason=word_of(_why_made(position) if fill is None else fill.reason), filled=Decimal(0), value=Decimal(0),
            made_us=moment.at_us, ended_us=None, caught_up=moment.caught_up,
        )  # fmt: skip
        self._next += 1
        self._keep(position.number, order)
        return order

    def _end(self, number: int, moment: Moment, state: str, why: str) -> None:
        order = self._working.pop(number)
        reason = order.reason if state == "filled" else why
        self.changed[order.number] = replace(order, state=state, reason=reason, ended_us=moment.at_us)

    def _keep(self, number: int, order: OrderRow) -> None:
        self._working[number] = self.changed[order.number] = order


def _work_of(position: Position) -> _Work | None:
    if not position.has_order:
        return None
    return _Work(position.wanted, None if isnan(position.limit) else position.limit, position.why)


def _explains(order: OrderRow, fill: Fill) -> bool:
    reason = word_of(fill.reason)
    return reason in _AIMS if order.reason in _AIMS else reason == order.reason


def _target_of(position: Position, fill: Fill | None) -> float | None:
    """Return what an order works towards, or did, that was filled at the close at which it was made; None of what only leaves."""
    if fill is None or word_of(fill.reason) not in _AIMS:
        return None
    return position.wanted if position.has_order else position.acted if fill.reason is Reason.ENTRY else 0.0


def _why_made(position: Position) -> Reason:
    if position.wanted == 0.0:
        return position.why
    return Reason.ENTRY if position.size * position.wanted <= 0.0 else Reason.TARGET_CHANGED


def _why_ended(order: OrderRow, work: _Work | None) -> str:
    if work is not None:
        return _why_replaced(work.why) if work.wanted == 0.0 else "another position is wanted"
    return "not reached in time" if order.kind == "limit" else "nothing is left to do"


def _why_replaced(why: Reason) -> str:
    return "another position is wanted" if why is Reason.TARGET_CHANGED else f"{word_of(why)} came first"


def _unfilled(why: str) -> str:
    return "refused" if why.startswith("too small") else "cancelled"


def _side(position: Position) -> str:
    smaller = position.wanted * position.size > 0.0 and abs(position.wanted) < 1.0 and position.rest * position.size < 0.0
    buys = position.size < 0.0 if position.wanted == 0.0 or smaller else position.wanted > 0.0
    return "buy" if buys else "sell"


def _plain(row: OrderRow) -> dict[str, Any]:
    values = asdict(row)
    return values | {name: None if values[name] is None else str(values[name]) for name in _AMOUNTS}


def _read(values: Mapping[str, Any]) -> OrderRow:
    amounts = {name: None if values[name] is None else Decimal(values[name]) for name in _AMOUNTS}
    return OrderRow(**{**values, **amounts})
