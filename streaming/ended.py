"""Holes that ended with something missing: a trade of theirs may come after all."""

from market.trade import Trade
from streaming.ledger import State
from streaming.open_hole import OpenHole

_REMEMBERED = 100


class EndedHoles:
    """The last hundred holes of one symbol that ended without all of their trades."""

    def __init__(self) -> None:
        self._kept: list[tuple[OpenHole, State]] = []

    def keep(self, opened: OpenHole, state: State) -> None:
        """Remember a hole that ended as `state`, if something of it is missing."""
        if opened.missing:
            self._kept = [*self._kept, (opened, state)][-_REMEMBERED:]

    def take(self, trade: Trade) -> tuple[OpenHole, State] | None:
        """Return the hole that lacked the trade and how it had ended, with the trade filled in; None when none lacked it."""
        for opened, state in self._kept:
            if opened.ids is not None and any(low <= trade.first_id and trade.trade_id <= high for low, high in opened.missing):
                opened.ids.fill(trade.first_id, trade.trade_id)
                return opened, state
        return None
