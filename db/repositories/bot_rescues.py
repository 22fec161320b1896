"""What is asked and done about bots that nobody runs any more, or that do not come on; the same from all machines."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from db.bot_rows import StoredBot
from db.bot_state import CLOCK, is_one, lock, read
from db.repositories.bot_records import BotRecords
from db.tables import bot_epochs, bots
from market.clock import from_datetime

# A minute is there when it is of all symbols. What a bot catches up was stored long ago: there its last signal counts.
OWED = """
select bots.id, greatest(next.stored_at, bots.state_at, last.written_at) as since from bots
cross join lateral (
    select max(stored.updated_at) as stored_at, count(stored.symbol) as there, count(*) as wanted
    from json_array_elements_text(bots.config -> 'symbols') as traded (symbol)
    left join market_data as stored on stored.symbol = traded.symbol and stored.timeframe = '1m'
        and stored.timestamp = bots.acted_until + interval '1 minute' and stored.complete is not false
) as next
left join lateral (
    select written_at from signals where signals.bot = bots.id and signals.run = bots.run order by timestamp desc limit 1
) as last on true
where bots.wanted = 'running' and bots.acted_until is not null and next.there = next.wanted
"""
"""Since when bots owe a step: columns id and since, of those that do."""


class BotRescues(BotRecords):
    """Bots that do not come on, on one connection; who opened it commits."""

    def clock_us(self) -> int:
        """Return the time by the clock of the database, UTC epoch microseconds."""
        return from_datetime(self._connection.execute(sa.select(CLOCK)).scalar_one())

    def owed(self) -> dict[str, int]:
        """Return since when the next minute of bots is there, by id; without those that wait for it or never acted.

        It is stored for all symbols of the bot, and not known to lack trades. What a bot did last counts where that was later.
        """
        return {row.id: from_datetime(row.since) for row in self._connection.execute(sa.text(f"{OWED} order by bots.id"))}

    def locked(self, ids: Collection[str]) -> Sequence[StoredBot]:
        """Keep others from changing bots until the end of the transaction, and return those there are, without accounts, by id."""
        lock(self._connection, is_one(ids))
        return read(self._connection, is_one(ids), accounts=False)

    def heartbeat(self, bot: str, epoch: int) -> bool:
        """Note that a bot is well, and return whether it is under this lease still."""
        row = lock(self._connection, bots.c.id == bot).get(bot)
        if row is None or not row["has_lease"] or row["lease_epoch"] != epoch:
            return False
        self._connection.execute(sa.update(bots).where(bots.c.id == bot).values(heartbeat_at=CLOCK))
        return True

    def end_leases(self, owners: Collection[str]) -> list[str]:
        """End all leases of runners that are known to be dead, and return the ids of their bots, each free for others."""
        ids = [*lock(self._connection, bots.c.lease_owner == sa.any_(sa.cast([*owners], sa.ARRAY(sa.Text))))]
        free = {"lease_owner": None, "lease_until": None, "lease_epoch": bot_epochs.next_value()}
        if ids:
            self._connection.execute(sa.update(bots).where(is_one(ids)).values(**free))
        return ids
