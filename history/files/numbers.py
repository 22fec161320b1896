"""Reads a column of numbers, and knows which cells are empty and which are none."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_EMPTY = pa.array(["", "nan", "null", "none", "na", "n/a"])
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


@dataclass(frozen=True, slots=True)
class Floats:
    """A column as numbers.

    Attributes:
        values: NaN where there is no number.
        wrong: Where a cell is neither empty nor a number; None when there is no such cell.
    """

    values: NDArray[np.float64]
    wrong: NDArray[np.bool_] | None = None


def to_floats(column: pa.Array) -> Floats:
    """Return a column of texts or numbers as numbers."""
    if pa.types.is_decimal(column.type):
        column = pc.cast(column, pa.string())  # Arrow's own way to a double may miss the nearest one
    try:
        return Floats(_plain(pc.cast(column, pa.float64(), safe=False)))
    except pa.ArrowInvalid:
        texts = pc.utf8_trim_whitespace(pc.fill_null(column, ""))
    is_number = pc.match_substring_regex(texts, _NUMBER)
    is_empty = pc.is_in(pc.utf8_lower(texts), _EMPTY)
    values = _plain(pc.cast(pc.if_else(is_number, texts, None), pa.float64()))
    wrong = np.asarray(pc.invert(pc.or_(is_number, is_empty)).to_numpy(zero_copy_only=False), np.bool_)
    return Floats(values, wrong if wrong.any() else None)


def _plain(column: pa.Array) -> NDArray[np.float64]:
    return np.asarray(pc.fill_null(column, np.nan).to_numpy(zero_copy_only=False), np.float64)
