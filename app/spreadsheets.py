"""Tables as CSV that a spreadsheet opens without running anything of it."""

import pandas as pd

_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet take a text for a formula."""


def csv_of(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV, UTF-8; numbers with all their digits, moments as ISO 8601 in UTC, and texts that are only texts."""
    told = frame.copy()
    for name in told.columns:
        column = told[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            told[name] = column.dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ").str.replace(".000000Z", "Z", regex=False)
        elif not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
            told[name] = column.map(_plain)
    return told.rename(columns=_plain).to_csv(index=False, lineterminator="\n").encode()


def _plain(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_ACTIVE) else value
