"""The scenarios through real sockets, PostgreSQL and Redis: the market in a hurry, all other clocks real."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from random import Random
from time import perf_counter
from typing import Any

import msgspec

from db.engine import create_engine
from db.operations import DatabaseOperations
from market.errors import StoreUnreachable
from market.trade import Trade
from replay.exchange import LocalExchange
from replay.faults import Fault, FaultScript
from simulation.checker import Checker
from simulation.life import Outcome
from simulation.market import market_of, provider_of
from simulation.memory import MemoryDatabase
from simulation.process import Process
from simulation.scenario import Scenario, scenario_of
from simulation.servers import Servers, rows_of, servers
from simulation.truth import is_reached, true_trades
from streaming.backoff import Backoff
from streaming.switches import ALL_ON, Switches

AT_ONCE = 10

_LEAST_SECONDS, _MOST_SECONDS = 10.0, 20.0
_SHORTER = 0.2
_LOOK = 0.5
_CALM = 6
_LONGEST_QUIET = 60.0
_UNHEARD = 15.0
_SECONDS_OF_THE_MARKET = {"rest-lag", "clock"}


def in_a_hurry(scenario: Scenario) -> tuple[Scenario, float]:
    """Return the same scenario in 10 to 20 s of the local clock, and the speed of its market.

    When something happens is in proportion. How long it lasts is a fifth, which is more than in proportion: the worker's
    own patience does not shrink, and what is shorter than it is no trouble. There is one worker at a time.
    """
    share = Random(f"hurry {scenario.seed}").uniform(_LEAST_SECONDS, _MOST_SECONDS) / scenario.seconds
    hurried = replace(
        scenario,
        faults=tuple(_shorter(fault, share) for fault in scenario.faults),
        crashes=tuple(1 + write // 3 for write in scenario.crashes),  # two moments to a transaction here, several writes there
        kills=tuple(seconds * share for seconds in scenario.kills),
        away=tuple((begin * share, begin * share + (end - begin) * _SHORTER) for begin, end in scenario.away),
        slow_store=scenario.slow_store * _SHORTER,
        life=None if scenario.life is None else scenario.life * _SHORTER,
    )
    return hurried, 1 / share


def _shorter(fault: Fault, share: float) -> Fault:
    changes = {
        name: value * _SHORTER
        for name in ("lasts", "after", "life", "seconds")
        if (value := getattr(fault, name)) is not None and not (name == "seconds" and fault.kind in _SECONDS_OF_THE_MARKET)
    }
    at = None if fault.at is None else fault.at * share
    retry_after = None if fault.retry_after is None else max(1, round(fault.retry_after * _SHORTER))
    return replace(fault, at=at, retry_after=retry_after, **changes)


def outcomes(seeds: Iterable[int], switches: Switches = ALL_ON, *, at_once: int = AT_ONCE) -> Iterator[tuple[int, Outcome]]:
    """Run seeds, some at a time, on servers of their own; return what came of each, in order."""
    numbers = list(seeds)
    with servers() as running:
        found = asyncio.run(run_all(numbers, running, switches, at_once=at_once))
    return zip(numbers, found, strict=True)


async def run_all(seeds: Iterable[int], running: Servers, switches: Switches = ALL_ON, *, at_once: int = AT_ONCE) -> list[Outcome]:
    """Run seeds, some at a time; return what came of each."""
    room = asyncio.Semaphore(at_once)

    async def one(seed: int) -> Outcome:
        async with room:
            try:
                return await run(scenario_of(seed, switches), running)
            except Exception as error:
                error.add_note(f"in seed {seed}")
                raise

    return await asyncio.gather(*(one(seed) for seed in seeds))


async def run(scenario: Scenario, running: Servers) -> Outcome:
    """Run a scenario in a database of its own."""
    hurried, speed = in_a_hurry(scenario)
    name = await asyncio.to_thread(running.new_database)
    try:
        return await _Run(hurried, speed, running, name).main()
    finally:
        await asyncio.to_thread(running.drop, name)


class _Run:
    def __init__(self, scenario: Scenario, speed: float, running: Servers, name: str) -> None:
        self._scenario, self._running, self._name = scenario, running, name
        self._chance = Random(f"run {scenario.seed}")
        self._script = FaultScript(scenario.faults, scenario.seed)
        self._exchange = LocalExchange(market_of(scenario), speed=speed, faults=self._script)
        self._database = DatabaseOperations(create_engine(running.url(name)))
        self._own: Counter[str] = Counter()
        self._wrong: list[str] = []
        self._events: list[dict[str, Any]] = []
        self._lines = 0

    async def main(self) -> Outcome:
        begun = perf_counter()
        weather = asyncio.create_task(self._weather())
        crashes, kills = list(self._scenario.crashes), list(self._scenario.kills)
        try:
            async with self._exchange:
                while not self._wrong:
                    process = self._process(crashes.pop(0) if crashes else None)
                    if await self._live(process, kills.pop(0) if kills else None):
                        break
                    self._wrong += self._checker(await self._rows()).while_running()
                rows = await self._rows()
                self._wrong = self._wrong or list(self._checker(rows).after_quiet())
                return self._outcome(rows, perf_counter() - begun)
        finally:
            weather.cancel()
            await asyncio.wait([weather])
            self._database.close()

    def _process(self, crash_at: int | None) -> Process:
        scenario = self._scenario
        provider = provider_of(scenario, self._exchange.endpoints)
        return Process(
            provider,
            self._running.url(self._name),
            self._running.redis_url,
            backoff=Backoff(rng=self._chance, cap=4.0),
            keep_alive=msgspec.structs.replace(provider.keep_alive, life=scenario.life),
            keep_trades=scenario.keep_trades,
            queue=scenario.queue,
            delay=lambda: scenario.slow_store * self._chance.random(),
            crash_at=crash_at,
            switches=scenario.switches,
        )

    async def _live(self, process: Process, end: float | None) -> bool:
        """Live once; return whether that was the last life."""
        living = process.start()
        ended = await self._until(living, process, end)
        if ended == "crash":
            await process.kill()
        else:
            await process.stop()
        self._own["crash-between-writes"] += process.crashed
        self._wrong += process.wrong
        self._events += process.events
        self._lines += process.lines
        return ended == "quiet" and not process.crashed

    async def _until(self, living: "asyncio.Task[None]", process: Process, end: float | None) -> str:
        """Return how this life ends: `crash`, `stop`, or `quiet` when everything healed or had the time for it."""
        now = asyncio.get_running_loop().time
        at = float("inf") if end is None else now() + abs(end)
        ended_at, calm = float("inf"), 0
        while True:
            await asyncio.wait({living}, timeout=min(_LOOK, max(0.0, at - now())))
            if living.done():
                if not process.crashed:
                    living.result()
                    self._wrong.append("the worker ended by itself")
                return "crash"
            if now() >= at:
                self._own["kill" if end is not None and end > 0 else "restart"] += 1
                return "crash" if end is not None and end > 0 else "stop"
            if not self._exchange.ended.is_set():
                continue
            ended_at = min(ended_at, now())
            settled = process.in_doubt.isdisjoint(self._truth()) and await asyncio.to_thread(self._is_settled, now() - ended_at)
            calm = calm + 1 if settled else 0
            if calm >= _CALM or now() >= ended_at + _LONGEST_QUIET:
                return "quiet"

    def _is_settled(self, seconds: float) -> bool:
        truth = self._truth()
        try:
            with self._database.transaction() as store:
                if any(gap.symbol in truth for gap in store.gaps.list(state="open")):
                    return False
                marks = {symbol: store.watermarks.get(symbol) for symbol in truth}
        except StoreUnreachable:
            return False
        unheard = seconds > _UNHEARD and any(fault.kind == "ack-without-data" for fault in self._scenario.faults)
        return all(
            not trades or (unheard if (mark := marks[symbol]) is None else is_reached(mark, trades[-1]))
            for symbol, trades in truth.items()
        )

    async def _weather(self) -> None:
        for begin, end in self._scenario.away:
            await asyncio.sleep(begin)
            self._own["store-away"] += 1
            try:
                await asyncio.to_thread(self._running.close_door, self._name)
                await asyncio.sleep(end - begin)
            finally:
                await asyncio.to_thread(self._running.open_door, self._name)

    async def _rows(self) -> MemoryDatabase:
        while True:
            with suppress(StoreUnreachable):
                return await asyncio.to_thread(rows_of, self._database, self._scenario.symbols)
            await asyncio.sleep(_LOOK)

    def _truth(self) -> dict[str, list[Trade]]:
        source = self._script.view(self._exchange.source)
        return {symbol: true_trades(source, symbol, self._scenario.channel) for symbol in source.symbols}

    def _checker(self, rows: MemoryDatabase) -> Checker:
        truth = self._truth()
        lost = set(self._scenario.symbols) - set(truth)
        whole = self._script.view(self._exchange.source, without="delist")
        for symbol in lost:  # what was listed no more: its tape ends somewhere
            truth[symbol] = true_trades(whole, symbol, self._scenario.channel)
        return Checker(self._scenario, rows, truth, lost)

    def _outcome(self, rows: MemoryDatabase, seconds: float) -> Outcome:
        strikes = self._script.strikes + self._own
        strikes["slow-store"] += self._scenario.slow_store > _SHORTER
        strikes["tiny-queue"] += self._scenario.queue < 100
        strikes["trades-not-kept"] += not self._scenario.keep_trades
        holes = Counter(gap.state for gap in rows.rows["gaps"].values())
        return Outcome(self._wrong, strikes, seconds, len(rows.rows["trades"]), holes, self._lines, self._events)
