"""Embedded servers start, survive a kill, and never outlive us."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg2
import pytest
from redis import Redis

from db import child
from db.embedded import PostgresServer, RedisServer
from market.errors import ServerError


@pytest.fixture
def postgres(tmp_path: Path):
    server = PostgresServer(tmp_path / "postgres")
    yield server
    server.stop()


@pytest.fixture
def valkey(tmp_path: Path):
    server = RedisServer(tmp_path / "redis")
    yield server
    server.stop()


def connected(server: PostgresServer):
    connection = psycopg2.connect(server.url.replace("+psycopg2", ""))
    connection.autocommit = True
    return connection


@pytest.mark.postgres
def test_postgres_comes_back_after_a_kill_with_what_was_committed_on_the_same_port(postgres):
    postgres.start()
    url = postgres.url
    connection = connected(postgres)
    with connection.cursor() as cursor:
        cursor.execute("create table kept (number integer); insert into kept values (7)")

    os.kill(postgres.process.pid, signal.SIGKILL)
    postgres.start()

    connection.close()
    assert postgres.url == url
    with connected(postgres) as again, again.cursor() as cursor:
        cursor.execute("select number from kept")
        assert cursor.fetchall() == [(7,)]
    again.close()


@pytest.mark.postgres
def test_postgres_is_polled_and_stopped(postgres):
    assert postgres.poll() == -1
    postgres.start()
    assert postgres.poll() is None
    assert postgres.is_answering()

    postgres.stop()

    assert postgres.poll() == 0
    assert not postgres.is_answering()


@pytest.mark.postgres
def test_a_second_start_takes_the_folder_from_what_a_crash_left_behind(postgres, tmp_path):
    postgres.start()
    successor = PostgresServer(tmp_path / "postgres")

    successor.start()

    assert successor.is_answering()
    assert postgres.process.wait(10) == 0
    successor.stop()


@pytest.mark.postgres
def test_a_data_folder_of_another_major_version_is_refused(postgres):
    postgres.start()
    postgres.stop()
    (postgres.folder / "PG_VERSION").write_text("12\n")

    with pytest.raises(ServerError, match=r"made by PostgreSQL 12, installed is \d+"):
        postgres.start()


@pytest.mark.postgres
def test_a_folder_with_something_else_in_it_is_refused(postgres):
    postgres.folder.mkdir()
    (postgres.folder / "diary.txt").write_text("mine")

    with pytest.raises(ServerError, match="not empty"):
        postgres.start()

    assert (postgres.folder / "diary.txt").read_text() == "mine"


@pytest.mark.postgres
def test_a_folder_without_programs_is_named(tmp_path):
    server = PostgresServer(tmp_path / "data", bin_folder=tmp_path)

    with pytest.raises(ServerError, match="initdb is missing"):
        server.start()


@pytest.mark.postgres
def test_a_failure_to_start_shows_the_end_of_the_log(postgres, tmp_path, monkeypatch):
    monkeypatch.setattr("db.embedded._PASSING_SECONDS", 0.1)
    postgres.start()
    rival = PostgresServer(tmp_path / "rival", postgres.port, durable=False)

    with pytest.raises(ServerError, match="Address already in use"):
        rival.start()

    assert postgres.is_answering()
    assert not rival.is_answering()


@pytest.mark.postgres
def test_children_die_with_a_parent_that_was_killed(tmp_path):
    script = (
        "import sys, time, threading\n"
        "from db.embedded import PostgresServer\n"
        "server = PostgresServer(sys.argv[1], durable=False)\n"
        "thread = threading.Thread(target=server.start)\n"
        "thread.start(); thread.join()\n"
        "print(server.process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "data")], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)

    parent.kill()
    parent.communicate()

    assert child.wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 10)


@pytest.mark.redis
def test_redis_comes_back_after_a_kill_on_the_same_port(valkey):
    valkey.start()
    url = valkey.url
    with Redis.from_url(url) as client:
        client.set("kept", "7")
        client.execute_command("WAITAOF", 1, 0, 0)

    os.kill(valkey.process.pid, signal.SIGKILL)
    valkey.start()

    assert valkey.url == url
    with Redis.from_url(url) as client:
        assert client.get("kept") == b"7"


@pytest.mark.redis
def test_redis_is_polled_and_stopped(valkey):
    valkey.start()
    assert valkey.poll() is None
    assert valkey.is_answering()

    valkey.stop()

    assert valkey.poll() == 0
    assert not valkey.is_answering()


@pytest.mark.redis
def test_redis_takes_the_folder_from_what_a_crash_left_behind(valkey, tmp_path):
    valkey.start()
    successor = RedisServer(tmp_path / "redis")

    successor.start()

    assert successor.is_answering()
    assert valkey.process.wait(10) == 0
    successor.stop()
