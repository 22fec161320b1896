"""Thirty days of minutes, the process killed three times: nothing is lost, nothing is asked twice, no limit is exceeded."""

import asyncio
import json
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from market.candle import Origin
from market.clock import isoformat
from market.timeframe import MINUTE_US, SECOND_US, Timeframe
from market.window import Window
from tests.history.backfill.markets import Counting, at, bars_of, exchange_of, past

pytestmark = pytest.mark.postgres

SYMBOL, M1 = "COINBASE:BTC-USD", Timeframe.M1
MINUTES, PAGE = 43_200, 300
BURST, A_SECOND = 15, 10  # what the venue allows


async def start(home: Path, database_url: str, rest_url: str, window: Window, symbol: str = SYMBOL) -> Process:
    environment = os.environ | {
        "TCPDASH_CONFIG": "", "TCPDASH_HOME": str(home), "TCPDASH_DATABASE__URL": database_url,
        "TCPDASH_VENUES__COINBASE__REST_URL": rest_url,
    }  # fmt: skip
    words = ["backfill", symbol, "--from", isoformat(window.start_us), "--to", isoformat(window.end_us), "--json"]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", *words, env=environment, stdout=PIPE, stderr=PIPE
    )  # fmt: skip


def asked_windows(counting: Counting, since: int) -> list[Window]:
    """Return for which minutes candles were asked, from the question with a number on; where the venue begins is told by days."""
    params = [question.params for _, question in counting.noted[since:] if question.params.get("granularity") == "60"]
    return [Window(int(each["start"]) * SECOND_US, int(each["end"]) * SECOND_US + MINUTE_US) for each in params]


def most_within(moments: Sequence[float], seconds: float) -> int:
    """Return the most questions that came within so many seconds."""
    return max(sum(1 for other in moments[first:] if other - moment < seconds) for first, moment in enumerate(moments))


async def test_killed_three_times_it_ends_with_the_tape_and_asks_nothing_twice(database, database_url, tmp_path):
    chance, counting = random.Random(7), Counting()
    market = past("COINBASE", minutes=MINUTES + 100, rate=0.03, symbols=("BTC-USD",))
    bars = bars_of(market, SYMBOL, 0, MINUTES + 90)
    first = next(minute for minute in range(90) if bars[minute].trades and bars[minute + MINUTES - 1].trades)
    window, expected = Window(at(first), at(first + MINUTES)), bars[first : first + MINUTES]
    under_way = 0
    async with exchange_of(market, MINUTES + 100, counting) as exchange:
        for _ in range(3):
            spans, begun = database.backfills.spans(SYMBOL, M1), len(counting.noted)
            enough = counting.after(chance.randrange(10, 45))
            process = await start(tmp_path, database_url, exchange.rest_url, window)
            await enough.wait()
            process.send_signal(signal.SIGKILL)
            assert await process.wait() == -signal.SIGKILL
            await process.communicate()
            asked = asked_windows(counting, begun)
            assert not any(one.overlaps(span) for one in asked for span in spans)
            kept = database.backfills.spans(SYMBOL, M1)
            under_way += sum(
                1 for one in asked if not any(span.start_us <= one.start_us and one.end_us <= span.end_us for span in kept)
            )
        spans, begun = database.backfills.spans(SYMBOL, M1), len(counting.noted)
        process = await start(tmp_path, database_url, exchange.rest_url, window)
        out, err = await process.communicate()
    found = list(database.market_data.get_series(SYMBOL, M1).candles())

    assert (process.returncode, err) == (0, b"")
    assert not any(one.overlaps(span) for one in asked_windows(counting, begun) for span in spans)
    assert len(asked_windows(counting, 0)) == MINUTES // PAGE + under_way
    assert under_way <= 3 * 8
    assert [(each.open_us, each.open, each.high, each.low, each.close, each.volume) for each in found] == [
        (bar.open_us, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in expected
    ]
    assert {(each.origin, each.complete) for each in found} == {(Origin.EXCHANGE, True)}
    assert told(out)["missing"] == 0
    moments = [moment for moment, _ in counting.noted]
    assert most_within(moments, 1.0) <= BURST
    assert most_within(moments, 10.0) <= BURST + 10 * A_SECOND
    assert [row.state for row in database.backfills.list()] == ["interrupted"] * 3 + ["done"]


async def test_two_processes_of_a_home_keep_the_limit_together(database, database_url, tmp_path):
    counting, minutes = Counting(), 9_000
    market = past("COINBASE", minutes=minutes + 100, rate=0.05, symbols=("BTC-USD", "ETH-USD"))
    async with exchange_of(market, minutes + 100, counting) as exchange:
        window = Window(at(90), at(minutes))
        both = [await start(tmp_path, database_url, exchange.rest_url, window, symbol) for symbol in market.symbols]
        said = [await process.communicate() for process in both]

    assert [(process.returncode, err) for process, (_, err) in zip(both, said, strict=True)] == [(0, b""), (0, b"")]
    assert {row.symbol for row in database.backfills.list()} == set(market.symbols)
    moments = [moment for moment, _ in counting.noted]
    assert len(moments) > 2 * minutes / PAGE
    for seconds in (0.5, 1.0, 2.0, 4.0):
        assert most_within(moments, seconds) <= BURST + seconds * A_SECOND + 1


def told(out: bytes) -> dict[str, Any]:
    [outcome] = json.loads(out)
    return dict(outcome)
