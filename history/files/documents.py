"""Reads json as a whole: lists of rows, lists of objects, and the answers of Coinbase and Kraken."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from history.files.errors import FileRefused
from history.files.opening import Opened
from history.files.source import Batch, Head, Progress

_MOST_BYTES = 256 << 20
_BATCH_ROWS = 1 << 16
_SAMPLE_ROWS = 1_000


class JsonFile:
    """A json file with a list of candles."""

    word = "row"

    def __init__(self, opened: Opened) -> None:
        self.file, self._opened = opened.file, opened
        rows = self._rows()
        first = rows[0]
        names = [str(name) for name in first] if isinstance(first, dict) else None
        sample = [_cells(row, names) for row in rows[:_SAMPLE_ROWS] if isinstance(row, type(first))]
        self.head = Head(names, [[_text(cell) for cell in row] for row in sample], "", opened.names)

    def batches(self, columns: Collection[int], progress: Progress) -> Iterator[Batch]:
        """Yield the rows part by part: as text they take several times the memory that they take as numbers."""
        rows = self._rows()
        for begin in range(0, len(rows), _BATCH_ROWS):
            yield self._batch(rows[begin : begin + _BATCH_ROWS], begin + 1, columns)
            progress(min(1.0, (begin + _BATCH_ROWS) / len(rows)))

    def _batch(self, rows: list[Any], first: int, columns: Collection[int]) -> Batch:
        names, width = self.head.names, len(self.head.rows[0])
        whole: list[Sequence[Any]] = []
        places, faults = [], []
        kind = dict if names else list
        for place, row in enumerate(rows, first):
            if isinstance(row, kind) and len(row) == width and (names is None or all(name in row for name in names)):
                whole.append(_cells(row, names))
                places.append(place)
            else:
                faults.append(
                    (place, f"{msgspec.json.encode(row)[:60].decode(errors='replace')} has not the form of the first row")
                )
        texts = {each: pa.array([_text(row[each]) for row in whole], pa.string()) for each in sorted(columns)}
        return Batch(texts, np.array(places, np.int64), faults)

    def _rows(self) -> list[Any]:
        with self._opened.stream() as (stream, _):
            data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise FileRefused(self.file, f"is json of more than {_MOST_BYTES >> 20} MiB; turn it into csv, parquet or feather")
        try:
            document = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FileRefused(self.file, _why_not(data, error)) from error
        if document == []:
            raise FileRefused(self.file, "has no rows")
        rows = _list_in(document)
        if not rows or not isinstance(rows[0], dict | list) or not rows[0]:
            raise FileRefused(
                self.file, f"is json without a list of candles; it begins with {data[:80].decode(errors='replace')!r}"
            )
        return rows


def _why_not(data: bytes, error: Exception) -> str:
    first = data.split(b"\n", 1)[0].strip()
    try:
        row = msgspec.json.decode(first)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"is json that breaks off or is damaged ({error})"
    if isinstance(row, dict) and {"ts_ns", "dir"} <= row.keys():
        return "is a tape of recorded frames; play it with `tcpdash up --tape`"
    if isinstance(row, dict) and {"method", "path"} <= row.keys():
        return "holds recorded answers over REST, not candles; `tcpdash backfill` asks the venue itself"
    return "has a json document in each line (jsonl); turn it into one list, or into csv"


def _list_in(document: Any) -> list[Any]:
    """Return the rows: the document, or the only list in it; Kraken's and Coinbase's answers wrap it."""
    if isinstance(document, dict):
        inner = document.get("result", document)
        lists = [value for value in inner.values() if isinstance(value, list) and value] if isinstance(inner, dict) else []
        return lists[0] if len(lists) == 1 else []
    return document if isinstance(document, list) else []


def _cells(row: Any, names: list[str] | None) -> list[Any]:
    return [row.get(name) for name in names] if names is not None else list(row)


def _text(cell: Any) -> str:
    # What Python prints for a float reads back as the same float.
    return "" if cell is None else cell if isinstance(cell, str) else str(cell)
