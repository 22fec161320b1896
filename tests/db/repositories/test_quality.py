"""Runs of checks are kept with what came of each rule, and damaged rows can be read; on both kinds of server."""

from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa

from db.repositories.quality import QualityResult
from market.candle import Origin
from market.timeframe import Timeframe
from market.window import Window
from tests.db.candles import MINUTE_US, START_US, SYMBOL, candle

pytestmark = pytest.mark.postgres
M1 = Timeframe.M1
WINDOW = Window(START_US, START_US + 10 * MINUTE_US)
GOOD = QualityResult(
    rule="high", severity="critical", success=True, unexpected_count=0, observed={}, sample=[], details="The high is the highest."
)  # fmt: skip
BAD = QualityResult(
    rule="spacing", severity="critical", success=False, unexpected_count=2, observed={"missing": 2},
    sample=[{"start": "2024-08-08T23:54:00Z", "missing": 2}], details="Every span has a candle.",
)  # fmt: skip
ODD = QualityResult(
    rule="jumps", severity="warning", success=False, unexpected_count=1, observed={}, sample=[{"low": None}], details="No jumps."
)  # fmt: skip
SKIPPED = QualityResult(
    rule="venue", severity="critical", success=None, unexpected_count=0, observed={}, sample=[], details="Not checked: no venue."
)  # fmt: skip


def begin(database, suite="candles", timeframe=M1) -> int:
    return database.quality.begin(SYMBOL, timeframe, suite, WINDOW)


def test_a_run_is_running_until_it_ends(database):
    number = begin(database)
    [run] = database.quality.list(SYMBOL)

    assert (run.id, run.state, run.success, run.rows, run.ended_us) == (number, "running", None, 0, None)
    assert (run.symbol, run.timeframe, run.suite, run.start_us, run.end_us) == (
        SYMBOL, "1m", "candles", WINDOW.start_us, WINDOW.end_us
    )  # fmt: skip


def test_what_came_of_each_rule_is_kept_failures_first(database):
    run = database.quality.end(begin(database), 10, [GOOD, SKIPPED, BAD])

    assert run.results == (BAD, GOOD, SKIPPED)
    assert (run.state, run.success, run.rows, run.failed) == ("done", False, 10, (BAD,))
    assert run.ended_us >= run.started_us
    assert database.quality.get(run.id) == run


def test_what_runs_found_of_the_venues_own_candles_is_told_oldest_first(database):
    matches = [
        replace(SKIPPED, success=True, observed={"compared": 100, "differing": differing, "match_rate": 0.9})
        for differing in (3, 0)
    ]
    runs = [database.quality.end(begin(database), 10, [BAD, result]) for result in (matches[0], SKIPPED, matches[1])]

    found = database.quality.matches(newest=9)

    assert [(each.run, each.compared, each.differing) for each in found] == [(runs[0].id, 100, 3), (runs[2].id, 100, 0)]
    assert {(each.symbol, each.timeframe, each.at_us >= runs[0].started_us) for each in found} == {(SYMBOL, "1m", True)}
    assert database.quality.matches(SYMBOL, newest=1) == found[1:]
    assert database.quality.matches("OKX:NONE-USDT", newest=1) == []


@pytest.mark.parametrize("results", [[], [GOOD, SKIPPED], [GOOD, ODD]])
def test_without_a_critical_failure_a_run_succeeds(database, results):
    assert database.quality.end(begin(database), 1, results).success is True


def test_a_run_that_broke_off_says_why(database):
    number = begin(database)
    database.quality.fail(number, "the disk is full")
    run = database.quality.get(number)

    assert (run.state, run.success, run.error, run.results) == ("failed", None, "the disk is full", ())


def test_a_run_whose_process_is_gone_is_interrupted_by_the_next_one_of_the_same(database):
    numbers = [begin(database), begin(database, "trades", None), begin(database)]

    assert [(run.id, run.state) for run in database.quality.list()] == list(
        zip(numbers, ["interrupted", "running", "running"], strict=True)
    )


def test_the_newest_runs_are_listed_oldest_first(database):
    numbers = [begin(database) for _ in range(3)]

    assert [run.id for run in database.quality.list(SYMBOL, newest=2)] == numbers[1:]
    assert database.quality.list("OKX:ETH-USDT") == []


def test_old_runs_are_forgotten_with_their_results(database):
    run = database.quality.end(begin(database), 1, [GOOD])

    assert database.quality.forget(run.started_us) == 0
    assert database.quality.forget(run.started_us + 1) == 1
    assert database.quality.get(run.id) is None


def test_a_number_that_is_no_run_is_none(database):
    assert database.quality.get(1_000_000) is None


@pytest.mark.parametrize("table", ["market_data", "raw_trades"])
def test_a_table_as_the_migrations_made_it_is_as_it_should_be(database, table):
    parts = database.quality.schema(table)

    assert all(part["expected"] == part["found"] for part in parts)
    assert {"item": "primary key", "expected": parts[-1]["expected"], "found": parts[-1]["expected"]} in parts


def test_rows_are_read_by_their_close_the_first_moment_excluded(database):
    database.market_data.upsert_candles([candle(minute, origin=Origin.EXCHANGE) for minute in range(5)])
    found = database.quality.candles(SYMBOL, M1, START_US + MINUTE_US, START_US + 3 * MINUTE_US)

    assert found.columns["timestamp"].tolist() == [START_US + 2 * MINUTE_US, START_US + 3 * MINUTE_US]


def test_rows_without_a_price_are_read_as_no_number(database, engine):
    with engine.connect() as connection:
        if connection.scalar(sa.text("select relkind <> 'p' from pg_class where relname = 'market_data'")):
            pytest.skip("the schema of the shared TimescaleDB has to stay as it is")
    database.market_data.upsert_candles([candle(1), candle(2)])
    with engine.begin() as connection:
        connection.exec_driver_sql("alter table market_data alter column close drop not null")
        connection.exec_driver_sql("update market_data set close = null where first_trade_id = 20")
    found = database.quality.candles(SYMBOL, M1, None, None)

    assert np.isnan(found.columns["close"]).tolist() == [False, True]
