"""How near a backfill comes to what the venues allow: calls a second against the limit, through the command line."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bench.figures import figure, note
from db import schema
from db.embedded import PostgresServer
from exchanges import OKX, Binance, Coinbase, DataProvider
from market.clock import isoformat, monotonic
from market.timeframe import DAY_US
from replay import LocalExchange, SmallMarket
from replay.answer import Question
from replay.faults import Faults
from replay.routes import weight_of
from replay.views import View

START_US = 1_704_067_200_000_000  # 2024-01-01


class Case(NamedTuple):
    """A venue, a pair, and so many days that the burst is a small part of it.

    `asked` is the share of the budget that has to be used: the local exchange takes half of what Binance's calls cost this machine.
    """

    venue: type[DataProvider]
    pair: str
    days: int
    path: str
    budget: str
    asked: float


CASES = (
    Case(OKX, "BTC-USDT", 30, "history-candles", "history", 0.95),
    Case(Coinbase, "BTC-USD", 30, "candles", "", 0.95),
    Case(Binance, "BTC-USDT", 300, "klines", "", 0.6),
)


class Past(View):
    """A market that has been there always."""

    def __init__(self, inner: SmallMarket) -> None:
        super().__init__(inner)
        self.first_us = self.last_us = None


class Counting(Faults):
    """Notes when questions for candles came, and what they cost."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self.noted: list[tuple[float, float]] = []

    def reply(self, question: Question) -> None:
        if self._path in question.path:
            self.noted.append((monotonic(), float(weight_of(question) or 1)))


def main() -> None:
    """Print for each venue how fast 30 days of minutes come, and how that compares with its limit."""
    with tempfile.TemporaryDirectory() as folder:
        server = PostgresServer(Path(folder) / "data", durable=False)
        server.start()
        try:
            schema.upgrade(server.url)
            for case in CASES:
                asyncio.run(measure(case, server.url))
        finally:
            server.stop()


async def measure(case: Case, database_url: str) -> None:
    """Backfill one venue of the local exchange in a process of its own."""
    name, end_us = case.venue.name, START_US + case.days * DAY_US
    market = SmallMarket(name, [case.pair], start_us=START_US, seconds=case.days * 86_400.0 + 3_600, rate=0.01)
    counting = Counting(case.path)
    async with LocalExchange(Past(market), start_us=end_us + DAY_US, faults=counting) as exchange:
        exchange.pause()
        began = monotonic()
        await _backfill(f"{name}:{case.pair}", end_us, {
            "TCPDASH_CONFIG": "", "TCPDASH_DATABASE__URL": database_url, f"TCPDASH_VENUES__{name}__REST_URL": exchange.rest_url,
        })  # fmt: skip
        seconds = monotonic() - began
    budget = case.venue.budgets[case.budget]
    first, last = counting.noted[0][0], counting.noted[-1][0]
    spent = sum(cost for _, cost in counting.noted)
    note(f"{name}: {case.days} days of 1m candles, candles a second (process start included)", case.days * 1440 / seconds, "/s")
    note(f"{name}: calls a second, {len(counting.noted)} calls", len(counting.noted) / (last - first), "/s")
    # What a bucket lets through in that time: the burst, and what flows in.
    allowed = budget.burst + (last - first) * budget.per_second
    figure(f"{name}: share of its budget ({budget.per_second:g}/s) that is used", spent / allowed, case.asked)
    figure(f"{name}: share of its budget, at most", spent / allowed, 1.02, at_least=False)


async def _backfill(symbol: str, end_us: int, settings: Mapping[str, str]) -> None:
    words = ["backfill", symbol, "--from", isoformat(START_US), "--to", isoformat(end_us)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "cli", *words, env=os.environ | settings)
    if await process.wait():
        raise SystemExit(f"backfill of {symbol} failed")


if __name__ == "__main__":
    main()
