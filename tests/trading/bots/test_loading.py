"""Bots that were taken from another runner: their windows, and where they go on."""

from collections.abc import Sequence

import msgspec
import pytest

from db.bot_rows import StoredBot
from db.operations import DatabaseOperations
from market.candle import Candle
from market.clock import parse_time
from market.timeframe import BASE, MINUTE_US
from trading.bots.account import Account
from trading.bots.bot import Bot
from trading.bots.config import as_dict, digest, read_config
from trading.bots.loading import Loader, plan_of
from trading.bots.minutes import Minutes
from trading.registry import Registry

SYMBOL = "OKX:BTC-USDT"
BEGIN_US = parse_time("2024-08-09T09:00:00Z")
LOOKBACK = 4

pytestmark = pytest.mark.postgres


def candles(minutes: Sequence[int]) -> list[Candle]:
    """Return minutes, numbered from the first one: that closes a minute after the begin."""
    return [
        Candle(
            SYMBOL, BASE, BEGIN_US + number * MINUTE_US, 100.0 + number, 101.0 + number, 99.0 + number, 100.5 + number, 2.0, 3,
            complete=True,
        )
        for number in minutes
    ]  # fmt: skip


@pytest.fixture
def bot(database: DatabaseOperations) -> StoredBot:
    """Return a bot of five minutes that acted on 13 minutes, under a new lease."""
    document = {"id": "a", "strategy": "donchian_breakout", "symbols": [SYMBOL], "timeframe": "5m", "balance": 1000}
    config = read_config(msgspec.json.encode(document), Registry(), file="a.json")
    database.market_data.upsert_candles(candles(range(1, 14)))
    with database.transaction() as store:
        store.bots.put_config("a", as_dict(config), digest=digest(config), file="a.json", autostart=True)
    (taken,) = database.bots.take("before", most=1, seconds=60)
    account = Account(config.rules(), {SYMBOL: _listing()}, config.balance, at_us=BEGIN_US)
    state = {**account.state(), "begins_us": BEGIN_US, "timeframe": "5m", "cut": [False]}
    return msgspec.structs.replace(taken) if False else _acted(taken, state, BEGIN_US + 13 * MINUTE_US)


def test_a_bot_goes_on_inside_a_candle_with_the_minutes_that_another_runner_acted_on(database: DatabaseOperations, bot: StoredBot):
    minutes = Minutes(database)

    loaded = Loader(database, minutes).load(bot, LOOKBACK)
    database.market_data.upsert_candles(candles([14, 15]))
    minutes.poll(0.0)

    assert loaded is not None
    (question,) = loaded.advance(10)
    assert question.timestamps_us.tolist() == [BEGIN_US + number * MINUTE_US for number in (5, 10, 15)]
    assert question.prices[-1].tolist() == [111.0, 116.0, 110.0, 115.5, 10.0]
