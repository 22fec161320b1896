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
WRONG_USAGE = 2
"""Exit code of our verbs for settings and options that cannot be used."""


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
        self._outages: dict[str, _Outage] = {}
        self._stopping = threading.Event()

    def start(self, component: Component) -> None:
        """Start a component and watch it from now on."""
        self._components.append(component)
        self._backoffs[component.name] = Backoff(first=0.2, cap=10.0, good_after=_STEADY_SECONDS)
        component.start()

    def watch(self, seconds: float | None, each_round: Callable[[], None]) -> None:
        """Restart what dies, each on its own, until a signal asks to stop or `seconds` are over.

        Args:
            seconds: How long; None for ever.
            each_round: Called a few times a second.

        Raises:
            ComponentFailed: If a component says that it was started in a wrong way, which no restart mends.
        """
        deadline = None if seconds is None else monotonic() + seconds
        while not self._stopping.wait(_POLL_SECONDS) and (deadline is None or monotonic() < deadline):
            for component in self._components:
                self._look_after(component)
            each_round()

    def on_signals(self) -> None:
        """Take Ctrl-C and SIGTERM as the wish to stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.end())

    def end(self) -> None:
        """End `watch`; may be called from any thread."""
        self._stopping.set()

    def stop(self) -> None:
        """Stop everything, last started first."""
        for component in reversed(self._components):
            component.stop()

    def pids(self) -> dict[str, int]:
        """Return the process ids by component."""
        found = {component.name: getattr(component, "process", None) for component in self._components}
        return {name: process.pid for name, process in found.items() if process is not None}

    def _look_after(self, component: Component) -> None:
        code, now, outage = component.poll(), monotonic(), self._outages.get(component.name)
        if code is None:
            self._backoffs[component.name].good(now)
        elif code == WRONG_USAGE:
            raise ComponentFailed(
                component.name, "it cannot use its settings; what it said stands above, or in the logs of the home"
            )
        elif outage is None:
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            click.echo(f"{component.name} went down ({how}); starting it again", err=True)
            backoff = self._backoffs[component.name]
            wait = backoff.next() if backoff.attempts else 0.0
            backoff.attempts += 1
            self._outages[component.name] = _Outage(isoformat(now_us() // 1000 * 1000), code, now, now + wait)
        elif now >= outage.retry_at:
            self._revive(component, outage)

    def _revive(self, component: Component, outage: "_Outage") -> None:
        outage.attempts += 1
        try:
            component.start()
        except (PlatformError, OSError) as error:
            click.echo(f"{component.name} does not start: {error}", err=True)
            outage.retry_at = monotonic() + self._backoffs[component.name].next()
            return
        del self._outages[component.name]
        seconds = round(monotonic() - outage.since, 3)
        incident = Incident(component.name, outage.at, outage.exit_code, seconds, outage.attempts)
        try:
            with self._incidents.open("ab") as file:
                file.write(msgspec.json.encode(incident) + b"\n")
        except OSError as error:
            click.echo(f"the outage of {component.name} could not be written down: {error}", err=True)


class _Outage(msgspec.Struct):
    """A component that is down; `since` and `retry_at` are seconds of a clock that never goes back."""

    at: str
    exit_code: int
    since: float
    retry_at: float
    attempts: int = 0
