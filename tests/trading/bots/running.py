"""Bots with strategies of a user that misbehave, on stored minutes, for tests of a real runner."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from db.operations import DatabaseOperations
from market import clock
from tests.research.stored import SYMBOL, fill
from tests.trading.bots.users import write
from trading.bots.config import as_dict, digest, from_dict
from trading.bots.hosts import Hosts
from trading.bots.leases import Leases
from trading.bots.runner import Runner
from trading.bots.telling import Teller

FIRST, LAST = 300, 340
"""So many minutes are stored when bots begin, and in the end."""
PATIENCE_SECONDS = 120.0

BODIES = {
    "Raises": "raise ValueError('no such price')",
    "Sleeps": "time.sleep(1000)",
    "Speaks": "return float('nan')",
    "Strays": "return Signal(action=Action.BUY, symbol='OKX:ETH-USDT')",
    "Foresees": "return Signal(action=Action.BUY, price=1.0, timestamp_us=data.index.asi8[-1] + 60_000_000)",
}


def config_of(bot: str, strategy: str, **changes: Any) -> dict[str, Any]:
    """Return the configuration of a bot on candles of five minutes."""
    values = {"id": bot, "strategy": strategy, "symbols": [SYMBOL], "timeframe": "5m", "balance": "10000.5", **changes}
    return as_dict(from_dict(values))


def put(db: DatabaseOperations, config: dict[str, Any], *, run: bool = True) -> None:
    """Store a bot, wanted to run unless told otherwise."""
    same = digest(from_dict(config))
    db.bots.put_config(config["id"], config, digest=same, file=f"{config['id']}.json", autostart=run)


def fill_to(db: DatabaseOperations, minute: int, *symbols: str) -> None:
    """Store the first minutes, so many."""
    fill(db, *symbols, without=range(minute, 3 * 1_440))


def strategies(folder: Path) -> Path:
    """Write the strategies."""
    for name, body in BODIES.items():
        write(folder, name, body)
    return folder


@contextmanager
def running(db: DatabaseOperations, folder: Path | None, *, owner: str = "one") -> Iterator[Callable[..., None]]:
    """Yield what lets a runner work until something holds; it looks at its leases each time, and gives back its bots in the end."""
    with Hosts(folder, size=2) as hosts:
        leases = Leases(db, owner, most=100)
        runner = Runner(db, hosts, leases, Teller(None))

        def work(until: Callable[[], object]) -> None:
            deadline = clock.monotonic() + PATIENCE_SECONDS
            while not until():
                assert clock.monotonic() < deadline, [(bot.id, bot.state, bot.reason) for bot in db.bots.list()]
                leases.take_again([])
                runner.wake()
                runner.turn()

        yield work
        runner._commit(always=True)
        leases.give_back()
