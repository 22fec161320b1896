"""Every call is a transaction of its own; without an address the store of this installation is found."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from db import schema
from db.engine import create_engine
from db.home import own
from db.operations import DatabaseOperations, get_database_operations
from db.tables import metadata
from db.wider import ROLLUPS, relation_of
from tests.db.candles import SYMBOL, candle

pytestmark = pytest.mark.postgres


def test_each_call_is_committed(database, database_url):
    database.market_data.upsert_candle(candle(1))

    other = get_database_operations(database_url)
    assert other.market_data.get_latest_candle(SYMBOL, "1m") == candle(1)
    other.close()


def test_several_calls_are_one_transaction(database):
    with pytest.raises(KeyError):
        write_and_fail(database)

    assert database.market_data.count(SYMBOL, "1m") == 0


def write_and_fail(database):
    with database.transaction() as store:
        store.market_data.upsert_candle(candle(1))
        raise KeyError


def test_health_is_an_answer_and_the_right_schema(database, empty_database_url):
    empty = DatabaseOperations(create_engine(empty_database_url))
    away = DatabaseOperations(create_engine("postgresql+psycopg2://app@127.0.0.1:1/app"))

    assert database.health_check()
    assert not empty.health_check()
    assert not away.health_check()
    empty.close()


def test_statistics_say_what_is_stored(database):
    database.market_data.upsert_candles([candle(1), candle(60 * 24 * 40)])
    database.watermarks.set(SYMBOL, 7, 700)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("analyze")

    stats = database.get_stats()

    assert stats["storage"] == "plain"
    assert stats["schema_revision"] == schema.head()
    assert stats["server_version"].startswith("18")
    assert stats["tables"]["market_data"]["rows"] == 2
    assert stats["tables"]["market_data"]["bytes"] > 0
    assert stats["tables"]["watermarks"]["rows"] == 1
    assert stats["tables"]["watermarks"]["bytes"] > 0
    assert stats["tables"]["gaps"]["rows"] == 0
    assert set(stats["tables"]) == {*metadata.tables, *map(relation_of, ROLLUPS)}
    assert {"market_data", "raw_trades", "gaps", "watermarks", "candles_5m", "candles_1w"} <= set(stats["tables"])


def test_the_address_of_the_settings_is_taken(database_url, monkeypatch):
    monkeypatch.setenv("TCPDASH_DATABASE__URL", database_url)

    operations = get_database_operations()

    assert operations.health_check()
    operations.close()


def test_a_running_system_is_attached_to(database_url, monkeypatch, tmp_path):
    monkeypatch.setenv("TCPDASH_HOME", str(tmp_path))
    with own(tmp_path) as home:
        home.publish({"postgres": {"url": database_url}})

        operations = get_database_operations()

        assert operations.health_check()
        operations.close()


def test_without_anything_running_a_server_is_started_for_the_life_of_the_process(tmp_path):
    script = (
        "import sys, json\n"
        "from db import get_database_operations\n"
        "first, second = get_database_operations(), get_database_operations()\n"
        "print(json.dumps([first.health_check(), second.health_check(), 'pandas' in sys.modules]))\n"
    )
    home = tmp_path / "home"

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={"TCPDASH_HOME": str(home), "PYTHONPATH": str(Path.cwd()), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert json.loads(done.stdout or done.stderr) == [True, True, False]
    assert not (home / "state.json").exists()
    assert not (home / "postgres" / "postmaster.pid").exists()
