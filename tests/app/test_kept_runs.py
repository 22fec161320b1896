"""Runs in words and tables: rows of the list, what is compared, files that are taken home, links that fill the form."""

import json
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from app.backtests.comparisons import BEST, cautions, differences, figure_table
from app.backtests.links import query_of
from app.backtests.rows import parameter_words, run_table, state_words
from app.charts.zone import UTC, zone_at
from app.data import run_files
from app.data.windows import Stored, stored_of, window_of
from app.markdown import escaped
from app.spreadsheets import csv_of
from app.views.backtests.rules import GROUPS, meanings
from app.views.parameters import usual_range
from db import DatabaseOperations
from db.stored_spans import Span
from market.clock import parse_time
from market.errors import InputError
from market.timeframe import Timeframe
from research.asked import Asked
from research.backtests import document_of, encoded, keep
from research.backtests import stored_of as row_of
from tests.app.documents import SYMBOL, document, renamed, walk_forward
from tests.app.kept_runs import BACKTEST, SWEEP, keep_all, whole_sweep
from trading.rules import Rules
from trading.strategies.sma_cross import SmaCross

DAY_US = 86_400_000_000


def test_a_run_is_a_row_in_the_zone_of_the_screen() -> None:
    one = replace(
        row_of(document()), metrics={"total_return": 0.5, "total_trades": 3.0}, started_us=parse_time("2024-02-01T23:30:00Z")
    )
    row = run_table([one], zone=zone_at("Asia/Tokyo", one.started_us)).iloc[0]

    assert row["begun"] == "2024-02-02 08:30"
    assert row["window"] == "2024-01-30 09:00 to 2024-02-03 09:00"
    assert (row["return"], row["trades"]) == (0.5, 3.0)
    assert pd.isna(row["Sharpe"])
    assert run_table([], zone=UTC).empty


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "done", "done": 1}, "done"),
        ({"state": "running", "done": 1, "total": 3}, "running 33 %"),
        ({"state": "cancelled", "done": 1, "total": 4}, "cancelled at 25 %"),
        ({"state": "running", "total": 0}, "running"),
    ],
)
def test_a_state_says_how_far(changes: dict[str, Any], said: str) -> None:
    assert state_words(replace(row_of(document()), **changes)) == said


def test_parameters_are_written_as_a_command_takes_them() -> None:
    assert parameter_words({"fast": 5, "short": True, "k": 0.5}) == "fast=5 short=true k=0.5"
    assert parameter_words({}) == "\N{EN DASH}"


# -- compared --------------------------------------------------------------------------------------------------------


def compared(**changes: Any) -> dict[str, dict[str, Any]]:
    return {"one": document(), "two": document(**changes)}


def test_the_best_is_marked_where_one_way_is_better() -> None:
    figures = {**document()["metrics"], "total_return": 0.01, "max_drawdown": 0.5, "sharpe_ratio": None}
    table = figure_table(compared(metrics=figures), ["total_return", "max_drawdown", "sharpe_ratio", "beta"])

    assert table["one"].tolist() == [f"3.00 % {BEST}", f"1.23 % {BEST}", "1.00", "1.00"]
    assert table["two"].tolist() == ["1.00 %", "50.00 %", "\N{EN DASH}", "1.00"]


def test_equal_runs_have_no_best_and_no_difference() -> None:
    assert BEST not in figure_table(compared(), ["total_return"]).to_string()
    assert differences(compared()).empty
    assert cautions(compared()) == []


@pytest.mark.parametrize(
    ("changes", "what", "said"),
    [
        ({"end": "2025-01-01T00:00:00Z"}, "to (UTC)", "did not see the same data"),
        ({"symbols": ["OKX:BTC-EUR"]}, "symbols", "different currencies"),
        ({"symbols": ["SYNTHETIC:BTC-USDT"]}, "symbols", "invented market"),
        ({"allow_holes": False}, "holes allowed", "did not see the same data"),
        ({"rules": {**document()["rules"], "taker_fee": 0.0}}, "fees", "did not pay the same (fees)"),
        ({"code_version": "0.2.0"}, "program", "different versions of the program"),
        ({"kind": "walk-forward"}, "kind", "out of sample"),
    ],
)
def test_apples_are_not_compared_with_pears_in_silence(changes: dict[str, Any], what: str, said: str) -> None:
    assert what in differences(compared(**changes))["what"].tolist()
    assert any(said in each for each in cautions(compared(**changes)))


# -- files -----------------------------------------------------------------------------------------------------------


def test_a_text_that_a_spreadsheet_would_run_is_only_a_text() -> None:
    frame = pd.DataFrame(
        {
            "=x": ["=1+1", "@a", "plain", "-2"],
            "n": [-1.5, 0.1, 1e-9, 2.0],
            "t": pd.to_datetime(["2024-01-01T00:00:00.5Z"] * 4, utc=True),
        }
    )
    lines = csv_of(frame).decode().splitlines()

    assert lines[0] == "'=x,n,t"
    assert lines[1] == "'=1+1,-1.5,2024-01-01T00:00:00.500000Z"
    assert [line.split(",")[0] for line in lines[2:]] == ["'@a", "plain", "'-2"]


@pytest.mark.postgres
def test_files_of_a_run_hold_what_the_command_prints(database: DatabaseOperations) -> None:
    keep_all(database)

    told = run_files.json_of(database, BACKTEST)
    assert told == encoded(document_of(database, database.backtests.get(BACKTEST))) + b"\n"
    assert json.loads(told)["trades"] == document()["trades"]
    assert run_files.trades_csv(database, BACKTEST).decode().splitlines()[1].startswith("1,OKX:BTC-USDT,long,2024-01-01T01:00:00Z,")
    assert run_files.curve_csv(database, BACKTEST).decode().splitlines()[:2] == [
        "timestamp,equity,benchmark,drawdown,exposure", "2024-01-30T00:00:00Z,1000.0,1000.0,0.0,0.0",
    ]  # fmt: skip
    assert run_files.sets_csv(database, SWEEP).decode().splitlines()[1].startswith("5,20,0.5,1.0,")
    assert run_files.html_of(database, BACKTEST).startswith(b"<!doctype html>")
    with pytest.raises(InputError, match="is not stored any more"):
        run_files.curve_csv(database, "9" * 32)


@pytest.mark.postgres
def test_the_file_of_a_sweep_tells_a_parameter_from_the_metric_of_that_name(database: DatabaseOperations) -> None:
    keep(database, renamed(whole_sweep(), "max_drawdown"))

    lines = run_files.sets_csv(database, SWEEP).decode().splitlines()

    assert lines[0] == "parameter max_drawdown,slow,size,sharpe_ratio,total_return,max_drawdown"
    assert lines[1] == "5,20,0.5,1.0,0.01,0.1"


# -- the form --------------------------------------------------------------------------------------------------------


def test_a_link_says_only_what_there_is_to_say() -> None:
    query = query_of(Asked(kind="backtest", strategy="rsi", symbols=(SYMBOL,), rules={"short": True}))

    assert query == {
        "view": "New run", "new_strategy": "rsi", "new_symbols": [SYMBOL], "new_window": "from … to …", "rule_short": "true",
        "filled": "1",
    }  # fmt: skip
    asked = Asked(kind="backtest", strategy="rsi", symbols=(SYMBOL,), parameters={"period": 14.0, "oversold": 25, "short": False})
    told = query_of(asked, defaults={"period": 14, "oversold": 30.0, "short": False})
    assert {name: value for name, value in told.items() if name.startswith("p_")} == {"p_oversold": "25"}


def test_each_rule_is_in_the_form_and_explained() -> None:
    names = [name for group in GROUPS.values() for name in group]

    assert sorted(names) == sorted(Rules.__dataclass_fields__)
    assert set(names) <= set(meanings())
    assert meanings()["stop_loss"].startswith("A loss of so much from the average entry price")


def test_a_declared_range_is_told_shortly() -> None:
    by_name = {each.name: usual_range(each) for each in SmaCross.declared()}

    assert by_name == {"fast": "5, 10, …, 50", "slow": "20, 40, …, 200", "short": "false"}


def spans(*several: tuple[str, str, str, str]) -> list[Span]:
    return [
        Span(symbol=symbol, timeframe=Timeframe(width), first_us=parse_time(first), last_us=parse_time(last))
        for symbol, width, first, last in several
    ]


def test_what_is_stored_of_several_symbols_is_what_they_have_in_common() -> None:
    found = spans(
        ("A:B-C", "1m", "2024-01-01T00:01", "2024-01-03T05:30"), ("A:B-C", "1d", "2023-01-02", "2024-01-01"),
        ("D:E-F", "1m", "2024-01-02T00:01", "2024-01-09"),
    )  # fmt: skip

    both = stored_of(found, ["A:B-C", "D:E-F"], Timeframe.H1)
    assert both == Stored(first_us=parse_time("2024-01-02"), last_us=parse_time("2024-01-03T05:00"))
    assert stored_of(found, ["A:B-C"], Timeframe.D1) == Stored(first_us=parse_time("2023-01-01"), last_us=parse_time("2024-01-03"))
    assert stored_of(found, ["A:B-C", "X:Y-Z"], Timeframe.H1) is None
    assert stored_of(found, [], Timeframe.H1) is None


def test_a_window_keeps_its_end_but_not_one_that_is_still_to_come() -> None:
    stored = Stored(first_us=parse_time("2024-01-01"), last_us=parse_time("2024-01-03"))

    assert window_of(stored, None) == (None, "2024-01-03T00:00:00Z")
    assert window_of(stored, DAY_US) == ("2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z")
    assert window_of(stored, 9 * DAY_US) == ("2024-01-01T00:00:00Z", "2024-01-03T00:00:00Z")
    assert window_of(replace(stored, last_us=parse_time("2999-01-01")), None) == (None, None)
    assert window_of(None, None) == (None, None)


def test_marks_in_texts_of_people_are_shown_as_they_are() -> None:
    assert escaped("a *b* _c_ [d](e) $f$ :g: <h>\n# i") == "a \\*b\\* \\_c\\_ \\[d\\]\\(e\\) \\$f\\$ \\:g\\: \\<h\\> \\# i"


def test_a_walk_forward_is_asked_for_again_with_its_windows() -> None:
    from research.asked import of_document

    query = query_of(of_document(walk_forward(train_us=10 * DAY_US, test_us=DAY_US, step_us=DAY_US)))

    assert (query["new_kind"], query["train"], query["test"]) == ("walk-forward", "10d", "1d")
    assert not {"step", "metric"} & set(query)
