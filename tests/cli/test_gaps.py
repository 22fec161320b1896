"""`tcpdash gaps`: the ledger for people and for scripts."""

import json
from dataclasses import replace

import pytest

from db.gap_words import told_evidence
from db.repositories.gaps import Gap
from market.clock import parse_time
from tests.cli.command import Command
from tests.db.candles import SYMBOL, candle

pytestmark = pytest.mark.postgres
OTHER = "OKX:ETH-USDT"
OPEN = Gap(
    symbol=SYMBOL,
    first_id=9_007_199_254_740_993,  # one that a float cannot hold
    last_id=9_007_199_254_740_997,
    start_us=parse_time("2024-08-08T23:54:00.250Z"),
    end_us=parse_time("2024-08-08T23:54:12.750Z"),
    cause="disconnect",
    recovered=2,
    missing=((9_007_199_254_740_993, 9_007_199_254_740_994), (9_007_199_254_740_997, 9_007_199_254_740_997)),
)
LOOSE = Gap(
    symbol=OTHER,
    first_id=None,
    last_id=None,
    start_us=parse_time("2024-08-09T01:00"),
    end_us=parse_time("2024-08-09T03:20"),
    cause="stall",
    state="unrecoverable",
    missing=(),
    evidence={"rows": 50, "overlaps": False, "first_us": 1, "last_us": 2},
)
FILLED = replace(OPEN, first_id=5, last_id=5, state="filled", recovered=1, missing=(), evidence={"by": "feed"})
ALARM = replace(
    OPEN,
    first_id=7,
    last_id=7,
    end_us=OPEN.start_us,
    cause="conflict",
    state="alarm",
    missing=None,
    recovered=0,
    evidence={"stored": {"price": 1.5, "size": 2.0}, "other": {"price": 1.6, "size": 2.0}},
)


@pytest.fixture
def ledger(database) -> None:
    database.market_data.upsert_candle(candle(1))
    database.watermarks.set(OTHER, 7, 700)
    for gap in (OPEN, LOOSE, FILLED, ALARM):
        database.gaps.open(gap)


@pytest.mark.usefixtures("ledger")
class TestTable:
    def test_each_hole_is_a_line_and_the_last_line_counts_them(self, tcpdash: Command):
        lines = tcpdash.out("gaps").splitlines()

        start, end = "2024-08-08 23:54:00.250", "2024-08-08 23:54:12.750"
        far = "2024-08-09 01:00:00.000 2024-08-09 03:20:00.000 2 h 20 min"
        assert [" ".join(line.split()) for line in lines] == [
            "symbol ids count from (UTC) to (UTC) how long cause state recovered missing evidence",
            f"{SYMBOL} 9007199254740993-9007199254740997 5 {start} {end} 12.5 s disconnect open 2 3",
            f"{SYMBOL} 5 1 {start} {end} 12.5 s disconnect filled 1 0 came late, over the feed",
            f"{SYMBOL} 7 1 {start} {start} 0.000 s conflict alarm 0 0 price 1.5 is stored, 1.6 came too",
            f"{OTHER} - - {far} stall unrecoverable 0 - {told_evidence(LOOSE)}",
            "",
            "3 holes (1 open, 1 filled, 1 unrecoverable) and 1 alarm",
        ]

    def test_columns_stand_below_each_other(self, tcpdash: Command):
        header, *lines = tcpdash.out("gaps").splitlines()[:5]

        for name, word in (("cause", "disconnect"), ("state", "open")):
            assert lines[0].index(word) == header.index(name)
        assert [line[: header.index("count") + len("count")].split()[-1] for line in lines] == ["5", "1", "1", "-"]

    def test_a_symbol_may_be_typed_in_lower_case_and_is_the_only_one_then(self, tcpdash: Command):
        printed = tcpdash.out("gaps", OTHER.lower())

        assert SYMBOL not in printed
        assert printed.splitlines()[-1] == f"1 hole (1 unrecoverable) of {OTHER}"

    def test_what_is_left_out_is_told(self, tcpdash: Command):
        assert tcpdash.out("gaps", "--limit", "1").splitlines()[-1] == (
            "1 shown; 3 holes (1 open, 1 filled, 1 unrecoverable) and 1 alarm"
        )
        assert tcpdash.out("gaps", SYMBOL, "--state", "open").splitlines()[-1] == (
            f"1 shown; 2 holes (1 open, 1 filled) and 1 alarm of {SYMBOL}"
        )

    def test_only_holes_of_the_window_are_shown(self, tcpdash: Command):
        lines = tcpdash.out("gaps", "--start", "2024-08-09", "--end", "2024-08-09T02:00").splitlines()

        assert lines[1].startswith(OTHER)
        assert lines[-1] == "1 hole (1 unrecoverable) from 2024-08-09 up to 2024-08-09T02:00"

    def test_a_state_without_holes_is_told_with_those_that_have_some(self, tcpdash: Command):
        assert tcpdash.out("gaps", "--state", "never_existed") == (
            "none is never existed\n3 holes (1 open, 1 filled, 1 unrecoverable) and 1 alarm\n"
        )


@pytest.mark.usefixtures("ledger")
class TestJson:
    def test_rows_are_complete_and_exact(self, tcpdash: Command):
        rows = json.loads(tcpdash.out("gaps", "--json"))

        noted = [(row.pop("opened_at"), row.pop("closed_at")) for row in rows]
        assert rows[0] == {
            "symbol": SYMBOL,
            "first_id": 9_007_199_254_740_993,
            "last_id": 9_007_199_254_740_997,
            "ids": 5,
            "start": "2024-08-08T23:54:00.250000Z",
            "end": "2024-08-08T23:54:12.750000Z",
            "seconds": 12.5,
            "cause": "disconnect",
            "state": "open",
            "recovered": 2,
            "missing": [[9_007_199_254_740_993, 9_007_199_254_740_994], [9_007_199_254_740_997, 9_007_199_254_740_997]],
            "missing_ids": 3,
            "evidence": None,
        }
        assert rows[-1] == {
            "symbol": OTHER,
            "first_id": None,
            "last_id": None,
            "ids": None,
            "start": "2024-08-09T01:00:00Z",
            "end": "2024-08-09T03:20:00Z",
            "seconds": 8400.0,
            "cause": "stall",
            "state": "unrecoverable",
            "recovered": 0,
            "missing": [],
            "missing_ids": None,
            "evidence": LOOSE.evidence,
        }
        assert all(opened.endswith("Z") and closed is None for opened, closed in noted)

    def test_the_end_of_a_hole_is_noted(self, tcpdash: Command, database):
        database.gaps.progress(replace(OPEN, state="filled", missing=()))

        rows = json.loads(tcpdash.out("gaps", SYMBOL, "--state", "filled", "--json"))

        assert [(row["first_id"], row["closed_at"] is None) for row in rows] == [(OPEN.first_id, False), (5, True)]
        assert rows[0]["opened_at"] <= rows[0]["closed_at"]

    def test_a_state_without_holes_is_an_empty_list(self, tcpdash: Command):
        assert tcpdash.out("gaps", "--state", "never_existed", "--json") == "[]\n"


class TestNothing:
    def test_an_empty_ledger_says_so(self, tcpdash: Command, database):
        database.market_data.upsert_candle(candle(1))

        assert tcpdash.out("gaps") == "no holes are noted\n"
        assert tcpdash.out("gaps", SYMBOL, "--start", "2024-08-08") == f"no holes are noted of {SYMBOL} from 2024-08-08\n"
        assert tcpdash.out("gaps", "--json") == "[]\n"

    def test_a_symbol_of_which_nothing_is_stored_is_an_error_with_what_is(self, tcpdash: Command, database):
        database.market_data.upsert_candle(candle(1))

        done = tcpdash("gaps", "OKX:BTC-USD")

        assert done.code == 1
        assert done.out == ""
        assert done.err == (f"tcpdash: nothing is stored of OKX:BTC-USD; did you mean {SYMBOL!r}?; stored is {SYMBOL}\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["BTCUSDT"], "symbol 'BTCUSDT' is not EXCHANGE:BASE-QUOTE"),
        (["--state", "lost"], "'lost' is not one of"),
        (["--start", "soon"], "time 'soon' is not ISO 8601"),
        (["--start", "2024-02-02", "--end", "2024-02-01"], "--end 2024-02-01 is before --start 2024-02-02"),
        (["--limit", "0"], "greater than or equal to 1"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(tcpdash: Command, words: list[str], sentence: str):
    done = tcpdash("gaps", *words)

    assert done.code == 2
    assert sentence in done.err
    assert "Traceback" not in done.err
