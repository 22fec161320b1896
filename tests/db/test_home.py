"""One process runs the servers of a home; the others attach to it, or wait."""

import subprocess
import sys
import threading

import pytest

from db import schema
from db.engine import create_engine
from db.home import connect, own, running_state
from market.errors import StoreError

HOLD = """
import sys, time
from pathlib import Path
from db.home import own
with own(Path(sys.argv[1])) as home:
    home.publish({"postgres": {"url": "postgresql://elsewhere"}})
    print("mine", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def owner(tmp_path):
    """Return another process that owns the home and tells an address."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "mine\n"
    yield process
    process.kill()
    process.communicate()


def test_nobody_runs_in_a_new_folder(tmp_path):
    assert running_state(tmp_path / "new") is None


def test_what_the_owner_publishes_is_seen_until_it_ends(tmp_path):
    with own(tmp_path) as home:
        assert running_state(tmp_path) is None
        home.publish({"redis": {"url": "redis://somewhere"}})
        assert running_state(tmp_path)["redis"] == {"url": "redis://somewhere"}

    assert running_state(tmp_path) is None
    assert not (tmp_path / "state.json").exists()


def test_a_home_has_one_owner(tmp_path, owner):
    with pytest.raises(StoreError, match=f"in use by process {owner.pid}"), own(tmp_path, timeout_seconds=0.1):
        pass


def test_a_command_attaches_to_the_running_system(tmp_path, owner):
    with connect(tmp_path) as url:
        assert url == "postgresql://elsewhere"


def test_what_a_killed_owner_published_is_not_believed(tmp_path, owner):
    owner.kill()
    owner.wait()

    assert running_state(tmp_path) is None
    with own(tmp_path):
        assert not (tmp_path / "state.json").exists()


def test_a_command_gives_up_on_an_owner_that_tells_nothing(tmp_path):
    with (
        own(tmp_path),
        pytest.raises(StoreError, match="wait for it to end, or set TCPDASH_HOME"),
        connect(tmp_path, timeout_seconds=0.1),
    ):
        pass


@pytest.mark.postgres
def test_a_command_alone_has_a_database_for_as_long_as_it_runs(tmp_path):
    with connect(tmp_path) as url:
        engine = create_engine(url)
        schema.check(engine)
        engine.dispose()
        assert running_state(tmp_path) is None

    assert not (tmp_path / "postgres" / "postmaster.pid").exists()
    with own(tmp_path):
        pass


@pytest.mark.postgres
def test_two_commands_at_once_wait_for_each_other(tmp_path):
    seen: list[str] = []
    entered, leave = threading.Event(), threading.Event()

    def first() -> None:
        with connect(tmp_path) as url:
            entered.set()
            leave.wait(60)
            seen.append(url)

    thread = threading.Thread(target=first)
    thread.start()
    assert entered.wait(60)
    threading.Timer(0.2, leave.set).start()
    with connect(tmp_path):
        seen.append("second")
    thread.join()

    assert [url.startswith("postgresql") for url in seen] == [True, False]


@pytest.mark.postgres
def test_what_is_shared_can_be_attached_to(tmp_path):
    with connect(tmp_path, share=True) as url, connect(tmp_path) as attached:
        assert attached == url
