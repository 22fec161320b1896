"""Five hundred bots over twenty symbols on one feed: from the close of a minute to the last signal, and what they take."""

import json
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import msgspec
import psutil

from bench.figures import figure, note
from bench.live import system
from db import Bus, get_database_operations

BOTS, SYMBOLS = 500, 20
RATE, SPEED, SECONDS = 300, 6, 100
STARTED_SECONDS = 90
STRATEGIES = {
    "sma_cross": {"fast": 3, "slow": 8}, "ema_cross": {"fast": 2, "slow": 4}, "rsi": {"period": 5}, "macd": {"fast": 3, "slow": 6},
    "bollinger_reversion": {"period": 10}, "donchian_breakout": {"enter": 10, "leave": 5}, "buy_and_hold": {},
}  # fmt: skip


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        stamps, bots = Path(folder) / "stamps", Path(folder) / "bots"
        write_bots(bots)
        with system(RATE, SYMBOLS, SPEED, SECONDS + STARTED_SECONDS, stamps) as run:
            environment: dict[str, str] = run["environment"]  # type: ignore[assignment]
            environment["TCPDASH_BOTS__FOLDER"] = str(bots)
            exchange: subprocess.Popen[str] = run["exchange"]  # type: ignore[assignment]
            worker = run["start"]("stream")  # type: ignore[operator]
            while not (alone := _connections(exchange)):
                time.sleep(0.5)
            runner: psutil.Process = run["start"]("bots", "run", "--name", "bench")  # type: ignore[operator]
            db = get_database_operations(run["postgres"].url)  # type: ignore[attr-defined]
            begun = time.monotonic()
            while (running := sum(bot.state == "running" for bot in db.bots.list())) < BOTS and time.monotonic() < begun + 60:
                time.sleep(0.5)
            note("seconds from the start of a runner until all its bots run", time.monotonic() - begun, "s")
            figure("bots that run", running, BOTS)
            heard = _Heard(run["redis"].url)  # type: ignore[attr-defined]
            busy, since = _seconds(runner), time.monotonic()
            assert exchange.stdout is not None
            exchange.stdout.readline()  # printed when the exchange stops playing
            time.sleep(3)
            cores = (_seconds(runner) - busy) / (time.monotonic() - since)
            with_bots, memory = _connections(exchange), _memory(runner)
            note("worker's memory", worker.memory_info().rss / 1e6, "MB")
            last = heard.end()
            db.close()
        _tell(stamps, last)
        figure("connections to the exchange, with bots against without", with_bots / alone, 1.0, at_least=False)
        figure("memory of the runner and its strategies' processes together (PSS)", memory, 1_000, unit="MB", at_least=False)
        note("cores that they used", cores, "")


def write_bots(folder: Path) -> None:
    """Write the files of the bots, each strategy over all symbols in turn."""
    folder.mkdir()
    names = list(STRATEGIES)
    for number in range(BOTS):
        name = names[number % len(names)]
        config = {
            "id": f"bot-{number:03}", "strategy": name, "parameters": STRATEGIES[name], "timeframe": "1m", "balance": 10_000,
            "symbols": [f"BINANCE:B{number % SYMBOLS}-USDT"], "autostart": True,
            "stops": {"stop_loss": 0.01} if number % 2 else {}, "orders": {"limit_offset": 0.0001} if number % 3 == 0 else {},
        }  # fmt: skip
        (folder / f"bot-{number:03}.json").write_text(json.dumps(config))


class _Heard:
    """Listens for signals, and keeps when the last one of each symbol and minute was told: behind the commit."""

    def __init__(self, url: str) -> None:
        self._bus, self._done = Bus(url), threading.Event()
        self._last: dict[tuple[str, int], int] = {}
        self._counts: dict[tuple[str, int], int] = {}
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def end(self) -> dict[tuple[str, int], int]:
        """Return them, of the minutes after which all bots of the symbol had said something."""
        self._done.set()
        self._thread.join(timeout=5)
        return {key: at for key, at in self._last.items() if self._counts[key] == BOTS // SYMBOLS}

    def _listen(self) -> None:
        decode = msgspec.json.Decoder().decode
        for message in self._bus.subscribe("signals:*"):
            at = time.time_ns()
            if self._done.is_set():
                return
            if message is not None and (told := decode(message.data))["event"] == "signal":
                key = (told["symbol"], told["timestamp_us"])
                self._last[key] = at
                self._counts[key] = self._counts.get(key, 0) + 1


def _tell(stamps: Path, last: dict[tuple[str, int], int]) -> None:
    sent = [line.split() for line in stamps.read_text().splitlines()]
    waits = sorted((last[symbol, int(minute)] - int(at)) / 1e9 for symbol, minute, at in sent if (symbol, int(minute)) in last)
    note("closes of minutes of a symbol that were measured", len(waits), "")
    if waits:
        note("close of a minute to the last signal of its symbol, median", waits[len(waits) // 2], "s")
        note("the longest", waits[-1], "s")
        figure("close of a minute to the last signal, 99th percentile", waits[int(len(waits) * 0.99)], 2, unit="s", at_least=False)


def _connections(exchange: "subprocess.Popen[str]") -> int:
    found = psutil.Process(exchange.pid).net_connections("tcp")
    return sum(each.status == psutil.CONN_ESTABLISHED for each in found)


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _seconds(process: psutil.Process) -> float:
    return sum(times.user + times.system for times in (each.cpu_times() for each in _family(process)))


def _memory(process: psutil.Process) -> float:
    return sum(each.memory_full_info().pss for each in _family(process)) / 1e6


if __name__ == "__main__":
    main()
