"""Keeps a venue's budgets: token buckets that paged history does not empty."""

from collections.abc import Mapping

from aiolimiter import AsyncLimiter

from exchanges.values import Budget, Request


class Budgets:
    """The budgets of one venue.

    What is asked page after page pays twice: from a smaller bucket of its own, and from the one of all. So it cannot take
    what is spared for single questions, and together they keep the budget.
    """

    def __init__(self, budgets: Mapping[str, Budget]) -> None:
        self._budgets = budgets
        self._all: dict[str, AsyncLimiter] = {}
        self._paged: dict[str, AsyncLimiter] = {}

    async def pay(self, request: Request, *, paged: bool) -> None:
        """Wait until a question may be asked.

        Args:
            request: The question.
            paged: Whether it is one of many, and others go first.
        """
        name = request.budget
        budget = self._budgets[name.partition(":")[0]]
        if name not in self._all:
            self._all[name] = AsyncLimiter(budget.burst, budget.burst / budget.per_second)
            share = 1.0 - budget.spared
            burst = max(budget.burst * share, 1.0)
            self._paged[name] = AsyncLimiter(burst, burst / (budget.per_second * share))
        if paged:
            await self._paged[name].acquire(request.cost)
        await self._all[name].acquire(request.cost)
