"""What the readers of all kinds of files have in common: a begin to recognise a file by, and its rows in batches."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Progress = Callable[[float], None]
"""Is told which part of a file is read, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Head:
    """The begin of a file.

    Attributes:
        names: Of the columns, as the file has them; None without a header.
        rows: The first rows as text.
        preamble: What stands above the header.
        member: Names that may say what is inside: of the file in the archive, and of the file.
    """

    names: list[str] | None
    rows: list[list[str]]
    preamble: str = ""
    member: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of a file.

    Attributes:
        columns: By position in the file, those that were asked for.
        places: The number of each row's line, or of the row.
        faults: Rows that could not be taken apart: their place and what is wrong.
    """

    columns: Mapping[int, pa.Array]
    places: NDArray[np.int64]
    faults: Sequence[tuple[int, str]] = field(default=())


class Source(Protocol):
    """A file of which the kind is known.

    Attributes:
        file: Where it is.
        head: Its begin.
        word: What a place is: `line` or `row`.
    """

    file: Path
    head: Head
    word: str

    def batches(self, columns: Collection[int], progress: Progress) -> Iterator[Batch]:
        """Yield the rows in the order of the file, with the columns at these positions.

        Raises:
            FileRefused: If the file breaks off or is damaged.
        """
