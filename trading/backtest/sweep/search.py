"""The search for the best sets: a plan's chunks, round by round, each round chosen from what came of those before."""

from collections.abc import Callable, Iterable, Iterator

from trading.backtest.sweep.chunks import Chunk, Rows
from trading.backtest.sweep.ground import Ground
from trading.backtest.sweep.guide import Guide
from trading.backtest.sweep.plan import Plan, Sampler
from trading.backtest.sweep.ranking import Found, Ranking, try_chunk

Work = Callable[[Iterator[Chunk]], Iterable[Rows]]


def search(ground: Ground, plan: Plan, work: Work, told: Callable[[Ranking], None] = lambda _: None) -> Found:
    """Return what is found: the same in whichever order the chunks of a round come back.

    Args:
        ground: What sets are tried on.
        plan: Which sets.
        work: Does chunks, in any order.
        told: Takes the ranking so far, after each chunk.
    """
    ranking = Ranking(plan)
    guide = Guide(plan.space, seed=plan.seed, higher_is_better=plan.higher_is_better) if plan.sampler is Sampler.OPTUNA else None
    for first in range(0, plan.sets, plan.round):
        chosen = None if guide is None else guide.ask(min(plan.round, plan.sets - first))
        figures: dict[int, float] = {}
        for rows in work(plan.layout(first, chosen)):
            ranking.add(rows)
            told(ranking)
            if guide is not None:
                figures.update(zip(rows.numbers.tolist(), plan.figure(rows.values).tolist(), strict=True))
        if guide is not None and chosen is not None:
            guide.tell(chosen.tolist(), [figures[number] for number in chosen.tolist()])
    return ranking.found(ground)


def search_here(ground: Ground, plan: Plan, *, stopped: Callable[[], bool] = lambda: False) -> Found:
    """Return what is found, chunk after chunk.

    Raises:
        Interrupted: If `stopped` said so.
    """
    return search(ground, plan, lambda chunks: (try_chunk(ground, plan, chunk, stopped=stopped) for chunk in chunks))
