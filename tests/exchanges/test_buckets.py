"""Buckets that several processes share, and what becomes of them where the file cannot be used."""

import asyncio
import fcntl
import logging
import multiprocessing
from pathlib import Path

import pytest

from exchanges.buckets import Bucket, FileCell, PrivateCell
from exchanges.budgets import Budgets
from exchanges.values import Budget, Request
from market.clock import monotonic, now_us
from market.timeframe import SECOND_US
from simulation import loop as virtual
from tests.generators import START_US

BURST, PER_SECOND = 5.0, 50.0


def spend(file: Path, count: int, paid: "multiprocessing.Queue[list[float]]") -> None:
    """Spend one so many times, as another process does; say when each was let through."""

    async def work() -> list[float]:
        bucket, moments = Bucket(BURST, PER_SECOND, FileCell(file)), []
        for _ in range(count):
            await bucket.acquire(1.0)
            moments.append(now_us() / SECOND_US)
        return moments

    paid.put(asyncio.run(work()))


def test_processes_that_share_a_file_keep_one_budget_together(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    paid = spawn.Queue()
    workers = [spawn.Process(target=spend, args=(tmp_path / "deep" / "okx", 25, paid)) for _ in range(3)]
    for worker in workers:
        worker.start()
    moments = sorted(moment for _ in workers for moment in paid.get(timeout=60))
    for worker in workers:
        worker.join()

    assert len(moments) == 75
    assert moments[-1] - moments[0] >= (75 - BURST) / PER_SECOND * 0.99
    for first, begin in enumerate(moments):
        for last in range(first, len(moments)):
            assert last - first + 1 <= BURST + (moments[last] - begin + 0.02) * PER_SECOND  # a sleep may end a little early


def test_a_process_that_starts_anew_has_no_new_burst(tmp_path):
    async def waits() -> float:
        cell = FileCell(tmp_path / "okx")
        for _ in range(5):
            await Bucket(BURST, PER_SECOND, cell).acquire(1.0)
        begun = monotonic()
        await Bucket(BURST, PER_SECOND, FileCell(tmp_path / "okx")).acquire(1.0)
        return monotonic() - begun

    assert virtual.run(waits(), virtual.VirtualLoop(), START_US) == pytest.approx(1 / PER_SECOND, abs=0.001)


@pytest.mark.parametrize("found", [b"", b"rubbish!", b"\x00" * 3, b"\x00\x00\x00\x00\x00\x00\xf8\x7f", b"\xff" * 6 + b"\xef\x7f"])
def test_what_stands_in_the_file_keeps_nobody_waiting_for_ever(found, tmp_path):
    (tmp_path / "okx").write_bytes(found)

    async def pay() -> float:
        for _ in range(5):
            await Bucket(BURST, PER_SECOND, FileCell(tmp_path / "okx")).acquire(1.0)
        return monotonic()

    assert virtual.run(pay(), virtual.VirtualLoop(), START_US) < 0.001


def test_where_no_file_can_be_each_process_keeps_its_own_budget_and_says_so_once(tmp_path, caplog):
    (tmp_path / "limits").write_text("no folder")
    bucket = Bucket(BURST, PER_SECOND, FileCell(tmp_path / "limits" / "okx"))

    async def pay() -> float:
        for _ in range(15):
            await bucket.acquire(1.0)
        return monotonic()

    with caplog.at_level(logging.WARNING):
        assert virtual.run(pay(), virtual.VirtualLoop(), START_US) == pytest.approx(10 / PER_SECOND, abs=0.001)
    assert [record.message.split(" file=")[0] for record in caplog.records] == ["limits not shared"]


@pytest.mark.timeout(20)
def test_a_process_that_was_stopped_with_the_file_in_its_hands_stops_no_other(tmp_path, caplog):
    cell = FileCell(tmp_path / "okx")
    cell.change(lambda now, _: now)
    with (tmp_path / "okx").open("rb") as held, caplog.at_level(logging.WARNING):
        fcntl.flock(held, fcntl.LOCK_EX)
        moments: list[float] = []
        for _ in range(2):
            cell.change(lambda now, moment: moments.append(moment) or now)

    assert all(moments)
    assert [record.message.split(" file=")[0] for record in caplog.records] == ["limits not shared"]


@pytest.mark.parametrize("kept", ["alone", "shared"])
def test_what_is_cancelled_while_it_waits_costs_nothing(kept, tmp_path):
    bucket = Bucket(1.0, 1.0, FileCell(tmp_path / "okx") if kept == "shared" else PrivateCell())

    async def pay() -> float:
        await bucket.acquire(1.0)
        for _ in range(20):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await bucket.acquire(1.0)
        await bucket.acquire(1.0)
        return monotonic()

    assert virtual.run(pay(), virtual.VirtualLoop(), START_US) == pytest.approx(1.0, abs=0.05)


def test_a_wish_to_be_left_alone_holds_for_all_who_share_it(tmp_path):
    budgets = {"": Budget(burst=5, per_second=5)}
    mine, other = (Budgets(budgets, tmp_path / "okx-host") for _ in range(2))
    stranger = Budgets(budgets, tmp_path / "kraken-host")

    mine.leave_alone(60.0)
    mine.leave_alone(5.0)

    assert other.alone_for() == pytest.approx(60.0, abs=1.0)
    assert stranger.alone_for() <= 0


def test_more_than_a_bucket_holds_is_refused():
    budgets = Budgets({"": Budget(burst=5, per_second=5)})

    with pytest.raises(ValueError, match="6 is more than the 5 that may be asked at once"):
        asyncio.run(budgets.pay(Request("/", cost=6), paged=False))
