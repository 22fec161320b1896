"""Whether leases kept runners apart: each row was written under a lease of one owner, and never under an older one again."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

if TYPE_CHECKING:
    from db.operations import DatabaseOperations

# What a transaction writes bears the time at which it began, and leases that of their statement: they may differ by a moment.
_ROUNDING_SECONDS = 1.0
# Rows that never change, in the order in which a bot makes them; `orders` and `bot_performance` give way to newer ones.
_ORDERS = {"signals": "timestamp, symbol", "trades": "number", "postings": "entry, account", "bot_performance": "timestamp"}
_DATED = ("signals", "orders", "trades")


class _Lease(NamedTuple):
    bot: str
    epoch: int
    owner: str
    at: float


class Fences:
    """Looks at the epochs of all rows.

    Args:
        db: The store.

    Attributes:
        counts: How many leases there were.
    """

    def __init__(self, db: "DatabaseOperations") -> None:
        self._db = db
        self.counts: Counter[str] = Counter()

    def wrong(self) -> Iterator[str]:
        """Yield what is wrong."""
        with self._db.engine.connect() as connection:
            leases = _leases(connection)
            self.counts["leases"] = len(leases)
            yield from _twice(leases)
            yield from self._backwards(connection)
            yield from self._unleased(connection, leases)
            yield from self._overlapping(connection, leases)

    def _backwards(self, connection: sa.Connection) -> Iterator[str]:
        for table, order in _ORDERS.items():
            query = sa.text(
                f"select bot, {order}, epoch, before from (select *, lag(epoch) over (partition by bot, run order by {order})"  # noqa: S608 - names of ours
                f" as before from {table}) as rows where epoch < before"
            )
            yield from (f"{table}: the epoch goes back: {tuple(row)}" for row in connection.execute(query))

    def _unleased(self, connection: sa.Connection, leases: list[_Lease]) -> Iterator[str]:
        known = {(lease.bot, lease.epoch) for lease in leases}
        for table in ("signals", "orders", "trades", "postings", "bot_performance"):
            for bot, epoch in connection.execute(sa.text(f"select distinct bot, epoch from {table}")):  # noqa: S608 - names of ours
                self.counts["epochs that wrote"] += table == "bot_performance"
                if (bot, epoch) not in known:
                    yield f"{table}: {bot} wrote under epoch {epoch}, which nobody leased"

    def _overlapping(self, connection: sa.Connection, leases: list[_Lease]) -> Iterator[str]:
        """Yield rows that were written before their lease began, or behind the begin of the next one."""
        spans: dict[tuple[str, int], tuple[float, float]] = {}
        for table in _DATED:
            moments = "extract(epoch from min(written_at)), extract(epoch from max(written_at))"
            query = f"select bot, epoch, {moments} from {table} group by 1, 2"  # noqa: S608 - names of ours
            for bot, epoch, first, last in connection.execute(sa.text(query)):
                known = spans.get((bot, epoch), (float(first), float(last)))
                spans[bot, epoch] = min(known[0], float(first)), max(known[1], float(last))
        for place, lease in enumerate(leases):
            following = leases[place + 1 : place + 2]
            end = following[0].at if following and following[0].bot == lease.bot else float("inf")
            first, last = spans.get((lease.bot, lease.epoch), (lease.at, lease.at))
            if first < lease.at - _ROUNDING_SECONDS or last > end + _ROUNDING_SECONDS:
                written = f"written from {first} to {last}, leased {lease.at} to {end}"
                yield f"{lease.bot} under epoch {lease.epoch} of {lease.owner}: {written}"


def _leases(connection: sa.Connection) -> list[_Lease]:
    query = sa.text(
        "select bot, epoch, details->>'owner', extract(epoch from at) from bot_events where kind = 'leased' order by bot, epoch"
    )
    return [_Lease(bot, epoch, owner, float(at)) for bot, epoch, owner, at in connection.execute(query)]


def _twice(leases: list[_Lease]) -> Iterator[str]:
    counts = Counter(lease.epoch for lease in leases)
    yield from (f"epoch {epoch} was leased {count} times" for epoch, count in counts.items() if count > 1)
    for before, lease in pairwise(leases):
        if before.bot == lease.bot and before.at > lease.at:
            yield f"{lease.bot}: epoch {lease.epoch} is newer than {before.epoch}, and its lease began before"
