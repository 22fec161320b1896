"""What a page reads of backtests: a list by what somebody looks for, parts of documents, and the trades that weigh most."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from db.backtest_rows import TRADE_COLUMNS
from db.backtest_runs import LISTED, STATE, StoredBacktest, stored
from db.tables import backtest_trades, backtests
from market.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

LEAST_DIGITS = 4
"""With fewer digits of an id nobody means one backtest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What somebody looks for among backtests; None, and an empty text, for anything.

    Attributes:
        kind: Only those of it.
        strategy: Only those of it.
        symbol: Only those with it among their symbols.
        state: Only those in it; a dead one is `interrupted`.
        parent: Only those that are a part of it, or made of it.
        text: Only those with it in their id, strategy, symbols, timeframe or parameters, in either case.
    """

    kind: str | None = None
    strategy: str | None = None
    symbol: str | None = None
    state: str | None = None
    parent: str | None = None
    text: str = ""

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        """Yield what a row has to hold."""
        kept = backtests.c
        wanted = (
            (kept.kind, self.kind),
            (kept.strategy, self.strategy),
            (STATE, self.state),
            (kept.parent, self.parent),
        )
        yield from (column == value for column, value in wanted if value is not None)
        if self.symbol is not None:
            yield kept.symbols.any(self.symbol)
        for word in self.text.split():
            yield _ALL_WORDS.icontains(word, autoescape=True)


_ALL_WORDS = sa.func.concat_ws(
    " ", backtests.c.id, backtests.c.strategy, backtests.c.timeframe, sa.func.array_to_string(backtests.c.symbols, " "),
    sa.cast(backtests.c.parameters, sa.Text), type_=sa.Text,
)  # fmt: skip


def page(connection: sa.Connection, looked: Looked, newest: int, offset: int) -> tuple[list[StoredBacktest], int]:
    """Return backtests, the newest first, without coverage and report, and how many there are in all; none behind the last."""
    kept = backtests.c
    # Figures and settings are read of the rows that are shown only, not of all that are counted.
    counted = sa.select(kept.id, sa.func.count().over().label("count")).where(*looked.conditions())
    shown = counted.order_by(kept.started_at.desc(), kept.id.desc()).limit(newest).offset(offset).subquery()
    query = sa.select(*LISTED, shown.c.count.label("count")).join(shown, shown.c.id == kept.id)
    rows = connection.execute(query.order_by(kept.started_at.desc(), kept.id.desc())).mappings().all()
    found = [stored(_without(row, "count")) for row in rows]
    return found, int(rows[0]["count"]) if rows else 0


def facets(connection: sa.Connection) -> tuple[list[str], list[str]]:
    """Return all strategies and all symbols that were tried, in the order of the alphabet."""
    query = sa.text(
        "select distinct strategy, null as symbol from backtests union select distinct null, unnest(symbols) from backtests"
    )
    rows = connection.execute(query).all()
    return sorted(row[0] for row in rows if row[0] is not None), sorted(row[1] for row in rows if row[1] is not None)


def of_flow_run(connection: sa.Connection, flow_run: str) -> StoredBacktest | None:
    """Return the backtest that a run of Prefect began, without coverage and report; None while it began none."""
    query = sa.select(*LISTED).where(backtests.c.flow_run == flow_run).order_by(backtests.c.started_at.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else stored(row)


def several(connection: sa.Connection, prefixes: Sequence[str], parts: Sequence[str]) -> list[StoredBacktest]:
    """Return the backtests whose ids begin with what somebody typed, in that order, each once, with some parts of their documents.

    Args:
        connection: Of a transaction.
        prefixes: The begin of each id, `LEAST_DIGITS` or more of its digits.
        parts: Names in the report; those that it does not have are left out of it, and so are all others.

    Raises:
        InputError: If one is no begin of an id, or the begin of several.
    """
    digits = [_digits(each) for each in prefixes]
    if not digits:
        return []
    kept = backtests.c
    # Once through the report, however many parts are wanted: each `report -> name` would read all of its text again.
    part = sa.func.json_each(kept.report).table_valued("key", "value")
    wanted = sa.select(sa.func.json_object_agg(part.c.key, part.c.value)).where(part.c.key.in_(list(parts))).scalar_subquery()
    query = sa.select(*LISTED, kept.coverage, sa.cast(wanted, sa.JSON).label("report"))
    query = query.where(sa.or_(*(kept.id.startswith(each) for each in digits)))
    rows = connection.execute(query.order_by(kept.id).limit(2 * len(digits) + 1)).mappings().all()
    found = [replace(one, report=one.report or {}) for one in map(stored, rows)]
    ordered = [_only(found, each) for each in digits]
    return list({each.id: each for each in ordered if each is not None}.values())


def largest_trades(connection: sa.Connection, backtest: str, most: int) -> "pd.DataFrame":
    """Return the trades with the largest profits and losses, in the order of their numbers; see `trade_page`.

    `count` is how many there are in all, the same in each row.
    """
    kept = backtest_trades.c
    count = sa.select(sa.func.count()).where(kept.backtest == backtest).scalar_subquery()
    weightiest = sa.select(kept.number).where(kept.backtest == backtest).order_by(sa.func.abs(kept.profit).desc(), kept.number)
    chosen = kept.number.in_(weightiest.limit(most).subquery().select())
    query = sa.select(*_trade_columns(), count.label("count")).where(kept.backtest == backtest, chosen).order_by(kept.number)
    return _trade_frame(connection, query, [*TRADE_COLUMNS, "count"])


def trade_page(connection: sa.Connection, backtest: str, offset: int, limit: int) -> "pd.DataFrame":
    """Return a few trades in the order of their numbers, in one statement; columns as of `BacktestRepository.trades`."""
    kept = backtest_trades.c
    query = sa.select(*_trade_columns()).where(kept.backtest == backtest)
    return _trade_frame(connection, query.order_by(kept.number).offset(offset).limit(limit), TRADE_COLUMNS)


def _trade_columns() -> list[sa.Column[Any]]:
    return [backtest_trades.c[name] for name in TRADE_COLUMNS]


def _trade_frame(connection: sa.Connection, query: sa.Select[Any], names: Sequence[str]) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415 - not for the path of the data

    rows = connection.execute(query).mappings().all()
    frame = pd.DataFrame([dict(row) for row in rows], columns=list(names))
    for name in ("entered_at", "left_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    return frame


def _without(row: sa.RowMapping, *names: str) -> Any:
    return {name: value for name, value in row.items() if name not in names}


def _digits(text: str) -> str:
    digits = text.strip().lower()
    if not re.fullmatch(f"[0-9a-f]{{{LEAST_DIGITS},32}}", digits):
        raise InputError(f"{text!r} is not the begin of an id: {LEAST_DIGITS} to 32 digits from 0 to 9 and a to f")
    return digits


def _only(found: Sequence[StoredBacktest], digits: str) -> StoredBacktest | None:
    own = [each for each in found if each.id.startswith(digits)]
    if len(own) > 1:
        raise InputError(f"several backtests have ids that begin with {digits!r}; give more digits")
    return own[0] if own else None
