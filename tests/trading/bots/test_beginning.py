"""A runner whose store goes away, or has what cannot be used."""

import threading
from collections.abc import Collection

import pytest

from db.operations import DatabaseOperations
from market.errors import StoreUnreachable
from tests.db.bots import add
from trading.bots.config import as_dict, digest, from_dict
from trading.bots.hosts import Hosts
from trading.bots.leases import Changes, Leases
from trading.bots.runner import Runner
from trading.bots.telling import Teller


class Interrupted(Leases):
    """Leases whose second look does not reach the store, and whose fourth is the last."""

    def __init__(self, db: DatabaseOperations, stop: threading.Event) -> None:
        super().__init__(db, "one", most=10)
        self._stop, self._looks = stop, 0

    def look(self, now: float, well: Collection[str]) -> Changes | None:
        self._looks += 1
        if self._looks == 2:
            raise StoreUnreachable("away")
        if self._looks == 4:
            self._stop.set()
        return super().look(now, well)


@pytest.mark.postgres
def test_a_bot_that_was_about_to_begin_when_the_store_went_away_is_begun_anew(database: DatabaseOperations):
    config = from_dict({"id": "a", "strategy": "buy_and_hold", "symbols": ["OKX:BTC-USDT"], "balance": "1000"})
    with database.transaction() as store:
        store.bots.put_config("a", as_dict(config), digest=digest(config), file="a.json", autostart=True)
    stop = threading.Event()
    with Hosts(None, size=1) as hosts:
        Runner(database, hosts, Interrupted(database, stop), Teller(None)).run(stop)

    assert [event.details["owner"] for event in database.bots.events("a", kind="leased")] == ["one", "one"]


@pytest.mark.postgres
def test_a_bot_whose_stored_configuration_cannot_be_used_is_parked_and_the_runner_goes_on(database: DatabaseOperations):
    add(database, "a", "b")  # of another version: a field that has to be there now is not
    with Hosts(None, size=1) as hosts:
        Runner(database, hosts, Leases(database, "one", most=10), Teller(None)).turn()

    assert [(bot.state, bot.lease_owner) for bot in database.bots.list()] == [("parked", None)] * 2
    assert "missing required field `id`" in database.bots.get("b").reason
