"""The whole system of `tcpdash up`: which processes it has, and how they find each other."""

import ipaddress
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import httpx

from app.sign_in.desk import check_published
from cli.feed import Feed
from cli.options import GENERATED
from cli.page import PORT as APP_PORT
from cli.ports import Ports, listens
from cli.scheduler import Scheduler
from cli.supervisor import OwnProcess, Supervisor
from db import child
from db.embedded import PostgresServer, RedisServer
from db.home import POSTGRES_FOLDER, REDIS_FOLDER, own
from db.schema import upgrade
from market.clock import monotonic
from market.timeframe import parse_timeframe
from streaming.edge import LiveEdge

if TYPE_CHECKING:
    from settings import Settings

_TCPDASH = (sys.executable, "-m", "cli")


class System:
    """One home, its servers and its processes.

    Args:
        settings: All settings.
        feed: What is followed.
        tape: Files for the local exchange, comma-separated, or `synthetic`; None for the addresses in the settings.
        speed: How many seconds of the tape pass in one.
        with_app: Whether to serve the page.
        with_flows: Whether to start Prefect and the flows, once the page answers.
        with_bots: Whether to run bots.
        bots_folder: Where their files are; None for the folder of the settings.
        fault_words: Words for `tcpdash replay` that let the local exchange misbehave.
    """

    def __init__(
        self,
        settings: "Settings",
        feed: Feed,
        *,
        tape: str | None,
        speed: float,
        with_app: bool,
        with_flows: bool = False,
        with_bots: bool = True,
        bots_folder: Path | None = None,
        fault_words: Sequence[str] = (),
    ) -> None:
        self._settings, self._tape, self._speed, self._with_app = settings, tape, speed, with_app
        self._feed, self._fault_words, self._with_flows, self._with_bots = feed, fault_words, with_flows, with_bots
        self._bots_folder = (bots_folder or settings.bots.folder).absolute()
        self._venue, self._followed = feed.provider.name, list(feed.provider.symbols)
        self._environment: dict[str, str] = {}
        self._app_url: str | None = None
        self._announced = self._told_of_disk = False
        self._published: dict[str, object] = {}
        self._begun = monotonic()
        self._supervisor = Supervisor(settings.home / "incidents.jsonl")
        self._scheduler: Scheduler | None = None
        self._ports = Ports()

    def run(self, seconds: float | None) -> None:
        """Run until a signal, or for so many seconds.

        Raises:
            PlatformError: If something does not start; whatever was started is stopped.
        """
        LiveEdge(parse_timeframe(timeframe) for timeframe in self._settings.stream.timeframes)  # refuses what the worker would
        if self._with_app:
            check_published(self._settings.app)
        for sentence in self._feed.warnings:
            click.echo(f"tape: {sentence}", err=True)
        with own(self._settings.home) as self._home:
            self._supervisor.on_signals()
            try:
                self._start_servers()
                self._start_feed()
                if self._with_app:
                    self._start_page()
                self._supervisor.watch(seconds, self._report)
            finally:
                click.echo("stopping …")
                self._supervisor.stop()
                self._ports.release()
        click.echo(f"stopped; the data is kept in {self._settings.home}")

    def _start_servers(self) -> None:
        settings, home = self._settings, self._settings.home
        if settings.database.url is None:
            postgres = PostgresServer(home / POSTGRES_FOLDER, bin_folder=settings.database.binaries)
            self._supervisor.start(postgres)
            database_url = postgres.url
            click.echo(f"PostgreSQL answers on port {postgres.port}")
        else:
            database_url = settings.database.url.get_secret_value()
        upgrade(database_url)
        if settings.redis.url is None:
            redis = RedisServer(home / REDIS_FOLDER)
            self._supervisor.start(redis)
            redis_url = redis.url
            click.echo(f"Redis answers on port {redis.port}")
        else:
            redis_url = settings.redis.url.get_secret_value()
        self._environment = {
            "TCPDASH_HOME": str(home.absolute()),
            "TCPDASH_DATABASE__URL": database_url,
            "TCPDASH_REDIS__URL": redis_url,
            "TCPDASH_STREAM__EXCHANGE": self._venue.lower(),
            "TCPDASH_STREAM__SYMBOLS": ",".join(self._followed),
            "TCPDASH_BOTS__FOLDER": str(self._bots_folder),
        }
        if self._tape == GENERATED:
            self._environment["TCPDASH_BOTS__START_NEW"] = GENERATED
        self._home.publish({"postgres": {"url": database_url}, "redis": {"url": redis_url}})

    def _start_feed(self) -> None:
        if self._tape is not None:
            self._start_exchange(self._tape)
        else:
            click.echo(f"following {', '.join(self._followed)}")
        self._supervisor.start(self._own("worker", [*_TCPDASH, "stream"], shown=True))
        if self._with_bots:
            self._supervisor.start(self._own("bots", [*_TCPDASH, "bots", "run"], shown=True))

    def _start_exchange(self, tape: str) -> None:
        port = child.free_port()
        command = [*_TCPDASH, "replay", tape, "--port", str(port), "--speed", str(self._speed), *self._fault_words]
        command += [] if tape == GENERATED else ["--exchange", self._venue.lower()]
        # An exchange with faults may answer nothing over REST, and is there nevertheless.
        self._supervisor.start(self._own("exchange", command, is_ready=lambda: listens(port), shown=True))
        venue = f"TCPDASH_VENUES__{self._venue}"
        channel = self._feed.provider.channel
        self._environment |= {
            f"{venue}__STREAM_URL": f"ws://127.0.0.1:{port}",
            f"{venue}__REST_URL": f"http://127.0.0.1:{port}",
            f"{venue}__CHANNEL": channel,
        }
        what = "a generated market: everything it shows is SYNTHETIC" if tape == GENERATED else f"the tape {tape}"
        click.echo(f"local exchange plays {what}, channel {channel}, speed {self._speed:g}: {', '.join(self._followed)}")

    def _start_page(self) -> None:
        port = self._ports.claim(APP_PORT, named=self._settings.app.port, setting="app.port")
        self._supervisor.start(self._own("app", [*_TCPDASH, "app", "--port", str(port)], shown=True))
        self._app_url = f"http://{_reached_at(self._settings.app.address)}:{port}"

    def _own(self, name: str, command: list[str], **more: object) -> OwnProcess:
        log = self._settings.home.absolute() / "logs" / f"{name}.out.log"
        return OwnProcess(name, command, log=log, environment=self._environment, **more)  # type: ignore[arg-type]

    def _report(self) -> None:
        state: dict[str, object] = {
            "postgres": {"url": self._environment["TCPDASH_DATABASE__URL"]},
            "redis": {"url": self._environment["TCPDASH_REDIS__URL"]},
            "app": {"url": self._app_url},
            "scheduler": self._scheduler_state(),
            "bots": {"folder": str(self._bots_folder) if self._with_bots else None},
            "feed": {"venue": self._venue, "symbols": self._followed, "tape": self._tape},
            "pids": self._supervisor.pids(),
        }
        if state != self._published:
            self._publish(state)
        if self._app_url is not None and not self._announced and _answers(f"{self._app_url}/_stcore/health"):
            self._announced = True
            click.echo(f"\n  page: {self._app_url}   (after {monotonic() - self._begun:.0f} s; Ctrl-C stops everything)\n")
        if self._with_flows and (self._announced or self._app_url is None):
            self._look_at_scheduler()

    def _scheduler_state(self) -> dict[str, object]:
        if self._scheduler is not None and self._scheduler.state is not None:
            return self._scheduler.state
        return {"url": None, "state": "starting" if self._with_flows else "off"}

    def _look_at_scheduler(self) -> None:
        if self._scheduler is None:  # now, and not before: it takes the processor for seconds, and the page comes first
            self._scheduler = Scheduler(self._settings, self._supervisor, self._environment, self._ports)
            self._scheduler.start()
        self._scheduler.look()

    def _publish(self, state: dict[str, object]) -> None:
        try:
            self._home.publish(state)
        except OSError as error:  # a full disk must not end what still runs
            if not self._told_of_disk:
                click.echo(f"{self._settings.home} cannot be written: {error}", err=True)
            self._told_of_disk = True
        else:
            self._published, self._told_of_disk = state, False


def _reached_at(address: str) -> str:
    parsed = ipaddress.ip_address(address)
    if parsed.is_unspecified:
        return "127.0.0.1"
    return f"[{parsed}]" if parsed.version == 6 else str(parsed)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
