"""All deployments of prefect.yaml on one real Prefect server: by its own commands, and by `tcpdash flows serve`.

The tests share the server, where nothing is due by the clock; each makes what it needs, and can be run alone.
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
import streamlit as st
import yaml

from app.actions import flows as wishes
from app.data import flows
from app.scheduler import standings as scheduled
from app.scheduler.api import Row, SchedulerError
from cli import deployments, scheduler
from db.engine import create_engine
from db.operations import DatabaseOperations
from market.clock import isoformat, now_us, to_datetime
from market.errors import InputError
from market.timeframe import BASE
from tests.conftest import _administrate, _url
from tests.flows.served import BY_PREFECT, BY_US, Served, served
from tests.history.backfill.markets import at

pytestmark = [pytest.mark.prefect, pytest.mark.postgres, pytest.mark.timeout(1500)]

BTC, ETH = "OKX:BTC-USDT", "OKX:ETH-USDT"
DEPLOYED = [each["name"] for each in yaml.safe_load((scheduler.ROOT / deployments.FILE).read_text())["deployments"]]
CHAINED = ("refresh-after-backfill", "check-after-backfill")
RESEARCH = ("backtest", "sweep", "walk-forward")
FILLED = {"symbol": BTC, "start": isoformat(at(0)), "end": isoformat(at(200))}
TRIED = {"strategy": "sma_cross", "parameters": {"fast": 3, "slow": 6}, "symbols": [BTC], "timeframe": "5m"}
SEARCHED = {**TRIED, "ranges": {"fast": "2:4:1", "slow": "6,8"}}
del SEARCHED["parameters"]
WALKED = {**SEARCHED, "train_days": 60 / 1440, "test_days": 30 / 1440}
PARAMETERS = {"backfill": FILLED, "backtest": TRIED, "sweep": SEARCHED, "walk-forward": WALKED}


@pytest.fixture(scope="module")
def empty(postgres_server, template_database, tmp_path_factory) -> Iterator[Served]:
    """Return the server with nothing deployed, and an empty database of candles."""
    _administrate(postgres_server, f'create database "flows" template "{template_database}"')
    with served(tmp_path_factory.mktemp("flows"), _url(postgres_server, "flows")) as system:
        yield system
    _administrate(postgres_server, 'drop database "flows" with (force)')
    _administrate(postgres_server, 'drop database "prefect" with (force)')


@pytest.fixture(scope="module")
def first_due_seconds(empty: Served) -> float:
    """Deploy by Prefect's own command, as on another machine; return after how long a run was scheduled.

    Afterwards all schedules rest: what is due by the clock would come between what is asked for here.
    """
    assert empty.api.workers() == []
    empty.api.ensure_pool()
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    environment = {**os.environ, **empty.environment}
    done = subprocess.run(command, cwd=scheduler.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    begun = now_us()
    empty.until(lambda: empty.runs("refresh-aggregates", "SCHEDULED"), "scheduled run")
    waited_seconds = (now_us() - begun) / 1e6
    for each in empty.api.deployments():
        empty.api.pause(each["id"])
    return waited_seconds


@pytest.fixture(scope="module")
def system(empty: Served, first_due_seconds: float) -> Served:
    """Return the server with everything deployed, and nobody who carries out runs."""
    return empty


@pytest.fixture(scope="module")
def kept(empty: Served) -> Iterator[DatabaseOperations]:
    """Return its candles."""
    engine = create_engine(empty.environment["TCPDASH_DATABASE__URL"])
    yield DatabaseOperations(engine)
    engine.dispose()


@pytest.fixture
def by_prefect(system: Served) -> None:
    """Have runs carried out by Prefect's own command, as on another machine."""
    system.work(BY_PREFECT)


@pytest.fixture
def by_us(system: Served) -> None:
    """Have runs carried out as `tcpdash up` does."""
    system.work(BY_US)


@pytest.fixture(scope="module")
def ended_by_prefect(system: Served) -> dict[str, Row]:
    """Return how each deployment ended by Prefect's own commands."""
    system.work(BY_PREFECT)
    return all_run(system)


@pytest.fixture(scope="module")
def night(system: Served) -> tuple[list[Row], Row]:
    """Work as `tcpdash up` does after the machine slept over three runs, and went down with one; return those, and that."""
    system.rest()
    missed = []
    for minutes in (30, 20, 10):
        due = {"state_details": {"scheduled_time": isoformat(now_us() - minutes * 60_000_000)}, "type": "SCHEDULED"}
        missed.append(system.api._post(f"deployments/{system.number('reconcile')}/create_flow_run", {"state": due}))
    cut_off = system.start("sweep-gaps")
    for state in ("PENDING", "RUNNING"):
        system.api._post(f"flow_runs/{cut_off['id']}/set_state", {"state": {"type": state}})
    system.work(BY_US)
    return [system.ended(run) for run in missed], system.ended(cut_off)


def all_run(system: Served) -> dict[str, Row]:
    """Start each deployment that no event starts, those of research on what a backfill filled; return how each ended."""
    asked = isoformat(now_us())
    begun = {name: system.start(name, **PARAMETERS.get(name, {})) for name in DEPLOYED if name not in CHAINED + RESEARCH}
    system.ended(begun["backfill"])
    for name in RESEARCH:
        system.start(name, **PARAMETERS[name])

    def ended() -> dict[str, Row]:
        found = {name: [run for run in system.runs(name) if is_ours(run)] for name in DEPLOYED}
        return {name: runs[0] for name, runs in found.items() if runs}

    def is_ours(run: Row) -> bool:
        return run["expected_start_time"] >= asked and run["parameters"].get("symbol") in (None, BTC)

    system.until(lambda: ended().keys() == set(DEPLOYED), "end of all")
    return ended()


def states(ended: dict[str, Row]) -> dict[str, str]:
    return {name: run["state_name"] for name, run in ended.items()}


def fill(system: Served, kept: DatabaseOperations) -> None:
    """See to it that the first 200 minutes are stored, and that nothing works on them any more."""
    if kept.market_data.count(BTC, BASE) < 200:
        asked = isoformat(now_us())
        system.start("backfill", **FILLED)
        last = CHAINED[-1]
        system.until(lambda: [run for run in system.runs(last) if run["expected_start_time"] >= asked], "end of the chain")


def test_a_schedule_has_a_run_within_half_a_minute(first_due_seconds: float):
    assert first_due_seconds < 30


def test_each_deployment_runs_by_the_commands_of_prefect(system: Served, ended_by_prefect, kept):
    assert states(ended_by_prefect) == dict.fromkeys(DEPLOYED, "Completed"), system.log()
    assert kept.market_data.count(BTC, BASE) == 200


def test_a_backfill_is_followed_by_a_refresh_and_a_check_of_its_symbol(ended_by_prefect, kept):
    for name in CHAINED:
        run = ended_by_prefect[name]
        assert (run["parameters"]["symbol"], run["auto_scheduled"]) == (BTC, False)
    assert len(kept.market_data.get_candles(BTC, "5m")) == 40
    assert {run.suite for run in kept.quality.list(BTC)} == {"candles"}


def test_a_backfill_says_how_far_it_is(system: Served, ended_by_prefect):
    wanted = {"artifacts": {"key": {"any_": ["backfill-progress-okx-btc-usdt"]}}}
    [progress] = system.api._post("artifacts/latest/filter", wanted)

    assert (progress["type"], progress["data"]) == ("progress", 100.0)
    assert progress["description"].startswith(f"{BTC} 1m: ")


def test_the_page_shows_what_runs_when_and_how_it_ended(system: Served, ended_by_prefect):
    found = scheduled.look(system.api.url, "ready", page="http://127.0.0.1:4200")

    assert (found.page, found.said[:10]) == ("http://127.0.0.1:4200", "Served by ")
    flows = {each.flow: each for each in found.flows}
    assert set(flows) == set(DEPLOYED)
    refresh = flows["refresh-aggregates"]
    assert (refresh.schedule, refresh.rests, refresh.next, refresh.state) == ("*/10 * * * *", "yes", None, "Completed")
    assert refresh.last == f"{ended_by_prefect['refresh-aggregates']['start_time'][:19]}Z"


def test_a_run_that_is_killed_in_the_middle_is_safe_to_run_again(system: Served, by_prefect, kept):
    wanted = {"symbol": ETH, "start": isoformat(at(0)), "end": isoformat(at(900))}
    system.faults.refuse_after(1)
    run = system.start("backfill", **wanted)
    system.until(lambda: system.faults.refused and kept.market_data.count(ETH, BASE) == 300, "a third of it")
    system.process_of(run).send_signal(signal.SIGKILL)
    killed = system.ended(run)
    system.faults.left, asked = None, len(system.faults.of("candles"))
    again = system.ended(system.start("backfill", **wanted))

    assert [each["state_name"] for each in (killed, again)] == ["Crashed", "Completed"]
    assert kept.market_data.count(ETH, BASE) == 900
    assert len(system.faults.of("candles")) == asked + 2
    assert [each.state for each in kept.backfills.list(ETH) if each.end_us == at(900)] == ["interrupted", "done"]


@pytest.fixture
def page(system: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the app find this server and its database, as the page of a running system does."""
    for name in [name for name in os.environ if name.startswith("TCPDASH_")]:
        monkeypatch.delenv(name)
    for name, text in system.environment.items():
        if name.startswith("TCPDASH_"):
            monkeypatch.setenv(name, text)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


def test_the_page_starts_follows_and_cancels_a_run(system: Served, by_prefect, kept, page):
    wanted = {"symbol": ETH, "start": isoformat(at(0)), "end": isoformat(at(600)), "again": True, "timeframe": "5m"}
    told = {"action": "start backfill", "subject": ETH}
    system.faults.refuse_after(0)
    run = wishes.start("backfill", wanted, **told)
    twice = wishes.start("backfill", wanted, **told)
    system.until(lambda: system.faults.refused and flows.run_state(run).state == "running", "begin of the backfill")
    [going] = flows.runs_under_way("backfill")
    wishes.cancel(run, action="cancel backfill", subject=ETH)
    system.until(lambda: flows.run_state(run).ended, "end of the cancelled run")
    system.faults.left = None
    again = wishes.start("backfill", wanted, **told)
    system.until(lambda: flows.run_state(again).ended, "end of the run behind it")

    assert flows.flows_available().available
    assert (twice, going.run, going.parameters["symbol"]) == (run, run, ETH)
    assert flows.run_state(run).state == "cancelled"
    assert (again != run, flows.run_state(again).state) == (True, "completed")
    assert [each.state for each in kept.backfills.list(ETH) if each.timeframe == "5m"] == ["cancelled", "done"]
    noted = [(each.action, each.subject, each.by) for each in kept.wishes.list(subject=ETH)]
    assert noted == [(action, ETH, "the page") for action in (*["start backfill"] * 2, "cancel backfill", "start backfill")]


def test_a_run_that_only_waits_is_taken_back_at_once(system: Served, page):
    system.rest()
    run = wishes.start("backfill", {"symbol": "OKX:NONE-USDT"}, action="start backfill", subject="OKX:NONE-USDT")
    waits = flows.run_state(run)
    wishes.cancel(run, action="cancel backfill", subject="OKX:NONE-USDT")
    st.cache_data.clear()

    assert (waits.state, waits.ended, waits.seconds(now_us())) == ("scheduled", False, None)
    assert (flows.run_state(run).state, flows.run_state(run).ended) == ("cancelled", True)
    with pytest.raises(InputError, match="the run is over"):
        wishes.cancel(run, action="cancel backfill", subject="OKX:NONE-USDT")
    assert "Nobody carries out runs" in flows.flows_available().said


def test_what_cannot_be_started_is_told_and_leaves_no_record(system: Served, kept, page):
    before = len(kept.wishes.list())

    with pytest.raises(InputError, match="did you mean 'backfill'"):
        wishes.start("backfil", {}, action="start backfill", subject=BTC)
    with pytest.raises(SchedulerError, match="3 is not of type 'string'"):
        wishes.start("backfill", {"symbol": 3}, action="start backfill", subject=BTC)
    assert flows.run_state("nonsense/../..").told == "'nonsense/../..' is not the number of a run."
    assert "none that Prefect knows" in flows.run_state("00000000-0000-0000-0000-000000000000").told
    assert len(kept.wishes.list()) == before


def test_no_run_outlives_its_worker(system: Served, by_prefect, kept):
    system.faults.refuse_after(0)
    run = system.start("backfill", symbol=ETH, start=isoformat(at(900)), end=isoformat(at(1100)))
    system.until(lambda: [each for each in kept.backfills.list(ETH) if each.end_us == at(1100)], "begin of the backfill")
    process = system.process_of(run)
    psutil.Process(process.ppid()).kill()
    system.until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "end of the run")
    system.faults.left = None


def test_runs_that_were_missed_collapse_into_one(night):
    missed, _ = night

    assert sorted(run["state_name"] for run in missed) == ["Cancelled", "Cancelled", "Completed"]


def test_runs_that_were_cut_off_are_called_so(system: Served, night):
    _, cut_off = night

    assert (cut_off["state_name"], cut_off["state"]["message"]) == ("Crashed", "its process is gone; it is safe to run again")
    assert "cut off when the system went down" in (system.home / "worker.log").read_text()


def test_each_deployment_runs_by_flows_serve(system: Served, by_us):
    assert states(all_run(system)) == dict.fromkeys(DEPLOYED, "Completed"), system.log()


def test_what_a_check_finds_missing_is_fetched_by_itself(system: Served, by_us, kept):
    fill(system, kept)
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


@pytest.fixture
def awake(system: Served) -> Iterator[None]:
    """Let all schedules work, and rest again afterwards."""
    for each in system.api.deployments():
        system.api.resume(each["id"])
    yield
    for each in system.api.deployments():
        system.api.pause(each["id"])


def test_what_was_paused_stays_paused_when_the_file_is_handed_over_again(system: Served, by_us, awake, tmp_path: Path):
    stamp = tmp_path / "home" / "prefect" / "handed.json"
    stamp.parent.mkdir(parents=True)
    shutil.copy(system.home / "prefect" / "handed.json", stamp)
    shutil.copytree(scheduler.ROOT / "flows", tmp_path / "flows")
    file = Path(shutil.copy(scheduler.ROOT / deployments.FILE, tmp_path))
    environment, told = {**os.environ, **system.environment}, []

    def deploy() -> bool:
        return deployments.deploy(system.api, tmp_path, tmp_path / "home", environment, told.append)

    unchanged = deploy()
    system.api.pause(system.api.deployment("sweep-gaps")["id"])
    daily = system.api.deployment("data-quality")
    system.api.pause_schedule(daily["id"], daily["schedules"][0]["id"])
    file.write_text(file.read_text().replace('cron: "25 4 * * *"', 'cron: "26 4 * * *"'))
    changed = deploy()

    assert f"handing {len(DEPLOYED)} flows to Prefect" in (system.home / "worker.log").read_text()
    assert (unchanged, changed) == (False, True)
    assert told == [f"prefect.yaml changed: handing {len(DEPLOYED)} flows to Prefect"]
    assert system.api.deployment("reconcile")["schedules"][0]["schedule"]["cron"] == "26 4 * * *"
    assert system.api.deployment("sweep-gaps")["paused"] is True
    assert system.api.deployment("data-quality")["schedules"][0]["active"] is False
    assert system.api.deployment("refresh-aggregates")["paused"] is False
