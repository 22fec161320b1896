"""Seeds of the simulation through real sockets, PostgreSQL and Redis."""

import asyncio
import logging
from dataclasses import replace

import pytest
import sqlalchemy as sa

from db.engine import create_engine
from db.operations import DatabaseOperations
from exchanges import Binance
from replay import LocalExchange, SmallMarket
from replay.faults import Fault
from simulation.life import Outcome
from simulation.process import Process
from simulation.scenario import scenario_of
from simulation.servers import Servers
from simulation.sockets import in_a_hurry, run
from streaming.switches import Switches

SEEDS = (6, 7, 13)  # a kill; a store that goes away while a process dies; both with a slow store
HOLED = replace(
    scenario_of(0, Switches(gap_check=False)), seconds=90.0, rate=3.0, faults=(Fault(kind="hole", p=0.2, frames=2),),
    crashes=(), kills=(), away=(), slow_store=0.0, life=None,
)  # fmt: skip


@pytest.fixture(scope="module")
def servers(postgres_server, redis_server):
    """Return both servers."""
    running = Servers(postgres_server, redis_server.url)
    yield running
    running.close()


@pytest.fixture(scope="module")
def outcomes(servers: Servers) -> dict[object, Outcome]:
    """Return what came of some seeds, and of a worker that notes no holes; all of them at the same time."""
    scenarios = {**{seed: scenario_of(seed) for seed in SEEDS}, "without gap check": HOLED}

    async def together() -> list[Outcome]:
        return await asyncio.gather(*(run(scenario, servers) for scenario in scenarios.values()))

    logging.disable(logging.CRITICAL)
    try:
        return dict(zip(scenarios, asyncio.run(together()), strict=True))
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_goes_wrong_the_tape_is_whole_in_the_end(outcomes: dict[object, Outcome], seed: int):
    assert outcomes[seed].wrong == [], f"try it again: make simulate-sockets SEEDS=1 FROM={seed}"


@pytest.mark.postgres
@pytest.mark.redis
def test_processes_die_and_the_store_goes_away_indeed(outcomes: dict[object, Outcome]):
    struck = {kind for seed in SEEDS for kind, count in outcomes[seed].strikes.items() if count}

    assert struck & {"kill", "crash-between-writes"}
    assert "store-away" in struck


@pytest.mark.postgres
@pytest.mark.redis
def test_a_worker_that_notes_no_holes_is_noticed(outcomes: dict[object, Outcome]):
    assert any("missing and not in the ledger" in words for words in outcomes["without gap check"].wrong)


@pytest.mark.postgres
@pytest.mark.redis
async def test_what_a_killed_process_was_about_to_store_is_not_stored(servers: Servers):
    url, market = servers.url(servers.new_database()), SmallMarket("BINANCE", seconds=100.0, rate=20.0)
    database = DatabaseOperations(create_engine(url))
    async with LocalExchange(market, speed=5.0) as exchange, asyncio.timeout(60):
        process = Process(Binance(market.symbols, endpoints=exchange.endpoints), url, servers.redis_url)
        process.start()
        while database.raw_trades.contiguity(market.symbols[0]) is None:
            await asyncio.sleep(0.05)
        with database.engine.begin() as other:
            other.execute(sa.text("lock table raw_trades in share mode"))
            while not other.scalar(sa.text("select count(*) from pg_locks where not granted")):
                await asyncio.sleep(0.05)
            before = database.raw_trades.contiguity(market.symbols[0])
            killing = asyncio.create_task(process.kill())
            await asyncio.sleep(0)  # now it is dead, and its transaction goes on as soon as the lock is gone
        await killing

    assert database.raw_trades.contiguity(market.symbols[0]) == before
    database.close()


def test_a_scenario_in_a_hurry_has_the_same_faults_in_less_time():
    for seed in range(100):
        scenario = scenario_of(seed)

        hurried, speed = in_a_hurry(scenario)

        assert 10.0 <= scenario.seconds / speed <= 20.0
        assert [fault.kind for fault in hurried.faults] == [fault.kind for fault in scenario.faults]
        assert all((fault.at or 0.0) < scenario.seconds / speed for fault in hurried.faults)
        assert replace(hurried, faults=(), crashes=(), kills=(), away=(), slow_store=0.0, life=None) == replace(
            scenario, faults=(), crashes=(), kills=(), away=(), slow_store=0.0, life=None
        )
