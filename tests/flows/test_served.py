"""All deployments of prefect.yaml on one real Prefect server: by its own commands, and by `tcpdash flows serve`.

The tests share the server and go on from each other: in their order they tell what happens to an installation.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa
import yaml

from cli import deployments, scheduler
from db.engine import create_engine
from db.operations import DatabaseOperations
from market.clock import isoformat, now_us, to_datetime
from market.timeframe import BASE
from tests.conftest import _administrate, _url
from tests.flows.served import Served, served, stop
from tests.history.backfill.markets import at

pytestmark = [pytest.mark.prefect, pytest.mark.postgres, pytest.mark.timeout(400)]

BTC, ETH = "OKX:BTC-USDT", "OKX:ETH-USDT"
DEPLOYED = [each["name"] for each in yaml.safe_load((scheduler.ROOT / deployments.FILE).read_text())["deployments"]]
CHAINED = ("refresh-after-backfill", "check-after-backfill")
PARAMETERS = {"backfill": {"symbol": BTC, "start": isoformat(at(0)), "end": isoformat(at(200))}}


@pytest.fixture(scope="module")
def system(postgres_server, template_database, tmp_path_factory) -> Iterator[Served]:
    """Return the server, with an empty database of candles."""
    _administrate(postgres_server, f'create database "flows" template "{template_database}"')
    with served(tmp_path_factory.mktemp("flows"), _url(postgres_server, "flows")) as system:
        system.api.ensure_pool("local")
        yield system
    _administrate(postgres_server, 'drop database "flows" with (force)')
    _administrate(postgres_server, 'drop database "prefect" with (force)')


@pytest.fixture(scope="module")
def kept(system: Served) -> Iterator[DatabaseOperations]:
    """Return its candles."""
    engine = create_engine(system.environment["TCPDASH_DATABASE__URL"])
    yield DatabaseOperations(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def compose_worker(system: Served) -> Iterator[None]:
    """Deploy and work with Prefect's own commands, as on another machine."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    environment = {**os.environ, **system.environment}
    done = subprocess.run(command, cwd=scheduler.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    worker = system.worker("prefect", "worker", "start", "--pool", "local", "--type", "process")
    yield
    stop(worker)
    system.forget_workers()


def all_run(system: Served) -> dict[str, str]:
    """Start each deployment that no event starts, and wait for the others; return how each ended."""
    asked = isoformat(now_us())
    for name in DEPLOYED:
        if name not in CHAINED:
            system.start(name, **PARAMETERS.get(name, {}))

    def ended() -> dict[str, str]:
        found = {name: [run for run in system.runs(name) if run["expected_start_time"] >= asked] for name in DEPLOYED}
        return {name: runs[0]["state_name"] for name, runs in found.items() if runs}

    system.until(lambda: ended().keys() == set(DEPLOYED), "end of all", 200)
    return ended()


def missed(system: Served) -> list[dict]:
    """Return the runs of `reconcile` that were due before these tests began, and are over."""
    return [run for run in system.runs("reconcile") if run["expected_start_time"] < isoformat(now_us() - 9 * 60_000_000)]


def test_each_deployment_runs_by_the_commands_of_prefect(system: Served, compose_worker, kept):
    begun = now_us()
    system.until(lambda: system.runs("refresh-aggregates", "SCHEDULED"), "scheduled run", 30)
    waited_seconds = (now_us() - begun) / 1e6
    for each in system.api.deployments():  # what is due by the clock would come between what is asked for here
        system.api.pause(each["id"])

    assert all_run(system) == dict.fromkeys(DEPLOYED, "Completed"), system.log()
    assert waited_seconds < 30
    assert kept.market_data.count(BTC, BASE) == 200


def test_a_backfill_is_followed_by_a_refresh_and_a_check_of_its_symbol(system: Served, compose_worker, kept):
    for name in CHAINED:
        [run] = [run for run in system.runs(name) if run["parameters"].get("symbol") == BTC]
        assert run["state_name"] == "Completed", run["state"]["message"]
        assert run["auto_scheduled"] is False
    assert len(kept.market_data.get_candles(BTC, "5m")) == 40
    assert {run.suite for run in kept.quality.list(BTC)} == {"candles"}


def test_a_run_that_is_killed_in_the_middle_is_safe_to_run_again(system: Served, compose_worker, kept):
    wanted = {"symbol": ETH, "start": isoformat(at(0)), "end": isoformat(at(900))}
    system.faults.refuse_after(4)
    run = system.start("backfill", **wanted)
    system.until(lambda: system.faults.refused and kept.market_data.count(ETH, BASE) == 400, "half of it")
    system.process_of(run).send_signal(signal.SIGKILL)
    killed = system.ended(run)
    system.faults.left, asked = None, len(system.faults.of("candles"))
    again = system.ended(system.start("backfill", **wanted))

    assert [each["state_name"] for each in (killed, again)] == ["Crashed", "Completed"]
    assert kept.market_data.count(ETH, BASE) == 900
    assert len(system.faults.of("candles")) == asked + 5
    assert [each.state for each in kept.backfills.list(ETH)] == ["interrupted", "done"]


def test_no_run_outlives_its_worker(system: Served, compose_worker):
    """The last one with this worker: it is killed."""
    system.faults.refuse_after(0)
    run = system.start("backfill", symbol=ETH, start=isoformat(at(900)), end=isoformat(at(1100)))
    system.until(lambda: system.faults.refused, "question to the venue")
    process = system.process_of(run)
    psutil.Process(process.ppid()).kill()
    system.until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "end of the run", 5)
    system.faults.left = None


@pytest.fixture(scope="module")
def flows_serve(system: Served) -> Iterator[None]:
    """Work as `tcpdash up` does, after a night in which the machine slept over three runs, and went down with one."""
    deployment = system.api.deployment("reconcile")["id"]
    for minutes in (30, 20, 10):
        due = {"state_details": {"scheduled_time": isoformat(now_us() - minutes * 60_000_000)}, "type": "SCHEDULED"}
        system.api._post(f"deployments/{deployment}/create_flow_run", {"state": due})
    cut_off = system.start("sweep-gaps")
    for state in ("PENDING", "RUNNING"):
        system.api._post(f"flow_runs/{cut_off['id']}/set_state", {"state": {"type": state}})
    system.forget_workers()
    worker = system.worker("cli", "flows", "serve", "--alone")
    yield
    stop(worker)
    system.forget_workers()


def test_runs_that_were_missed_collapse_into_one(system: Served, flows_serve):
    system.until(lambda: len(missed(system)) == 3, "three ends")

    assert sorted(run["state_name"] for run in missed(system)) == ["Cancelled", "Cancelled", "Completed"]


def test_runs_that_were_cut_off_are_called_so(system: Served, flows_serve):
    [cut_off] = [run for run in system.runs("sweep-gaps") if run["state_name"] == "Crashed"]

    assert (cut_off["state_name"], cut_off["state"]["message"]) == ("Crashed", "its process is gone; it is safe to run again")
    assert "cut off when the system went down" in system.log()


def test_each_deployment_runs_by_flows_serve(system: Served, flows_serve):
    assert all_run(system) == dict.fromkeys(DEPLOYED, "Completed"), system.log()


def test_what_a_check_finds_missing_is_fetched_by_itself(system: Served, flows_serve, kept):
    forget = (
        "delete from backfill_spans where symbol = :symbol",
        "delete from market_data where symbol = :symbol and timestamp > :a and timestamp <= :b",
    )
    lost = {"symbol": BTC, "a": to_datetime(at(50)), "b": to_datetime(at(60))}
    with kept.engine.begin() as connection:
        for statement in forget:
            connection.execute(sa.text(statement), lost)
    before = kept.market_data.count(BTC, BASE)
    run = system.ended(system.start("data-quality", symbol=BTC))
    system.until(lambda: kept.market_data.count(BTC, BASE) == 200, "healing")

    assert (before, run["state_name"]) == (190, "Failed")
    assert "wanting: OKX:BTC-USDT" in run["state"]["message"]
    healed = kept.backfills.list(BTC)[-1]
    assert (healed.start_us, healed.end_us, healed.wanted, healed.requests) == (at(50), at(60), 10, 1)
    system.until(lambda: not [gap for gap in kept.gaps.list(BTC, "open") if gap.cause == "quality"], "end of its hole")


def test_what_was_paused_stays_paused_when_the_file_is_handed_over_again(system: Served, tmp_path: Path):
    home = tmp_path / "home"
    shutil.copytree(scheduler.ROOT / "flows", tmp_path / "flows")
    file = shutil.copy(scheduler.ROOT / deployments.FILE, tmp_path)
    environment, told = {**os.environ, **system.environment}, []

    def deploy() -> bool:
        return deployments.deploy(system.api, tmp_path, home, environment, told.append)

    first, second = deploy(), deploy()
    for each in system.api.deployments():
        system.api.resume(each["id"])
    system.api.pause(system.api.deployment("sweep-gaps")["id"])
    daily = system.api.deployment("data-quality")
    system.api.pause_schedule(daily["id"], daily["schedules"][0]["id"])
    Path(file).write_text(Path(file).read_text().replace('cron: "25 4 * * *"', 'cron: "26 4 * * *"'))
    third = deploy()

    assert (first, second, third) == (True, False, True)
    assert told == [f"handing {len(DEPLOYED)} flows to Prefect", f"prefect.yaml changed: handing {len(DEPLOYED)} flows to Prefect"]
    assert system.api.deployment("reconcile")["schedules"][0]["schedule"]["cron"] == "26 4 * * *"
    assert system.api.deployment("sweep-gaps")["paused"] is True
    assert system.api.deployment("data-quality")["schedules"][0]["active"] is False
    assert system.api.deployment("refresh-aggregates")["paused"] is False
