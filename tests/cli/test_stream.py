"""`tcpdash stream` alone: what it says when its servers are not there."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "cli", "stream", "--exchange", "okx", "--symbols", "BTC-USDT"]


def environment(home: Path, **variables: str) -> dict[str, str]:
    return {**os.environ, "TCPDASH_HOME": str(home), "TCPDASH_CONFIG": "", **variables}


def stream(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(COMMAND, env=environment(home, **variables), capture_output=True, text=True, timeout=60, check=False)


def test_without_servers_it_says_how_to_get_some(tmp_path: Path):
    done = stream(tmp_path)

    assert done.returncode == 1
    assert "no servers run on" in done.stderr
    assert "start `tcpdash up`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_does_not_answer_is_named_without_its_password_and_waited_for(tmp_path: Path):
    variables = {
        "TCPDASH_DATABASE__URL": "postgresql+psycopg2://me:hunter2@127.0.0.1:9/app",
        "TCPDASH_REDIS__URL": "redis://127.0.0.1:9/0",
    }
    with subprocess.Popen(COMMAND, env=environment(tmp_path, **variables), stderr=subprocess.PIPE, text=True) as worker:
        said = ""
        while "PostgreSQL does not answer at postgresql+psycopg2://me:***@127.0.0.1:9/app" not in said:
            line = worker.stderr.readline()
            assert line, said
            said += line
        worker.send_signal(signal.SIGTERM)
        said += worker.stderr.read()

    assert worker.returncode == 0
    assert "Traceback" not in said
    assert "hunter2" not in said


@pytest.mark.postgres
def test_a_database_without_our_tables_is_told_with_the_way_out(tmp_path: Path, empty_database_url: str):
    done = stream(tmp_path, TCPDASH_DATABASE__URL=empty_database_url, TCPDASH_REDIS__URL="redis://127.0.0.1:9/0")

    assert done.returncode == 1
    assert "tcpdash db upgrade" in done.stderr
    assert "Traceback" not in done.stderr
