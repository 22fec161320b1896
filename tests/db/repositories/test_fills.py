"""The executions of several bots on one chart are read with one statement."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from market.timeframe import MINUTE_US
from tests.db.bots import BTC, ETH, START_US, TRADE, leased, step

pytestmark = pytest.mark.postgres


def traded(database, bot: str, epoch: int, *minutes: int, symbol: str = BTC) -> None:
    trades = [
        replace(TRADE, number=number, symbol=symbol, timestamp_us=START_US + minute * MINUTE_US)
        for number, minute in enumerate(minutes, start=1 if symbol == BTC else 100)
    ]
    database.bots.write([step(bot, epoch, trades=trades)])


def told(database, chosen, *, first=0, last=100, most=50, symbol=BTC):
    window = {"start_us": START_US + first * MINUTE_US, "end_us": START_US + last * MINUTE_US}
    bots, fills = database.bots.fills(symbol, chosen=chosen, most=most, **window)
    return bots, [(bot, (fill.timestamp_us - START_US) // MINUTE_US) for bot, fill in fills]


@pytest.fixture
def some(database):
    epochs = leased(database, "a", "b", "c")
    traded(database, "a", epochs["a"], 1, 5, 9)
    traded(database, "b", epochs["b"], 2, 5)
    traded(database, "a", epochs["a"], 4, symbol=ETH)
    return database


def test_the_fills_of_chosen_bots_come_by_time(some):
    assert told(some, ["b", "a"]) == (["a", "b", "c"], [("a", 1), ("b", 2), ("a", 5), ("b", 5), ("a", 9)])
    assert told(some, ["b"]) == (["a", "b", "c"], [("b", 2), ("b", 5)])
    assert told(some, []) == (["a", "b", "c"], [])


def test_the_window_has_minutes_that_are_wholly_in_it_and_the_newest_count(some):
    assert told(some, ["a", "b"], first=2, last=9)[1] == [("a", 5), ("b", 5), ("a", 9)]
    assert told(some, ["a", "b"], most=2)[1] == [("b", 5), ("a", 9)]


def test_a_bot_that_traded_another_symbol_before_is_there_when_it_is_chosen(some):
    assert told(some, [], symbol=ETH) == ([], [])
    assert told(some, ["a", "nobody"], symbol=ETH) == (["a"], [("a", 4)])


def test_only_the_account_that_a_bot_has_now_counts(some, engine):
    with engine.begin() as connection:
        connection.execute(sa.text("update bots set run = 2 where id = 'a'"))

    assert told(some, ["a", "b"])[1] == [("b", 2), ("b", 5)]


def test_a_fill_is_whole(some):
    _, fills = some.bots.fills(BTC, chosen=["b"], start_us=START_US, end_us=START_US + 10 * MINUTE_US, most=1)

    assert fills == [("b", replace(TRADE, number=2, timestamp_us=START_US + 5 * MINUTE_US))]
