"""Bots that were taken from another runner: their windows, and where they go on."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from db.bot_rows import StoredBot
from db.operations import DatabaseOperations
from db.repositories.gaps import Gap
from market.candle import Candle
from market.clock import parse_time
from market.timeframe import BASE, MINUTE_US
from trading.bots.account import Account
from trading.bots.config import as_dict, digest, from_dict
from trading.bots.loading import Loader
from trading.bots.minutes import Minutes
from trading.rules import Listing

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


def acted(database: DatabaseOperations, *, lacking: int = 0) -> StoredBot:
    """Return a bot of five minutes that acted on 13 minutes, under a new lease; one of them may have got lost since."""
    config = from_dict({"id": "a", "strategy": "donchian_breakout", "symbols": [SYMBOL], "timeframe": "5m", "balance": "1000"})
    database.market_data.upsert_candles(candles([number for number in range(1, 14) if number != lacking]))
    with database.transaction() as store:
        store.bots.put_config("a", as_dict(config), digest=digest(config), file="a.json", autostart=True)
    (taken,) = database.bots.take("another", most=1, seconds=60)
    account = Account(config.rules(), {SYMBOL: Listing()}, config.balance, at_us=BEGIN_US)
    state = {**account.state(), "begins_us": BEGIN_US, "timeframe": "5m", "cut": [False]}
    return replace(taken, account=state, acted_until_us=BEGIN_US + 13 * MINUTE_US)


def test_a_bot_goes_on_inside_a_candle_with_the_minutes_that_another_runner_acted_on(database: DatabaseOperations):
    minutes = Minutes(database)

    loaded = Loader(database, minutes).load(acted(database), LOOKBACK)
    database.market_data.upsert_candles(candles([14, 15]))
    minutes.poll(0.0)

    assert loaded is not None
    (question,) = loaded.advance(10)
    assert question.timestamps_us.tolist() == [BEGIN_US + number * MINUTE_US for number in (5, 10, 15)]
    assert question.prices[-1].tolist() == [111.0, 116.0, 110.0, 115.5, 10.0]


def test_a_bot_knows_from_its_first_moment_on_whether_it_is_behind(database: DatabaseOperations):
    bot = acted(database)
    database.market_data.upsert_candles(candles([14]))

    loaded = Loader(database, Minutes(database)).load(bot, LOOKBACK)

    assert loaded is not None
    assert loaded.is_behind


def test_a_bot_does_not_go_on_while_a_minute_of_the_candle_that_forms_is_being_fetched(database: DatabaseOperations):
    bot = acted(database, lacking=12)
    inside_us = BEGIN_US + 11 * MINUTE_US + 1
    with database.transaction() as store:
        store.gaps.open(Gap(symbol=SYMBOL, first_id=5, last_id=9, start_us=inside_us, end_us=inside_us + 1, cause="quality"))
    minutes = Minutes(database)

    assert Loader(database, minutes).load(bot, LOOKBACK) is None
    assert "is being filled" in minutes.trouble(SYMBOL)
