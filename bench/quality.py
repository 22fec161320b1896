"""How long the checks take over 10 million candles, and how much memory: `python -m bench.quality` runs alone, too."""

import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.figures import figure, note
from db import rollups, schema
from db.embedded import PostgresServer
from db.engine import create_engine, transaction
from db.operations import get_database_operations
from db.series import CandleSeries
from market.clock import monotonic
from market.timeframe import MINUTE_US, Timeframe

SYMBOLS = tuple(f"OKX:B{number}-USDT" for number in range(5))
ROWS = 2_000_000  # of each
START_US = 1_577_836_800_000_000  # 2020-01-01


def main() -> None:
    """Load the rows, check them in a process of its own, and print how long that took."""
    with tempfile.TemporaryDirectory() as folder:
        server = PostgresServer(Path(folder) / "data", durable=False)
        server.start()
        try:
            schema.upgrade(server.url)
            load(server.url)
            print_check(server.url)
        finally:
            server.stop()


def load(url: str) -> None:
    """Store the candles, and make the wider ones."""
    engine = create_engine(url)
    began = monotonic()
    for number, symbol in enumerate(SYMBOLS):
        with transaction(engine) as store:
            store.market_data.upsert_series(minutes(symbol, number, ROWS))
    note("10 million 1m candles loaded, rows a second", ROWS * len(SYMBOLS) / (monotonic() - began), "/s")
    began = monotonic()
    rollups.refresh(engine)
    note("their wider candles made", monotonic() - began, "s")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum analyze market_data")
    engine.dispose()


def print_check(url: str) -> None:
    """Check all of it in another process, whose memory is only that of the checks."""
    asyncio.run(_measured(url))


async def _measured(url: str) -> None:
    began = monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.quality", url, stdout=asyncio.subprocess.PIPE, env=os.environ | {"TCPDASH_CONFIG": ""}
    )
    out, _ = await process.communicate()
    seconds = monotonic() - began
    if process.returncode:
        raise SystemExit("the checks failed")
    found = json.loads(out.splitlines()[-1])
    assert found["rows"] == ROWS * len(SYMBOLS), found
    assert found["failed"] == [], found
    note("rules checked on each symbol", found["rules"], "")
    note("processor time of it, the database's not included", found["processor"], "s")
    figure("quality suite over 10 million 1m candles, process start included", seconds, 60, unit="s", at_least=False)
    figure("quality suite over 10 million 1m candles, peak memory", found["kilobytes"] / 1e6, 2, unit="GB", at_least=False)


def check(url: str) -> None:
    """Check all that is stored and print what came of it as one line of JSON."""
    from history.quality import Order, Suite, run_quality

    db = get_database_operations(url)
    runs = asyncio.run(run_quality(db, Order(suite=Suite.CANDLES)))
    db.close()
    print(json.dumps({
        "rows": sum(run.rows for run in runs),
        "rules": sum(result.success is not None for result in runs[0].results),
        "failed": [result.rule for run in runs for result in run.failed],
        "processor": time.process_time(),
        "kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }))  # fmt: skip


def minutes(symbol: str, seed: int, rows: int) -> CandleSeries:
    """Return candles of a random walk."""
    dice = np.random.default_rng(seed)
    close = np.round(30_000 * np.exp(np.cumsum(dice.normal(0, 2e-4, rows))), 2)
    open_ = np.concatenate([[30_000.0], close[:-1]])
    volume = np.round(dice.exponential(10, rows), 8)
    numbers = np.arange(rows, dtype=np.int64)
    columns = {
        "timestamp": START_US + (numbers + 1) * MINUTE_US,
        "open": open_,
        "high": np.round(np.maximum(open_, close) * (1 + dice.exponential(1e-4, rows)), 2),
        "low": np.round(np.minimum(open_, close) * (1 - dice.exponential(1e-4, rows)), 2),
        "close": close,
        "volume": volume,
        "quote_volume": np.round(volume * close, 8),
        "trades": dice.integers(1, 1_000, rows),
        "taker_buy_volume": np.round(volume * dice.random(rows), 8),
        "first_trade_id": numbers * 1_000,
        "last_trade_id": numbers * 1_000 + 999,
        "complete": np.ones(rows),
        "origin": np.zeros(rows),
    }
    return CandleSeries.of(symbol, Timeframe.M1, columns)


if __name__ == "__main__":
    check(sys.argv[1]) if len(sys.argv) > 1 else main()
