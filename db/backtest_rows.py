"""Backtests as rows: numbers as JSON that comes back to the last digit, and trades in and out in bulk."""

from collections.abc import Iterator, Mapping, Sequence
from math import isinf, isnan
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from db.binary import Column, decode, encode, from_postgres, to_postgres
from db.bulk import copy_in, copy_out
from market.clock import from_datetime
from market.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_KINDS = {
    "number": "i8", "symbol": "i4", "side": "i4", "entered_at": "i8", "left_at": "i8", "bars": "i8", "size": "f8",
    "entry_price": "f8", "exit_price": "f8", "profit": "f8", "return": "f8", "fees": "f8", "value": "f8", "reason": "i4",
    "best": "f8", "worst": "f8", "touches_hole": "?",
}  # fmt: skip
_WORDS = ("symbol", "side", "reason")
_MOMENTS = ("entered_at", "left_at")

TRADE_COLUMNS = tuple(_KINDS)
"""Columns of a table of trades, in order."""

Trades = "Mapping[str, Any] | pd.DataFrame"
"""Columns of trades by name; moments are UTC epoch microseconds or aware datetimes."""

# How many there are in all, once for each combination of words on the page, and once where it has none.
_WORDS_OF_PAGE = """
select total.count, words.* from (select count(*) from backtest_trades where backtest = :backtest) as total
left join (
    select distinct symbol, side, reason from (
        select symbol, side, reason from backtest_trades where backtest = :backtest order by number offset :offset limit :limit
    ) as page
) as words on true
"""
# Words are read as their places in lists, so that all rows have the same width.
_READ = ", ".join(f"array_position(%({name})s, {name}) - 1" if name in _WORDS else f'"{name}"' for name in _KINDS)
_SELECT = f"""
select {_READ} from backtest_trades where backtest = %(backtest)s order by number offset %(offset)s limit %(limit)s
"""  # noqa: S608 - names of ours


def plain(value: Any, where: str) -> Any:
    """Return a value as JSON can have it: NaN is None, arrays are lists.

    Args:
        value: Of dicts, lists, texts, numbers, True, False and None.
        where: What it is, for the message.

    Raises:
        InputError: If a number in it is infinite.
    """
    if isinstance(value, float):
        return None if isnan(value) else finite(float(value), where)
    if isinstance(value, Mapping):
        return {key: plain(each, f"{where}.{key}") for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, where) for each in value]
    return plain(value.tolist(), where) if isinstance(value, np.ndarray | np.generic) else value


def finite(value: float, where: str) -> float:
    """Return a number that is not infinite.

    Raises:
        InputError: If it is.
    """
    if isinf(value):
        raise InputError(f"{where} is {value}, and a stored number has to be finite; where there is none, give NaN or None")
    return value


def write_trades(connection: sa.Connection, backtest: str, trades: Any) -> None:
    """Write the trades of a backtest that has none; see `Trades`.

    Raises:
        InputError: If a column is missing, is shorter than the others, or has an infinite number.
        RowsExist: If two trades have one number.
    """
    columns = _columns(trades)
    if len(columns["number"]):
        copy_in(connection, "backtest_trades", ("backtest", *_KINDS), data=encode(_blocks(backtest, columns)))


def read_trades(connection: sa.Connection, backtest: str, offset: int, limit: int | None) -> "tuple[pd.DataFrame, int]":
    """Return trades in the order of their numbers as a table with `TRADE_COLUMNS`, and how many there are in all."""
    page = {"backtest": backtest, "offset": offset, "limit": limit}
    found = connection.execute(sa.text(_WORDS_OF_PAGE), page).mappings().all()
    known = {name: sorted({row[name] or "" for row in found}) for name in _WORDS}
    return _frame(decode(copy_out(connection, _SELECT, page | known), list(_KINDS.items())), known), int(found[0]["count"])


def _columns(trades: Any) -> dict[str, NDArray[Any]]:
    missing = [name for name in _KINDS if name not in trades]
    if missing:
        raise InputError(f"trades have no column {', '.join(missing)}; they need {', '.join(_KINDS)}")
    columns = {name: _column(name, trades[name]) for name in _KINDS}
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise InputError(f"the columns of trades differ in length: {sizes}")
    for name, column in columns.items():
        if column.dtype.kind == "f" and np.isinf(column).any():
            finite(float(column[np.isinf(column)][0]), f"{name} of a trade")
    return columns


def _column(name: str, values: Any) -> NDArray[Any]:
    if name in _WORDS:
        return np.asarray([str(word) for word in values], np.str_)
    if name in _MOMENTS:
        return to_postgres(_moments(values))
    return np.asarray(values, _KINDS[name])


def _moments(values: Any) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.dtype.kind == "M":
        return array.astype("M8[us]").astype(np.int64)
    if array.dtype.kind == "O":
        return np.array([from_datetime(moment) for moment in array], np.int64)
    return array.astype(np.int64)


def _blocks(backtest: str, columns: Mapping[str, NDArray[Any]]) -> Iterator[Sequence[Column]]:
    """Yield the trades in blocks that have the same words: in a block all have one width."""
    pattern = np.zeros(len(columns["number"]), np.int64)
    for name in _WORDS:
        known, places = np.unique(columns[name], return_inverse=True)
        pattern = pattern * len(known) + places
    for one in np.unique(pattern):
        rows = np.flatnonzero(pattern == one)
        yield [backtest, *(str(columns[name][rows[0]]) if name in _WORDS else columns[name][rows] for name in _KINDS)]


def _frame(columns: Mapping[str, NDArray[Any]], known: Mapping[str, list[str]]) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415 - not for the path of the data

    from db.frames import moments, words  # noqa: PLC0415 - see above

    table: dict[str, Any] = dict(columns)
    table |= {name: words(columns[name], known[name]) for name in _WORDS}
    table |= {name: moments(np.asarray(from_postgres(columns[name]))) for name in _MOMENTS}
    return pd.DataFrame(table, columns=list(_KINDS), copy=False)
