"""`tcpdash app`: serves the pages alone, and makes the hash of a password for who signs in there."""

import sys
from pathlib import Path
from typing import Annotated

import click
import typer

from cli.options import load

PORT = 8501
"""Where the pages are, if nothing says otherwise."""

commands = typer.Typer(
    invoke_without_command=True, help="Serve the pages alone, on 127.0.0.1 if the settings say no other address."
)

ENTRY = Path(__file__).with_name("served") / "entry.py"
"""What Streamlit runs for each session."""


@commands.callback()
def serve(
    context: typer.Context,
    *,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help=f"Port; {PORT}, if there is none.")] = None,
) -> None:
    """Serve the pages alone, on 127.0.0.1 if the settings say no other address.

    At another address people have to sign in: see `tcpdash app password`.
    """
    if context.invoked_subcommand is not None:
        return
    from app import server
    from cli.logs import log_to

    settings = load()
    log_to(settings.home / "logs" / "app.log", settings.log.level)
    server.serve(settings, script=ENTRY, port=port or settings.app.port or PORT)


@commands.command()
def password() -> None:
    """Ask for a password and print its hash, which is what settings have of it.

    The hash of the one who is called ada goes into TCPDASH_APP__USERS__ADA__PASSWORD_HASH, or into config/tcpdash.toml:

      [app.users.ada]

      password_hash = "scrypt:…"

      role = "operator"    # or viewer
    """
    from app.sign_in.passwords import hash_password

    if sys.stdin.isatty():
        typed = click.prompt("Password (12 characters or more)", hide_input=True, confirmation_prompt="Once more", err=True)
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    click.echo(hash_password(typed))
