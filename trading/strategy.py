"""A strategy: a function of the past that says which position it wants; the same for backtests and bots."""

from math import isnan, nan
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from market.errors import InputError
from trading.frames import Floats, column, last_us, symbol_of
from trading.parameters import Parameters
from trading.signal import Action, Signal, action_of


class BaseStrategy(Parameters):
    """What every strategy is; it says its rule in `targets` or in `process_data`, and either makes the other.

    The data is a table of bars, oldest first: columns open, high, low, close, volume (float64), the index the closes
    (datetime64, UTC) or a column `timestamp`. What a strategy says after a bar depends on that bar and on those before it,
    and on nothing else.

    Attributes:
        words: The rule in words for each action, for `str.format` with the indicators' last values by their names and the
            parameters as `p`: `"RSI {rsi:.4g} is below {p[oversold]:g}"`.
        file_text: What the user's file said when it was read, set by the registry; None for those that come with the program.
        symbol: Of the bars, `EXCHANGE:BASE-QUOTE`, set by who runs the strategy; where it is empty the data may name it.

    Raises:
        InputError: If a parameter is wrong or unknown.
    """

    words: ClassVar[dict[Action, str]] = {}
    file_text: ClassVar[bytes | None] = None
    symbol: str = ""

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)
        self._series: dict[str, Floats] = {}
        self._index: pd.Index | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a class that cannot decide.

        Raises:
            InputError: If it has neither `targets` nor `process_data`, or no `lookback`.
        """
        super().__init_subclass__(**kwargs)
        if cls.targets is BaseStrategy.targets and cls.process_data is BaseStrategy.process_data:
            raise InputError(f"strategy {cls.__name__} needs targets(data) or process_data(data); it has neither")
        if cls.lookback is BaseStrategy.lookback:
            raise InputError(f"strategy {cls.__name__} needs the property lookback: how many bars decide one target")

    @property
    def lookback(self) -> int:
        """Bars that decide one target exactly as all of the history would; a bot is given this many."""
        raise NotImplementedError

    def targets(self, data: pd.DataFrame) -> Floats:
        """Return the wanted position after each bar, shape (len(data),).

        A fraction of what the sizing allows: 1 is long, 0 out, below 0 short. NaN wishes nothing and keeps what there is: in the
        warm-up, and between the bars at which a rule speaks.

        Where only `process_data` is written it is asked after each bar, with `lookback` bars or the fewer that there are.
        """
        wanted = np.full(len(data), nan)
        for end in range(1, len(data) + 1):
            wanted[end - 1] = self.process_data(data.iloc[max(0, end - self.lookback) : end]).wanted
        return wanted

    def process_data(self, data: pd.DataFrame) -> Signal:
        """Return what the strategy says after the last bar; a bot calls this on each closed candle.

        Args:
            data: The newest `lookback` bars, more, or the fewer that there are.

        Raises:
            InputError: If there is no bar, a column is missing, or `targets` does not give a number for each bar.
        """
        if not len(data):
            raise InputError(f"{self.name} needs at least one bar")
        target = float(whole_targets(self.name, self.targets(data), len(data))[-1])
        action, confidence = action_of(target)
        return self.signal(data, action, confidence=confidence, target=target)

    def get_indicators(self) -> dict[str, pd.Series]:
        """Return the series behind the last decision, by name, each as long as the data given last; NaN in the warm-up."""
        return {name: pd.Series(series, index=self._index, name=name) for name, series in self._series.items()}

    def show(self, data: pd.DataFrame, **series: Floats) -> None:
        """Keep the series of a decision for `get_indicators` and for the words of the signal."""
        self._index, self._series = data.index, series

    def signal(
        self, data: pd.DataFrame, action: Action, *, confidence: float = 1.0, target: float = nan, reason: str = ""
    ) -> Signal:
        """Return a signal at the last bar, with the last values of what was shown, and words where no reason is given."""
        values = {name: float(series[-1]) for name, series in self._series.items() if len(series)}
        return Signal(
            action=action,
            confidence=confidence,
            price=float(column(data, "close")[-1]),
            timestamp_us=last_us(data),
            symbol=self.symbol or symbol_of(data),
            indicators=values,
            reason=reason or self._reason(action, values),
            target=target,
        )

    def _reason(self, action: Action, values: dict[str, float]) -> str:
        if any(map(isnan, values.values())):
            return f"warming up: {_listed(values)}"
        template = self.words.get(action)
        return _listed(values) if template is None else template.format(p=self.parameters, **values)


def _listed(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.8g}" for name, value in values.items()) or "no indicators"


def whole_targets(name: str, targets: object, bars: int) -> Floats:
    """Return what a strategy says after each bar, shape (bars,).

    Args:
        name: Of the strategy.
        targets: What it gave.
        bars: How many it was asked about.

    Raises:
        InputError: If that is not a number for each bar.
    """
    try:
        found = np.asarray(targets, np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"{name} gives targets that are not numbers, but {type(targets).__name__}; expected was one a bar"
        ) from None
    if found.shape != (bars,):
        raise InputError(f"{name} gives targets of shape {found.shape} for {bars} bars; expected was one a bar")
    return found
