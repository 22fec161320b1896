"""Importing db is cheap, and the path of the data stays small."""

import json
import subprocess
import sys

import pytest

import db

WRITE = """
import json, psutil, sys
from db.engine import create_engine, transaction
from market.candle import Candle
from market.timeframe import Timeframe
from market.trade import Side, Trade
trades = [Trade("A:B-C", number, 1.0, 1.0, Side.BUY, number, number) for number in range(5000)]
with transaction(create_engine(sys.argv[1])) as store:
    store.raw_trades.append(trades)
    store.raw_trades.insert_trades(trades)
    store.raw_trades.get_trades("A:B-C", 0, 10_000)
    store.watermarks.set("A:B-C", 1, 1)
    store.market_data.upsert_candles([Candle("A:B-C", Timeframe.M1, 60_000_000, 1.0, 1.0, 1.0, 1.0)])
    store.market_data.get_latest_candle("A:B-C", "1m")
    store.market_data.get_latest_candle("A:B-C", "1h")
    store.market_data.get_series("A:B-C", "5m")
import db.bus, db.schema
from db.engine import create_engine
db.schema.check(create_engine(sys.argv[1]))
megabytes = psutil.Process().memory_info().rss / 2**20
print(json.dumps([sorted({"pandas", "alembic", "pyarrow"} & set(sys.modules)), megabytes]))
"""


def run(script: str, *arguments: str) -> str:
    return subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, timeout=60).stdout


def test_every_name_can_be_imported():
    assert all(getattr(db, name) is not None for name in db.__all__)


def test_a_name_that_is_not_there_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        db.nothing  # noqa: B018 - asking is the test


def test_importing_the_package_imports_nothing_slow():
    script = "import sys, db; print(sorted({'pandas', 'alembic', 'redis', 'sqlalchemy', 'numpy'} & set(sys.modules)))"

    assert run(script) == "[]\n"


@pytest.mark.postgres
def test_the_path_of_the_data_stays_small(database_url):
    heavy, megabytes = json.loads(run(WRITE, database_url))

    assert heavy == []
    assert megabytes < 120
