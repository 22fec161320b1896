"""What every backfill does: it lives by its pulse, says how fast it is, and survives a database that is away for a moment."""

import asyncio
from contextlib import AbstractContextManager
from itertools import count
from threading import Event, current_thread, main_thread

import pytest
import sqlalchemy as sa

from db.operations import DatabaseOperations
from db.store import Store
from exchanges import OKX
from history.backfill import NativeVenue, Order, Standing, patience, run_backfill
from market.errors import StoreUnreachable, VenueError, VenueUnreachable
from market.timeframe import Timeframe
from replay.answer import json_answer
from simulation import loop as virtual
from tests.history.backfill.markets import START_US, Counting, Refusing, at, exchange_of, past


@pytest.mark.postgres
async def test_while_it_waits_its_row_says_that_it_lives(database, monkeypatch):
    monkeypatch.setattr("history.backfill.job._PULSE_SECONDS", 0.05)
    limited = Refusing(*[json_answer({"code": "50011", "msg": "Too Many Requests", "data": []}, 429)] * 2, path="candles")
    waiting = asyncio.Event()

    def notice(standing: Standing) -> None:
        if standing.waits:
            waiting.set()

    async with exchange_of(past("OKX", minutes=90), 80, limited) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        order = Order(symbols=provider.symbols, start_us=at(0), end_us=at(60))
        task = asyncio.create_task(run_backfill(database, NativeVenue(provider), order, notice))
        await waiting.wait()
        moments, requests = set(), 0
        while len(moments) < 3:
            [row] = await asyncio.to_thread(database.backfills.list)
            moments.add(row.updated_us)
            requests = row.requests
            assert row.state == "running"
        [outcome] = await task

    assert requests >= 1
    assert outcome.standing.requests == database.backfills.list()[0].requests == 3


class TerminatedByEngine(BaseException):
    """Stands for what Prefect's engine raises at a signal, wherever the program is just then."""


@pytest.mark.postgres
async def test_a_signal_in_the_middle_of_a_step_is_noted_as_its_end(database):
    told: list[Standing] = []

    def end(standing: Standing) -> None:
        told.append(standing)
        if standing.stored and not told[-2].stored:
            raise TerminatedByEngine

    async with exchange_of(past("OKX", minutes=2700), 2690) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        with pytest.raises(BaseExceptionGroup) as found:
            await run_backfill(
                database, NativeVenue(provider), Order(symbols=provider.symbols, start_us=at(0), end_us=at(2600)), end
            )

    assert found.group_contains(TerminatedByEngine)
    [row] = database.backfills.list()
    assert (row.state, row.stored > 0, row.requests > 0) == ("cancelled", True, True)


PATIENCE = 60.0


class FirstPageWaits(DatabaseOperations):
    """Keeps back the transaction of the page that comes first, until it may go on."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        self.go, self._pages = Event(), count()

    def transaction(self) -> AbstractContextManager[Store]:
        if current_thread() is not main_thread() and next(self._pages) == 0:
            assert self.go.wait(PATIENCE)
        return super().transaction()


@pytest.mark.postgres
async def test_each_question_is_counted_once_whatever_page_is_stored_when_it_ends(engine):
    database, faults = FirstPageWaits(engine), Counting()

    told: list[Standing] = []

    def end(standing: Standing) -> None:
        told.append(standing)
        if standing.stored and not told[-2].stored:
            raise TerminatedByEngine

    async with exchange_of(past("OKX", minutes=2700), 2690, faults) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        order = Order(symbols=provider.symbols, start_us=at(0), end_us=at(600))  # two pages
        with pytest.raises(BaseExceptionGroup):
            await run_backfill(database, NativeVenue(provider), order, end)

    [ended] = database.backfills.list()
    database.go.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    [later] = database.backfills.list()
    assert ended.state == later.state == "cancelled"
    assert later.stored > ended.stored > 0
    assert later.requests == ended.requests == len(faults.of("candles"))


OTHERS_END = """
select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
"""


@pytest.mark.postgres
async def test_connections_that_break_in_the_middle_cost_nothing(database, engine):
    told: list[Standing] = []

    def notice(standing: Standing) -> None:
        told.append(standing)
        if len(told) == 6:
            with engine.connect() as connection:
                connection.execute(sa.text(OTHERS_END))

    async with exchange_of(past("OKX", minutes=2700), 2690) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        order = Order(symbols=provider.symbols, start_us=at(0), end_us=at(2400))
        [outcome] = await run_backfill(database, NativeVenue(provider), order, notice)

    assert (outcome.state, outcome.missing) == ("done", 0)
    assert len(told) > 6


def standing(**values) -> Standing:
    return Standing(**{"symbol": "OKX:BTC-USDT", "timeframe": Timeframe.M1, "wanted": 1000, **values})


def test_rate_and_time_left_come_from_what_was_done_so_far():
    assert (standing().rate, standing().left_seconds) == (0.0, None)
    assert (standing(fetched=250, seconds=5.0).rate, standing(fetched=250, seconds=5.0).left_seconds) == (50.0, 15.0)


class Questions:
    """Refuses as it is told, and then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.asked, self.told = list(errors), 0, list[str]()

    async def __call__(self) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def refused(*, transient: bool = True, wait: float | None = None) -> VenueError:
    return VenueError("OKX", "busy", transient=transient, retry_after_seconds=wait)


def ask(questions: Questions) -> tuple[str, float]:
    """Return the answer and how many seconds of virtual time it took."""
    time = virtual.VirtualLoop()

    async def work() -> tuple[str, float]:
        return await patience.ask(questions, questions.told.append), time.time()

    return virtual.run(work(), time, START_US)


def test_a_refusal_that_passes_is_asked_again_after_the_time_it_asks_for():
    questions = Questions(refused(wait=300.0), VenueUnreachable("OKX", "https://okx", "timeout"))
    answer, seconds = ask(questions)

    assert (answer, questions.asked) == ("answer", 3)
    assert 300.0 <= seconds < 302.0
    assert [words.partition(" (")[0] for words in questions.told] == [
        "OKX refused: busy", "", "OKX cannot be reached at https://okx", ""
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("errors", "asked"),
    [([refused(transient=False)], 1), ([refused(wait=3600.0)], 1), ([refused() for _ in range(20)], 8)],
    ids=["for good", "for an hour", "again and again"],
)
def test_a_refusal_that_does_not_pass_is_an_error(errors, asked):
    questions = Questions(*errors)
    with pytest.raises(VenueError):
        ask(questions)

    assert questions.asked == asked


def test_a_database_that_stays_away_is_an_error_after_some_tries():
    tries = []

    def work() -> None:
        tries.append(1)
        raise StoreUnreachable("PostgreSQL does not answer")

    async def keep() -> None:
        await patience.keep(work)

    async def in_no_time(seconds: float) -> None:
        waits.append(seconds)

    waits: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("history.backfill.patience.asyncio.sleep", in_no_time)
        with pytest.raises(StoreUnreachable):
            asyncio.run(keep())

    assert (len(tries), waits) == (5, [0.5, 1.0, 2.0, 4.0])
