"""Wishes about backtests: one is started as a flow, after all that can be checked was checked again here, or stopped."""

from app.actions import flows
from app.actions.wishing import wished
from app.data.strategies import WISH_SECONDS, strategies
from app.scheduler.api import SchedulerError
from market.errors import InputError
from research.asked import Asked, check, flow_parameters


def start(asked: Asked) -> str:
    """Start what is asked for as a flow; return the id of its run.

    Raises:
        InputError: If something of it cannot be.
        NotAllowed: If who looks at the page may not act.
        SchedulerError: If Prefect does not answer, or refuses.
        StoreUnreachable: If the database is away.
    """
    check(asked, strategies(wait_seconds=WISH_SECONDS))
    return flows.start(asked.kind, flow_parameters(asked), action=f"run {asked.kind}", subject=asked.strategy)


def cancel(*, backtest: str | None, flow_run: str | None) -> str:
    """Stop a run; return what became of it, in words.

    Its process learns from its row that nobody wants it any more, and keeps what is done. Where it has none yet, or a single
    backtest works, Prefect ends its process.

    Args:
        backtest: Id of its row; None while it has none.
        flow_run: Id of its run of Prefect; None of one that a command began.

    Raises:
        InputError: If its run is over, and its row, too.
        NotAllowed: If who looks at the page may not act.
        SchedulerError: If Prefect does not answer, and it has no row that could tell it.
        StoreUnreachable: If the database is away.
    """
    stopped = False
    if backtest is not None:
        with wished("cancel backtest", backtest) as (store, _):
            stopped = store.backtests.cancel(backtest)
    if flow_run is not None:
        try:
            flows.cancel(flow_run, action="cancel run", subject=flow_run)
        except InputError:
            if not stopped:
                raise
            return "Cancelled; its run of Prefect was over already. What is done is kept."
        except SchedulerError:
            if not stopped:
                raise
        else:
            return "Cancelled: what is done of a search is kept, and the same one goes on from there."
    return "Cancelled; what is done is kept." if stopped else "It was over already."
