"""Which parameter sets a sweep may try: all of a grid that break no relation, each known by one number, never listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from market.errors import InputError, did_you_mean
from trading.backtest.sweep.ranges import values_of
from trading.parameters import Value

if TYPE_CHECKING:
    from trading.strategy import BaseStrategy

Integers = NDArray[np.int64]

_MOST_SETS = 2**62
_MOST_RELATED = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The values that are tried of one parameter, each once, in the order given."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True)
class Space:
    """A grid of parameters without the sets that break a relation.

    Sets have the numbers 0 to `len(space) - 1`. Parameters that are related are counted together, the others on their own; the last
    one turns fastest.

    Attributes:
        axes: What is tried of each parameter.
        relations: Pairs (smaller, larger) of parameters.

    Raises:
        InputError: If no set is left, or there are more than numbers can tell apart.
    """

    axes: tuple[Axis, ...]
    relations: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for axis in self.axes:
            if not axis.values:
                raise InputError(f"no value is given for parameter {axis.name}; expected at least one")
        if self.raw > _MOST_SETS:
            raise InputError(f"{self.raw:.3g} parameter sets are more than can be counted; narrow the ranges with --param")
        if not len(self):
            words = ", ".join(f"{smaller} < {larger}" for smaller, larger in self.relations)
            raise InputError(f"no parameter set of the {self.raw:,} holds {words}; widen the ranges with --param")

    def __len__(self) -> int:
        return prod(len(group) for group in self._groups)

    @property
    def raw(self) -> int:
        """Sets of the whole grid, those that break a relation among them."""
        return prod(len(axis.values) for axis in self.axes)

    @property
    def left_out(self) -> int:
        """Sets that break a relation."""
        return self.raw - len(self)

    def places(self, numbers: Integers) -> Integers:
        """Return where each set's values stand on the axes, shape (sets, axes).

        Args:
            numbers: Shape (sets,), each from 0 to len(space) - 1.
        """
        out = np.zeros((len(numbers), len(self.axes)), np.int64)
        rest = np.asarray(numbers, np.int64)
        for group in reversed(self._groups):
            rest, rank = np.divmod(rest, len(group))
            group.place(rank, out)
        return out

    def numbers(self, places: Integers) -> Integers:
        """Return the numbers of sets by their places, shape (sets,); -1 of those that break a relation."""
        number = np.zeros(len(places), np.int64)
        known = np.ones(len(places), bool)
        for group in self._groups:
            rank = group.rank(places)
            known &= rank >= 0
            number = number * len(group) + rank
        return np.where(known, number, -1)

    def parameters(self, places: Sequence[int]) -> dict[str, Value]:
        """Return the parameters of one set by its row of `places`."""
        return {axis.name: axis.values[place] for axis, place in zip(self.axes, places, strict=True)}

    def set(self, number: int) -> dict[str, Value]:
        """Return the parameters of one set by its number."""
        return self.parameters(self.places(np.array([number]))[0].tolist())

    @cached_property
    def _groups(self) -> "tuple[_Group, ...]":
        names = [axis.name for axis in self.axes]
        related = [tuple(sorted(members)) for members in _connected(len(names), [_pair(names, each) for each in self.relations])]
        return tuple(_Group(members, self._allowed(members), tuple(len(self.axes[place].values) for place in members))
                     for members in sorted(related))  # fmt: skip

    def _allowed(self, members: tuple[int, ...]) -> Integers | None:
        """Return which combinations of some related axes hold all relations; None where there is none to hold."""
        if len(members) == 1:
            return None
        sizes = [len(self.axes[place].values) for place in members]
        if prod(sizes) > _MOST_RELATED:
            tied = ", ".join(self.axes[place].name for place in members)
            raise InputError(f"{tied} depend on each other and have {prod(sizes):,} combinations; narrow them with --param")
        names = [self.axes[place].name for place in members]
        holds = np.ones(sizes, bool)
        for relation in self.relations:
            if relation[0] in names:
                low, high = (self._spread(name, names) for name in relation)
                holds &= low < high
        return np.flatnonzero(holds)

    def _spread(self, name: str, names: list[str]) -> NDArray[np.float64]:
        place = names.index(name)
        values = next(axis.values for axis in self.axes if axis.name == name)
        shape = [1] * len(names)
        shape[place] = len(values)
        return np.array(values, np.float64).reshape(shape)


@dataclass(frozen=True, slots=True)
class _Group:
    """Axes that are counted together: one that is free, or several that relations tie."""

    members: tuple[int, ...]
    allowed: Integers | None
    sizes: tuple[int, ...]

    def __len__(self) -> int:
        return prod(self.sizes) if self.allowed is None else len(self.allowed)

    def place(self, rank: Integers, out: Integers) -> None:
        flat = rank if self.allowed is None else self.allowed[rank]
        for member, places in zip(self.members, np.unravel_index(flat, self.sizes), strict=True):
            out[:, member] = places

    def rank(self, places: Integers) -> Integers:
        flat = np.ravel_multi_index(tuple(places[:, member] for member in self.members), self.sizes).astype(np.int64)
        if self.allowed is None:
            return flat
        rank = np.searchsorted(self.allowed, flat)
        found = self.allowed[np.minimum(rank, len(self.allowed) - 1)] == flat if len(self.allowed) else np.zeros(len(flat), bool)
        return np.where(found, rank, -1)


def space_of(strategy: "type[BaseStrategy]", ranges: Mapping[str, str] | None = None) -> Space:
    """Return the sets that a sweep of a strategy tries.

    Args:
        strategy: Its class; where no range is given for a parameter the declared one is tried, or the default alone.
        ranges: By parameter, as people type them: `5:50:5` (both ends included), `5,10,20`, `ema,sma`, `14`.

    Raises:
        InputError: If a parameter is unknown, a range is none, or a value is not what was declared.
    """
    declared = {each.name: each for each in strategy.declared()}
    given = dict(ranges or {})
    for name in given:
        if name not in declared:
            has = ", ".join(declared) or "none"
            raise InputError(f"{strategy.name} has no parameter {name!r}; it has {has}{did_you_mean(name, list(declared))}")
    axes = tuple(
        Axis(name=name, values=values_of(given[name], each, strategy.name) if name in given else tuple(dict.fromkeys(each.sweep)))
        for name, each in declared.items()
    )
    return Space(axes=axes, relations=tuple(strategy({}).relations))


def _pair(names: list[str], relation: tuple[str, str]) -> tuple[int, int]:
    return names.index(relation[0]), names.index(relation[1])


def _connected(count: int, pairs: list[tuple[int, int]]) -> list[set[int]]:
    """Return numbers below `count` in sets, those together that pairs tie."""
    groups = [{number} for number in range(count)]
    for one, other in pairs:
        first, second = (next(group for group in groups if number in group) for number in (one, other))
        if first is not second:
            first |= second
            groups.remove(second)
    return groups
