"""Optuna as a guide: it says which sets to try next, from what came of those before (tree-structured Parzen estimator)."""

from collections.abc import Iterable
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trading.backtest.sweep.permutation import shuffled
from trading.backtest.sweep.space import Axis, Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

Integers = NDArray[np.int64]

_TRIES = 30


class Guide:
    """Asks for sets in batches, and is told of them in their order: the same seed and results give the same sets.

    Sets are tried once: where Optuna asks for one that is known it is told so at once, and where it has nothing new to ask for
    after some tries, the next set is one by chance.

    Args:
        space: What may be tried.
        seed: Any whole number.
        higher_is_better: Which way the metric is better.
    """

    def __init__(self, space: Space, *, seed: int, higher_is_better: bool) -> None:
        import optuna  # noqa: PLC0415 - a third of a second that other samplers need not pay

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(seed=seed % 2**32)
        self._study = optuna.create_study(direction="maximize" if higher_is_better else "minimize", sampler=sampler)
        self._failed = optuna.trial.TrialState.FAIL
        self._space, self._seed = space, seed
        self._axes: dict[str, BaseDistribution] = {axis.name: _distribution(axis) for axis in space.axes if len(axis.values) > 1}
        self._known: dict[int, float] = {}
        self._asked: dict[int, Trial] = {}
        self._drawn = 0

    def ask(self, count: int) -> Integers:
        """Return the numbers of sets to try, none of them asked for before; fewer than `count` once all were."""
        found: list[int] = []
        while len(found) < count and len(self._known) + len(self._asked) < len(self._space):
            found.append(self._next())
        return np.array(found, np.int64)

    def tell(self, numbers: Iterable[int], values: Iterable[float]) -> None:
        """Say what came of sets that were asked for, in the order in which they were; NaN for nothing."""
        for number, value in zip(numbers, values, strict=True):
            self._settle(self._asked.pop(int(number)), float(value))
            self._known[int(number)] = float(value)

    def _next(self) -> int:
        for _ in range(_TRIES):
            trial = self._study.ask(self._axes)
            number = self._number(trial.params)
            if number >= 0 and number not in self._known and number not in self._asked:
                self._asked[number] = trial
                return number
            self._settle(trial, self._known.get(number, np.nan))
        return self._by_chance()

    def _by_chance(self) -> int:
        while True:
            number = int(shuffled(np.array([self._drawn]), len(self._space), self._seed)[0])
            self._drawn += 1
            if number not in self._known and number not in self._asked:
                break
        self._study.enqueue_trial(self._params(number))
        self._asked[number] = self._study.ask(self._axes)
        return number

    def _number(self, params: dict[str, Any]) -> int:
        row = np.array([[params.get(axis.name, 0) for axis in self._space.axes]], np.int64)
        return int(self._space.numbers(row)[0])

    def _params(self, number: int) -> dict[str, int]:
        row = self._space.places(np.array([number]))[0].tolist()
        return {axis.name: place for axis, place in zip(self._space.axes, row, strict=True) if axis.name in self._axes}

    def _settle(self, trial: "Trial", value: float) -> None:
        if isfinite(value):
            self._study.tell(trial, value)
        else:
            self._study.tell(trial, state=self._failed)


def _distribution(axis: Axis) -> "BaseDistribution":
    """Return how places on an axis are drawn: numbers have neighbours, words and flags have none."""
    from optuna.distributions import CategoricalDistribution, IntDistribution  # noqa: PLC0415 - see above

    if isinstance(axis.values[0], bool | str):
        return CategoricalDistribution(list(range(len(axis.values))))
    return IntDistribution(0, len(axis.values) - 1)
