"""The system of a run on a home of its own: servers, exchange, worker and two runners, under the supervisor of `tcpdash up`."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

import msgspec

from cli.supervisor import Component, Incident, OwnProcess, Supervisor
from db import child
from db.embedded import PostgresServer, RedisServer
from db.engine import create_engine
from db.operations import DatabaseOperations
from db.schema import upgrade
from market.clock import monotonic
from market.errors import ServerError
from simulation.chaos.tape import SYMBOLS

RUNNERS = ("runner-1", "runner-2")
_TCPDASH = (sys.executable, "-m", "cli")
_LONGEST_DOWN = 60.0
_incidents = msgspec.json.Decoder(Incident)


class Held:
    """A component that stays down for as long as it is held: its supervisor takes it for running."""

    def __init__(self, component: Component) -> None:
        self.name, self._component, self.held = component.name, component, False

    @property
    def process(self) -> child.Process | None:
        process: child.Process | None = getattr(self._component, "process", None)
        return process

    def start(self) -> None:
        if self.held:
            raise ServerError(f"{self.name} is held")
        self._component.start()

    def poll(self) -> int | None:
        return None if self.held else self._component.poll()

    def is_down(self) -> bool:
        return self._component.poll() is not None

    def stop(self) -> None:
        self._component.stop()


class Home:
    """All processes of one run.

    Args:
        folder: The home; it is made.
        tape: What the exchange plays.
        speed: How many seconds of it pass in one.
        wrong_seconds: By how much the clock of the second runner's machine is wrong.
        binaries: Where PostgreSQL's programs are; None for those of the wheel.
    """

    def __init__(self, folder: Path, tape: Path, *, speed: float, wrong_seconds: int = 0, binaries: Path | None = None) -> None:
        self.folder, self._tape, self._speed, self._wrong = folder, tape, speed, wrong_seconds
        folder.mkdir(parents=True, exist_ok=True)
        self._supervisor = Supervisor(folder / "incidents.jsonl")
        self.postgres = PostgresServer(folder / "postgres", bin_folder=binaries)
        self.redis = RedisServer(folder / "redis")
        self.parts: dict[str, Held] = {}
        self._environment: dict[str, str] = {}
        self._thread = Thread(target=self._watch, name="supervisor", daemon=True)
        self.died: BaseException | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._supervisor.stop()
            raise
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._supervisor.end()
        self._thread.join()
        self.database.close()
        self._supervisor.stop()

    def incidents(self) -> list[Incident]:
        """Return what was started again."""
        file = self.folder / "incidents.jsonl"
        return [_incidents.decode(line) for line in file.read_bytes().splitlines()] if file.exists() else []

    def pid(self, name: str) -> int | None:
        """Return the process of a component; None while it is down."""
        part = self.parts[name]
        return None if part.process is None or part.is_down() else part.process.pid

    def strike(self, name: str) -> bool:
        """Kill a component with signal 9, as soon as it runs; return whether it came to run in time."""
        if not child.wait_until(lambda: self.pid(name) is not None, _LONGEST_DOWN):
            return False
        pid = self.pid(name)
        self.send(name, signal.SIGKILL)
        return child.wait_until(lambda: self.pid(name) != pid, _LONGEST_DOWN)

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a component that runs."""
        pid = self.pid(name)
        assert pid is not None, name
        os.kill(pid, number)

    def hold(self, *names: str) -> None:
        """Stop components in good order, and keep them down."""
        for name in names:
            self.parts[name].held = True
            self.parts[name].stop()

    def let_go(self, *names: str) -> None:
        """Let the supervisor start again what was held."""
        for name in names:
            self.parts[name].held = False

    def _start(self) -> None:
        self._add(self.postgres)
        upgrade(self.postgres.url)
        self.database = DatabaseOperations(create_engine(self.postgres.url))
        self._add(self.redis)
        self._environment = {
            "TCPDASH_CONFIG": "", "TCPDASH_HOME": str(self.folder.absolute()), "TCPDASH_DATABASE__URL": self.postgres.url,
            "TCPDASH_REDIS__URL": self.redis.url, "TCPDASH_STREAM__EXCHANGE": "binance", "TCPDASH_STREAM__SYMBOLS": _wire_symbols(),
            "TCPDASH_BOTS__FOLDER": str(self.folder / "bots"), "TCPDASH_FLOWS__ENABLED": "false",
        }  # fmt: skip
        for name in RUNNERS:  # they take seconds to start, and wait for the first minute
            self._add(self._own(name, [*self._runner(name), "bots", "run", "--name", name]))
        self._start_exchange()
        self._add(self._own("worker", [*_TCPDASH, "stream"]))
        self.began = monotonic()

    def _start_exchange(self) -> None:
        port = child.free_port()
        command = [*_TCPDASH, "replay", str(self._tape), "--port", str(port), "--speed", str(self._speed), "--exchange", "binance"]
        self._environment |= {
            "TCPDASH_VENUES__BINANCE__STREAM_URL": f"ws://127.0.0.1:{port}",
            "TCPDASH_VENUES__BINANCE__REST_URL": f"http://127.0.0.1:{port}", "TCPDASH_VENUES__BINANCE__CHANNEL": "trade",
        }  # fmt: skip
        self._add(self._own("exchange", command, is_ready=lambda: _listens(port)))

    def _runner(self, name: str) -> Sequence[str]:
        wrong = self._wrong if name == RUNNERS[1] else 0
        return [sys.executable, "-m", "simulation.chaos.wrong_clock", str(wrong)] if wrong else _TCPDASH

    def _own(self, name: str, command: Sequence[str], **more: Any) -> OwnProcess:
        log = self.folder.absolute() / "logs" / f"{name}.out.log"
        return OwnProcess(name, command, log=log, environment=dict(self._environment), **more)

    def _add(self, component: Component) -> None:
        self.parts[component.name] = Held(component)
        self._supervisor.start(self.parts[component.name])

    def _watch(self) -> None:
        try:
            self._supervisor.watch(None, lambda: None)
        except BaseException as error:
            self.died = error
            raise


def _wire_symbols() -> str:
    return ",".join(symbol.partition(":")[2] for symbol in SYMBOLS)


def _listens(port: int) -> bool:
    import socket  # noqa: PLC0415

    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
