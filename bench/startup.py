"""How long the command line takes to answer, and what the processes of a calm system cost."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.figures import figure, note

_TCPDASH = [sys.executable, "-m", "cli"]


def _seconds(command: list[str], rounds: int = 5) -> float:
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        best = min(best, time.perf_counter() - begun)
    return best


def main() -> None:
    """Print the figures."""
    note("a Python that does nothing", _seconds([sys.executable, "-c", "pass"]), "s")
    figure("tcpdash --help", _seconds([*_TCPDASH, "--help"]), 0.5, unit="s", at_least=False)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        command = [*_TCPDASH, "demo", "--for", "600"]
        demo = subprocess.Popen(command, env=_environment(Path(folder)), stdout=subprocess.PIPE, text=True)
        try:
            assert demo.stdout is not None
            for line in demo.stdout:
                if "page: " in line:
                    note("from `tcpdash demo` to a page that answers, first start", time.monotonic() - begun, "s")
                    break
            time.sleep(10)
            _costs(demo.pid, 10.0)
        finally:
            demo.terminate()
            demo.wait(30)


def _environment(home: Path) -> dict[str, str]:
    import os

    return {**os.environ, "TCPDASH_HOME": str(home)}


def _costs(pid: int, seconds: float) -> None:
    """Print memory and processor time of each process below one."""
    import psutil

    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    before = {process.pid: sum(process.cpu_times()[:2]) for process in processes}
    time.sleep(seconds)
    memory, busy = 0.0, 0.0
    for process in processes:
        try:
            own, used = process.memory_full_info().uss / 1e6, sum(process.cpu_times()[:2]) - before[process.pid]
            words = " ".join(process.cmdline()[-2:])[-40:]
        except psutil.Error:
            continue
        memory, busy = memory + own, busy + used
        if own > 20:
            note(f"own memory of {words} ({used / seconds:.0%} of a core)", own, "MB")
    note("all processes of the demo", memory, "MB")
    note("all processes of the demo, share of one core", busy / seconds, "")


if __name__ == "__main__":
    main()
