"""Which failures of a step are worth another try."""

from typing import TYPE_CHECKING, Any

from db.engine import is_transient
from market.errors import PlatformError, VenueError

if TYPE_CHECKING:
    from prefect import Task
    from prefect.client.schemas.objects import State, TaskRun

DELAYS_SECONDS = [5.0, 30.0, 120.0]


class Busy(PlatformError):
    """Raised when somebody else does the same at this moment; the text says what."""


def may_pass(error: BaseException) -> bool:
    """Return whether the same step may succeed when it is tried again."""
    if isinstance(error, VenueError):
        return error.transient
    return isinstance(error, Busy) or is_transient(error)


async def worth_another_try(_task: "Task[Any, Any]", _run: "TaskRun", state: "State[Any]") -> bool:
    """Say the same of a state in which Prefect found a step."""
    try:
        await state.aresult(raise_on_failure=True)
    except Exception as error:  # noqa: BLE001 - this is what is asked for
        return may_pass(error)
    return False
