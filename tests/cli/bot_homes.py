"""A folder of bots for the tests of the command line."""

import json
from pathlib import Path
from typing import Any

from db.bot_rows import EventRow
from tests.cli.command import Command
from tests.db.bots import BTC, step

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

    def known(self, bot: str, **changed: object) -> None:
        """Write the file of a bot and have it taken over, stopped."""
        self.file(bot, **changed)
        self.tcpdash.out("bots", "start", bot, "--json")
        self.tcpdash.out("bots", "stop", bot, "--json")

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
