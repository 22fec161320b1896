"""Through the socket: sustained rate, memory and latency of a real worker between a real exchange, PostgreSQL and Redis."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from bench.figures import figure, note
from db import Bus, get_database_operations
from db.embedded import PostgresServer, RedisServer
from db.schema import upgrade
from market.candle import Candle

RATE, SECONDS = 20_000, 60
CALM_RATE, CALM_SYMBOLS, CALM_SPEED, CALM_SECONDS = 2_000, 10, 60, 40


@contextmanager
def system(rate: float, symbols: int, speed: float, seconds: float, stamps: Path | None = None) -> Iterator[dict[str, object]]:
    """Run servers, exchange and worker in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        postgres, redis = PostgresServer(Path(folder) / "postgres"), RedisServer(Path(folder) / "redis")
        processes: list[subprocess.Popen[str]] = []
        try:
            postgres.start()
            redis.start()
            upgrade(postgres.url)
            command = [sys.executable, "-m", "bench.dense", str(rate), str(symbols), str(speed), str(seconds)]
            exchange = subprocess.Popen(command + ([str(stamps)] if stamps else []), stdout=subprocess.PIPE, text=True)
            processes.append(exchange)
            assert exchange.stdout is not None
            port = exchange.stdout.readline().strip()
            environment = {
                **os.environ,
                "TCPDASH_HOME": folder,
                "TCPDASH_DATABASE__URL": postgres.url,
                "TCPDASH_REDIS__URL": redis.url,
                "TCPDASH_VENUES__BINANCE__STREAM_URL": f"ws://127.0.0.1:{port}",
                "TCPDASH_VENUES__BINANCE__REST_URL": f"http://127.0.0.1:{port}",
                "TCPDASH_STREAM__EXCHANGE": "binance",
                "TCPDASH_STREAM__SYMBOLS": ",".join(f"B{number}-USDT" for number in range(symbols)),
            }
            yield_value: dict[str, object] = {
                "postgres": postgres,
                "redis": redis,
                "exchange": exchange,
                "environment": environment,
            }

            def start(*verb: str) -> psutil.Process:
                process = subprocess.Popen([sys.executable, "-m", "cli", *verb], env=environment, text=True)
                processes.append(process)
                return psutil.Process(process.pid)

            yield_value["start"] = start
            yield_value["start_worker"] = lambda: start("stream")
            yield yield_value
        finally:
            for process in reversed(processes):
                process.terminate()
                process.wait(30)
            redis.stop()
            postgres.stop()


def sustained() -> None:
    """20,000 trades a second for 60 seconds: nothing lost, memory flat."""
    with system(RATE, 4, 1, SECONDS) as run:
        worker: psutil.Process = run["start_worker"]()  # type: ignore[operator]
        exchange: subprocess.Popen[str] = run["exchange"]  # type: ignore[assignment]
        memory: list[float] = []
        busy: dict[str, float] = {}
        db = get_database_operations(run["postgres"].url)  # type: ignore[attr-defined]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(1.0):
                memory.append(worker.memory_info().rss / 1e6)

        threading.Thread(target=watch, daemon=True).start()
        begun = time.monotonic()
        assert exchange.stdout is not None
        sent = int(exchange.stdout.readline())  # printed when the exchange stops playing
        seconds = time.monotonic() - begun
        for name, process in (("worker", worker), ("exchange", psutil.Process(exchange.pid))):
            times = process.cpu_times()
            busy[name] = (times.user + times.system) / seconds
        trades = sent - 1  # one acknowledgement
        deadline = time.monotonic() + 60
        while (stored := _stored(db)) < trades and time.monotonic() < deadline:
            time.sleep(0.2)
        behind = time.monotonic() - begun - seconds
        done.set()
        note("trades sent a second", trades / SECONDS, "/s")
        figure("share of the trades asked for that were sent", trades / SECONDS / RATE, 0.98)
        figure("share of the sent trades that were stored", stored / trades, 1.0)
        missing = sum(db.raw_trades.contiguity(f"BINANCE:B{n}-USDT").missing for n in range(4))  # type: ignore[union-attr]
        figure("ids missing between the first and the last", missing, 0, at_least=False)
        figure("seconds until all were stored after the last was sent", behind, 5, unit="s", at_least=False)
        third = len(memory) // 3
        figure(
            "worker's memory, last third against second third",
            max(memory[-third:]) / max(memory[third : 2 * third]),
            1.1,
            at_least=False,
        )
        figure("worker's memory", max(memory), 150, unit="MB", at_least=False)
        for name, share in busy.items():
            note(f"{name}, cores used", share, "")
        db.close()


def _stored(db: object) -> int:
    return sum(c.rows for n in range(4) if (c := db.raw_trades.contiguity(f"BINANCE:B{n}-USDT")) is not None)  # type: ignore[attr-defined]


def latency() -> None:
    """2,000 trades a second: from the frame that closes a candle to a Redis subscriber, and how old forming ones are."""
    with tempfile.TemporaryDirectory() as folder:
        stamps = Path(folder) / "stamps"
        with system(CALM_RATE, CALM_SYMBOLS, CALM_SPEED, CALM_SECONDS, stamps) as run:
            closed: dict[tuple[str, int], int] = {}
            forming: list[tuple[int, Candle]] = []
            bus = Bus(run["redis"].url)  # type: ignore[attr-defined]
            decode = msgspec.json.Decoder(Candle).decode
            done = threading.Event()

            def listen() -> None:
                for message in bus.subscribe("market:*"):
                    at = time.time_ns()
                    if done.is_set():
                        return
                    if message is not None:
                        candle = decode(message.data)
                        if candle.timeframe == "1m" and candle.final:
                            closed.setdefault((candle.symbol, candle.timestamp_us), at)
                        elif candle.timeframe == "1m":
                            forming.append((at, candle))

            listener = threading.Thread(target=listen, daemon=True)
            listener.start()
            run["start_worker"]()  # type: ignore[operator]
            exchange: subprocess.Popen[str] = run["exchange"]  # type: ignore[assignment]
            assert exchange.stdout is not None
            exchange.stdout.readline()
            time.sleep(1)
            done.set()
            sent = [line.split() for line in stamps.read_text().splitlines()]
        waits = sorted(
            (closed[symbol, int(minute)] - int(at)) / 1e6 for symbol, minute, at in sent if (symbol, int(minute)) in closed
        )
        note("closed candles measured", len(waits), "")
        note("closed candle to a subscriber, median", waits[len(waits) // 2], "ms")
        figure("closed candle to a subscriber, 99th percentile", waits[int(len(waits) * 0.99)], 10, unit="ms", at_least=False)
        steps = sorted(_steps(forming))
        figure(
            "forming candle to a subscriber, time between two, 99th percentile",
            steps[int(len(steps) * 0.99)],
            100,
            unit="ms",
            at_least=False,
        )


def _steps(forming: list[tuple[int, Candle]]) -> list[float]:
    # Trades come all the time, so what a subscriber sees is never older than the time between two messages of a symbol.
    last: dict[str, int] = {}
    steps = []
    for at, candle in forming:
        if candle.symbol in last:
            steps.append((at - last[candle.symbol]) / 1e6)
        last[candle.symbol] = at
    return steps


def main() -> None:
    """Print the figures."""
    sustained()
    latency()


if __name__ == "__main__":
    main()
