"""`tcpdash stream` alone: what it says when its servers are not there."""

import os
import subprocess
import sys
from pathlib import Path


def stream(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TCPDASH_HOME": str(home), "TCPDASH_CONFIG": "", **variables}
    command = [sys.executable, "-m", "cli", "stream", "--exchange", "okx", "--symbols", "BTC-USDT"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_without_servers_it_says_how_to_get_some(tmp_path: Path):
    done = stream(tmp_path)

    assert done.returncode == 1
    assert "no servers run on" in done.stderr
    assert "start `tcpdash up`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path):
    done = stream(
        tmp_path,
        TCPDASH_DATABASE__URL="postgresql+psycopg2://me:hunter2@127.0.0.1:9/app",
        TCPDASH_REDIS__URL="redis://127.0.0.1:9/0",
    )

    assert done.returncode == 1
    assert "PostgreSQL does not answer at postgresql+psycopg2://me:***@127.0.0.1:9/app" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
