"""The store that has all there is: each state of each thing is in it, and its numbers agree."""

import pytest

from db import Bus, DatabaseOperations
from db.repositories.gaps import Gap
from market.clock import now_us
from tests.app.full.bots import BOTS
from tests.app.full.candles import PRICES, STATES
from tests.app.full.fill import fill

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


def test_a_full_store_has_each_state_of_each_thing(database: DatabaseOperations, redis_url: str) -> None:
    end_us = fill(database, redis_url)

    assert now_us() - end_us < 600_000_000
    assert database.market_data.symbols() == sorted(PRICES)
    assert set(database.gaps.counts()) == set(STATES)
    bots = database.bots.list()
    assert len(bots) == BOTS
    assert {bot.state for bot in bots} == {"running", "stopped", "catching-up", "waiting", "crashed", "parked"}
    runs = database.backtests.list()
    assert {run.kind for run in runs if run.state == "done"} == {"backtest", "sweep", "walk-forward"}
    assert {run.state for run in runs} == {"done", "running", "failed", "cancelled", "interrupted"}
    assert {run.state for run in database.backfills.list()} == {"running", "done", "failed", "cancelled", "interrupted"}
    assert {run.state for run in database.quality.list()} >= {"running", "done"}
    assert set(database.alerts.counts()) == {"waiting", "sent", "given-up", "old"}
    _check_ledgers(database)
    _check_candles(database, next(gap for gap in database.gaps.list(state="open") if gap.symbol == "BINANCE:BTC-USDT"))
    bus = Bus(redis_url)
    assert sorted(bus.feeds()) == sorted(PRICES)
    assert bus.latest("OKX:BTC-USDT", "1m").timestamp_us == end_us + 60_000_000
    assert bus.bot(next(bot.id for bot in bots if bot.state == "running"))["state"] == "running"
    bus.close()


def _check_ledgers(database: DatabaseOperations) -> None:
    for bot in database.bots.list()[:10]:
        if bot.acted_until_us is not None:
            _, wrong = database.bots.entries(bot.id, bot.run)
            assert wrong == []
            assert database.bots.balances(bot.id, bot.run)["cash"] == bot.cash
            assert database.bots.performance(bot.id, newest=1)[0].equity == bot.equity


def _check_candles(database: DatabaseOperations, gap: Gap) -> None:
    stamps = database.market_data.get_candles(gap.symbol, "1m")["timestamp"].astype("int64")
    assert not ((stamps > gap.start_us) & (stamps <= gap.end_us)).any()
