"""A folder of bots for the tests of the command line."""

import json
from math import sin
from pathlib import Path
from typing import Any

from db.bot_rows import EventRow
from db.child import wait_until
from tests.cli.command import Command
from tests.db.bots import BTC, step
from tests.db.candles import MINUTE_US, START_US, candle
from trading.bots.hosts import Hosts
from trading.bots.leases import Leases
from trading.bots.runner import Runner
from trading.bots.telling import Teller

BOT = {"strategy": "sma_cross", "parameters": {"fast": 2, "slow": 3}, "symbols": [BTC], "timeframe": "1m", "balance": 10000}


class BotHome:
    """The command line, a database, and the folder of bots that both know."""

    def __init__(self, tcpdash: Command, database: Any, folder: Path) -> None:
        self.tcpdash, self.database, self.folder = tcpdash, database, folder

    def file(self, bot: str, **changed: object) -> Path:
        """Write the file of a bot."""
        path = self.folder / f"{bot}.json"
        path.write_text(json.dumps({"id": bot, **BOT, **changed}))
        return path

    def known(self, bot: str, **changed: object) -> Path:
        """Write the file of a bot and have it taken over, stopped; return its path."""
        path, config = self.file(bot, **changed), {"id": bot, **BOT, "balance": "10000", **changed}
        self.database.bots.put_config(bot, config, digest="d", file=str(path), autostart=False)
        return path

    def run(self, bot: str, *, owner: str = "one", **changed: object) -> int:
        """Let a runner take a bot that is wanted to run, and act; return the epoch."""
        taken = {each.id: each.lease_epoch for each in self.database.bots.take(owner, most=100, seconds=60)}
        self.database.bots.set_states({bot: (taken[bot], "running", "")})
        if changed:
            assert self.database.bots.write([step(bot, taken[bot], **changed)]) == {bot}
        return taken[bot]

    def out(self, *words: str) -> str:
        """Run a verb that succeeds and return what it printed, with one space where there are several."""
        return "\n".join(" ".join(line.split()) for line in self.tcpdash.out("bots", *words).splitlines())

    def json(self, *words: str) -> Any:
        """Run a verb that succeeds and return what it printed as JSON."""
        return json.loads(self.tcpdash.out("bots", *words, "--json"))


def park(database: Any, bot: str, epoch: int, why: str) -> None:
    """Park a bot that has a lease."""
    database.bots.release(bot, epoch, state="parked", reason=why, event=EventRow(kind="parked", text=why))


MINUTES = 150
SETTLED = 20


def store_minutes(database: Any, first: int, last: int) -> None:
    """Store minutes of a market that goes up and down, those that close `first` to `last` minutes behind its begin."""
    closes = [round(2.0 + 0.9 * sin(minute / 5) + 0.0001 * minute, 4) for minute in range(first, last + 1)]
    database.market_data.upsert_candles([candle(first + number, close=close) for number, close in enumerate(closes)])


def really_run(database: Any, bot: str) -> None:
    """Let a real runner have a bot: it begins behind the first minutes, acts on all that come, and gives it back."""
    store_minutes(database, 1, SETTLED)
    with Hosts(None, size=1) as hosts:
        leases = Leases(database, "real", most=10)
        runner = Runner(database, hosts, leases, Teller(None))
        assert wait_until(lambda: runner.turn() or database.bots.get(bot).state == "running", 60)
        store_minutes(database, SETTLED + 1, MINUTES)
        until_us = START_US + MINUTES * MINUTE_US
        assert wait_until(lambda: runner.turn() or database.bots.get(bot).acted_until_us == until_us, 60)
        leases.give_back()
