"""The verbs around alerts: try the services that are told, and see what was told."""

from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from cli.options import Json, load
from cli.read import store
from market.clock import isoformat, now_us, to_datetime
from market.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from db.repositories.alerts import StoredAlert
    from settings import Settings

commands = typer.Typer(
    help="Alerts: what you are told of by mail, chat or webhook (alerts.urls in the settings).",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_HEADER = ("happened (UTC)", "kind", "state", "sent (UTC)", "tries", "what")
_STATES = ("waiting", "sent", "given-up", "old")
_LONGEST = 120


@commands.command("test")
def try_(*, json: Json = False) -> None:
    """Send a message to each service of the settings and say which of them took it; exit code 1 if one did not.

    For example:

      TCPDASH_ALERTS__URLS=tgram://TOKEN/CHAT tcpdash alerts test
    """
    from alerts.messages import Message
    from alerts.services import Services

    services = Services(_urls(load()))
    words = Message("TCPDashboard: a test", f"Alerts arrive here. Sent by `tcpdash alerts test` at {_moment(now_us())} UTC.")
    failed = services.tell(dict.fromkeys(services.names, words))
    if json:
        import msgspec

        rows = [{"service": name, "sent": name not in failed, "error": failed.get(name)} for name in services.names]
        click.echo(msgspec.json.encode(rows))
    else:
        for name in services.names:
            click.echo(f"{name}: {failed[name]}" if name in failed else f"{name}: sent")
    if failed:
        raise typer.Exit(1)


@commands.command("list")
def list_(
    *,
    kind: Annotated[str | None, typer.Option(help="Only those of this kind.")] = None,
    state: Annotated[str | None, typer.Option(help="Only those that are waiting, sent, given-up or old.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Print the newest so many.")] = 50,
    json: Json = False,
) -> None:
    """Print what was told, what waits, and what failed; oldest first.

    An alert waits until all services took it, is given up after a day, and is old, and not sent, when it was found more than an
    hour after it happened.
    """
    from alerts.kinds import KINDS

    for option, word, known in (("--kind", kind, KINDS), ("--state", state, _STATES)):
        if word is not None and word not in known:
            raise InputError(f"{option} {word!r} is not one of {', '.join(known)}{did_you_mean(word, list(known))}")
    with store() as db:
        found, counts = db.alerts.list(kind=kind, state=state, newest=limit), db.alerts.counts(kind)
    if json:
        import msgspec

        click.echo(msgspec.json.encode([_fields(row) for row in found]))
        return
    _print(found, {name: counts[name] for name in _STATES if counts.get(name)})


def _urls(settings: "Settings") -> list[str]:
    """Return the addresses of the settings.

    Raises:
        InputError: If there are none.
    """
    if not settings.alerts.urls:
        raise InputError(
            "no service is told of anything; set alerts.urls in config/tcpdash.toml, or TCPDASH_ALERTS__URLS, "
            "for example to tgram://TOKEN/CHAT or mailto://USER:PASSWORD@HOST"
        )
    return [url.get_secret_value() for url in settings.alerts.urls]


def _print(found: "list[StoredAlert]", counts: dict[str, int]) -> None:
    from cli.table import print_table

    if found:
        print_table(_HEADER, [_cells(row) for row in found], right=("tries",))
        click.echo()
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    if not told:
        click.echo("no alerts are noted; they are while bots or flows run and alerts.urls names a service")
        return
    shown = f"{len(found):,} shown; " if len(found) < sum(counts.values()) else ""
    click.echo(f"{shown}{told}")


def _cells(row: "StoredAlert") -> list[str]:
    what = f"{row.alert.title}: {row.alert.text}" if row.alert.text else row.alert.title
    if row.error is not None:
        what = f"{row.alert.title} (failed: {row.error})"
    return [
        _moment(row.alert.at_us),
        row.alert.kind,
        row.state,
        "-" if row.sent_us is None else _moment(row.sent_us),
        f"{row.tries}",
        what if len(what) <= _LONGEST else what[: _LONGEST - 1] + "…",
    ]


def _fields(row: "StoredAlert") -> dict[str, Any]:
    return {
        "key": row.alert.key,
        "kind": row.alert.kind,
        "title": row.alert.title,
        "text": row.alert.text,
        "happened_at": isoformat(row.alert.at_us),
        "noted_at": isoformat(row.noted_us),
        "state": row.state,
        "told": row.told,
        "tries": row.tries,
        "error": row.error,
        "retry_at": isoformat(row.retry_us) if row.state == "waiting" else None,
        "sent_at": None if row.sent_us is None else isoformat(row.sent_us),
    }


def _moment(moment_us: int) -> str:
    return f"{to_datetime(moment_us):%Y-%m-%d %H:%M:%S}"
