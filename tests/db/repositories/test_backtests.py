"""Backtests are kept to the last digit, with their trades and the pieces of a search; on both kinds of server."""

import json
from dataclasses import replace
from itertools import count

import msgspec
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.backtest_rows import TRADE_COLUMNS
from db.backtest_runs import StoredBacktest
from db.claims import Claims, Purpose
from db.operations import DatabaseOperations
from market.clock import from_datetime, isoformat, parse_time
from market.errors import InputError

pytestmark = pytest.mark.postgres
ID, OTHER, THIRD = "ab" * 16, "ac" + "00" * 15, "cd" * 16
SYMBOLS = ("OKX:BTC-USDT", "KRAKEN:ETH-EUR")
START_US, END_US = parse_time("2024-08-01"), parse_time("2024-09-01")
RUN = StoredBacktest(
    id=ID, kind="backtest", strategy="sma-cross", parameters={"slow": 30, "fast": 10}, symbols=SYMBOLS, timeframe="1h",
    start_us=START_US, end_us=END_US, settings={"rules": {"taker_fee": 0.001}, "balance": 10_000.0}, fingerprint="f" * 64,
    code_version="0.1.0", seed=7, coverage=[{"symbol": SYMBOLS[0], "expected": 744, "holes": []}], total=1,
)  # fmt: skip
NOTHING = {"metrics": {}, "report": {}}


def some_trades(size: int, **changed) -> dict:
    number = np.arange(1, size + 1)
    return {
        "number": number, "symbol": around(SYMBOLS, size), "side": around(["long", "short", "short"], size),
        "entered_at": START_US + number, "left_at": END_US + number, "bars": number * 2, "size": number / 3,
        "entry_price": number / 7, "exit_price": number / 11, "profit": -number / 13, "return": number / 17, "fees": number / 19,
        "value": number / 23, "reason": around(["target-changed", "end", "hole", "time"], size), "best": number / 29,
        "worst": -number / 31, "touches_hole": number % 5 == 0, **changed,
    }  # fmt: skip


def around(words, size: int) -> list[str]:
    return [words[place % len(words)] for place in range(size)]


def silence(engine, seconds: int) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(f"update backtests set updated_at = now() - interval '{seconds} seconds'"))


def started(engine, **moments: str) -> None:
    """Say when backtests began, by the first letters of their ids."""
    with engine.begin() as connection:
        for prefix, moment in moments.items():
            connection.execute(
                sa.text("update backtests set started_at = :moment where id like :prefix"),
                {"moment": moment, "prefix": f"{prefix}%"},
            )


# -- how each goes ---------------------------------------------------------------------------------------------------


def test_a_backtest_that_began_is_running_and_has_what_decides_its_result(database):
    database.backtests.begin(RUN)
    found = database.backtests.get(ID)

    assert found.started_us == found.updated_us > START_US
    assert found == replace(RUN, started_us=found.started_us, updated_us=found.updated_us)
    assert list(found.parameters) == ["slow", "fast"]


def test_what_is_not_there_is_none(database):
    assert database.backtests.get(ID) is None
    assert database.backtests.chunk(ID, 0) is None
    assert database.backtests.trades(ID)[1] == 0


def test_what_came_of_a_backtest_is_kept_and_ends_it(database):
    database.backtests.begin(replace(RUN, total=5))
    database.backtests.finish(
        ID, metrics={"sharpe": 1.5, "alpha": float("nan")}, report={"signals": 3}, final_value=10_100.25, total_return=0.010025
    )
    found = database.backtests.get(ID)

    assert (found.state, found.done, found.metrics, found.report) == ("done", 5, {"sharpe": 1.5, "alpha": None}, {"signals": 3})
    assert (found.final_value, found.total_return, found.error) == (10_100.25, 0.010025, None)
    assert found.ended_us >= found.started_us


@pytest.mark.parametrize(("end", "state", "error"), [("fail", "failed", "no memory"), ("cancel", "cancelled", None)])
def test_only_a_running_backtest_fails_or_is_cancelled_and_its_process_learns_it(database, end, state, error):
    call = (lambda: database.backtests.fail(ID, error)) if end == "fail" else (lambda: database.backtests.cancel(ID))
    assert not call()
    database.backtests.begin(RUN)

    assert database.backtests.progress(ID, 1, 3)
    assert call()
    assert not call()
    assert not database.backtests.progress(ID, 2, 3)
    found = database.backtests.get(ID)
    assert (found.state, found.error, found.done, found.total) == (state, error, 1, 3)
    assert found.ended_us is not None


def test_a_finished_backtest_neither_fails_nor_is_cancelled(database):
    database.backtests.begin(RUN)
    database.backtests.finish(ID, **NOTHING)

    assert not database.backtests.fail(ID, "too late")
    assert not database.backtests.cancel(ID)
    assert database.backtests.get(ID).state == "done"


def test_a_backtest_that_begins_again_has_no_result_and_keeps_its_pieces(database):
    database.backtests.begin(replace(RUN, total=10))
    database.backtests.put_chunk(ID, 0, 4, b"first")
    database.backtests.put_chunk(ID, 1, 3, b"second")
    database.backtests.finish(ID, metrics={"a": 1.0}, report={"b": 2}, final_value=1.0, total_return=2.0, trades=some_trades(3))
    database.backtests.begin(replace(RUN, total=20, code_version="0.2.0"))
    found = database.backtests.get(ID)

    assert (found.state, found.done, found.total, found.code_version) == ("running", 7, 20, "0.2.0")
    assert (found.metrics, found.report, found.final_value, found.total_return, found.ended_us) == (None,) * 5
    assert database.backtests.trades(ID)[1] == 0
    assert database.backtests.chunk_numbers(ID) == [0, 1]


def test_a_failed_backtest_that_begins_again_has_no_error(database):
    database.backtests.begin(RUN)
    database.backtests.fail(ID, "no memory")
    database.backtests.begin(RUN)

    assert (database.backtests.get(ID).state, database.backtests.get(ID).error) == ("running", None)


@pytest.mark.parametrize(("silent", "state"), [(29, "running"), (31, "interrupted")])
def test_a_running_one_that_is_silent_for_half_a_minute_is_interrupted(database, engine, silent, state):
    database.backtests.begin(RUN)
    silence(engine, silent)

    assert database.backtests.get(ID).state == state
    assert [each.state for each in database.backtests.list()] == [state]
    assert [each.id for each in database.backtests.list(state=state)] == [ID]
    assert database.backtests.list(state="running" if state == "interrupted" else "interrupted") == []
    assert database.backtests.progress(ID, 0, 1)
    assert database.backtests.get(ID).state == "running"


def test_a_silent_one_whose_id_is_claimed_is_running(database, engine):
    own = "0f" * 16  # the one backend of the WebAssembly build keeps the lock
    for number in (own, OTHER):
        database.backtests.begin(replace(RUN, id=number))
    research, other = Claims(engine, Purpose.RESEARCH), Claims(engine, Purpose.BACKFILL)
    assert (research.claim([own]), other.claim([OTHER])) == ([], [])
    silence(engine, 3600)

    assert {each.id: each.state for each in database.backtests.list()} == {own: "running", OTHER: "interrupted"}
    research.close()
    other.close()


def test_who_is_not_there_cannot_be_finished_and_says_so(database):
    for call in (lambda: database.backtests.finish(ID, **NOTHING), lambda: database.backtests.put_chunk(ID, 0, 1, b"")):
        with pytest.raises(InputError, match=f"backtest {ID} is not stored: .* deleted it since; start it again"):
            call()


def test_an_infinite_number_is_refused_and_nothing_of_it_written(database):
    database.backtests.begin(RUN)
    for result, where in (
        ({"metrics": {"sharpe": float("inf")}}, "metrics.sharpe is inf"),
        ({"report": {"curve": [{"equity": -float("inf")}]}}, "report.curve.equity is -inf"),
        ({"final_value": float("inf")}, "final_value is inf"),
        ({"trades": some_trades(2, profit=[0.0, -float("inf")])}, "profit of a trade is -inf"),
    ):
        with pytest.raises(InputError, match=f"^{where}, and a stored number has to be finite"):
            database.backtests.finish(ID, **NOTHING | result)

    assert database.backtests.get(ID).state == "running"


def test_a_seed_that_does_not_fit_is_refused(database):
    database.backtests.begin(replace(RUN, seed=2**63 - 1))
    with pytest.raises(InputError, match="seed is 9223372036854775808, and is stored in 64 bits"):
        database.backtests.begin(replace(RUN, seed=2**63))

    assert database.backtests.get(ID).seed == 2**63 - 1


def test_numbers_of_numpy_are_stored_as_what_they_are(database):
    database.backtests.begin(RUN)
    database.backtests.finish(
        ID, metrics={"a": np.float64(0.1), "b": np.float64("nan"), "c": np.int64(3)}, report={"d": np.array([1.5, np.nan])},
        final_value=np.float64(2.5),
    )  # fmt: skip
    found = database.backtests.get(ID)

    assert (found.metrics, found.report, found.final_value) == ({"a": 0.1, "b": None, "c": 3}, {"d": [1.5, None]}, 2.5)


# -- which there are -------------------------------------------------------------------------------------------------


@pytest.fixture
def three(database, engine):
    """Return a store with three backtests that began one after the other."""
    database.backtests.begin(RUN)
    database.backtests.begin(replace(RUN, id=OTHER, kind="sweep", symbols=SYMBOLS[:1]))
    database.backtests.begin(replace(RUN, id=THIRD, strategy="rsi", symbols=SYMBOLS[1:], parent=OTHER, kind="walk-forward"))
    started(engine, ab="2024-01-01Z", ac="2024-01-03Z", cd="2024-01-02Z")
    return database


def ids(runs) -> list[str]:
    return [run.id for run in runs]


def test_the_newest_are_listed_first_and_in_pages(three):
    assert ids(three.backtests.list()) == [OTHER, THIRD, ID]
    assert ids(three.backtests.list(newest=2)) == [OTHER, THIRD]
    assert ids(three.backtests.list(newest=2, offset=2)) == [ID]
    assert three.backtests.count() == 3


def test_lists_and_counts_are_of_what_was_asked_for(three):
    for condition, found in (
        ({"kind": "sweep"}, [OTHER]),
        ({"strategy": "sma-cross"}, [OTHER, ID]),
        ({"symbol": SYMBOLS[0]}, [OTHER, ID]),
        ({"symbol": SYMBOLS[1]}, [THIRD, ID]),
        ({"symbol": "OKX:BTC"}, []),
        ({"parent": OTHER}, [THIRD]),
        ({"state": "done"}, []),
        ({"strategy": "sma-cross", "kind": "backtest"}, [ID]),
    ):
        assert ids(three.backtests.list(**condition)) == found, condition
        assert three.backtests.count(**condition) == len(found), condition


def test_a_list_has_metrics_but_neither_coverage_nor_report(database):
    database.backtests.begin(RUN)
    database.backtests.finish(ID, metrics={"sharpe": 1.5}, report={"curve": [1]}, final_value=5.0)
    whole = database.backtests.get(ID)

    assert (whole.coverage, whole.report) == (RUN.coverage, {"curve": [1]})
    assert database.backtests.list() == [replace(whole, coverage=None, report=None)]


def test_a_list_is_one_statement_and_a_backtest_with_trades_three(plain_engine):
    statements = []
    sa.event.listen(plain_engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    database = DatabaseOperations(plain_engine)
    database.backtests.begin(RUN)
    statements.clear()

    database.backtests.list(kind="backtest", newest=50)
    assert len(statements) == 1
    database.backtests.get(ID)
    database.backtests.trades(ID, limit=10)
    assert len(statements) == 3  # and a COPY, which SQLAlchemy does not see


def test_a_backtest_is_found_by_the_begin_of_its_id(three):
    for prefix in (THIRD, "c", "CD", " cdcd "):
        assert three.backtests.find(prefix) == three.backtests.get(THIRD)


def test_what_is_not_the_begin_of_one_id_is_refused(three):
    for prefix, message in (
        ("a", f"several backtests have ids that begin with 'a'; give more digits of one: {ID}, {OTHER}$"),
        ("ff", "no backtest has an id that begins with 'ff'"),
        ("%", "'%' is not the begin of an id"),
        ("", "'' is not the begin of an id"),
        ("a" * 33, "is not the begin of an id: up to 32 digits"),
    ):
        with pytest.raises(InputError, match=message):
            three.backtests.find(prefix)


def test_of_many_ids_with_one_begin_some_are_named(database):
    for number in range(7):
        database.backtests.begin(replace(RUN, id=f"{number:032x}"))

    with pytest.raises(InputError, match=f"of one: {0:032x}, .*{4:032x}, …$"):
        database.backtests.find("000")


# -- which there are no more -----------------------------------------------------------------------------------------


def left(engine) -> list[int]:
    with engine.connect() as connection:
        tables = ("backtests", "backtest_trades", "backtest_chunks")
        return [connection.scalar(sa.text(f"select count(*) from {table}")) for table in tables]


def filled(database, number: str) -> None:
    database.backtests.begin(replace(RUN, id=number))
    database.backtests.put_chunk(number, 0, 1, b"piece")
    database.backtests.finish(number, **NOTHING, trades=some_trades(2))


def test_a_backtest_goes_with_its_trades_and_pieces(database, engine):
    for number in (ID, OTHER):
        filled(database, number)

    assert database.backtests.delete(ID)
    assert not database.backtests.delete(ID)
    assert left(engine) == [1, 2, 1]
    assert not database.backtests.progress(ID, 1, 1)


def test_old_backtests_are_forgotten_by_when_they_began(database, engine):
    for number in (ID, OTHER):
        filled(database, number)
    started(engine, ab="2024-01-01Z", ac="2024-01-03Z")

    assert database.backtests.forget(parse_time("2024-01-01")) == 0
    assert database.backtests.forget(parse_time("2024-01-03")) == 1
    assert left(engine) == [1, 2, 1]
    assert database.backtests.get(OTHER) is not None


# -- trades ----------------------------------------------------------------------------------------------------------


def test_trades_come_back_as_they_were_in_the_order_of_their_numbers(database):
    given_trades = some_trades(40)
    database.backtests.begin(RUN)
    database.backtests.finish(ID, **NOTHING, trades={name: values[::-1] for name, values in given_trades.items()})
    found, size = database.backtests.trades(ID)

    assert (size, tuple(found.columns)) == (40, TRADE_COLUMNS)
    assert found["entered_at"].dtype == "datetime64[us, UTC]"
    for name in TRADE_COLUMNS:
        column = found[name].astype("int64") if name.endswith("_at") else found[name]
        assert column.tolist() == list(given_trades[name]), name


def test_trades_are_read_in_pages(database):
    database.backtests.begin(RUN)
    database.backtests.finish(ID, **NOTHING, trades=some_trades(10))

    for (offset, limit), numbers in {(0, 3): [1, 2, 3], (8, 3): [9, 10], (10, 3): []}.items():
        page, size = database.backtests.trades(ID, offset=offset, limit=limit)
        assert (page["number"].tolist(), size) == (numbers, 10)
        assert page["symbol"].tolist() == [SYMBOLS[(number - 1) % 2] for number in numbers]


def test_a_table_that_was_read_can_be_stored_again(database):
    database.backtests.begin(RUN)
    database.backtests.finish(ID, **NOTHING, trades=some_trades(7))
    first, _ = database.backtests.trades(ID)
    database.backtests.finish(ID, **NOTHING, trades=first)

    pd.testing.assert_frame_equal(database.backtests.trades(ID)[0], first, check_exact=True)


def test_new_trades_take_the_place_of_old_ones(database):
    database.backtests.begin(RUN)
    for size in (5, 2, 0):
        database.backtests.finish(ID, **NOTHING, trades=some_trades(size))

        assert database.backtests.trades(ID)[1] == size
    database.backtests.finish(ID, **NOTHING, trades=some_trades(3))
    database.backtests.finish(ID, **NOTHING)
    assert database.backtests.trades(ID)[1] == 0


def test_trades_that_are_not_whole_are_refused(database):
    database.backtests.begin(RUN)
    trades = some_trades(2)
    for spoilt, message in (
        ({name: trades[name] for name in trades if name != "best"}, "trades have no column best; they need number, symbol"),
        (trades | {"bars": [1]}, "the columns of trades differ in length: .*'bars': 1"),
    ):
        with pytest.raises(InputError, match=message):
            database.backtests.finish(ID, **NOTHING, trades=spoilt)


# -- pieces of a search ----------------------------------------------------------------------------------------------


def test_pieces_are_kept_in_order_and_may_be_stored_again(database):
    database.backtests.begin(RUN)
    for number, payload in ((2, b"third"), (0, b"\x00\xff"), (2, b"third again")):
        database.backtests.put_chunk(ID, number, 10, payload)

    assert database.backtests.chunk_numbers(ID) == [0, 2]
    assert (database.backtests.chunk(ID, 0), database.backtests.chunk(ID, 1)) == (b"\x00\xff", None)
    with database.transaction() as store:
        assert list(store.backtests.chunks(ID)) == [(0, b"\x00\xff"), (2, b"third again")]


def test_pieces_are_read_one_at_a_time(database):
    database.backtests.begin(RUN)
    for number in range(3):
        database.backtests.put_chunk(ID, number, 1, bytes([number]))
    with database.transaction() as store:
        pieces = store.backtests.chunks(ID)
        first = next(pieces)
        store.backtests.put_chunk(ID, 1, 1, b"changed meanwhile")

        assert (first, next(pieces)) == ((0, b"\x00"), (1, b"changed meanwhile"))


def test_what_a_transaction_did_not_commit_is_not_there(database):
    with pytest.raises(KeyError), database.transaction() as store:
        store.backtests.begin(RUN)
        raise KeyError

    assert database.backtests.get(ID) is None


# -- the whole document ----------------------------------------------------------------------------------------------

DOCUMENT = {
    "id": ID, "kind": "backtest", "strategy": "sma-cross", "parameters": {"slow": 30, "fast": 10, "band": 1e16},
    "symbols": list(SYMBOLS), "timeframe": "1h", "start": "2024-08-01T00:00:00Z", "end": "2024-09-01T00:00:00Z",
    "balance": 10000.0, "rules": {"taker_fee": 0.001, "maker_fee": -0.0, "sizing": "fraction", "size": 5e-324},
    "listings": {SYMBOLS[0]: {"tick": 0.01, "lot": 1e-08, "least_value": 0.0}}, "allow_holes": True, "seed": None,
    "code_version": "0.1.0", "fingerprint": "0f" * 32,
    "coverage": [{"symbol": SYMBOLS[0], "expected": 744, "present": 743, "missing": 1, "incomplete": 0, "unproven": 0,
                  "without_trades": 3, "holes": [{"start": "2024-08-09T00:00:00Z", "end": "2024-08-09T01:00:00Z", "bars": 1}]}],
    "final_value": 10012.300000000001, "total_return": 0.0012300000000001532,
    "metrics": {"sharpe": 0.30000000000000004, "alpha": None, "cagr": 1.7976931348623157e308, "trades": 2},
    "counts": {"both": 0, "refused": 1, "fills": 4, "trades": 2, "touching_holes": 1}, "signals": 4,
    "trades": [
        {"number": 1, "symbol": SYMBOLS[0], "side": "long", "entered": "2024-08-02T00:00:00Z",
         "left": "2024-08-03T00:00:00.000001Z", "bars": 24, "size": 0.1, "entry_price": 0.1 + 0.2, "exit_price": 61000.123456789,
         "profit": -0.0, "return": 1 / 3, "fees": 1e-17, "value": 6100.0, "reason": "take-profit", "best": 2.5e-9,
         "worst": -1e300, "touches_hole": False},
        {"number": 2, "symbol": SYMBOLS[1], "side": "short", "entered": "2024-08-08T00:00:00Z", "left": "2024-08-09T00:00:00Z",
         "bars": 24, "size": 2 / 3, "entry_price": 2500.0, "exit_price": 2400.0, "profit": 66.66666666666667, "return": 0.04,
         "fees": 0.0, "value": 1666.6666666666665, "reason": "hole", "best": 0.05, "worst": 0.0, "touches_hole": True},
    ],
    "monthly": {"2024-08": 0.0012300000000001532},
    "curve": {"timestamp": ["2024-08-01T01:00:00Z"], "equity": [1e22], "benchmark": [0.1], "drawdown": [0.0], "exposure": [-0.5]},
    "returns": {"edges": [-1e-16, 0.0, 1e-16], "counts": [1, 2]},
}  # fmt: skip
SETTINGS = ("balance", "rules", "listings", "allow_holes")
COLUMNS = ("id", "kind", "strategy", "parameters", "timeframe", "seed", "code_version", "fingerprint", "coverage")
RESULT = ("final_value", "total_return", "metrics")
REPORT = ("counts", "signals", "monthly", "curve", "returns")


def put(database, document: dict) -> None:
    """Store a document as its sender would: each part where it belongs."""
    run = {name: document[name] for name in COLUMNS} | {"settings": {name: document[name] for name in SETTINGS}}
    run |= {"symbols": tuple(document["symbols"]), "start_us": parse_time(document["start"]), "end_us": parse_time(document["end"])}
    database.backtests.begin(StoredBacktest(**run))
    trades = pd.DataFrame(document["trades"]).rename(columns={"entered": "entered_at", "left": "left_at"})
    for name in ("entered_at", "left_at"):
        trades[name] = [parse_time(moment) for moment in trades[name]]
    database.backtests.finish(
        document["id"], **{name: document[name] for name in RESULT}, report={name: document[name] for name in REPORT}, trades=trades
    )


def taken(database, number: str) -> dict:
    """Return a document as its reader would put it together."""
    found, (trades, _) = database.backtests.get(number), database.backtests.trades(number)
    rows = []
    for row in trades.to_dict("records"):
        moments = {"entered_at": "entered", "left_at": "left"}
        rows.append(
            {moments.get(name, name): isoformat(from_datetime(value)) if name in moments else value for name, value in row.items()}
        )
    parts = {name: getattr(found, name) for name in (*COLUMNS, *RESULT)} | found.settings | found.report
    parts |= {"symbols": found.symbols, "start": isoformat(found.start_us), "end": isoformat(found.end_us), "trades": rows}
    return {name: parts[name] for name in DOCUMENT}


def test_a_document_comes_back_byte_for_byte(database):
    put(database, DOCUMENT)

    assert json.dumps(taken(database, ID)) == json.dumps(DOCUMENT)
    assert msgspec.json.encode(taken(database, ID)) == msgspec.json.encode(DOCUMENT)


def test_the_same_document_gives_the_same_row(database, engine):
    put(database, DOCUMENT)
    first = database.backtests.get(ID)
    put(database, DOCUMENT)

    moments = {"started_us": 0, "updated_us": 0, "ended_us": 0}
    assert replace(database.backtests.get(ID), **moments) == replace(first, **moments)
    assert left(engine) == [1, 2, 0]


numbers = count(1)
finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | finite | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def plain_database(plain_engine):
    return DatabaseOperations(plain_engine)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(tree={"a\x00": [-0.0]}, value=-0.0, prices=[-0.0])
@given(tree=st.dictionaries(texts, trees, max_size=5), value=finite, prices=st.lists(finite, min_size=1, max_size=5))
def test_whatever_json_can_say_comes_back_byte_for_byte(plain_database, tree, value, prices):
    number = f"{next(numbers):032x}"
    trades = some_trades(len(prices), profit=prices)
    with plain_database.transaction() as store:
        store.backtests.begin(replace(RUN, id=number, parameters=tree, settings=tree))
        store.backtests.finish(number, metrics=tree, report=tree, final_value=value, trades=trades)
        found, (rows, _) = store.backtests.get(number), store.backtests.trades(number)

    for part in (found.parameters, found.settings, found.metrics, found.report):
        assert json.dumps(part) == json.dumps(tree)
    assert json.dumps([found.final_value, *rows["profit"]]) == json.dumps([value, *prices])
