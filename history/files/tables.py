"""Reads parquet and feather, a record batch at a time."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from history.files.errors import FileRefused
from history.files.opening import Kind, Opened
from history.files.source import Batch, Head, Progress

_BATCH_ROWS = 1 << 16
_SAMPLE_ROWS = 1_000


class TableFile:
    """A parquet file, or a feather file of version 2."""

    word = "row"

    def __init__(self, opened: Opened) -> None:
        self.file, self._opened = opened.file, opened
        with self._reader() as (schema, batches):
            sample, _ = next(batches(list(range(len(schema)))), (None, 1.0))
        first = [] if sample is None else sample.slice(0, _SAMPLE_ROWS).columns
        columns = [[str(value) for value in column.to_pylist()] for column in first]
        if not columns or not columns[0]:
            raise FileRefused(self.file, "has no rows")
        self.head = Head(list(schema.names), [list(row) for row in zip(*columns, strict=True)], "", opened.names)

    def batches(self, columns: Collection[int], progress: Progress) -> Iterator[Batch]:
        """Yield the rows as they are typed."""
        wanted, done = sorted(columns), 0
        with self._reader() as (_, batches):
            for batch, part_read in batches(wanted):
                for begin in range(0, batch.num_rows, _BATCH_ROWS):
                    part = batch.slice(begin, _BATCH_ROWS)
                    places = np.arange(done + 1, done + part.num_rows + 1, dtype=np.int64)
                    typed = [self._typed(name, column) for name, column in zip(part.schema.names, part.columns, strict=True)]
                    yield Batch(dict(zip(wanted, typed, strict=True)), places)
                    done += part.num_rows
                progress(part_read)

    def _typed(self, name: str, column: Any) -> Any:
        kind = column.type
        if pa.types.is_nested(kind) or pa.types.is_time(kind) or pa.types.is_duration(kind):
            raise FileRefused(self.file, f"has {kind} in its column {name}, which is neither a number nor a text nor a moment")
        return column.dictionary_decode() if pa.types.is_dictionary(kind) else column

    @contextmanager
    def _reader(self) -> Iterator[tuple[pa.Schema, Callable[[list[int]], Iterator[Any]]]]:
        """Yield the schema, and what gives the batches of some columns, each with the part of the file that is read then."""
        try:
            if self._opened.kind is Kind.PARQUET:
                with pa.parquet.ParquetFile(self.file) as file:
                    yield file.schema_arrow, lambda wanted: _of_parquet(file, wanted)
            else:
                with pa.OSFile(str(self.file)) as opened, pa.ipc.open_file(opened) as reader:
                    yield reader.schema, lambda wanted: _of_feather(reader, wanted)
        except (pa.ArrowInvalid, OSError) as error:  # of reading: who takes the batches raises elsewhere
            raise FileRefused(self.file, f"is {self._opened.kind} that breaks off or is damaged ({error})") from error


def _of_parquet(file: Any, wanted: list[int]) -> Iterator[Any]:
    names, total, done = [file.schema_arrow.names[each] for each in wanted], file.metadata.num_rows, 0
    for batch in file.iter_batches(_BATCH_ROWS, columns=names, use_threads=False):
        done += batch.num_rows
        yield batch.select(names), done / total


def _of_feather(reader: Any, wanted: list[int]) -> Iterator[Any]:
    total = reader.num_record_batches
    for number in range(total):
        yield reader.get_batch(number).select(wanted), (number + 1) / total
