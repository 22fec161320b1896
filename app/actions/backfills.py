"""Wishes about backfills: begin one."""

from app.actions import flows
from app.backfills import Asked, asked
from app.data.connections import database
from app.data.flows import runs_under_way
from market.clock import now_us
from market.errors import InputError

DEPLOYMENT = "backfill"
CANCEL = "cancel backfill"


def start_backfill(wanted: Asked) -> str:
    """Have what is missing filled; return the number of the run. It is checked here again.

    Raises:
        InputError: If it cannot be, or the same symbol and width is being filled already.
        PlatformError: As `app.actions.flows.start` does.
    """
    told = wanted.parameters()
    checked = asked(
        told["symbol"], timeframe=told["timeframe"], start=told["start"], end=told.get("end", ""), trades=wanted.trades,
        again=wanted.again, at_us=now_us(),
    )  # fmt: skip
    already = _under_way(checked)
    return already or flows.start(DEPLOYMENT, checked.parameters(), action="start backfill", subject=checked.symbol)


def _under_way(wanted: Asked) -> str | None:
    """Return the run that does exactly the same.

    Raises:
        InputError: If something else fills the same symbol and width: two cannot.
    """
    for run in runs_under_way(DEPLOYMENT):
        if run.parameters == wanted.parameters():
            return run.run
        if (run.parameters.get("symbol"), run.parameters.get("timeframe", "1m")) == (wanted.symbol, str(wanted.timeframe)):
            raise _busy(wanted, f"run {run.run}, {run.state}")
    for each in database().ask(lambda store: store.backfills.list(wanted.symbol, newest=5), [], {}):
        if each.state == "running" and each.timeframe == str(wanted.timeframe):
            raise _busy(wanted, f"backfill {each.id}, begun on a command line, or ended less than half a minute ago")
    return None


def _busy(wanted: Asked, by: str) -> InputError:
    return InputError(
        f"{wanted.symbol} {wanted.timeframe} is being filled already ({by}); wait for its end, or cancel it where it was begun"
    )
