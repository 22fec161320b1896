"""Reads csv in blocks, and knows the line of each row."""

import csv
import re
from collections.abc import Callable, Collection, Iterator
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from history.files.errors import FileRefused
from history.files.moments import looks_like_time
from history.files.opening import PREFIX_BYTES, Opened
from history.files.source import Batch, Head, Progress

_BLOCK_BYTES = 8 << 20
_LONGEST_LINE = 1 << 20
_DELIMITERS = ";\t|,"  # a comma may also stand before decimals
_SAMPLE_ROWS = 1_000
_PREAMBLE_LINES = 20
_BOM = b"\xef\xbb\xbf"


class TextFile:
    """A csv file: with or without a header, its cells set apart by comma, semicolon, tab or bar."""

    word = "line"

    def __init__(self, opened: Opened) -> None:
        self.file, self._opened = opened.file, opened
        lines = _first_lines(opened)
        self._delimiter = _delimiter(lines)
        rows = [next(csv.reader([line], delimiter=self._delimiter), []) for line in lines]
        begin = next((number for number, row in enumerate(rows[:_PREAMBLE_LINES]) if _is_data(row)), None)
        if begin is None:
            raise FileRefused(
                self.file, f"has no row of numbers in its first lines{_likely(lines, rows)}; it begins with {lines[0][:80]!r}"
            )
        header = next((number for number in range(begin - 1, -1, -1) if rows[number]), None)
        names = [name.strip() for name in rows[header]] if header is not None else None
        self._skip, self._width = begin, len(names or rows[begin])
        above = rows[: header or 0]
        self.head = Head(names, [row for row in rows[begin:] if row], " ".join(map(" ".join, above)), opened.names)

    def batches(self, columns: Collection[int], progress: Progress) -> Iterator[Batch]:
        """Yield the rows as text, block by block."""
        with self._opened.stream() as (stream, raw):
            for _ in range(self._skip):
                stream.readline()
            line = self._skip + 1
            for block in self._blocks(stream):
                plain = block.removeprefix(_BOM) if line == 1 else block
                yield self._batch(plain, line, sorted(columns))
                line += block.count(b"\n")
                progress(raw.tell() / self._opened.size)

    def _blocks(self, stream: IO[bytes]) -> Iterator[bytes]:
        """Yield whole lines, many at once; each ends with a line feed."""
        rest = b""
        while piece := stream.read(_BLOCK_BYTES):
            whole, feed, rest = (rest + piece).rpartition(b"\n")
            if len(rest) > _LONGEST_LINE:
                raise FileRefused(
                    self.file, f"has a line of more than {_LONGEST_LINE:,} bytes; is it a table with a line for each row?"
                )
            if whole or feed:
                yield whole + feed
        if rest:
            yield rest + b"\n"

    def _batch(self, block: bytes, first: int, columns: list[int]) -> Batch:
        places = np.arange(first, first + block.count(b"\n"), dtype=np.int64)
        if b"\n\n" in block or b"\n\r\n" in block or block.startswith((b"\n", b"\r\n")):
            lines = block.split(b"\n")[:-1]
            filled = [number for number, line in enumerate(lines) if line.strip()]
            block, places = b"".join(lines[number] + b"\n" for number in filled), places[filled]
        if not len(places):
            return Batch({each: pa.array([], pa.string()) for each in columns}, places)
        uneven: list[Any] = []
        table = self._parse(_as_utf8(block), columns, uneven, places)
        if table.num_rows + len(uneven) != len(places):
            raise self._open_quote(block, places)
        faults = [(int(places[each.number - 1]), f"{each.actual_columns} cells where {self._width} belong") for each in uneven]
        whole = np.delete(places, [each.number - 1 for each in uneven]) if uneven else places
        return Batch({each: table.column(str(each)).combine_chunks() for each in columns}, whole, faults)

    def _parse(self, block: bytes, columns: list[int], uneven: list[Any], places: Any) -> pa.Table:
        names = [str(number) for number in range(self._width)]
        wanted = [str(number) for number in columns]
        try:
            return pacsv.read_csv(
                pa.BufferReader(block),
                read_options=pacsv.ReadOptions(column_names=names, use_threads=False, block_size=len(block) + 1),
                parse_options=pacsv.ParseOptions(delimiter=self._delimiter, invalid_row_handler=_keeping(uneven)),
                convert_options=pacsv.ConvertOptions(
                    include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string()), strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid as error:
            raise self._open_quote(block, places) from error

    def _open_quote(self, block: bytes, places: Any) -> FileRefused:
        lines = zip(places.tolist(), block.split(b"\n"), strict=False)
        odd = next((number for number, line in lines if line.count(b'"') % 2), int(places[0]))
        return FileRefused(self.file, f"has a quotation mark without its other half, probably in line {odd}; mend that line")


def _keeping(uneven: list[Any]) -> Callable[[Any], str]:
    def keep(row: Any) -> str:
        uneven.append(row)
        return "skip"

    return keep


def _first_lines(opened: Opened) -> list[str]:
    text = _as_utf8(opened.prefix.removeprefix(_BOM)).decode()
    if "\n" not in text and "\r" in text:
        raise FileRefused(opened.file, "has lines that end in a carriage return alone; save it with line feeds")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    # The last line may be cut, unless the file ends there.
    cut = not lines[-1] or len(opened.prefix) == PREFIX_BYTES
    return lines[:-1] if cut and len(lines) > 1 else lines


def _likely(lines: list[str], rows: list[list[str]]) -> str:
    """Return why there is no row of numbers, where the lines show it."""
    if '{"' in lines[0]:
        return "; if these are recorded frames, `tcpdash up --tape` plays them"
    if any(re.search(r"\d,\d", cell) for row in rows[:_PREAMBLE_LINES] for cell in row):
        return "; write numbers with a point before the decimals, and nothing between thousands"
    return ""


def _as_utf8(block: bytes) -> bytes:
    # What is no UTF-8 is only ever in names and remarks.
    try:
        block.decode()
    except UnicodeDecodeError:
        return block.decode("latin-1").encode()
    return block


def _delimiter(lines: list[str]) -> str:
    """Return what stands in most lines, and there most often."""
    counts = {each: [line.count(each) for line in lines[:_SAMPLE_ROWS]] for each in _DELIMITERS}
    return max(counts, key=lambda each: (sum(map(bool, counts[each])), sum(counts[each])))


def _is_data(row: list[str]) -> bool:
    """Return whether a row has at least three cells and more numbers and times than names."""
    cells = [cell.strip() for cell in row if cell.strip()]
    numbers = sum(_is_number(cell) for cell in cells)
    return len(row) >= 3 and numbers * 2 >= len(cells) > 0


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return looks_like_time(cell)
    return True
