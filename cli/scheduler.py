"""The processes of `tcpdash up` that run flows: Prefect's server, and the worker that carries out its runs."""

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import httpx
import sqlalchemy as sa

from app.scheduler.api import POOL
from cli.ports import Ports
from cli.supervisor import OwnProcess, Supervisor
from db.databases import ensure_database
from market.clock import monotonic
from market.errors import PlatformError

if TYPE_CHECKING:
    from settings import Settings

ROOT = Path(__file__).parents[1]
"""Where the packages are."""

DATABASE = "prefect"
PORT = 4200

# Prefect's own page of version 2 always calls out; version 1 does not. The loops are those that look for what happens here
# seldom (late runs) or never (paused runs), and would wake every five seconds.
_QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_COLORS": "false",
    "PREFECT_CLI_COLORS": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "15",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "60",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",  # of runs that wait for their turn
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "15",
}
_WORKER = {"PREFECT_WORKER_QUERY_SECONDS": "2"}


class Scheduler:
    """Prefect's server and the worker, as children of `tcpdash up`; both may take their time, nobody waits for them.

    Args:
        settings: All settings.
        supervisor: Who looks after them.
        environment: What all processes of the system have in theirs.
        ports: Where that of the server is claimed.

    Attributes:
        state: For state.json; None as long as nothing was started.
    """

    def __init__(self, settings: "Settings", supervisor: Supervisor, environment: dict[str, str], ports: Ports) -> None:
        self._settings, self._supervisor, self._environment, self._ports = settings, supervisor, environment, ports
        self._begun = 0.0
        self.state: dict[str, Any] | None = None

    def start(self) -> None:
        """Start both, the server only where the settings name none; without port or database the system goes on without flows."""
        self._begun, url = monotonic(), self._settings.flows.api_url
        if url is None:
            try:
                port = self._ports.claim(PORT, named=self._settings.flows.port, setting="flows.port")
                url = f"http://127.0.0.1:{port}/api"
                environment = server_environment(self._settings, url, self._environment["TCPDASH_DATABASE__URL"])
            except PlatformError as error:
                click.echo(f"no flows run: {error}", err=True)
                self.state = {"url": None, "state": "off"}
                return
            self._supervisor.start(self._own("prefect", server_command(port), environment))
        click.echo("scheduler starting …")
        self.state = {"url": url, "state": "starting"}
        serve = [sys.executable, "-m", "cli", "flows", "serve"]
        serve += ["--alone"] if self._settings.flows.api_url is None else []
        self._supervisor.start(self._own("flows", serve, {"TCPDASH_FLOWS__API_URL": url}))

    def look(self) -> None:
        """Say once that the server answers."""
        if self.state is not None and self.state["state"] == "starting" and _is_well(self.state["url"]):
            self.state = {**self.state, "state": "ready"}
            page = f"{self.state['url'].removesuffix('/api')}/dashboard"
            click.echo(
                f"  scheduler: {page}   (after {monotonic() - self._begun:.0f} s; `tcpdash flows status` shows what runs when)\n"
            )

    def _own(self, name: str, command: list[str], more: dict[str, str]) -> OwnProcess:
        log = self._settings.home.absolute() / "logs" / f"{name}.out.log"
        return OwnProcess(name, command, log=log, environment={**self._environment, **more})


def prefect_environment(home: Path, api_url: str) -> dict[str, str]:
    """Return what every process that speaks with Prefect has in its environment."""
    folder = home.absolute() / "prefect"
    return {**_QUIET, "PREFECT_HOME": str(folder), "PREFECT_API_URL": api_url}


def server_command(port: int) -> list[str]:
    """Return the command line of Prefect's server on a port of 127.0.0.1; `prefect server start` would be two processes."""
    options = ["--host", "127.0.0.1", "--port", str(port), "--timeout-keep-alive", "5", "--log-level", "warning"]
    return [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app", *options]


def server_environment(settings: "Settings", api_url: str, database_url: str) -> dict[str, str]:
    """Return the environment of Prefect's server, whose database is made where it is missing.

    Args:
        settings: All settings.
        api_url: Where it will answer.
        database_url: Of the candles.

    Raises:
        StoreError: If its database cannot be made.
    """
    named = settings.flows.database_url
    own = ensure_database(database_url, DATABASE) if named is None else named.get_secret_value()
    address = sa.make_url(own)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+asyncpg")
    environment = prefect_environment(settings.home, api_url)
    return {
        **environment,
        # By default every page that a browser shows may start what it likes here.
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": api_url.removesuffix("/api"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": address.render_as_string(hide_password=False),
        "PREFECT_UI_STATIC_DIRECTORY": f"{environment['PREFECT_HOME']}/ui",
    }


def worker_command() -> list[str]:
    """Return the command line of the worker that takes runs from the pool."""
    name = f"tcpdash-{socket.gethostname()}"  # Prefect remembers each name for ever
    # Without a limit of its own: what came due while the machine slept has to be claimed at once, for all but one to be cancelled.
    options = ["--pool", POOL, "--type", "process", "--name", name]
    return [sys.executable, "-m", "prefect", "--no-prompt", "worker", "start", *options]


def worker_environment(settings: "Settings", api_url: str) -> dict[str, str]:
    """Return the environment of the worker and of its runs: they begin in another folder, and must find what we find."""
    packages = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    programs = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    config = os.environ.get("TCPDASH_CONFIG", "config/tcpdash.toml")
    return {
        **prefect_environment(settings.home, api_url),
        **_WORKER,
        "PYTHONPATH": os.pathsep.join(packages),
        "PATH": os.pathsep.join(programs),
        "TCPDASH_HOME": str(settings.home.absolute()),
        "TCPDASH_STRATEGIES": str(settings.strategies.absolute()),
        "TCPDASH_CONFIG": str(Path(config).absolute()) if config and Path(config).exists() else "",
    }


def _is_well(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=1, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
