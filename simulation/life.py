"""One run: lives of a worker on one exchange and one store, until everything that went wrong had time to heal."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any, cast

import msgspec

from exchanges.base import Endpoints
from exchanges.rest import HistoryClient
from market.errors import StoreUnreachable
from market.timeframe import Timeframe
from replay.core import ExchangeCore
from replay.faults import FaultScript
from replay.small import START_US
from simulation import loop as virtual
from simulation.checker import Checker
from simulation.conduct import Conduct
from simulation.market import market_of, provider_of
from simulation.memory import Crash, MemoryDatabase
from simulation.minutes import Minutes
from simulation.network import Network, SimSocket, SimTransport
from simulation.scenario import Scenario
from simulation.truth import first_heard, is_reached, true_trades
from simulation.witness import Listener, Witness
from streaming.backoff import Backoff
from streaming.batch import Batch
from streaming.connection import Connection
from streaming.persistence import Persistence, Written
from streaming.publish import PublishSink
from streaming.reads import Reads
from streaming.store import StoreSink
from streaming.worker import Worker

_ENDPOINTS = Endpoints("ws://127.0.0.1:1", "http://127.0.0.1:1")
_TICK = 0.4
_LOOK = 5.0
_CALM = 4
_UNHEARD = 150.0
_LONGEST_QUIET = 1500.0


class Outcome(msgspec.Struct):
    """What came of one run.

    Attributes:
        wrong: What the checker found, in words; empty when all is as it should be.
        strikes: How often each kind of fault struck.
        seconds: Virtual seconds.
        trades: Trades stored.
        holes: Rows of the ledger by their end.
        lines: Lines that the exchange accepted.
        questions: Questions over REST while the market went on, and later ones that are not for the time.
        events: What was published on the system channel, in order.
    """

    wrong: list[str]
    strikes: Counter[str]
    seconds: float
    trades: int
    holes: Counter[str]
    lines: int
    events: list[dict[str, Any]]
    questions: int = 0


def run(scenario: Scenario) -> Outcome:
    """Run a scenario on virtual time."""
    loop = virtual.VirtualLoop()
    return virtual.run(_Run(scenario, loop).main(), loop, START_US)


class _Life(msgspec.Struct):
    """One worker and what it lives on.

    Attributes:
        lines: The numbers that its lines have at the exchange.
    """

    worker: Worker
    bus: Listener
    lines: list[int]


class _Run:
    def __init__(self, scenario: Scenario, loop: virtual.VirtualLoop) -> None:
        self._scenario, self._loop = scenario, loop
        self._chance = Random(f"run {scenario.seed}")
        self._script = FaultScript(scenario.faults, scenario.seed)
        self._core = ExchangeCore(market_of(scenario), faults=self._script)
        self._witness = Witness(provider_of(scenario, _ENDPOINTS))
        self._network = Network(
            self._core, self._chance, latency=scenario.latency, step=scenario.step, witness=self._witness
        )  # fmt: skip
        self._database = MemoryDatabase()
        self._minutes = Minutes(scenario, self._whole_truth())
        self._own: Counter[str] = Counter()
        self._wrong: list[str] = []
        self._lives = 0

    async def main(self) -> Outcome:
        scenario = self._scenario
        self._playing = asyncio.create_task(self._network.play())
        others = [asyncio.create_task(work) for work in (self._weather(), self._second_worker())]
        crashes, kills = list(scenario.crashes), list(scenario.kills)
        while not self._wrong:
            self._database.revive()
            if crashes:
                self._database.crash_at = self._database.writes + crashes.pop(0)
            if await self._live(kills.pop(0) if kills else None):
                break
            self._note_what_is_known()
            self._wrong += self._checker().while_running()
        self._note_what_is_known()
        if not self._wrong:
            self._wrong += self._checker().after_quiet()
            self._wrong += self._conduct().wrong()
        for task in (self._playing, *others):
            task.cancel()
        return self._outcome()

    async def _live(self, end: float | None) -> bool:
        """Live once; return whether that was the last life."""
        life = self._life()
        self._lanes = life.worker.pipeline.lanes
        living = asyncio.create_task(life.worker.run())
        ended = await self._until(living, end)
        if ended == "crash":
            await self._die(living)
        else:
            life.worker.stop()
            with suppress(Crash, StoreUnreachable):  # the latter: what waits is given up, and a hole of the next life
                await living
        self._is_over(life)
        return ended == "quiet" and not self._database.dead

    async def _second_worker(self) -> None:
        """Let an operator start a second worker of the same symbols, and stop it again."""
        if self._scenario.double is None:
            return
        begin, end = self._scenario.double
        await asyncio.sleep(begin)
        life = self._life()
        self._own["two-workers"] += 1
        living = asyncio.create_task(life.worker.run())
        await asyncio.wait({living}, timeout=end - begin)
        life.worker.stop()
        await asyncio.wait({living})
        error = living.exception()
        if error is not None and not isinstance(error, StoreUnreachable):
            self._wrong.append(f"the second worker ended: {error!r}")
        self._is_over(life)

    def _life(self) -> _Life:
        scenario, bus, lines = self._scenario, Listener(), list[int]()
        if self._lives:
            self._witness.starts_us.append(self._core.now_us)
        self._lives += 1

        async def dial(url: str) -> tuple[SimSocket, str]:
            socket, tape = await self._network.dial(url)
            lines.append(socket.number)
            return socket, tape

        provider = provider_of(scenario, _ENDPOINTS)
        persistence = Persistence(
            cast("Callable[[], Any]", self._database.begin), provider,
            keep_trades=scenario.keep_trades, timeframes=[Timeframe.M5], switches=scenario.switches,
        )  # fmt: skip
        rules = msgspec.structs.replace(provider.keep_alive, life=scenario.life)
        connection = Connection(provider, keep_alive=rules, dial=dial, backoff=Backoff(rng=self._chance))
        history = HistoryClient(provider, transport=SimTransport(self._network, self._core))
        again = Backoff(rng=self._chance, first=0.1, cap=2.0)
        sink = StoreSink(self._watched(persistence.write), limit=scenario.queue, in_thread=self._in_thread, backoff=again)
        worker = Worker(
            provider, connection, history, Reads(persistence, self._in_thread, rng=self._chance), sink, PublishSink(bus),
            timeframes=[Timeframe.M5], switches=scenario.switches, tick_seconds=max(_TICK, scenario.step), rng=self._chance,
        )  # fmt: skip
        return _Life(worker, bus, lines)

    def _is_over(self, life: _Life) -> None:
        self._network.cut(life.lines)
        self._wrong += life.bus.wrong()
        self._witness.events += life.bus.events

    def _watched(self, write: Callable[[Batch], Written]) -> Callable[[Batch], Written]:
        def watched(batch: Batch) -> Written:
            written = write(batch)
            self._wrong += self._minutes.wrong([*batch.candles, *written.candles])
            return written

        return watched

    def _note_what_is_known(self) -> None:
        if self._witness.known is None:
            self._witness.known = {symbol for (symbol,) in self._database.rows["watermarks"]}

    async def _until(self, living: "asyncio.Task[None]", end: float | None) -> str:
        """Return how this life ends: `crash`, `stop`, or `quiet` when everything healed or had the time for it."""
        at = float("inf") if end is None else self._loop.time() + abs(end)
        until, calm = float("inf"), 0
        while True:
            done, _ = await asyncio.wait(
                {living, self._playing}, timeout=min(_LOOK, max(0.0, at - self._loop.time())), return_when=asyncio.FIRST_COMPLETED
            )
            if self._playing in done:
                self._playing.result()
            if done:
                self._own["crash-between-writes"] += self._database.dead
                if not self._database.dead:
                    living.result()
                    self._wrong.append("the worker ended by itself")
                return "crash"
            if self._loop.time() >= at:
                self._own["kill" if end is not None and end > 0 else "restart"] += 1
                return "crash" if end is not None and end > 0 else "stop"
            if not self._core.is_ended:
                continue
            until = min(until, self._loop.time() + _LONGEST_QUIET)
            unheard = self._loop.time() > until - _LONGEST_QUIET + _UNHEARD  # of what never came, no more will come
            calm = calm + 1 if self._is_settled(unheard=unheard) else 0
            if calm >= _CALM + len(self._scenario.symbols) // 2 or self._loop.time() >= until:  # of many each is asked in its turn
                return "quiet"

    def _is_settled(self, *, unheard: bool) -> bool:
        if any(gap.state == "open" for gap in self._database.rows["gaps"].values()):
            return False
        truth = self._truth()
        if any(lane.in_doubt for symbol, lane in self._lanes.items() if symbol in truth):
            return False
        marks = {mark.symbol: mark for mark in self._database.rows["watermarks"].values()}
        return all(
            not trades or (unheard if (mark := marks.get(symbol)) is None else is_reached(mark, trades[-1]))
            for symbol, trades in truth.items()
        )

    async def _die(self, living: "asyncio.Task[None]") -> None:
        self._database.dead = True
        living.cancel()
        with suppress(Crash, asyncio.CancelledError):
            await living

    async def _weather(self) -> None:
        for begin, end in self._scenario.away:
            await asyncio.sleep(begin)
            self._database.away = True
            self._own["store-away"] += 1
            await asyncio.sleep(end - begin)
            self._database.away = False

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        await asyncio.sleep(self._scenario.slow_store * self._chance.random())
        result = work(*arguments)
        await asyncio.sleep(self._scenario.slow_store * self._chance.random() / 4)
        return result

    def _truth(self) -> dict[str, list[Any]]:
        source = self._script.view(self._core.source)
        return {symbol: true_trades(source, symbol, self._scenario.channel) for symbol in source.symbols}

    def _whole_truth(self) -> dict[str, list[Any]]:
        # Also of what is listed no more: its tape ends somewhere.
        whole = self._script.view(self._core.source, without="delist")
        return {symbol: true_trades(whole, symbol, self._scenario.channel) for symbol in self._scenario.symbols}

    def _checker(self) -> Checker:
        lost = set(self._scenario.symbols) - set(self._script.view(self._core.source).symbols)
        return Checker(self._scenario, self._database, self._whole_truth(), lost)

    def _conduct(self) -> Conduct:
        gaps = list(self._database.rows["gaps"].values())
        begin = first_heard(self._database.rows["trades"].values())
        return Conduct(
            scenario=self._scenario, witness=self._witness, truth=self._whole_truth(), begin=begin, gaps=gaps,
            strikes=self._script.strikes, lives=self._lives, opened=self._network.opened,
            first_us=self._core.source.first_us or 0, seconds=self._loop.time(),
        )  # fmt: skip

    def _outcome(self) -> Outcome:
        strikes = self._script.strikes + self._own
        strikes["slow-store"] += self._scenario.slow_store > 1
        strikes["tiny-queue"] += self._scenario.queue < 100
        strikes["trades-not-kept"] += not self._scenario.keep_trades
        strikes["small-pages"] += self._scenario.page is not None
        strikes["many-symbols"] += len(self._scenario.symbols) > 2
        holes = Counter(gap.state for gap in self._database.rows["gaps"].values())
        stored = len(self._database.rows["trades"])
        questions = self._witness.questions + self._witness.times
        return Outcome(
            self._wrong, strikes, self._loop.time(), stored, holes, self._network.opened, self._witness.events, questions
        )  # fmt: skip
