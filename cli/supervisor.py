"""Keeps the processes of the system running: started in order, restarted when they die, stopped in the opposite order."""

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import click
import msgspec

from db import child
from market.clock import isoformat, monotonic, now_us
from market.errors import PlatformError
from streaming.backoff import Backoff

_POLL_SECONDS = 0.1
_STEADY_SECONDS = 30.0


class Component(Protocol):
    """Something that runs beside us: a server or one of our own processes."""

    name: str

    def start(self) -> None:
        """Start it, and wait until it can be used."""

    def poll(self) -> int | None:
        """Return None while it runs, else its exit code."""

    def stop(self) -> None:
        """Stop it in good order."""


class OwnProcess:
    """One of our verbs as a process of its own.

    Args:
        name: How it is called in messages and logs.
        command: What to run.
        log: Where its output goes.
        environment: What its environment has besides ours.
        is_ready: Tells when others may use it; waited for at the start.
        patience_seconds: How long to wait for that.
        shown: Whether its warnings go to the terminal.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        is_ready: Callable[[], bool] | None = None,
        patience_seconds: float = 60.0,
        shown: bool = False,
    ) -> None:
        self.name, self._command, self._log = name, command, log
        self._environment, self._is_ready, self._patience = environment, is_ready, patience_seconds
        self._shown = shown
        self.process: child.Process | None = None

    def start(self) -> None:
        """Start the process, and wait until it is ready.

        Raises:
            ComponentFailed: If it ends before.
        """
        since = child.size(self._log)
        self.process = child.spawn(self._command, self._log, environment=self._environment, shown=self._shown)
        if self._is_ready is not None:
            is_ready = self._is_ready
            child.wait_until(lambda: self.poll() is not None or is_ready(), self._patience)
            if self.poll() is not None:
                raise ComponentFailed(self.name, child.tail(self._log, since))

    def poll(self) -> int | None:
        """Return None while it runs, else its exit code."""
        return -1 if self.process is None else self.process.poll()

    def stop(self) -> None:
        """Ask it to stop; what it received is stored first."""
        if self.process is not None:
            child.stop(self.process, (signal.SIGTERM,), patience_seconds=20.0)


class ComponentFailed(PlatformError):
    """Raised when a process of the system ends as soon as it is started."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(name, words)
        self.name, self.words = name, words

    def __str__(self) -> str:
        return f"{self.name} ended right after its start:\n{self.words}"


class Incident(msgspec.Struct):
    """A component that was down, for `tcpdash doctor`.

    Attributes:
        down_seconds: From the moment it was found dead until it was started again.
    """

    component: str
    at: str
    exit_code: int
    down_seconds: float
    attempts: int


class Supervisor:
    """Starts components in order and keeps them running until `stop` is asked for.

    Args:
        incidents: File to which each outage is appended.
    """

    def __init__(self, incidents: Path) -> None:
        self._incidents = incidents
        self._components: list[Component] = []
        self._backoffs: dict[str, Backoff] = {}
        self._stopping = threading.Event()

    def start(self, component: Component) -> None:
        """Start a component and watch it from now on."""
        self._components.append(component)
        self._backoffs[component.name] = Backoff(first=0.2, cap=10.0, good_after=_STEADY_SECONDS)
        component.start()

    def watch(self, seconds: float | None, each_round: Callable[[], None]) -> None:
        """Restart what dies, until a signal asks to stop or `seconds` are over.

        Args:
            seconds: How long; None for ever.
            each_round: Called a few times a second.
        """
        deadline = None if seconds is None else monotonic() + seconds
        while not self._stopping.wait(_POLL_SECONDS) and (deadline is None or monotonic() < deadline):
            for component in self._components:
                code = component.poll()
                if code is not None and not self._stopping.is_set():
                    self._revive(component, code)
                elif code is None:
                    self._backoffs[component.name].good(monotonic())
            each_round()

    def on_signals(self) -> None:
        """Take Ctrl-C and SIGTERM as the wish to stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stopping.set())

    def stop(self) -> None:
        """Stop everything, last started first."""
        for component in reversed(self._components):
            component.stop()

    def pids(self) -> dict[str, int]:
        """Return the process ids by component."""
        found = {component.name: getattr(component, "process", None) for component in self._components}
        return {name: process.pid for name, process in found.items() if process is not None}

    def _revive(self, component: Component, code: int) -> None:
        at_us, since = now_us(), monotonic()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        click.echo(f"{component.name} went down ({how}); starting it again", err=True)
        backoff = self._backoffs[component.name]
        attempts = 0
        while not self._stopping.wait(backoff.next() if attempts or backoff.attempts else 0.0):
            attempts += 1
            try:
                component.start()
            except PlatformError as error:
                click.echo(f"{component.name} does not start: {error}", err=True)
            else:
                break
        backoff.attempts += 1
        incident = Incident(component.name, isoformat(at_us // 1000 * 1000), code, round(monotonic() - since, 3), attempts)
        self._incidents.parent.mkdir(parents=True, exist_ok=True)
        with self._incidents.open("ab") as file:
            file.write(msgspec.json.encode(incident) + b"\n")
