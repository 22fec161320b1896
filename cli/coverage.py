"""The verb that says how much of each day is stored."""

from typing import TYPE_CHECKING, Annotated

import click
import typer

from cli.options import End, Json, Start
from cli.read import known_symbol, read_bounds, store, told_where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from db import DatabaseOperations

_HEADER = ("symbol", "day", "present", "complete", "unproven", "incomplete", "without trades", "missing", "open holes")


def coverage(
    symbol: Annotated[str | None, typer.Argument(help="For example OKX:BTC-USDT; all symbols without it.")] = None,
    *,
    start: Start = None,
    end: End = None,
    json: Json = False,
) -> None:
    """Print how many minutes of each UTC day are stored, and how far they can be trusted.

    Of the minutes that are present, complete ones are proven whole, unproven ones come from a venue whose ids prove nothing,
    incomplete ones have a known hole inside, or are the first of all, of which the begin was missed; in those without trades
    nobody traded. Missing ones have no row: they are counted from the first stored minute of a symbol to its last one. A minute
    belongs to the day in which it opens.

    For example:

      tcpdash coverage

      tcpdash coverage OKX:BTC-USDT --start 2024-08-01 --end 2024-09-01

      tcpdash coverage --json
    """
    bounds = read_bounds(start, end)
    with store() as db:
        one = None if symbol is None else known_symbol(db, symbol)
        days = db.market_data.coverage(one, *bounds)
        open_holes = _open_holes(db, one, *bounds)
        begun = [one] if one else db.watermarks.symbols()
    if json:
        text = days.assign(day=days["day"].dt.strftime("%Y-%m-%d")).to_json(orient="records")
        click.echo(text)
    elif days.empty:
        click.echo(_nothing(begun, told_where(one, start, end), bounded=bool(start or end)))
    else:
        _print(days, open_holes)


def _nothing(begun: "Sequence[str]", where: str, *, bounded: bool) -> str:
    if bounded:
        return f"no minute is stored{where}"
    if not begun:
        return "nothing is stored yet; start with `tcpdash demo` or `tcpdash up`"
    return f"no minute is stored yet of {', '.join(begun)}: none has closed; `tcpdash trades {begun[0]}` prints what came"


def _open_holes(db: "DatabaseOperations", symbol: str | None, start_us: int | None, end_us: int | None) -> "Mapping[str, int]":
    # Not the sum of the days: a hole may touch several of them.
    from collections import Counter

    return Counter(gap.symbol for gap in db.gaps.list(symbol, "open", start_us=start_us, end_us=end_us))


def _print(days: "pd.DataFrame", open_holes: "Mapping[str, int]") -> None:
    from cli.table import print_table

    rows = []
    for symbol, group in days.groupby("symbol"):
        counts = group.drop(columns=["symbol", "day"])
        for day, row in zip(group["day"], counts.itertuples(index=False), strict=True):
            rows.append([str(symbol), f"{day:%Y-%m-%d}", *(f"{count:,}" for count in row)])
        totals = [*counts.sum().iloc[:-1], open_holes[str(symbol)]]
        rows.append([str(symbol), "total", *(f"{count:,}" for count in totals)])
    print_table(_HEADER, rows, right=_HEADER[2:])
