"""Files that are made of a run when somebody asks for them: its document, its trades and its curve as tables, its report."""

import pandas as pd

from app.charts.search import headings
from app.spreadsheets import csv_of
from db import DatabaseOperations
from market.errors import InputError


def json_of(db: DatabaseOperations, backtest: str) -> bytes:
    """Return the document of a run, the same bytes as `tcpdash backtest --json` prints.

    Raises:
        InputError: If the run is not there any more.
    """
    from research.backtests import encoded  # noqa: PLC0415 - brings numba along, which a list does without

    return encoded(_document(db, backtest)) + b"\n"


def html_of(db: DatabaseOperations, backtest: str) -> bytes:
    """Return the report of a run as a page that opens without a network; errors as of `json_of`."""
    from app import reports  # noqa: PLC0415 - see above

    return reports.html_of(_document(db, backtest)).encode()


def trades_csv(db: DatabaseOperations, backtest: str) -> bytes:
    """Return all trades of a run as a table; moments are UTC."""
    frame, _ = db.backtests.trades(backtest)
    return csv_of(frame)


def curve_csv(db: DatabaseOperations, backtest: str) -> bytes:
    """Return the curve of a run as a table: timestamp (UTC), equity, benchmark, drawdown and exposure; errors as of `json_of`."""
    found = db.backtests.several([backtest], parts=("curve",))
    if not found:
        raise _gone(backtest)
    return csv_of(pd.DataFrame((found[0].report or {}).get("curve") or {}))


def sets_csv(db: DatabaseOperations, backtest: str) -> bytes:
    """Return the sets of a sweep that are kept as a table, the best first; errors as of `json_of`.

    A parameter that is called like a metric has "parameter" before its name.
    """
    found = db.backtests.several([backtest], parts=("results",))
    if not found:
        raise _gone(backtest)
    results = (found[0].report or {}).get("results") or []
    metrics = {name for each in results for name in each["metrics"]}
    rows = [
        {**dict(zip(headings(list(each["parameters"]), metrics), each["parameters"].values(), strict=True)), **each["metrics"]}
        for each in results
    ]
    return csv_of(pd.DataFrame(rows))


def _document(db: DatabaseOperations, backtest: str) -> dict[str, object]:
    from research.backtests import document_of  # noqa: PLC0415 - see above

    kept = db.backtests.get(backtest)
    if kept is None:
        raise _gone(backtest)
    return document_of(db, kept)


def _gone(backtest: str) -> InputError:
    return InputError(f"backtest {backtest[:12]} is not stored any more")
