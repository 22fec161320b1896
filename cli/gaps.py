"""The verb that prints the ledger of holes."""

from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from cli.options import End, Json, Start
from cli.read import known_symbol, read_bounds, store, told_where
from market.clock import isoformat, to_datetime
from streaming.ledger import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.repositories.gaps import Gap

_HEADER = (
    *("symbol", "ids", "count", "from (UTC)", "to (UTC)", "how long"),
    *("cause", "state", "recovered", "missing", "evidence"),
)
_NUMBERS = ("count", "how long", "recovered", "missing")
_NOTHING = "-"


def gaps(
    symbol: Annotated[str | None, typer.Argument(help="For example OKX:BTC-USDT; all symbols without it.")] = None,
    *,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    start: Start = None,
    end: End = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Print the newest so many.")] = None,
    json: Json = False,
) -> None:
    """Print the holes in the tape: what is or was missing, why, and what became of it; oldest first.

    A hole ends as filled, as never_existed (the venue has no trade with these ids) or as unrecoverable (the venue does not
    return them any more). An alarm is no hole: one id came with two payloads, and the first one stays.

    For example:

      tcpdash gaps

      tcpdash gaps OKX:BTC-USDT --state open

      tcpdash gaps --start 2024-08-08T23:00 --end 2024-08-09 --json
    """
    start_us, end_us = read_bounds(start, end)
    with store() as db:
        one = None if symbol is None else known_symbol(db, symbol)
        found = db.gaps.list(one, state and str(state), start_us=start_us, end_us=end_us, newest=limit)
        counts = db.gaps.counts(one, start_us=start_us, end_us=end_us)
    if json:
        import msgspec

        click.echo(msgspec.json.encode([_row(gap) for gap in found]))
        return
    where = told_where(one, start, end)
    _print(found, counts, where, state)


def _print(found: "Sequence[Gap]", counts: "Mapping[str, int]", where: str, state: State | None) -> None:
    from cli.table import print_table
    from db.gap_words import told_states

    if not counts:
        click.echo(f"no holes are noted{where}")
        return
    if found:
        print_table(_HEADER, [_cells(gap) for gap in found], right=_NUMBERS)
        click.echo()
    else:
        click.echo(f"none is {str(state).replace('_', ' ')}")
    shown = f"{len(found):,} shown; " if found and len(found) < sum(counts.values()) else ""
    click.echo(f"{shown}{told_states(counts)}{where}")


def _cells(gap: "Gap") -> list[str]:
    from db.gap_words import told_evidence, told_ids, told_length

    return [
        gap.symbol,
        told_ids(gap) or _NOTHING,
        _number(gap.ids),
        _moment(gap.start_us),
        _moment(gap.end_us),
        told_length(gap.end_us - gap.start_us),
        gap.cause,
        gap.state,
        _number(gap.recovered),
        _number(gap.missing_ids),
        told_evidence(gap),
    ]


def _row(gap: "Gap") -> dict[str, Any]:
    return {
        "symbol": gap.symbol,
        "first_id": gap.first_id,
        "last_id": gap.last_id,
        "ids": gap.ids,
        "start": isoformat(gap.start_us),
        "end": isoformat(gap.end_us),
        "seconds": (gap.end_us - gap.start_us) / 1_000_000,
        "cause": gap.cause,
        "state": gap.state,
        "recovered": gap.recovered,
        "missing": gap.missing,
        "missing_ids": gap.missing_ids,
        "evidence": gap.evidence,
        "opened_at": None if gap.opened_us is None else isoformat(gap.opened_us),
        "closed_at": None if gap.closed_us is None else isoformat(gap.closed_us),
    }


def _moment(moment_us: int) -> str:
    return f"{to_datetime(moment_us):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def _number(count: int | None) -> str:
    return _NOTHING if count is None else f"{count:,}"
