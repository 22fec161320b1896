"""The verbs around flows: serve them, start one, see how they do, let their schedules rest."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from cli.options import Json, load
from market.errors import InputError

if TYPE_CHECKING:
    from app.scheduler.api import PrefectApi, Row
    from settings import Settings

commands = typer.Typer(
    help="Flows: what runs by itself, and when (prefect.yaml).",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PATIENCE_SECONDS = 300.0

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `tcpdash flows status` prints it.")]


@commands.command("serve")
def serve(
    *,
    alone: Annotated[
        bool, typer.Option("--alone", help="Nobody else serves this pool: runs that still look as if they ran are called crashed.")
    ] = False,
) -> None:
    """Carry out the runs of flows: hand prefect.yaml to Prefect if it changed, then take runs from the work pool until stopped.

    The server is that of the settings (flows.api_url), or that of a running `tcpdash up`.
    """
    from cli import deployments, scheduler
    from db import child

    settings = load()
    with _api(settings, waits=True) as api:
        if not child.wait_until(api.is_ready, _PATIENCE_SECONDS):
            raise _no_answer(api)
        environment = {**os.environ, **scheduler.worker_environment(settings, api.url)}
        api.ensure_pool()
        deployments.deploy(api, scheduler.ROOT, settings.home, environment, click.echo)
        if alone and (left := api.end_leftovers()):
            click.echo(f"{left} runs were cut off when the system went down; they are safe to run again")
    command = scheduler.worker_command()
    sys.stdout.flush()
    os.execve(command[0], command, environment)  # noqa: S606 - our own command, no shell


@commands.command("run")
def run(
    name: Name,
    *,
    parameters: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="KEY=VALUE", help="A parameter of the flow; repeatable.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end; exit code 1 if it did not end well.")] = False,
    json: Json = False,
) -> None:
    """Start a flow now.

    For example:

      tcpdash flows run backfill --param symbol=OKX:BTC-USDT --param start=2024-08-01

      tcpdash flows run data-quality --wait
    """
    with _api(load()) as api:
        deployment = api.deployment(name)
        begun = api.start_run(deployment["id"], _parameters(parameters or [], deployment))
        if wait:
            begun = _end_of(api, begun["id"])
        _tell_run(api, name, begun, json=json)
    if wait and begun["state_type"] != "COMPLETED":
        raise typer.Exit(1)


@commands.command("status")
def status(*, json: Json = False) -> None:
    """Print the flows: when each runs next, and how it ended last."""
    from app.scheduler.standings import HEADER, cells, standings

    settings = load()
    with _api(settings) as api:
        flows = standings(api)
        workers = [each["name"] for each in api.workers()]
        page = api.page
    if json:
        import msgspec

        click.echo(msgspec.json.encode({"page": page, "workers": workers, "flows": flows}))
        return
    from cli.table import print_table

    print_table(HEADER, [cells(each, "-") for each in flows])
    served = (
        f"served by {', '.join(workers)}" if workers else "nobody carries out runs: `tcpdash up` does, or `tcpdash flows serve`"
    )
    click.echo(f"{served}; page: {page}/dashboard")


@commands.command("pause")
def pause(name: Name) -> None:
    """Let the schedules of a flow rest, also over restarts; it can still be started."""
    with _api(load()) as api:
        api.pause(api.deployment(name)["id"])
    click.echo(f"{name} rests until `tcpdash flows resume {name}`")


@commands.command("resume")
def resume(name: Name) -> None:
    """Let the schedules of a flow work again."""
    with _api(load()) as api:
        api.resume(api.deployment(name)["id"])
    click.echo(f"{name} runs by its schedule again")


# -- inside --------------------------------------------------------------------------------------------------------------


def _api(settings: "Settings", *, waits: bool = False) -> "PrefectApi":
    """Return the server of the settings, or that of the running system.

    Raises:
        SchedulerError: If there is neither, or it does not answer yet.
    """
    from app.scheduler.api import PrefectApi, SchedulerError, not_running
    from app.scheduler.standings import address
    from db.home import running_state

    url, state = address(settings.flows.api_url, running_state(settings.home))
    if url is None and state == "starting":
        raise SchedulerError("the scheduler is starting; it needs some seconds after `tcpdash up`")
    if url is None:
        raise not_running()
    api = PrefectApi(url, settings.flows.page_url)
    if not waits and not api.is_ready():
        raise _no_answer(api)
    return api


def _no_answer(api: "PrefectApi") -> Exception:
    from app.scheduler.api import SchedulerError

    return SchedulerError(
        f"Prefect does not answer at {api.shown}; it needs some seconds after `tcpdash up`; then see logs/prefect.out.log"
    )


def _parameters(words: Sequence[str], deployment: "Row") -> dict[str, Any]:
    """Return the parameters of the command line, as what the flow says they are.

    Raises:
        InputError: If one is none.
    """
    import msgspec

    known = deployment["parameter_openapi_schema"]["properties"]
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or key not in known:
            raise InputError(
                f"--param {word!r} is not KEY=VALUE with a key of {', '.join(known) or 'none: this flow has no parameters'}"
            )
        kinds = [known[key], *known[key].get("anyOf", [])]
        is_text = any(kind.get("type") == "string" for kind in kinds)
        try:
            found[key] = text if is_text else msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise InputError(f"--param {word!r}: {text!r} is not {_kind(kinds)}") from error
    needed = deployment["parameter_openapi_schema"].get("required", ())
    if missing := [key for key in needed if key not in {*deployment["parameters"], *found}]:
        raise InputError(f"{deployment['name']} needs {', '.join(f'--param {key}=…' for key in missing)}")
    return found


def _kind(kinds: "Sequence[Row]") -> str:
    named = [kind["type"] for kind in kinds if "type" in kind and kind["type"] != "null"]
    return f"a {' or '.join(named)} ({'true or false' if 'boolean' in named else 'for example 24'})" if named else "JSON"


def _end_of(api: "PrefectApi", number: str) -> "Row":
    import time

    from app.scheduler.api import ENDED

    while (found := api.run(number))["state_type"] not in ENDED:
        time.sleep(0.5)
    return found


def _tell_run(api: "PrefectApi", name: str, found: "Row", *, json: bool) -> None:
    words = (found.get("state") or {}).get("message")
    if json:
        import msgspec

        click.echo(
            msgspec.json.encode(
                {"id": found["id"], "flow": name, "name": found["name"], "state": found["state_name"], "message": words}
            )
        )
        return
    click.echo(
        f"{name} {found['name']}: {found['state_name']}{f' ({words})' if words else ''}; {api.page}/runs/flow-run/{found['id']}"
    )
