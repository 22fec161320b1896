"""The verbs of the database say what they did, to people and to programs."""

import json

import pytest

from db import schema
from market.clock import now_us
from market.timeframe import DAY_US
from tests.db.old_trades import trades

pytestmark = pytest.mark.postgres


def test_statistics_are_a_table_for_people_and_json_for_programs(tcpdash):
    text = tcpdash.out("db", "stats")
    found = json.loads(tcpdash.out("db", "stats", "--json"))

    lines = text.splitlines()
    assert any(line.startswith("market_data ") for line in lines)
    assert [line.split() for line in lines if line.startswith("TABLE")] == [["TABLE", "SIZE", "ROWS", "COLUMNSTORE"]]
    assert (found["storage"], found["schema_revision"]) == ("plain", schema.head())
    assert found["tables"]["market_data"]["rows"] == 0


def test_maintenance_goes_by_the_settings_and_says_what_it_did(tcpdash, database, monkeypatch):
    database.raw_trades.insert_trades(trades(1, 20, now_us() - 100 * DAY_US, 1000))
    monkeypatch.setenv("TCPDASH_DATABASE__RAW_TRADES_DAYS", "200")
    kept = json.loads(tcpdash.out("db", "maintain", "--json"))
    monkeypatch.setenv("TCPDASH_DATABASE__RAW_TRADES_DAYS", "30")

    text = tcpdash.out("db", "maintain")

    assert (kept["dropped"], kept["rows_deleted"], kept["made_ahead"]) == (0, 0, 6)
    assert "1 month of trades, 20 rows" in text
    assert "forgotten                0 signals" in text
    assert "vacuumed                 nothing: little changed" in text


def test_a_number_of_days_that_cannot_be_is_refused_with_its_name(tcpdash, monkeypatch):
    monkeypatch.setenv("TCPDASH_DATABASE__COMPRESS_AFTER_DAYS", "0")

    done = tcpdash("db", "maintain")

    assert done.code == 2
    assert "database.compress_after_days" in done.err
    assert "TCPDASH_DATABASE__COMPRESS_AFTER_DAYS" in done.err
