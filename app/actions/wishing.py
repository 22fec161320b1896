"""How a wish is carried out: only for an operator, never without its record, and never with half of it done."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from app.access import operator
from app.data.connections import database
from app.scheduler.api import SchedulerSilent
from db.repositories.wishes import Wish, WishRepository
from db.store import Store
from market.errors import PlatformError

logger = logging.getLogger(__name__)


@contextmanager
def wished(action: str, subject: str, **details: Any) -> Iterator[tuple[Store, str]]:
    """Open the transaction of a wish about what the database has, and record who wished what; what the block raises undoes both.

    Args:
        action: What is wished, in two words at most: `start bot`.
        subject: Of what: the id of a bot, a symbol.
        details: What else there is to know, as JSON can have it.

    Yields:
        The repositories on the connection of the transaction, and the name of who wishes.

    Raises:
        NotAllowed: If who looks at the page may not act.
        StoreError: If the database is away, which is tried even while reads leave it alone; nothing was done then.
    """
    user = operator(action)
    with database().client().transaction() as store:
        store.wishes.add(Wish(by=user.name, action=action, subject=subject, details=details))
        yield store, user.name


@contextmanager
def wished_elsewhere(action: str, subject: str, **details: Any) -> Iterator[str]:
    """Record a wish that is carried out by others, before they are asked: what they did cannot be undone with the record.

    Until the block ends, and where this process or the database does not live to see that, the record says so. What the block
    raises takes it away again, but for a wish that may be carried out all the same.

    Args:
        action: See `wished`.
        subject: See `wished`.
        details: See `wished`.

    Yields:
        The name of who wishes.

    Raises:
        NotAllowed: If who looks at the page may not act.
        StoreError: If the database is away; nothing was asked then.
        SchedulerSilent: As the block does.
    """
    user = operator(action)
    with database().client().transaction() as store:
        wish = Wish(by=user.name, action=action, subject=subject, details={**details, "outcome": "not known"})
        number = store.wishes.add(wish)
    try:
        yield user.name
    except SchedulerSilent:
        _settle(lambda wishes: wishes.tell(number, {**details, "outcome": "no clear answer"}))
        raise
    except Exception:
        _settle(lambda wishes: wishes.forget(number))
        raise
    _settle(lambda wishes: wishes.tell(number, details))


def _settle(write: Callable[[WishRepository], None]) -> None:
    """Write what became of a wish; where that cannot be, the record goes on to say that it is not known."""
    try:
        with database().client().transaction() as store:
            write(store.wishes)
    except PlatformError:
        logger.warning("wish recorded without its outcome", exc_info=True)
