"""What the whole system costs while nothing happens but one live symbol and its flows, and how soon a run begins that is due."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from bench.figures import figure, note

_TCPDASH = [sys.executable, "-m", "cli"]
_SETTLED_SECONDS, _IDLE_SECONDS, _RUNS = 45.0, 90.0, 5


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        environment = {**os.environ, "TCPDASH_HOME": str(home), "TCPDASH_CONFIG": ""}
        command = [*_TCPDASH, "up", "--tape", "synthetic", "--symbols", "BTC-USDT"]
        begun = time.monotonic()
        system = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            url = _served(home, environment)
            note("from `tcpdash up` to flows that are served, first start", time.monotonic() - begun, "s")
            time.sleep(_SETTLED_SECONDS)
            _costs(system.pid)
            _latency(url)
        finally:
            begun = time.monotonic()
            system.terminate()
            system.wait(60)
            note("until all of it has stopped", time.monotonic() - begun, "s")


def _served(home: Path, environment: dict[str, str]) -> str:
    """Return where Prefect answers, once somebody carries out runs."""
    file = home / "state.json"
    for _ in range(120):
        scheduler = (json.loads(file.read_text()) if file.exists() else {}).get("scheduler")
        status = [*_TCPDASH, "flows", "status", "--json"]
        done = subprocess.run(status, env=environment, capture_output=True, check=False) if scheduler else None
        if done is not None and done.returncode == 0 and json.loads(done.stdout)["workers"]:
            return str(scheduler["url"])
        time.sleep(1)
    raise TimeoutError("nobody serves the flows")


def _costs(pid: int) -> None:
    """Print memory and processor time by process; shared pages count for each by its share."""
    import psutil

    system = psutil.Process(pid)
    before = {process.pid: _used(process) for process in (system, *system.children(recursive=True))}
    time.sleep(_IDLE_SECONDS)
    busy, memory = dict.fromkeys(_NAMES, 0.0), dict.fromkeys(_NAMES, 0.0)
    for process in (system, *system.children(recursive=True)):
        try:
            name, used = _name(process), _used(process) - before.get(process.pid, 0.0)
            busy[name] += used / _IDLE_SECONDS
            memory[name] += process.memory_full_info().pss / 1e6
        except psutil.Error:  # it ended meanwhile
            continue
    for name in _NAMES:
        note(f"{name}: {busy[name]:.1%} of a core", memory[name], "MB")
    figure("the whole system at rest, share of one core", sum(busy.values()), 0.25, at_least=False)
    figure("the whole system at rest, memory", sum(memory.values()), 1_200, unit="MB", at_least=False)


_NAMES = {
    "postgres": "postgres", "redis": "valkey", "local exchange": "replay", "worker": "stream", "page": "cli app",
    "Prefect server": "prefect.server", "flows worker": "worker start", "a run": "flows.process", "tcpdash up": "",
}  # fmt: skip


def _name(process: object) -> str:
    words = " ".join(process.cmdline())  # type: ignore[attr-defined]
    order = ["flows worker", "a run", "Prefect server", "page", "postgres", "redis", "local exchange", "worker"]
    return next((name for name in order if _NAMES[name] in words), "tcpdash up")


def _used(process: object) -> float:
    return sum(process.cpu_times()[:2])  # type: ignore[attr-defined]


def _latency(url: str) -> None:
    """Print how long it takes from a run's being due to the first line of its flow."""
    import httpx

    with httpx.Client(base_url=f"{url}/", trust_env=False) as client:
        deployment = client.get("deployments/name/refresh-aggregates/refresh-aggregates").json()["id"]
        waits, works = [], []
        for _ in range(_RUNS):
            run = client.post(f"deployments/{deployment}/create_flow_run", json={}).json()["id"]
            while (found := client.get(f"flow_runs/{run}").json())["end_time"] is None:
                time.sleep(0.2)
            due, start, end = (datetime.fromisoformat(found[name]) for name in ("expected_start_time", "start_time", "end_time"))
            waits.append((start - due).total_seconds())
            works.append((end - start).total_seconds())
    figure("from due to the first line of a flow, median", statistics.median(waits), 10.0, unit="s", at_least=False)
    note("a refresh with nothing to do, median", statistics.median(works), "s")


if __name__ == "__main__":
    main()
