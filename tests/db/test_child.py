"""Child processes: found, stopped, and their output kept."""

import os
import signal
import subprocess
import sys

import psutil

from db import child


def test_a_pid_file_that_names_a_stranger_is_not_believed(tmp_path):
    pid_file = tmp_path / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n")

    child.stop_leftover(pid_file, tmp_path, [signal.SIGTERM])

    assert psutil.Process().is_running()


def test_a_long_log_is_set_aside(tmp_path, monkeypatch):
    monkeypatch.setattr("db.child._LOG_BYTES", 10)
    log = tmp_path / "logs" / "server.log"
    log.parent.mkdir()
    log.write_text("something longer than that\n")

    process = child.spawn(["/bin/echo", "fresh"], log, folder=tmp_path)

    assert process.wait() == 0
    assert log.read_text() == "fresh\n"
    assert log.with_suffix(".log.1").read_text() == "something longer than that\n"


def test_a_command_that_ignores_its_signals_is_killed(tmp_path):
    script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    log = tmp_path / "server.log"
    process = child.spawn([sys.executable, "-c", script], log, folder=tmp_path)
    assert child.wait_until(lambda: "deaf" in child.tail(log, 0), 10)

    child.stop(process, [signal.SIGTERM], patience_seconds=0.1)

    assert process.poll() == -signal.SIGKILL


def test_a_command_that_is_waited_for_ends_with_who_waits():
    waits = "import subprocess, sys\nfrom db.child import guarded\nsubprocess.run(guarded([sys.executable, '-c', sys.argv[1]]))"
    works = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)"
    waiting = subprocess.Popen([sys.executable, "-c", waits, works], stdout=subprocess.PIPE, text=True)
    working = psutil.Process(int(waiting.stdout.readline()))

    waiting.kill()
    waiting.communicate()

    psutil.wait_procs([working], timeout=20)
    assert not working.is_running()
