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

    with store(check=False) as db:
        before = schema.current(db.engine)
        schema.upgrade(db.engine.url.render_as_string(hide_password=False))
        after = schema.current(db.engine)
    click.echo(f"schema {after}" + (" (already up to date)" if before == after else f", was {before or 'empty'}"))


@commands.command("check")
def check_schema() -> None:
    """Say whether the schema is what this program needs."""
    from db import schema

    with store(check=False) as db:
        schema.check(db.engine)
        click.echo(f"schema {schema.current(db.engine)} is what this program needs")


@commands.command("stats")
def stats(*, json: Json = False) -> None:
    """Print version, size and rows of the database."""
    import msgspec

    with store() as db:
        found = db.get_stats()
    if json:
        click.echo(msgspec.json.encode(found, enc_hook=str))
        return
    for line in _lines(found):
        click.echo(line)


def _lines(value: "dict[str, Any]", indent: str = "") -> list[str]:
    lines = []
    for name, entry in value.items():
        if isinstance(entry, dict):
            lines += [f"{indent}{name}", *_lines(entry, indent + "  ")]
        else:
            lines.append(f"{indent}{name:<24} {entry}")
    return lines
