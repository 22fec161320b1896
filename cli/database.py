"""The verbs of the database's schema."""

from typing import TYPE_CHECKING

import click
import typer

from cli.options import Json
from cli.read import store

if TYPE_CHECKING:
    from typing import Any

commands = typer.Typer(help="Schema and state of the database.", no_args_is_help=True, rich_markup_mode=None)


@commands.command("upgrade")
def upgrade_schema() -> None:
    """Bring the schema up to what this program needs; safe to repeat."""
    from db import schema
    from db.storage import unused_timescale

    with store(check=False) as db:
        before = schema.current(db.engine)
        schema.upgrade(db.engine.url.render_as_string(hide_password=False))
        after = schema.current(db.engine)
        with db.engine.connect() as connection:
            unused = unused_timescale(connection)
    click.echo(f"schema {after}" + (" (already up to date)" if before == after else f", was {before or 'empty'}"))
    if unused:
        click.echo(f"plain tables, without the TimescaleDB of this server: {unused}")


@commands.command("check")
def check_schema() -> None:
    """Say whether the schema is what this program needs."""
    from db import schema

    with store(check=False) as db:
        schema.check(db.engine)
        click.echo(f"schema {schema.current(db.engine)} is what this program needs")


@commands.command("stats")
def stats(*, json: Json = False) -> None:
    """Print version, size and rows of the database, and how much smaller TimescaleDB's columnstore made it."""
    import msgspec

    from cli.table import print_table

    with store() as db:
        found = db.get_stats()
    if json:
        click.echo(msgspec.json.encode(found, enc_hook=str))
        return
    tables = found.pop("tables")
    for name, value in found.items():
        if value is None:
            continue
        click.echo(f"{name:<24} {_size(value) if name == 'bytes' else value}")
    click.echo()
    header = ("TABLE", "SIZE", "ROWS", "COLUMNSTORE")
    print_table(header, [_row(name, entry) for name, entry in tables.items()], right=("SIZE", "ROWS"))


@commands.command("maintain")
def maintain_storage(*, json: Json = False) -> None:
    """Compress, make partitions ahead, vacuum, and drop trades older than `database.raw_trades_days`; safe to repeat.

    Signals of bots that were not acted on are forgotten after `bots.signals_days`.
    """
    import msgspec

    from cli.options import load
    from db.maintenance import maintain

    settings = load()
    kept = settings.database
    with store() as db:
        done = maintain(
            db.engine, raw_trades_days=kept.raw_trades_days, compress_after_days=kept.compress_after_days,
            signals_days=settings.bots.signals_days,
        )  # fmt: skip
    if json:
        click.echo(msgspec.json.encode(done))
        return
    size = f"{_size(done.bytes_before)} to {_size(done.bytes_after)}"
    click.echo(f"compressed               {done.compressed} chunks" + (f", {size}" if done.compressed else ""))
    stay = f"; {done.rows_kept} older ones stay, for a symbol's start or an open hole needs them" if done.rows_kept else ""
    months = f"{done.dropped} month{'' if done.dropped == 1 else 's'}"
    click.echo(f"dropped                  {months} of trades, {done.rows_deleted:,} rows{stay}")
    click.echo(f"forgotten                {done.signals:,} signals that were not acted on")
    click.echo(f"made ahead               {done.made_ahead} partitions")
    click.echo(f"vacuumed                 {', '.join(done.vacuumed) or 'nothing: little changed'}")
    if done.busy:
        click.echo(f"not dropped              {', '.join(done.busy)}: somebody uses them; the next run tries again")


def _row(name: str, entry: "dict[str, Any]") -> tuple[str, str, str, str]:
    kept = entry.get("columnstore")
    words = f"{kept['compressed_chunks']} of {kept['chunks']} chunks, {kept['ratio']:.1f} times smaller" if kept else ""
    return name, _size(entry["bytes"]), f"{entry['rows']:,}", words


def _size(count: int) -> str:
    value, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"
