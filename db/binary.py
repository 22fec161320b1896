"""PostgreSQL's COPY BINARY format to and from numpy columns.

A file is a header, rows, and -1 as a 16-bit number. A row is the number of its columns as 16 bits, then for each column the
length of its value in bytes as 32 bits (-1 for null) and the value, all big-endian. Rows whose values have the same lengths
are therefore one numpy structured array, made and read without a loop over rows.
https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any] | str | None
"""One column of a block: a value for each row, one text for all rows, or null for all rows."""

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_PIECE_ROWS = 4_096  # as many as fit into the processor's cache: each column passes over all rows
_EPOCH_US = 946_684_800_000_000  # PostgreSQL counts microseconds from 2000-01-01


def encode(blocks: Iterable[Sequence[Column]]) -> Iterator[bytes]:
    """Yield a COPY BINARY file made of blocks of rows, piece by piece: the server reads one while the next is made.

    Args:
        blocks: Each has the table's columns in order. Arrays may be int64 (bigint), int32 (integer), float64 (double
            precision), bool (boolean), or what `to_postgres` made (timestamptz); at least one is an array.
    """
    yield _HEADER
    for block in blocks:
        yield from _encode_block(block)
    yield _TRAILER


def decode(data: bytes, kinds: Sequence[tuple[str, str]]) -> dict[str, NDArray[Any]]:
    """Return the columns of a COPY BINARY file in the machine's own byte order.

    Args:
        data: The file; no value may be null.
        kinds: Name and numpy type of each column, `i8`, `i4`, `f8` or `?`.

    Raises:
        ValueError: If the rows are not of these columns.
    """
    fields = [("columns", ">i2")]
    for name, kind in kinds:
        fields += [(f"length of {name}", ">i4"), (name, ">" + kind if kind != "?" else kind)]
    layout = np.dtype(fields)
    body = len(data) - len(_HEADER) - len(_TRAILER)
    rows = np.frombuffer(data, layout, count=max(body, 0) // layout.itemsize, offset=len(_HEADER))
    if body % layout.itemsize or not _as_told(rows, kinds):
        raise ValueError(f"COPY gave {body} bytes, which are not rows of {', '.join(name for name, _ in kinds)}")
    columns = {name: np.empty(len(rows), kind) for name, kind in kinds}
    for first in range(0, len(rows), _PIECE_ROWS):
        piece = slice(first, first + _PIECE_ROWS)
        for name, column in columns.items():
            column[piece] = rows[name][piece]
    return columns


def to_postgres(moments_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return UTC epoch microseconds as timestamptz counts them."""
    return moments_us - _EPOCH_US


def from_postgres(moments: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return timestamptz values as UTC epoch microseconds."""
    return moments + _EPOCH_US


def _encode_block(columns: Sequence[Column]) -> Iterator[bytes]:
    size = max(len(column) for column in columns if isinstance(column, np.ndarray))
    rows = np.empty(min(size, _PIECE_ROWS), _layout(columns))
    rows["columns"] = len(columns)
    changing: list[tuple[NDArray[Any], NDArray[Any]]] = []
    for number, column in enumerate(columns):
        rows[f"length {number}"] = -1 if column is None else rows.dtype[f"value {number}"].itemsize
        if isinstance(column, str):
            rows[f"value {number}"] = column.encode()
        elif column is not None:
            changing.append((rows[f"value {number}"], column))
    for first in range(0, size, _PIECE_ROWS):
        here = min(_PIECE_ROWS, size - first)
        for values, column in changing:
            values[:here] = column[first : first + here]
        yield rows[:here].tobytes()


def _layout(columns: Sequence[Column]) -> np.dtype[np.void]:
    fields = [("columns", ">i2")]
    for number, column in enumerate(columns):
        fields.append((f"length {number}", ">i4"))
        if isinstance(column, str):
            fields.append((f"value {number}", f"S{len(column.encode())}"))
        elif column is not None:
            fields.append((f"value {number}", column.dtype.newbyteorder(">").str))
    return np.dtype(fields)


def _as_told(rows: NDArray[Any], kinds: Sequence[tuple[str, str]]) -> bool:
    # The last row is enough: one value of another length shifts all that follow.
    if not len(rows):
        return True
    last = rows[-1]
    lengths = all(last[f"length of {name}"] == np.dtype(kind).itemsize for name, kind in kinds)
    return bool(lengths and last["columns"] == len(kinds))
