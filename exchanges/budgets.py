"""Keeps a venue's budgets: token buckets that paged history does not empty, and its wish to be left alone."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from exchanges.buckets import Bucket, Cell, FileCell, PrivateCell
from exchanges.values import Budget, Request


class Budgets:
    """The budgets of one venue.

    What is asked page after page pays twice: from a smaller bucket of its own, and from the one of all. So it cannot take
    what is spared for single questions, and together they keep the budget.

    Args:
        budgets: By name.
        shared: Where processes that ask the same venue keep them together, a name in a folder; each keeps its own if None.
    """

    def __init__(self, budgets: Mapping[str, Budget], shared: Path | None = None) -> None:
        self._budgets, self._shared = budgets, shared
        self._all: dict[str, Bucket] = {}
        self._paged: dict[str, Bucket] = {}
        self._alone = self._cell("alone")

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
        if paged:
            await self._paged[name].acquire(request.cost)
        await self._all[name].acquire(request.cost)

    def leave_alone(self, seconds: float) -> None:
        """Note that the venue wants to be asked nothing for so long; an earlier, longer wish stays."""
        self._alone.change(lambda now, moment: max(moment, now + seconds))

    def alone_for(self) -> float:
        """Return for how many seconds more the venue wants to be left alone; 0 or less when it may be asked."""
        left = 0.0

        def look(now: float, moment: float) -> float:
            nonlocal left
            left = moment - now
            return moment

        self._alone.change(look)
        return left

    def _cell(self, name: str) -> Cell:
        if self._shared is None:
            return PrivateCell()
        return FileCell(self._shared.with_name(f"{self._shared.name}-{quote(name, safe='')}"))
