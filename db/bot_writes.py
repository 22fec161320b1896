"""What steps of bots lead to, written in bulk: the rows of all of them go to the server as one JSON text for each table."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from db.bot_rows import EventRow, OrderRow, PerformanceRow, PostingRow, SignalRow, TradeRow, Written
from db.tables import bot_events, bot_orders, bot_performance, bot_postings, bot_signals, bot_trades
from market.clock import to_datetime
from market.errors import InputError
from market.timeframe import DAY_US

COLUMNS = {"timestamp_us": "timestamp", "made_us": "made_at", "ended_us": "ended_at", "at_us": "at"}
"""Names of columns where they are not those of the values."""

_OF_SERVER = ("at_us", "bot", "epoch", "id")  # of events: the step or the server says it
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_MOMENT = "timestamptz 'epoch' + {} * interval '1 microsecond'"

# Of several steps of a bot the last; steps are merged before.
_ADVANCE = f"""
update bots set account = step.account, acted_until = {_MOMENT.format("step.acted_until_us")}, state = step.state,
    reason = step.reason, state_at = case when bots.state = step.state then bots.state_at else clock_timestamp() end,
    equity = step.equity, cash = step.cash, exposure = step.exposure, from_now = false
from json_to_recordset(cast(:steps as json)) as step (
    bot text, account json, acted_until_us bigint, state text, reason text, equity numeric, cash numeric, exposure json
) where bots.id = step.bot
"""  # noqa: S608 - text of ours
# JSON may have the character 0, and PostgreSQL has none in texts.
_FORBIDDEN = re.compile("[\0\ud800-\udfff]")
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class _Kind:
    """One of the lists of `Written`: its table, what tells rows of a bot apart, and the statement that writes it.

    Args:
        name: Of the list.
        table: Where its rows go.
        row: Their type.
        key: What two rows of a bot must not have in common; of those the last is written. None where each is another.
        replace: Whether a row takes the place of the stored one with its key; else the stored one stays.
    """

    def __init__(
        self, name: str, table: sa.Table, *, row: type[Any], key: Callable[[Any], Any] | None, replace: bool
    ) -> None:  # fmt: skip
        self.name, self._key = name, key
        self._amounts = [each.name for each in fields(row) if "Decimal" in str(each.type)]
        names = [each.name for each in fields(row) if each.name not in _OF_SERVER]
        self.statement = sa.text(_insert(table, names, replace=replace))

    def rows(self, steps: Sequence[Written]) -> list[Any]:
        """Return the rows of the steps of a bot.

        Raises:
            InputError: If an amount is no number.
        """
        found = [row for step in steps for row in getattr(step, self.name)]
        if self._key is not None:
            found = list({self._key(row): row for row in found}.values())
        for row in found:
            _check(steps[0].bot, {name: getattr(row, name) for name in self._amounts})
        return found


def _insert(table: sa.Table, names: Sequence[str], *, replace: bool) -> str:
    columns = {name: table.c[COLUMNS.get(name, name)] for name in names}
    target = ", ".join(f'"{column.name}"' for column in columns.values())
    declared = ", ".join(f'"{name}" {_type(name, column)}' for name, column in columns.items())
    values = ", ".join(_MOMENT.format(f'item."{name}"') if name in COLUMNS else f'item."{name}"' for name in columns)
    own = [name for name in ("bot", "run", "epoch") if name in table.c]
    keys = {column.name for column in table.primary_key}
    changed = [column.name for column in columns.values() if column.name not in keys] + ["epoch"]
    assignments = [f'"{name}" = excluded."{name}"' for name in changed]
    if "written_at" in table.c:
        assignments.append("written_at = excluded.written_at")
    action = f"do update set {', '.join(assignments)}" if replace else "do nothing"
    own_values, names_ = ", ".join(f"step.{name}" for name in own), ", ".join(f'"{name}"' for name in columns)
    return f"""
insert into {table.name} ({", ".join(own)}, {target}) select {own_values}, {values}
from json_to_recordset(cast(:steps as json)) as step (bot text, run integer, epoch bigint, rows json),
    rows from (json_to_recordset(step.rows) as ({declared})) with ordinality as item ({names_}, place)
order by step.bot, item.place on conflict {f"on constraint {table.name}_key " if replace else ""}{action}
"""  # noqa: S608 - names of ours


def _type(name: str, column: sa.Column[Any]) -> str:
    return "bigint" if name in COLUMNS else str(column.type.compile(_DIALECT)).lower()


_KINDS: tuple[_Kind, ...] = (
    _Kind("signals", bot_signals, row=SignalRow, key=lambda row: (row.timestamp_us, row.symbol), replace=True),
    _Kind("orders", bot_orders, row=OrderRow, key=lambda row: row.number, replace=True),
    _Kind("trades", bot_trades, row=TradeRow, key=None, replace=False),
    _Kind("postings", bot_postings, row=PostingRow, key=None, replace=False),
    _Kind("performance", bot_performance, row=PerformanceRow, key=lambda row: row.timestamp_us, replace=True),
    _Kind("events", bot_events, row=EventRow, key=None, replace=False),
)


def _check(bot: str, amounts: Mapping[str, Decimal | None]) -> None:
    for name, amount in amounts.items():
        if amount is not None and not amount.is_finite():
            raise InputError(f"bot {bot}: {name} is {amount}, and an amount of a ledger has to be a number")


def write(connection: sa.Connection, steps: dict[str, list[Written]]) -> None:
    """Write the steps of bots whose rows are locked; those of a bot are of one account and one lease, oldest first.

    Raises:
        InputError: If an amount is no number.
    """
    lasts = [of_bot[-1] for of_bot in steps.values()]
    for last in lasts:
        _check(last.bot, {"equity": last.equity, "cash": last.cash})
    advanced = [
        {
            "bot": last.bot, "account": last.account, "acted_until_us": last.acted_until_us, "state": last.state,
            "reason": last.reason, "equity": last.equity, "cash": last.cash, "exposure": last.exposure,
        }
        for last in lasts
    ]  # fmt: skip
    connection.execute(sa.text(_ADVANCE), {"steps": text(advanced)})
    for kind in _KINDS:
        found = [
            {"bot": last.bot, "run": last.run, "epoch": last.epoch, "rows": rows}
            for last in lasts
            if (rows := kind.rows(steps[last.bot]))
        ]
        if found:
            connection.execute(kind.statement, {"steps": text(found)})


def text(value: Any) -> str:
    """Return a value as JSON that PostgreSQL takes: decimal numbers as texts, and what it cannot have in texts as U+FFFD."""
    try:
        encoded = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half of a pair of UTF-16: a strategy may say anything
        encoded = msgspec.json.encode(clean(msgspec.to_builtins(value))).decode()
    return _NUL.sub(r"\1\\ufffd", encoded) if "\\u0000" in encoded else encoded


def months(steps: Iterable[Written]) -> list[int]:
    """Return a moment of each month of which steps have performance, UTC epoch microseconds."""
    days = {row.timestamp_us // DAY_US: row.timestamp_us for step in steps for row in step.performance}
    found = {(moment.year, moment.month): moment_us for moment_us in days.values() for moment in [to_datetime(moment_us)]}
    return sorted(found.values())


def clean(value: Any) -> Any:
    """Return a text, or a value with texts in it, with U+FFFD for what PostgreSQL cannot have in texts; others as they are."""
    if isinstance(value, str):
        return _FORBIDDEN.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {clean(key): clean(each) for key, each in value.items()}
    return [clean(each) for each in value] if isinstance(value, list | tuple) else value


def changes(before: Mapping[str, Any], after: Mapping[str, Any], within: str = "") -> dict[str, Any]:
    """Return what differs: by path of the field, the value before and the one after."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found |= changes(old, new, f"{within}{name}.")
        elif old != new:
            found[f"{within}{name}"] = [old, new]
    return found
