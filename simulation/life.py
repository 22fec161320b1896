"""One run: lives of a worker on one exchange and one store, until everything that went wrong had time to heal."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from random import Random
from typing import Any, cast

import msgspec

from exchanges import find_venue
from exchanges.base import Endpoints
from exchanges.rest import HistoryClient
from market.candle import Candle
from market.errors import StoreUnreachable
from market.timeframe import Timeframe
from replay.core import ExchangeCore
from replay.faults import FaultScript
from replay.small import START_US, SmallMarket
from simulation import loop as virtual
from simulation.checker import Checker
from simulation.memory import Crash, MemoryDatabase
from simulation.network import Network, SimTransport
from simulation.scenario import Scenario
from simulation.truth import true_trades
from streaming.backoff import Backoff
from streaming.connection import Connection
from streaming.persistence import Persistence
from streaming.publish import PublishSink
from streaming.reads import Reads
from streaming.store import StoreSink
from streaming.worker import Worker

_ENDPOINTS = Endpoints("ws://127.0.0.1:1", "http://127.0.0.1:1")
_TICK = 0.4
_LOOK = 5.0
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
        events: What was published on the system channel, in order.
    """

    wrong: list[str]
    strikes: Counter[str]
    seconds: float
    trades: int
    holes: Counter[str]
    lines: int
    events: list[dict[str, Any]]


def run(scenario: Scenario) -> Outcome:
    """Run a scenario on virtual time."""
    loop = virtual.VirtualLoop()
    return virtual.run(_Run(scenario, loop).main(), loop, START_US)


class _Bus:
    """Stands where Redis is; remembers the order in which candles were published."""

    def __init__(self) -> None:
        self.candles: dict[tuple[str, Timeframe, int], list[Candle]] = {}
        self.events: list[dict[str, Any]] = []

    async def publish_candles(self, candles: Iterable[Candle]) -> None:
        for candle in candles:
            if candle.final:
                self.candles.setdefault((candle.symbol, candle.timeframe, candle.timestamp_us), []).append(candle)

    async def publish_event(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    async def set_feeds(self, feeds: dict[str, dict[str, Any]]) -> None:
        del feeds

    def wrong(self) -> list[str]:
        """Return what was published in another order than it was made."""
        return [
            f"published backwards: {key}"
            for key, found in self.candles.items()
            if [each.revision for each in found] != sorted(each.revision for each in found)
        ]


class _Run:
    def __init__(self, scenario: Scenario, loop: virtual.VirtualLoop) -> None:
        self._scenario, self._loop = scenario, loop
        self._chance = Random(f"run {scenario.seed}")
        self._market = SmallMarket(
            scenario.venue, scenario.symbols, seed=scenario.seed, start_us=START_US + scenario.offset_seconds * 1_000_000,
            seconds=scenario.seconds, rate=scenario.rate,
        )  # fmt: skip
        self._script = FaultScript(scenario.faults, scenario.seed)
        self._core = ExchangeCore(self._market, faults=self._script)
        self._network = Network(self._core, self._chance, latency=scenario.latency, step=scenario.step)
        self._database = MemoryDatabase()
        self._own: Counter[str] = Counter()
        self._wrong: list[str] = []
        self._events: list[dict[str, Any]] = []

    async def main(self) -> Outcome:
        scenario = self._scenario
        self._playing = asyncio.create_task(self._network.play())
        weather = asyncio.create_task(self._weather())
        crashes, kills = list(scenario.crashes), list(scenario.kills)
        while not self._wrong:
            self._database.revive()
            if crashes:
                self._database.crash_at = self._database.writes + crashes.pop(0)
            if await self._live(kills.pop(0) if kills else None):
                break
            self._wrong += self._checker().while_running()
        if not self._wrong:
            self._wrong += self._checker().after_quiet()
        self._playing.cancel()
        weather.cancel()
        return self._outcome()

    async def _live(self, end: float | None) -> bool:
        """Live once; return whether that was the last life."""
        scenario, bus = self._scenario, _Bus()
        venue = find_venue(scenario.venue)
        provider = venue(scenario.symbols, channel=scenario.channel, endpoints=_ENDPOINTS)
        persistence = Persistence(
            cast("Callable[[], Any]", self._database.begin), provider,
            keep_trades=scenario.keep_trades, timeframes=[Timeframe.M5], switches=scenario.switches,
        )  # fmt: skip
        rules = msgspec.structs.replace(provider.keep_alive, life=scenario.life)
        waits = Backoff(rng=self._chance)
        connection = Connection(provider, keep_alive=rules, dial=self._network.dial, backoff=waits)
        history = HistoryClient(provider, transport=SimTransport(self._network, self._core))
        again = Backoff(rng=self._chance, first=0.1, cap=2.0)
        sink = StoreSink(persistence.write, limit=scenario.queue, in_thread=self._in_thread, backoff=again)
        worker = Worker(
            provider, connection, history, Reads(persistence, self._in_thread, rng=self._chance), sink, PublishSink(bus),
            timeframes=[Timeframe.M5], switches=scenario.switches, tick_seconds=max(_TICK, scenario.step), rng=self._chance,
        )  # fmt: skip
        living = asyncio.create_task(worker.run())
        ended = await self._until(living, end)
        if ended == "crash":
            await self._die(living)
        else:
            worker.stop()
            with suppress(Crash, StoreUnreachable):  # the latter: what waits is given up, and a hole of the next life
                await living
        self._network.cut_all()
        self._wrong += bus.wrong()
        self._events += bus.events
        return ended == "quiet" and not self._database.dead

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
            calm = calm + 1 if self._is_settled() else 0
            if calm >= 4 or self._loop.time() >= until:
                return "quiet"

    def _is_settled(self) -> bool:
        if any(gap.state == "open" for gap in self._database.rows["gaps"].values()):
            return False
        marks = {mark.symbol: mark.trade_id for mark in self._database.rows["watermarks"].values()}
        return all(not trades or marks.get(symbol, 0) >= trades[-1].trade_id for symbol, trades in self._truth().items())

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

    def _checker(self) -> Checker:
        truth = self._truth()
        lost = set(self._scenario.symbols) - set(truth)
        whole = self._script.view(self._core.source, without="delist")
        for symbol in lost:  # what was listed no more: its tape ends somewhere
            truth[symbol] = true_trades(whole, symbol, self._scenario.channel)
        return Checker(self._scenario, self._database, truth, lost)

    def _outcome(self) -> Outcome:
        strikes = self._script.strikes + self._own
        strikes["slow-store"] += self._scenario.slow_store > 1
        strikes["tiny-queue"] += self._scenario.queue < 100
        strikes["trades-not-kept"] += not self._scenario.keep_trades
        holes = Counter(gap.state for gap in self._database.rows["gaps"].values())
        stored = len(self._database.rows["trades"])
        return Outcome(self._wrong, strikes, self._loop.time(), stored, holes, self._network.opened, self._events)
