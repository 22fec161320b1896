"""What pages cost that are left open: processor time of the page and of the worker, and whether memory stays what it is."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import psutil
from playwright.sync_api import Browser, Page

from bench.app_home import BenchHome
from bench.figures import figure, note
from tests.app.browser import Demo, window
from tests.app.painted import USEFUL, path_of

SESSIONS, CALM_SECONDS, OPEN_SECONDS = 10, 30, 60
WORKER_ABOVE = 0.02  # of a core: what two measurements of the same differ in
SAMPLE_SECONDS, SPEED = 5, 20
LONG_SECONDS, SHORT_SECONDS = 3_600, 180
BARS = 60
FULL_SECONDS = (BARS + 2) * 60 / SPEED  # until then there is more to draw with each minute
PLACES = (
    *(f"/market?symbol=SYNTHETIC:{base}-USDT&timeframe={width}" for base in ("BTC", "ETH") for width in ("1m", "5m")),
    *(path_of(name) for name in USEFUL),
)


def sessions(home: BenchHome, browser: Browser) -> None:
    """Print what ten sessions with live pages cost the page and a real worker on the same stores."""
    app = home.app()
    with _feed(home) as worker:
        try:
            warmed = window(browser, app.url)
            for path in PLACES:
                warmed.open(path)
            warmed.page.context.close()
            time.sleep(5)
            calm, calm_app = _cores([worker], CALM_SECONDS, app.process)
            before = app.process.memory_full_info().uss / 1e6
            opened = [window(browser, app.url) for _ in range(SESSIONS)]
            for each, path in zip(opened, PLACES, strict=True):
                each.open(path)
            busy, busy_app = _cores([worker], OPEN_SECONDS, app.process)
            note("cores that the page uses with none open", calm_app, "")
            figure(f"cores that the page uses with {SESSIONS} open", busy_app, 1.0, at_least=False)
            note("cores that the worker uses with none open", calm, "")
            figure(f"cores that the worker uses more with {SESSIONS} open", busy - calm, WORKER_ABOVE, at_least=False)
            note("memory of the page with one session before (own)", before, "MB")
            note(f"memory of the page with {SESSIONS} open (own)", app.process.memory_full_info().uss / 1e6, "MB")
            for each in opened:
                each.page.context.close()
        finally:
            app.stop()


def memory(browser: Browser, *, seconds: float) -> None:
    """Print how memory of the page and the browser goes while a tape is played fast with a live page open."""
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(folder), "--speed", str(SPEED))
        try:
            opened = window(browser, demo.url)
            page = opened.open(f"/market?symbol=SYNTHETIC:BTC-USDT&timeframe=1m&bars={BARS}")
            page.wait_for_timeout(FULL_SECONDS * 1e3)
            app = next(each for each in demo.family() if {"cli", "app"} <= set(each.cmdline()))
            samples = _sample(app, page, seconds)
            demo.stop()
        finally:
            demo.kill()
    for name in Sample._fields[1:]:
        _tell(name.replace("_", " "), [each.at for each in samples], [getattr(each, name) for each in samples])


class Sample(NamedTuple):
    """At so many seconds: memory in MB, and how many nodes the document has; the heap of scripts without what is garbage."""

    at: float
    page_own_memory_MB: float  # noqa: N815 - a unit
    browser_own_memory_MB: float  # noqa: N815
    browser_script_heap_MB: float  # noqa: N815
    browser_nodes: float


def _sample(app: psutil.Process, page: Page, seconds: float) -> list[Sample]:
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    begun, found = time.monotonic(), []
    while (at := time.monotonic() - begun) < seconds:
        devtools.send("HeapProfiler.collectGarbage")
        told = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
        own, whole = app.memory_full_info().uss / 1e6, sum(map(_own, _chromium())) / 1e6
        found.append(Sample(at, own, whole, told["JSHeapUsedSize"] / 1e6, told["Nodes"]))
        page.wait_for_timeout(SAMPLE_SECONDS * 1e3)
    return found


def _own(process: psutil.Process) -> float:
    """Return what is of this process alone: what it shares, such as the program, counts for less while others run that, too."""
    try:
        return float(process.memory_full_info().uss)
    except psutil.NoSuchProcess:
        return 0.0


def _tell(name: str, at: Sequence[float], values: Sequence[float]) -> None:
    third = len(values) // 3
    slope = np.polyfit(np.array(at[third:]) / 3_600, values[third:], 1)[0]
    note(f"{name}: median", median(values), "")
    note(f"{name}: slope, an hour", float(slope), "")
    ratio = median(values[-third:]) / median(values[third : 2 * third])
    figure(f"{name}: last third against second third", ratio, 1.05, at_least=False)


@contextmanager
def _feed(home: BenchHome) -> Iterator[psutil.Process]:
    """Run a real worker on a generated market, on the stores of the home; yield its process."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["up", "--tape", "synthetic", "--no-app", "--no-flows", "--no-bots"]
        system = subprocess.Popen(
            [sys.executable, "-m", "cli", *words], env={**home.environment, "TCPDASH_HOME": folder}, stdout=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + 60
            while not (found := [each for each in psutil.Process(system.pid).children() if each.cmdline()[-1:] == ["stream"]]):
                if time.monotonic() > deadline or system.poll() is not None:
                    raise RuntimeError("no worker came of `tcpdash up`")
                time.sleep(0.2)
            time.sleep(10)  # it catches up with the tape first
            yield found[0]
        finally:
            system.terminate()
            system.wait(30)


def _cores(workers: Sequence[psutil.Process], seconds: float, app: psutil.Process) -> tuple[float, float]:
    """Return the cores that workers and the page use within so many seconds."""
    before = [sum(map(_seconds, workers)), _seconds(app)]
    begun = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - begun
    return (sum(map(_seconds, workers)) - before[0]) / passed, (_seconds(app) - before[1]) / passed


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _chromium() -> list[psutil.Process]:
    return [each for each in psutil.Process(os.getpid()).children(recursive=True) if "chrom" in each.name()]
