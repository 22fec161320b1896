"""Buy and hold: long from the first bar on; what every other strategy is compared with."""

from typing import ClassVar

import numpy as np
import pandas as pd

from trading.frames import Floats
from trading.signal import Action
from trading.strategy import BaseStrategy


class BuyAndHold(BaseStrategy):
    """Long from the first bar on, whatever happens.

    Source: the benchmark of Eugene Fama and Marshall Blume, "Filter Rules and Stock-Market Trading", Journal of Business 39 (1966).
    """

    words: ClassVar[dict[Action, str]] = {Action.BUY: "buy and hold is always long"}

    @property
    def lookback(self) -> int:
        """One bar."""
        return 1

    def targets(self, data: pd.DataFrame) -> Floats:
        """Return 1 after each bar, shape (len(data),)."""
        self.show(data)
        return np.ones(len(data))
