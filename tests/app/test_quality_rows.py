"""Runs of checks as rows of charts and tables, and what is stored as tables."""

from dataclasses import replace

import pytest

from app import quality, usage
from app.data.quality import _rows
from db.repositories.backfills import Conflict
from db.repositories.quality import Match, QualityResult, QualityRun
from db.usage import Stored, Table, Usage
from market.timeframe import Timeframe
from tests.app.samples import START_US, SYMBOL

RUN = QualityRun(
    id=7, symbol=SYMBOL, timeframe="1m", suite="candles", start_us=START_US, end_us=START_US + 60_000_000, state="done", rows=10,
    success=True, error=None, started_us=START_US, ended_us=START_US + 1,
)  # fmt: skip
RESULT = QualityResult(
    rule="high", severity="warning", success=False, unexpected_count=2, observed={"worst_of": 3},
    sample=[{"low": 1, "timestamp": "2024"}, {"odd": "x"}], details="It is high.",
)  # fmt: skip


def run(**changes: object) -> QualityRun:
    return replace(RUN, **changes)


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({}, "passed"),
        ({"success": False}, "failed"),
        ({"state": "running", "success": None}, "running"),
        ({"state": "failed", "success": None}, "broke off"),
        ({"state": "interrupted"}, "broke off"),
    ],
)
def test_a_run_ends_in_a_word(changes: dict, result: str) -> None:
    rows = quality.run_rows([run(**changes)])

    assert rows.loc[0, ["run", "what", "told", "rows", "result"]].tolist() == [
        7, f"{SYMBOL} 1m candles", "2024-08-08 23:54:00", 10, result
    ]  # fmt: skip


def test_no_run_is_an_empty_table() -> None:
    assert quality.run_rows([]).empty
    assert quality.match_rows([], []).empty


def test_matches_of_checks_and_of_reconcile_stand_in_the_order_of_time() -> None:
    match = Match(run=1, symbol=SYMBOL, timeframe="1m", at_us=START_US, compared=100, differing=1)
    comparison = {"symbol": SYMBOL, "at": "2024-08-01T00:00:00Z", "compared": 50, "differing": 0}
    nothing = {**comparison, "compared": 0}

    rows = quality.match_rows([match], [comparison, nothing])

    assert rows[["source", "compared", "rate"]].values.tolist() == [["reconcile", 50, 1.0], ["check", 100, 0.99]]


@pytest.mark.parametrize("text", ["not json", "{}", "[1]", '[{"symbol": "A"}]', None, 7])
def test_tables_of_other_versions_are_left_out(text: object) -> None:
    assert _rows(text) == []


def test_results_and_their_rows_are_told() -> None:
    assert quality.result_table([RESULT]).loc[0].tolist() == ["high", "to be looked at", 2, "It is high.", "worst of 3"]
    assert quality.sample_table(RESULT).values.tolist() == [["2024", "1", "\N{EN DASH}"], ["\N{EN DASH}", "\N{EN DASH}", "x"]]


def test_conflicts_are_two_rows_each() -> None:
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    conflict = Conflict(symbol=SYMBOL, timeframe=Timeframe.M1, timestamp_us=START_US, ours=prices, theirs={**prices, "close": 2.0})

    table = quality.conflict_table([conflict])

    assert table[["which", "close"]].values.tolist() == [["ours", "1.0"], ["the venue's", "2.0"]]


def test_what_comes_in_a_day_is_told_by_the_size_of_rows() -> None:
    symbols = tuple(
        Stored(
            symbol=name, first_us=START_US, last_us=START_US, first_trade_us=None, last_trade_us=None, minutes_a_day=1_440.0,
            trades_a_day=5_000.0, rows_a_day=2_000.0,
        )
        for name in "AB"
    )  # fmt: skip
    tables = (
        Table(name="raw_trades", bytes=200_000, rows=1_000, parts=4, compressed_parts=3, bytes_before=900, bytes_after=100),
        Table(name="market_data", bytes=300_000, rows=1_000), Table(name="candles_1d", bytes=100_000, rows=0),
    )  # fmt: skip

    found = usage.growth(Usage(storage="plain", bytes=0, tables=tables, symbols=symbols))
    table = usage.usage_table(tables)

    assert (found.candles, found.trades) == (2_880 * 400, 4_000 * 200)
    assert table.loc[0, ["chunks", "compression"]].tolist() == ["3 of 4 compressed", "9.0 times smaller"]
    assert table["bytes a row"].tolist() == ["200", "300", "\N{EN DASH}"]
    assert usage.growth(Usage(storage="plain", bytes=0, tables=(), symbols=())).whole == 0
