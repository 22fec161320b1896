"""A hole under treatment: what of it is still missing, and where."""

from typing import Any

import msgspec

from market.continuity import IdHole, Ids
from market.trade import Trade
from market.window import Window
from streaming.ledger import Hole, Progress, State


class OpenHole(msgspec.Struct, eq=False):
    """A hole that may still be filled.

    Attributes:
        hole: As it stands in the ledger.
        window: Where trades are missing, by all that is known now; both ends belong to it.
        ids: Which ids are missing; None where ids prove nothing.
        recovered: Trades that came after all, where ids prove nothing.
    """

    hole: Hole
    window: Window
    ids: IdHole | None = None
    recovered: int = 0

    @property
    def missing(self) -> tuple[Ids, ...]:
        """The ids that are not there yet, lowest first."""
        return tuple(self.ids.missing) if self.ids is not None else ()

    def progress(self, state: State, evidence: dict[str, Any] | None = None) -> Progress:
        """Return how far it is, for the ledger."""
        recovered = self.ids.recovered if self.ids is not None else self.recovered
        return Progress(self.hole, state, recovered, self.missing, evidence)


def left_of(opened: OpenHole, trades: list[Trade]) -> Window | None:
    """Return where trades are still missing once some came, None when none are."""
    missing = opened.missing
    if not missing:
        return None
    low, high = missing[0][0], missing[-1][1]
    start_us = max([opened.window.start_us, *(trade.timestamp_us for trade in trades if trade.trade_id < low)])
    end_us = min([opened.window.end_us, *(trade.timestamp_us for trade in trades if trade.trade_id > high)])
    return Window(start_us, end_us) if start_us <= end_us else opened.window
