"""Keeps a venue's budgets: token buckets that paged history does not empty, and its wish to be left alone."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from exchanges.buckets import Bucket, Cell, FileCell, PrivateCell
from exchanges.values import Budget, Request

_QUIET_SECONDS = 60.0


class Budgets:
    """The budgets of one venue.

    What is asked page after page pays twice: from a smaller bucket of its own, and from the one of all. So it cannot take
    what is spared for single questions, and together they keep the budget.

    Args:
        budgets: By name.
        shared: Where processes that ask the same venue keep them together, a name in a folder; each keeps its own if None.
        greedy: Whether nothing is spared while nobody else asked a single question for a minute.
    """

    def __init__(self, budgets: Mapping[str, Budget], shared: Path | None = None, *, greedy: bool = False) -> None:
        self._budgets, self._shared, self._greedy = budgets, shared, greedy
        self._all: dict[str, Bucket] = {}
        self._paged: dict[str, Bucket] = {}
        self._alone, self._single = self._cell("alone"), self._cell("single")

    async def pay(self, request: Request, *, paged: bool) -> None:
        """Wait until a question may be asked.

        Args:
            request: The question.
            paged: Whether it is one of many, and others go first.
        """
        name = request.budget
        if name not in self._all:
            budget = self._budgets[name.partition(":")[0]]
            share = 1.0 - budget.spared
            self._all[name] = Bucket(budget.burst, budget.per_second, self._cell(f"{name}-all"))
            self._paged[name] = Bucket(max(budget.burst * share, 1.0), budget.per_second * share, self._cell(f"{name}-paged"))
        if not paged:
            self._note_single()
        elif self._spares():
            await self._paged[name].acquire(request.cost)
        await self._all[name].acquire(request.cost)

    def _note_single(self) -> None:
        if not self._greedy:  # who is asks about the venue at its begin only
            self._single.change(lambda now, _: now)

    def _spares(self) -> bool:
        return not self._greedy or _left(self._single) > -_QUIET_SECONDS

    def leave_alone(self, seconds: float) -> None:
        """Note that the venue wants to be asked nothing for so long; an earlier, longer wish stays."""
        self._alone.change(lambda now, moment: max(moment, now + seconds))

    def alone_for(self) -> float:
        """Return for how many seconds more the venue wants to be left alone; 0 or less when it may be asked."""
        return _left(self._alone)

    def _cell(self, name: str) -> Cell:
        if self._shared is None:
            return PrivateCell()
        return FileCell(self._shared.with_name(f"{self._shared.name}-{quote(name, safe='')}"))


def _left(cell: Cell) -> float:
    """Return how far the moment of a cell is ahead, in seconds."""
    left = 0.0

    def look(now: float, moment: float) -> float:
        nonlocal left
        left = moment - now
        return moment

    cell.change(look)
    return left
