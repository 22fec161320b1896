"""What is said of bots that catch up and wait."""

from dataclasses import dataclass
from decimal import Decimal
from typing import cast

import pytest

from db.operations import DatabaseOperations
from market.clock import parse_time
from market.timeframe import MINUTE_US
from tests.db.bots import add
from trading.bots.account import Account
from trading.bots.bot import Bot
from trading.bots.states import States
from trading.bots.telling import Teller
from trading.bots.watch import Watch
from trading.rules import Listing, Rules

BEGIN_US = parse_time("2024-08-09T09:00:00Z")


@dataclass
class Standing:
    """As much of a bot as there is to be told of."""

    id: str
    epoch: int
    at_us: int
    account: Account
    is_behind: bool = False
    trouble: str = ""
    begins_us: int = 0


@pytest.mark.postgres
def test_nothing_is_said_of_a_bot_whose_lease_is_a_newer_one(database: DatabaseOperations):
    add(database, "a")
    (taken,) = database.bots.take("one", most=1, seconds=60)
    account = Account(Rules(), {"OKX:BTC-USDT": Listing()}, Decimal(1000), at_us=BEGIN_US)
    states = States(database, Teller(None), Watch(lambda _: ""))
    bot = cast("Bot", Standing("a", taken.lease_epoch, BEGIN_US, account))
    states.begun(bot, taken)
    for wanted in ("stopped", "running"):
        database.bots.wish(wanted, ["a"], by="a person")
    database.bots.take("two", most=1, seconds=60)

    states.tell(0.0, [bot])

    assert database.bots.get("a").state == "starting"
    assert database.bots.events("a", kind="caught-up") == []


@pytest.mark.postgres
def test_a_bot_that_waits_for_a_hole_does_not_run_live_until_it_has_caught_up_what_is_behind(database: DatabaseOperations):
    add(database, "a")
    (taken,) = database.bots.take("one", most=1, seconds=60)
    account = Account(Rules(), {"OKX:BTC-USDT": Listing()}, Decimal(1000), at_us=BEGIN_US)
    states = States(database, Teller(None), Watch(lambda _: ""))
    told = Standing("a", taken.lease_epoch, BEGIN_US, account)
    bot = cast("Bot", told)
    kinds = []
    for number, (minutes, is_behind, trouble) in enumerate([(0, False, "a hole"), (0, True, ""), (30, True, ""), (45, False, "")]):
        told.at_us, told.is_behind, told.trouble = BEGIN_US + minutes * MINUTE_US, is_behind, trouble
        if number == 0:
            states.begun(bot, taken)
        states.tell(2.0 * number, [bot])
        kinds.append(database.bots.get("a").state)

    assert kinds == ["waiting", "catching-up", "catching-up", "running"]
    caught = database.bots.events("a", kind="caught-up")
    assert [event.details for event in caught] == [{"minutes": 45}]


@pytest.mark.postgres
def test_a_bot_says_where_it_begins_until_it_has(database: DatabaseOperations):
    account = Account(Rules(), {"OKX:BTC-USDT": Listing()}, Decimal(1000), at_us=BEGIN_US)
    told = Standing("a", 1, BEGIN_US - MINUTE_US, account, begins_us=BEGIN_US)
    states = States(database, Teller(None), Watch(lambda _: ""))

    assert states.of(cast("Bot", told)) == ("running", "begins at 2024-08-09T09:00:00Z, where a candle opens")
    told.at_us = BEGIN_US
    assert states.of(cast("Bot", told)) == ("running", "")
