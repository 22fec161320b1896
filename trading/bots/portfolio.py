"""Limits that all bots share: what they may hold together, and lose together in a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioLimits:
    """What all bots may risk together; 0 is no limit.

    Attributes:
        exposure: Value of all that they hold, long and short, in the quote currency.
        symbol_exposure: Likewise, of each symbol.
        daily_loss: What they may lose since the UTC day began, a fraction of what they had then.
    """

    exposure: float = 0.0
    symbol_exposure: float = 0.0
    daily_loss: float = 0.0

    @property
    def are_none(self) -> bool:
        """Whether everything is allowed."""
        return not (self.exposure or self.symbol_exposure or self.daily_loss)


class Portfolio:
    """What all bots hold, as far as it is known here; entries that were allowed count until their orders are over.

    Several runners each know of the others what was held a second ago, and nothing of orders that still work: together they
    may go beyond a limit by what these add.

    Args:
        limits: Of all bots together.

    Attributes:
        lost: What all bots lost since the UTC day began, a fraction; below 0 for a gain.
    """

    def __init__(self, limits: PortfolioLimits) -> None:
        self.limits, self.lost = limits, 0.0
        self._held: dict[str, float] = {}

    def update(self, exposures: Sequence[Mapping[str, float]], *, equity: float, began: float) -> None:
        """Take what is known of all bots.

        Args:
            exposures: Value of what each holds, by symbol; with what its working orders may add, where that is known.
            equity: Of all that were there when the UTC day began.
            began: What these had then.
        """
        self._held = {}
        for exposure in exposures:
            for symbol, value in exposure.items():
                self._held[symbol] = self._held.get(symbol, 0.0) + abs(value)
        self.lost = 1.0 - equity / began if began > 0.0 else 0.0

    @property
    def has_lost(self) -> bool:
        """Whether all bots lost as much as they may in a day, or more."""
        return bool(self.limits.daily_loss) and self.lost >= self.limits.daily_loss

    @property
    def loss_told(self) -> str:
        """What was lost, in words."""
        return f"all bots together lost {self.lost:.2%} today, and may lose {self.limits.daily_loss:.2%} (bots.max_daily_loss)"

    def refusal(self, symbol: str, more: float) -> str:
        """Return why nothing of this value may be entered, empty where it may; then it counts as held.

        Args:
            symbol: `EXCHANGE:BASE-QUOTE`.
            more: Value, in the quote currency.
        """
        limits, held, own = self.limits, sum(self._held.values()), self._held.get(symbol, 0.0)
        if self.has_lost:
            return self.loss_told
        if limits.exposure and held + more > limits.exposure:
            return f"all bots hold {held:,.2f}; {more:,.2f} more is beyond {limits.exposure:,.2f} (bots.max_exposure)"
        if limits.symbol_exposure and own + more > limits.symbol_exposure:
            what = f"all bots hold {own:,.2f} of {symbol}; {more:,.2f} more is beyond {limits.symbol_exposure:,.2f}"
            return f"{what} (bots.max_symbol_exposure)"
        self._held[symbol] = own + more
        return ""
