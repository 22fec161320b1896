"""Candles as rows of `market_data`: how a series becomes rows, and rows a series."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from db.binary import Column, decode, encode, from_postgres, to_postgres
from db.bulk import copy_in, copy_out, stage
from db.series import KINDS, NULLS, ORIGINS, CandleSeries
from market.timeframe import Timeframe

COLUMNS = ("symbol", "timeframe", *KINDS)
_NO_ID = np.iinfo(np.int64).min
_INITIALS = np.array([ord(origin[0]) for origin in ORIGINS], np.int32)

# All rows have the same width: no nulls, and of the origin only the first letter.
_FIXED_WIDTH = f"""
select timestamp, open, high, low, close, volume,
       coalesce(quote_volume, 'NaN'), coalesce(trades, -1), coalesce(taker_buy_volume, 'NaN'),
       coalesce(first_trade_id, {_NO_ID}), coalesce(last_trade_id, {_NO_ID}), coalesce(complete::integer, -1),
       ascii(origin), revision{{more}}
from ({{query}}) as candles
"""  # noqa: S608 - a number of ours

# What may take the place of a stored row: a revision, ours for the venue's, and what the caller forces on it.
_MERGE = """
insert into market_data as stored ({columns}) select {columns} from {staged}
on conflict (symbol, timeframe, timestamp) do update set {assignments}, updated_at = now()
where excluded.revision > stored.revision
   or (stored.origin = 'exchange' and excluded.origin <> 'exchange')
   or (%(force)s and ({new}) is distinct from ({old}))
"""


def insert(connection: sa.Connection, series: CandleSeries) -> None:
    """Write rows that are all new.

    Raises:
        RowsExist: If one of them is not; the transaction can go on only if the caller set a savepoint.
    """
    copy_in(connection, "market_data", COLUMNS, data=encode_series([series]))


def merge(connection: sa.Connection, several: Iterable[CandleSeries], *, force: bool) -> int:
    """Write rows that may be stored already; return how many were added or changed."""
    staged = stage(connection, "market_data", COLUMNS, data=encode_series(several))
    statement = _MERGE.format(
        columns=", ".join(COLUMNS),
        staged=staged,
        assignments=", ".join(f"{name} = excluded.{name}" for name in KINDS),
        new=", ".join(f"excluded.{name}" for name in KINDS),
        old=", ".join(f"stored.{name}" for name in KINDS),
    )
    return connection.exec_driver_sql(statement, {"force": force}).rowcount


def select(connection: sa.Connection, query: str, parameters: Mapping[str, object], *, of: tuple[str, Timeframe]) -> CandleSeries:
    """Return the rows of a query as a series.

    Args:
        connection: Of a transaction.
        query: Gives the columns in `KINDS`, oldest first.
        parameters: Of the query.
        of: Symbol and timeframe of its rows.
    """
    return CandleSeries(*of, _read(connection, _FIXED_WIDTH.format(query=query, more=""), parameters, KINDS))


def select_sources(
    connection: sa.Connection, query: str, parameters: Mapping[str, object], *, of: tuple[str, Timeframe]
) -> dict[int, CandleSeries]:
    """Return the rows of a query as a series for each number in its last column, `source`; see `select`."""
    columns = _read(connection, _FIXED_WIDTH.format(query=query, more=", source"), parameters, {**KINDS, "source": "i4"})
    sources = columns.pop("source")
    return {int(each): CandleSeries(*of, columns).take(sources == each) for each in np.unique(sources)}


def _read(
    connection: sa.Connection, query: str, parameters: Mapping[str, object], kinds: Mapping[str, str]
) -> dict[str, NDArray[Any]]:
    columns = decode(copy_out(connection, query, parameters), list(kinds.items()))
    columns["timestamp"] = from_postgres(columns["timestamp"])
    columns["origin"] = _positions(columns["origin"])
    return columns


def _positions(initials: np.ndarray[tuple[int], np.dtype[np.int32]]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    table = np.zeros(128, np.int32)
    table[_INITIALS] = np.arange(len(_INITIALS))
    return table[initials]


def encode_series(several: Iterable[CandleSeries]) -> Iterator[bytes]:
    """Return series as one COPY BINARY file, in pieces."""
    return encode([block for series in several for block in _blocks(series)])


def _blocks(series: CandleSeries) -> Iterator[Sequence[Column]]:
    """Yield the rows in blocks that have the same origin and are null in the same columns: in a block all have one width."""
    pattern = series.columns["origin"].astype(np.int64)
    for name in NULLS:
        pattern = pattern * 2 + series.nulls(name)
    patterns = np.unique(pattern)
    for one in patterns:
        part = series if len(patterns) == 1 else series.take(pattern == one)
        columns: dict[str, Column] = {**part.columns, "timestamp": to_postgres(part.columns["timestamp"])}
        columns["origin"] = str(ORIGINS[part.columns["origin"][0]])
        columns["complete"] = part.columns["complete"] == 1
        columns.update({name: None for name in NULLS if part.nulls(name)[0]})
        yield [series.symbol, str(series.timeframe), *(columns[name] for name in KINDS)]
