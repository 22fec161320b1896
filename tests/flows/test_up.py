"""`tcpdash up` with its flows: after the feed runs, without holding it up, and gone with it in good order."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from app.scheduler.api import PrefectApi
from db import child
from tests.flows.served import wait_until

pytestmark = [pytest.mark.prefect, pytest.mark.postgres, pytest.mark.redis, pytest.mark.timeout(900)]


def test_the_scheduler_starts_behind_the_feed_and_stops_before_its_database(tmp_path: Path):
    home, output = tmp_path / "home", tmp_path / "out"
    environment = {**os.environ, "TCPDASH_HOME": str(home), "TCPDASH_CONFIG": ""}

    def tcpdash(*words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "cli", *words], env=environment, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def served() -> bool:
        file = home / "state.json"
        told = json.loads(file.read_text()).get("scheduler") if file.exists() else None
        if told is None or told["state"] != "ready":
            return False
        with PrefectApi(told["url"]) as api:
            return len(api.workers()) == 1

    with output.open("w") as out:
        command = [sys.executable, "-m", "cli", "up", "--tape", "synthetic", "--no-app"]
        running = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        assert wait_until(served), output.read_text()
        doctor, pause, status = tcpdash("doctor"), tcpdash("flows", "pause", "sweep-gaps"), tcpdash("flows", "status", "--json")
        ran = tcpdash("flows", "run", "maintain-storage", "--wait")
        wrong = tcpdash("flows", "run", "refresh-agregates")
        resumed = tcpdash("flows", "resume", "sweep-gaps")
        processes = psutil.Process(running.pid).children(recursive=True)
    finally:
        running.send_signal(signal.SIGINT)
        code = running.wait(120)

    said, prefect = output.read_text(), child.tail(home / "logs" / "prefect.out.log", 0)
    assert said.index("local exchange plays") < said.index("scheduler starting") < said.index("/dashboard")
    assert "12 are deployed, served by tcpdash-" in doctor
    assert pause == "sweep-gaps rests until `tcpdash flows resume sweep-gaps`\n"
    assert resumed == "sweep-gaps runs by its schedule again\n"
    flows = {each["flow"]: each for each in json.loads(status)["flows"]}
    assert (flows["sweep-gaps"]["rests"], flows["sweep-gaps"]["next"]) == ("yes", None)
    assert flows["refresh-aggregates"]["next"] is not None
    assert ran.startswith("maintain-storage ")
    assert ": Completed; http://127.0.0.1:" in ran
    assert "did you mean 'refresh-aggregates'?" in wrong
    assert code == 0, said
    assert "Error" not in prefect
    assert [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE] == []
