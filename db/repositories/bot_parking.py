"""Bots that a person takes out of service, with a reason that stays until a person starts them again."""

import sqlalchemy as sa

from db.bot_rows import EventRow
from db.bot_state import CLOCK, lock, unknown
from db.bot_writes import clean
from db.repositories.bot_records import BotRecords
from db.tables import bot_epochs, bots
from market.errors import InputError


class BotParking(BotRecords):
    """Parks bots, on one connection; who opened it commits."""

    def park(self, bot: str, reason: str, *, by: str) -> None:
        """Park a bot that is wanted to run: its runner loses it, nothing that it does counts with the commit, no other takes it.

        It is what a bot that crashed too often ends in, too: what it holds stays as it is, and the wish that it runs unparks it.

        Args:
            bot: Its id.
            reason: Why, for whoever wants to start it again.
            by: Who wishes it, for the event.

        Raises:
            InputError: If there is no such bot, it is not wanted to run, it is parked, or there is no reason.
        """
        row = lock(self._connection, bots.c.id == bot).get(bot)
        if row is None:
            raise unknown(self._connection, bot)
        if not reason.strip():
            raise InputError(f"expected a reason for which {bot} is parked, found none; whoever starts it again wants to know")
        if row["wanted"] != "running":
            raise InputError(f"bot {bot} is stopped already; only one that is wanted to run can be parked")
        if row["state"] == "parked":
            raise InputError(f"bot {bot} is parked already: {row['reason']}")
        said = clean(f"by {by}: {reason.strip()}")
        free = {"lease_owner": None, "lease_until": None, "lease_epoch": bot_epochs.next_value(), "retry_at": None}
        values = {"state": "parked", "reason": said, "state_at": CLOCK, **free}
        self._connection.execute(sa.update(bots).where(bots.c.id == bot).values(**values))
        self._add_events([EventRow(bot=bot, kind="parked", text=f"parked {said}", details={"by": by, "reason": reason.strip()})])
