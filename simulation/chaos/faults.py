"""What is worse than a death: a database that stays away, a runner that sleeps past its lease, a stop while bots catch up."""

import signal
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from db import child
from market.clock import monotonic, now_us
from market.errors import StoreUnreachable
from simulation.chaos.home import RUNNERS, Home
from trading.bots.leases import LEASE_SECONDS

_AWAY_SECONDS, _ASLEEP_SECONDS, _DOWN_SECONDS = 20.0, LEASE_SECONDS + 6.0, 12.0
_LOOK_SECONDS, _SHORT, _LONGEST = 0.01, 10.0, 60.0
Value = TypeVar("Value")


def database_away(home: Home) -> Iterator[str]:
    """Keep PostgreSQL down for longer than a lease."""
    home.hold("postgres")
    time.sleep(_AWAY_SECONDS)
    home.let_go("postgres")
    yield from ()


def runner_asleep(home: Home) -> Iterator[str]:
    """Freeze a runner for longer than its lease; the other one has its bots when it wakes up.

    Yields what is wrong: that nobody took them over.
    """
    since_us = now_us()
    if not child.wait_until(lambda: RUNNERS[0] in _owners(home, since_us) and home.pid(RUNNERS[0]) is not None, _SHORT):
        _share(home)
    pid = home.pid(RUNNERS[0])
    home.send(RUNNERS[0], signal.SIGSTOP)
    before = _until(home)
    begun = monotonic()
    taken = child.wait_until(lambda: _owners(home) <= {RUNNERS[1]}, _ASLEEP_SECONDS + _LONGEST)
    time.sleep(max(0.0, _ASLEEP_SECONDS - (monotonic() - begun)))
    if not taken:
        yield f"the bots of a runner that sleeps were not taken over: {_owners(home)}"
    elif home.pid(RUNNERS[0]) != pid:
        yield "the sleeping runner was started again"
    elif not child.wait_until(lambda: any(_until(home)[bot] > before[bot] for bot in before), _LONGEST):
        yield "no bot went on while a runner slept"
    home.send(RUNNERS[0], signal.SIGCONT)


def stopped_while_catching_up(home: Home) -> Iterator[str]:
    """Stop all bots as soon as the first of them catches up, see that nothing is written any more, and start them again."""
    _again(home.database.bots.list)  # a runner that stops without a database says so with its exit code
    home.hold(*RUNNERS)
    time.sleep(_DOWN_SECONDS)
    before = _until(home)
    home.let_go(*RUNNERS)
    if not child.wait_until(lambda: any(_until(home)[bot] > before[bot] for bot in before), _LONGEST):
        yield "no bot caught up"
    _again(lambda: home.database.bots.wish("stopped", by="chaos"))
    stopped = _again(lambda: written(home))
    time.sleep(4.0)
    later = _again(lambda: written(home))
    if later != stopped:
        changed = {name: (stopped[name], later[name]) for name in stopped if stopped[name] != later[name]}
        yield f"written behind the commit of a stop: {changed}"
    _again(lambda: home.database.bots.wish("running", by="chaos"))


FAULTS: dict[str, Callable[[Home], Iterator[str]]] = {
    "database away": database_away, "runner asleep": runner_asleep, "stopped while catching up": stopped_while_catching_up,
}  # fmt: skip


def written(home: Home) -> dict[str, tuple[object, ...]]:
    """Return by bot how far it is and how many rows there are of each kind."""
    bots = home.database.bots
    return {
        bot.id: (
            bot.acted_until_us, len(bots.signals(bot.id)), len(bots.orders(bot.id)), len(bots.trades(bot.id)),
            len(bots.postings(bot.id)), len(bots.performance(bot.id)),
        )
        for bot in bots.list()
    }  # fmt: skip


def _share(home: Home) -> None:
    """Have the second runner begin anew, so that the first one takes its bots."""
    home.hold(RUNNERS[1])
    since_us = now_us()
    child.wait_until(lambda: _owners(home, since_us) == {RUNNERS[0]}, _LONGEST)
    home.let_go(RUNNERS[1])
    child.wait_until(lambda: home.pid(RUNNERS[1]) is not None, _LONGEST)


def _owners(home: Home, since_us: int = 0) -> set[str]:
    """Return who has bots, of which a heartbeat came since a moment."""
    found = _again(home.database.bots.list)
    return {bot.lease_owner for bot in found if bot.lease_owner is not None and (bot.heartbeat_us or 0) >= since_us}


def _until(home: Home) -> dict[str, int]:
    return {bot.id: bot.acted_until_us or 0 for bot in _again(home.database.bots.list)}


def _again(ask: Callable[[], Value]) -> Value:
    """Ask until the store answers."""
    until = monotonic() + _LONGEST
    while True:
        try:
            return ask()
        except StoreUnreachable:
            if monotonic() > until:
                raise
            time.sleep(_LOOK_SECONDS)
