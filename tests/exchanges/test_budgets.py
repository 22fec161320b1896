"""Budgets on virtual time: paged history leaves room for single questions, and both together keep to them."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from exchanges import OKX, Binance, BinanceUsdm, Bybit, Coinbase, Kraken
from exchanges.base import Budget, Request
from exchanges.budgets import Budgets
from market.clock import monotonic
from simulation import loop as virtual
from tests.generators import START_US

VENUES = [OKX, Binance, BinanceUsdm, Bybit, Coinbase, Kraken]
Paid = list[tuple[float, float]]


def on_virtual_time(work: Coroutine[Any, Any, Any]) -> Any:
    return virtual.run(work, virtual.VirtualLoop(), START_US)


async def pay_for_ever(budgets: Budgets, request: Request, paid: Paid, *, paged: bool) -> None:
    while True:
        await budgets.pay(request, paged=paged)
        paid.append((monotonic(), request.cost))


async def one_in_the_middle(budgets: Budgets, request: Request, paid: Paid) -> list[float]:
    """Pay for a single question every few seconds, while history is asked without a pause; return how long each waited."""
    healing = asyncio.create_task(pay_for_ever(budgets, request, paid, paged=True))
    waits = []
    for number in range(20):
        await asyncio.sleep(5.0 + number / 7)
        begun = monotonic()
        await budgets.pay(request, paged=False)
        paid.append((monotonic(), request.cost))
        waits.append(monotonic() - begun)
    healing.cancel()
    return waits


def assert_kept(paid: Paid, budget: Budget) -> None:
    ordered = sorted(paid)
    for first, (begin, _) in enumerate(ordered):
        total = 0.0
        for moment, cost in ordered[first:]:
            total += cost
            assert total <= budget.burst + (moment - begin) * budget.per_second + 1e-6


@pytest.mark.parametrize(
    ("budget", "cost"),
    [(Binance.budgets[""], 25), (BinanceUsdm.budgets[""], 20), (Bybit.budgets[""], 1), (Coinbase.budgets[""], 1)],
)
def test_a_single_question_is_answered_at_once_in_the_middle_of_a_long_history(budget: Budget, cost: float):
    paid: Paid = []

    waits = on_virtual_time(one_in_the_middle(Budgets({"": budget}), Request("/", cost=cost), paid))

    assert max(waits) < 0.001
    assert_kept(paid, budget)
    assert sum(cost for _, cost in paid) > 0.75 * budget.per_second * paid[-1][0]


def test_where_one_question_is_the_whole_budget_a_single_one_is_next():
    paid: Paid = []
    budget = Kraken.budgets["trades"]

    waits = on_virtual_time(one_in_the_middle(Budgets(Kraken.budgets), Request("/", budget="trades:XBTUSD"), paid))

    assert max(waits) <= 1 / budget.per_second + 0.001
    assert_kept(paid, budget)


def test_many_single_questions_do_not_stop_history_either():
    history: Paid = []
    single: Paid = []
    budget = Binance.budgets[""]

    async def both() -> None:
        budgets = Budgets({"": budget})
        work = [pay_for_ever(budgets, Request("/", cost=25), history, paged=True)]
        work += [pay_for_ever(budgets, Request("/", cost=25), single, paged=False) for _ in range(4)]
        tasks = [asyncio.create_task(each) for each in work]
        await asyncio.sleep(100.0)
        for task in tasks:
            task.cancel()

    on_virtual_time(both())

    assert len(history) > 0.15 * len(single)
    assert_kept(history + single, budget)


def test_history_has_all_of_a_budget_that_nothing_else_is_asked_of():
    paid: Paid = []
    budget = OKX.budgets["history"]

    async def heal() -> None:
        healing = asyncio.create_task(pay_for_ever(Budgets(OKX.budgets), Request("/", budget="history"), paid, paged=True))
        await asyncio.sleep(100.0)
        healing.cancel()

    on_virtual_time(heal())

    assert len(paid) == pytest.approx(budget.burst + 100 * budget.per_second, abs=1.5)


@pytest.mark.parametrize("venue", VENUES)
def test_any_page_of_history_can_be_paid_for(venue):
    provider = venue()
    symbol = f"{provider.name}:BTC-USDT"
    request = next(provider.trades(symbol, 1, 5000, 0, 0))

    async def pay() -> float:
        budgets = Budgets(provider.budgets)
        for _ in range(3):
            await budgets.pay(request, paged=True)
        return monotonic()

    assert on_virtual_time(pay()) < 10.0


def test_budgets_behind_a_colon_are_kept_apart():
    async def pay() -> float:
        budgets = Budgets({"trades": Budget(burst=1, per_second=0.5)})
        for pair in ("XBTUSD", "ETHUSD", "XBTEUR"):
            await budgets.pay(Request("/", budget=f"trades:{pair}"), paged=True)
        return monotonic()

    assert on_virtual_time(pay()) < 0.01


@pytest.mark.parametrize(("looks", "share"), [(False, 1.0), (True, 1.0 - Coinbase.budgets[""].spared)], ids=["nobody", "a worker"])
def test_who_is_greedy_spares_nothing_unless_somebody_else_asks_single_questions(looks, share, tmp_path):
    paid: Paid = []
    budget, seconds = Coinbase.budgets[""], 100.0

    async def fill() -> None:
        await asyncio.sleep(100.0)  # a clock near 0 says that somebody asked just now
        worker, mine = (Budgets({"": budget}, tmp_path / "coinbase", greedy=greedy) for greedy in (False, True))
        if looks:
            await worker.pay(Request("/"), paged=False)
        await mine.pay(Request("/time"), paged=False)
        filling = asyncio.create_task(pay_for_ever(mine, Request("/"), paid, paged=True))
        await asyncio.sleep(seconds / 2)
        filling.cancel()

    on_virtual_time(fill())

    assert len(paid) == pytest.approx(budget.burst * share + seconds / 2 * budget.per_second * share, abs=3.0)
