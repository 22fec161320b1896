"""Paper bots: what is wanted of each and what it does, its configuration, and which runner has it for how long."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import PurePath
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from db.bot_rows import BotExposure, EventRow, Held, StoredBot
from db.bot_state import CLOCK, HAS_LEASE, end_standstill, is_one, known, lock, read, unknown
from db.bot_writes import changes, clean
from db.repositories.bot_pages import BotPages
from db.repositories.bot_parking import BotParking
from db.repositories.bot_reports import BotReports
from db.repositories.bot_sums import BotSums
from db.tables import bot_epochs, bot_events, bot_performance, bots
from market.errors import InputError

_ID = re.compile("[a-z0-9][a-z0-9_-]{0,62}")
_FREE = {"lease_owner": None, "lease_until": None}
_EPOCH = bot_epochs.next_value()
_FRESH = {"account": None, "acted_until": None, "equity": None, "cash": None, "exposure": None, "from_now": False}


class BotRepository(BotReports, BotSums, BotPages, BotParking):
    """Bots and all that they wrote, on one connection; who opened it commits. All times are of the clock of the database."""

    # -- configurations ------------------------------------------------------------------------------------------

    def put_config(
        self, bot: str, config: dict[str, Any], *, digest: str, file: str, autostart: bool, by: str | None = None
    ) -> Literal["created", "changed", "same"]:
        """Store the configuration of a bot, and that its file can be used; write an event where it is new or another one.

        Args:
            bot: Its id.
            config: As JSON can have it.
            digest: Of that; the same digest is the same configuration.
            file: Where it stands; the event tells it by its name, which is its place in the folder of bots.
            autostart: Whether a bot is wanted to run that nobody has started or stopped yet.
            by: Who wrote the file, for the event; None where nobody knows.

        Raises:
            InputError: If the id cannot be one.
        """
        if not _ID.fullmatch(bot):
            raise InputError(f"bot id {bot!r} cannot be one: up to 63 lower case letters, digits, - and _, such as btc-trend")
        place = PurePath(file).name
        who, named = (place, {}) if by is None else (f"{by}, in {place}", {"by": by})
        values = {"config": config, "config_digest": digest, "config_file": file}
        new = insert(bots).values(id=bot, wanted="running" if autostart else "stopped", **values)
        if self._connection.execute(new.on_conflict_do_nothing()).rowcount:
            self._add_events(
                [EventRow(bot=bot, kind="created", text=f"created by {who}", details={"autostart": autostart} | named)]
            )
            return "created"
        before = lock(self._connection, bots.c.id == bot)[bot]
        if autostart and before["wanted_at"] == before["created_at"]:
            self._change([bot], wanted="running")
        if before["config_digest"] == digest:
            self._change([bot], config_file=file, problem=None)
            return "same"
        self._change([bot], **values, config_at=CLOCK, problem=None)
        details = {"before": before["config_digest"], "after": digest, "changes": changes(before["config"], config)} | named
        self._add_events([EventRow(bot=bot, kind="configured", text=f"changed by {who}", details=details)])
        return "changed"

    def note_problem(self, bot: str, problem: str | None) -> None:
        """Note why the file of a bot cannot be used, or that it can; an event tells of another problem than before.

        A bot that never had a file that could be used is not there: nothing is noted.
        """
        problem = clean(problem)
        before = lock(self._connection, bots.c.id == bot).get(bot)
        if before is None or before["problem"] == problem:
            return
        self._change([bot], problem=problem)
        if problem is not None:
            self._add_events(
                [EventRow(bot=bot, kind="problem", text=problem, details={"file": PurePath(before["config_file"]).name})]
            )

    # -- wishes --------------------------------------------------------------------------------------------------

    def wish(
        self, wanted: Literal["running", "stopped"], ids: Sequence[str] | None = None, *, by: str, from_now: bool = False
    ) -> list[str]:
        """Say what is wanted of bots, and return the ids of those for which that changes something; it counts with the commit.

        No step of a stopped bot is taken any more. A start ends a lease from before the stop, parking, and the wait after a crash.

        Args:
            wanted: `running` or `stopped`.
            ids: Of which; None for all.
            by: Who wishes it, for the event.
            from_now: Whether the start skips the candles that were missed.

        Raises:
            InputError: If an id is of no bot; then nothing changes.
        """  # fmt: skip
        some = [] if ids is None else [is_one(known(self._connection, ids))]
        found = lock(self._connection, *some)
        if wanted == "stopped":
            changed = [bot for bot, row in found.items() if row["wanted"] != "stopped"]
            free = [bot for bot in changed if not found[bot]["has_lease"]]
            self._change(changed, wanted="stopped", wanted_at=CLOCK, from_now=False, retry_at=None)
            self._change(free, **_FREE, state="stopped", reason="", state_at=CLOCK)
        else:
            changed = [bot for bot, row in found.items() if row["wanted"] != "running" or _waits(row)]
            anew = {"state": "stopped", "reason": "", "state_at": CLOCK, "lease_epoch": _EPOCH, "retry_at": None, **_FREE}
            self._change(changed, wanted="running", wanted_at=CLOCK, from_now=from_now, **anew)
        kind = "started" if wanted == "running" else "stopped"
        details = {"by": by} | ({"from_now": from_now} if wanted == "running" else {})
        self._add_events([EventRow(bot=bot, kind=kind, text=f"{kind} by {by}", details=details) for bot in changed])
        return changed

    # -- leases --------------------------------------------------------------------------------------------------

    def take(self, owner: str, *, most: int, seconds: float, only: Collection[str] | None = None) -> list[StoredBot]:
        """Lease bots that nobody has and that are wanted to run, and return them with their accounts, each with a new epoch.

        Not those that are parked, wait after a crash, or that somebody else is changing just now.

        Args:
            owner: Who takes them: the name of a runner.
            most: How many at most.
            seconds: For how long, unless it is renewed.
            only: Of which; None for all.
        """  # fmt: skip
        end_standstill(self._connection)
        kept = bots.c
        due = sa.or_(kept.retry_at.is_(None), kept.retry_at <= CLOCK)
        query = sa.select(kept.id).where(kept.wanted == "running", ~HAS_LEASE, due, kept.state != "parked").order_by(kept.id)
        query = query if only is None else query.where(is_one(only))
        ids = list(self._connection.scalars(query.limit(most).with_for_update(skip_locked=True, key_share=True)))
        if not ids:
            return []
        lease = {"lease_owner": owner, "lease_epoch": _EPOCH, "lease_until": _after(seconds), "heartbeat_at": CLOCK}
        self._change(ids, **lease, state="starting", reason="", state_at=CLOCK, retry_at=None)
        taken = read(self._connection, is_one(ids), accounts=True)
        self._add_events(
            [
                EventRow(bot=bot.id, epoch=bot.lease_epoch, kind="leased", text=f"taken by {owner}", details={"owner": owner})
                for bot in taken
            ]
        )
        return taken

    def renew(self, owner: str, epochs: Mapping[str, int], *, well: Collection[str], seconds: float) -> Sequence[Held]:
        """Renew leases, and return the bots that the runner still has, by id, with what is wanted of them.

        Args:
            owner: Who has them.
            epochs: Of the lease of each.
            well: For which of them a heartbeat is noted.
            seconds: For how long from now on.
        """
        own = self._own(epochs, lambda row: row["lease_owner"] == owner)
        heartbeat = sa.case((is_one(set(well).intersection(own)), CLOCK), else_=bots.c.heartbeat_at)
        self._change(list(own), lease_until=_after(seconds), heartbeat_at=heartbeat)
        return [Held(id=bot, wanted=row["wanted"], config_digest=row["config_digest"]) for bot, row in own.items()]

    def held(self, owner: str, epochs: Mapping[str, int]) -> Sequence[Held]:
        """Return what `renew` does, and renew nothing."""
        kept = bots.c
        query = sa.select(kept.id, kept.wanted, kept.config_digest, kept.lease_epoch)
        rows = self._connection.execute(query.where(is_one(epochs), kept.lease_owner == owner).order_by(kept.id))
        return [
            Held(id=row.id, wanted=row.wanted, config_digest=row.config_digest) for row in rows if row.lease_epoch == epochs[row.id]
        ]

    def release(
        self, bot: str, epoch: int, *, state: str, reason: str, retry_seconds: float | None = None, event: EventRow | None = None
    ) -> bool:
        """End a lease, and return whether it was still the bot's; nothing is written under it any more.

        Args:
            bot: Its id.
            epoch: Of the lease.
            state: In which the bot is left; `parked` until a person wishes that it runs.
            reason: Why, in words.
            retry_seconds: For how long nobody takes it; None for not at all.
            event: What happened; its bot and epoch are these.
        """
        if not self._own({bot: epoch}, lambda row: row["lease_owner"] is not None):
            return False
        retry = None if retry_seconds is None else _after(retry_seconds)
        self._change([bot], **_FREE, **_into(state, reason), retry_at=retry, lease_epoch=_EPOCH)
        if event is not None:
            self._add_events([EventRow(bot=bot, epoch=epoch, kind=event.kind, text=event.text, details=event.details)])
        return True

    def set_states(self, states: Mapping[str, tuple[int, str, str]]) -> set[str]:
        """Say what bots do: by id the epoch of the lease, state and reason; return those whose lease it is, only they change."""
        alike: dict[tuple[str, str], list[str]] = {}
        for bot in self._own({bot: epoch for bot, (epoch, _, _) in states.items()}, lambda row: row["lease_owner"] is not None):
            alike.setdefault(states[bot][1:], []).append(bot)
        for (state, reason), ids in alike.items():
            self._change(ids, **_into(state, reason))
        return {bot for ids in alike.values() for bot in ids}

    def crashes(self, bot: str, *, within_seconds: float) -> int:
        """Return how often a bot crashed in so many seconds until now, since a person last started it."""
        of = bot_events.c
        started = sa.select(bots.c.wanted_at).where(bots.c.id == bot).scalar_subquery()
        recent = (of.at > started, of.at > _after(-within_seconds))
        query = sa.select(sa.func.count()).select_from(bot_events).where(of.bot == bot, of.kind == "crashed", *recent)
        return int(self._connection.execute(query).scalar_one())

    # -- the end of accounts -------------------------------------------------------------------------------------

    def reset(self, bot: str, *, by: str | None = None) -> None:
        """Give a bot a new account; what it wrote of the old one stays, under that run; `by` is who wishes it, for the event.

        Raises:
            InputError: If there is no such bot, it is wanted to run, or a runner still has it.
        """
        run = self._idle(bot)["run"]
        self._change([bot], **_FRESH, **_FREE, run=run + 1, state="stopped", reason="", state_at=CLOCK)
        details = {"run": run, "new_run": run + 1} | ({} if by is None else {"by": by})
        text = f"account {run} ended, {run + 1} begins" + ("" if by is None else f", by {by}")
        self._add_events([EventRow(bot=bot, kind="reset", text=text, details=details)])

    def delete(self, bot: str) -> None:
        """Remove a bot with all that it wrote.

        Raises:
            InputError: If there is no such bot, it is wanted to run, or a runner still has it.
        """
        self._idle(bot)
        self._connection.execute(sa.delete(bot_performance).where(bot_performance.c.bot == bot))
        self._connection.execute(sa.delete(bots).where(bots.c.id == bot))

    # -- read ----------------------------------------------------------------------------------------------------

    def get(self, bot: str) -> StoredBot:
        """Return a bot with its account.

        Raises:
            InputError: If there is none of that id.
        """
        found = read(self._connection, bots.c.id == bot, accounts=True)
        if not found:
            raise unknown(self._connection, bot)
        return found[0]

    def exposures(self) -> Sequence[BotExposure]:
        """Return what is held by each bot that is wanted to run or holds something, by id."""
        query = sa.select(bots.c.id, bots.c.wanted, bots.c.exposure, bots.c.equity).order_by(bots.c.id)
        return [
            BotExposure(id=row.id, exposure=row.exposure or {}, equity=row.equity)
            for row in self._connection.execute(query)
            if row.wanted == "running" or any((row.exposure or {}).values())
        ]

    def list(self) -> list[StoredBot]:
        """Return all bots by id, without accounts."""
        return read(self._connection, accounts=False)

    def _idle(self, bot: str) -> sa.RowMapping:
        found = lock(self._connection, bots.c.id == bot)
        if bot not in found:
            raise unknown(self._connection, bot)
        row = found[bot]
        if row["wanted"] != "stopped":
            raise InputError(f"bot {bot} is wanted to run; stop it first: `tcpdash bots stop {bot}`")
        if row["has_lease"]:
            raise InputError(f"bot {bot} is stopped, but {row['lease_owner']} still has it; try again in a few seconds")
        return row

    def _own(self, epochs: Mapping[str, int], has: Any) -> dict[str, sa.RowMapping]:
        found = lock(self._connection, is_one(epochs))
        return {bot: row for bot, row in found.items() if row["lease_epoch"] == epochs[bot] and has(row)}

    def _change(self, ids: Sequence[str], **values: Any) -> None:
        """Change bots that are locked."""
        if ids:
            self._connection.execute(sa.update(bots).where(is_one(ids)).values(**values))


def _after(seconds: float) -> sa.ColumnElement[Any]:
    return CLOCK + timedelta(seconds=seconds)


def _into(state: str, reason: str) -> dict[str, Any]:
    since = sa.case((bots.c.state == state, bots.c.state_at), else_=CLOCK)
    return {"state": state, "reason": clean(reason), "state_at": since}


def _waits(row: sa.RowMapping) -> bool:
    return row["state"] == "parked" or row["retry_at"] is not None
