"""A real Prefect server with a database of its own, a local exchange, and the processes that carry out flows."""

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import psutil

from app.scheduler.api import ENDED, PrefectApi, Row
from cli import scheduler
from db import child
from replay import LocalExchange
from replay.answer import Answer, Question
from replay.source import Market
from settings.load import load_settings
from tests.history.backfill.markets import Counting, exchange_of, past

PATIENCE = 600.0  # all deployments at once keep two cores busy for minutes, beside whatever other tests do
NOW = 1_200
BY_PREFECT = ("prefect", "worker", "start", "--pool", "local", "--type", "process")
BY_US = ("cli", "flows", "serve", "--alone")
_POLL_SECONDS = 0.25


class Stubborn(Counting):
    """Answers so many questions for candles and refuses the others; all are answered where that is None."""

    left: int | None = None
    refused = 0

    def answer(self, question: Question, market: Market, answer: Answer) -> Answer:
        if self.left is None or "candles" not in question.path:
            return answer
        if self.left > 0:
            self.left -= 1
            return answer
        self.refused += 1
        return Answer(b'{"code":"50011","msg":"Too Many Requests","data":[]}', 429)

    def refuse_after(self, count: int) -> None:
        """Answer so many, then none."""
        self.left, self.refused = count, 0


class Served:
    """What the tests speak with."""

    def __init__(self, api: PrefectApi, home: Path, environment: Mapping[str, str], faults: Stubborn) -> None:
        self.api, self.home, self.environment, self.faults = api, home, dict(environment), faults
        self._worker: child.Process | None = None
        self._command: tuple[str, ...] = ()
        self._numbers: dict[str, str] = {}

    def work(self, command: tuple[str, ...]) -> None:
        """Have runs carried out by a process of this command, and by no other; return when Prefect heard of it."""
        if self._worker is not None and self._worker.poll() is None and self._command == command:
            return
        self.rest()
        if command != BY_US:  # that does so itself
            self.api.end_leftovers()
        self._worker = child.spawn([sys.executable, "-m", *command], self.home / "worker.log", environment=self.environment)
        self._command = command
        self.until(self.api.workers, "a worker")

    def rest(self) -> None:
        """Have no runs carried out."""
        if self._worker is not None:
            child.stop(self._worker, (signal.SIGTERM,), patience_seconds=20)
            self._worker = None
        for each in self.api.workers():
            self.api._client.delete(f"work_pools/local/workers/{each['name']}")

    def number(self, name: str) -> str:
        """Return what Prefect calls a deployment; it keeps that for as long as the deployment is there."""
        if name not in self._numbers:
            self._numbers[name] = self.api.deployment(name)["id"]
        return self._numbers[name]

    def start(self, name: str, **parameters: object) -> Row:
        """Ask for a run."""
        return self.api.start_run(self.number(name), parameters)

    def ended(self, run: Row) -> Row:
        """Return a run once it is over."""
        self.until(lambda: self.api.run(run["id"])["state_type"] in ENDED, f"the end of {run['name']}")
        return self.api.run(run["id"])

    def runs(self, name: str, *states: str) -> list[Row]:
        """Return the runs of a deployment that are in states of some types, or over."""
        return self.api.runs(self.number(name), states=states or ENDED, sort="EXPECTED_START_TIME_DESC", limit=50)

    def until(self, condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
        """Wait for what comes from other processes; asked seldom, for it is these that the processor is needed by."""
        assert wait_until(condition, seconds), f"no {what}; {self.log()}"

    def log(self) -> str:
        """Return the end of what the processes said."""
        return "\n".join(child.tail(file, 0, lines=30) for file in sorted(self.home.rglob("*.log")))

    def process_of(self, run: Row) -> psutil.Process:
        """Return the process that carries out a run that has begun."""
        wanted = {"PREFECT__FLOW_RUN_ID": run["id"]}
        [found] = [each for each in psutil.Process().children(recursive=True) if wanted.items() <= _environ(each).items()]
        return found


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Ask a few times a second until something holds; return False when it did not in time."""

    def asked() -> bool:
        if condition():
            return True
        time.sleep(_POLL_SECONDS)
        return False

    return child.wait_until(asked, seconds)


@contextmanager
def served(home: Path, database_url: str) -> Iterator[Served]:
    """Yield the server with nothing deployed, and one of OKX with two symbols of 1,200 minutes."""
    port, faults = child.free_port(), Stubborn()
    url = f"http://127.0.0.1:{port}/api"
    common = {"TCPDASH_HOME": str(home), "TCPDASH_CONFIG": "", "TCPDASH_DATABASE__URL": database_url}
    settings = load_settings(None, {**common, "TCPDASH_FLOWS__API_URL": url})
    environment = scheduler.server_environment(settings, url, database_url)
    server = child.spawn(scheduler.server_command(port), home / "server.log", environment=environment)
    try:
        with _exchange(faults) as exchange, PrefectApi(url) as api:
            assert child.wait_until(api.is_ready, PATIENCE), child.tail(home / "server.log", 0)
            venue = {"TCPDASH_VENUES__OKX__REST_URL": exchange.rest_url}
            own = {**common, **scheduler.worker_environment(settings, url), **venue, "TCPDASH_FLOWS__API_URL": url}
            served = Served(api, home, own, faults)
            try:
                yield served
            finally:
                served.rest()
    finally:
        child.stop(server, (signal.SIGTERM,))


@contextmanager
def _exchange(faults: Stubborn) -> Iterator[LocalExchange]:
    opened: Future[LocalExchange] = Future()
    loop, done = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with exchange_of(past("OKX", minutes=NOW + 10, symbols=("BTC-USDT", "ETH-USDT")), NOW, faults) as found:
            opened.set_result(found)
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        yield opened.result(timeout=10)
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


def _environ(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}
