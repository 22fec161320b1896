"""How a wish is carried out: only for an operator, in one transaction with its record, and never with half of it done."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.access import operator
from app.data.connections import database
from app.scheduler.api import SchedulerSilent
from db.repositories.wishes import Wish
from db.store import Store


@contextmanager
def wished(action: str, subject: str, **details: Any) -> Iterator[tuple[Store, str]]:
    """Open the transaction of a wish, and record who wished what; what the block raises undoes both.

    Only where nobody knows whether it was carried out, both stay, and the record says so.

    Args:
        action: What is wished, in two words at most: `start bot`.
        subject: Of what: the id of a bot, a symbol.
        details: What else there is to know, as JSON can have it.

    Yields:
        The repositories on the connection of the transaction, and the name of who wishes.

    Raises:
        NotAllowed: If who looks at the page may not act.
        SchedulerSilent: As the block does.
        StoreError: If the database is away, which is tried even while reads leave it alone; nothing was done then.
    """
    user = operator(action)
    unknown = None
    with database().client().transaction() as store:
        number = store.wishes.add(Wish(by=user.name, action=action, subject=subject, details=details))
        try:
            yield store, user.name
        except SchedulerSilent as error:
            unknown = error
            store.wishes.tell(number, {**details, "outcome": "not answered in time"})
    if unknown is not None:
        raise unknown
