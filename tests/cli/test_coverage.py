"""`tcpdash coverage`: how much of each day is stored, for people and for scripts."""

import json

import msgspec
import pytest

from db.repositories.gaps import Gap
from market.clock import parse_time
from tests.cli.command import Command
from tests.db.candles import MINUTE_US, START_US, SYMBOL, candle

pytestmark = pytest.mark.postgres
OTHER = "BINANCE:ETH-USDT"


@pytest.fixture
def stored(database) -> None:
    # 23:54 to 00:06, of which 23:58 to 00:02 is missing; one hole reaches over midnight, one lies behind the last minute.
    whole = [candle(minute) for minute in (1, 2, 3, 4, 9, 10, 11, 12)]
    whole[1] = candle(2, complete=False)
    whole[4] = msgspec.structs.replace(candle(9), trades=0, volume=0.0)
    database.market_data.upsert_candles([*whole, msgspec.structs.replace(candle(1, complete=None), symbol=OTHER)])
    for start, end in (("2024-08-08T23:57:59", "2024-08-09T00:02:01"), ("2024-08-09T00:06:10", "2024-08-09T00:06:20")):
        start_us, end_us = parse_time(start), parse_time(end)
        database.gaps.open(Gap(symbol=SYMBOL, first_id=1, last_id=2, start_us=start_us, end_us=end_us, cause="stall"))


@pytest.mark.usefixtures("stored")
class TestTable:
    def test_each_day_is_a_line_and_each_symbol_has_a_total(self, tcpdash: Command):
        lines = [" ".join(line.split()) for line in tcpdash.out("coverage").splitlines()]

        assert lines == [
            "symbol day present complete unproven incomplete without trades missing open holes",
            f"{OTHER} 2024-08-08 1 0 1 0 0 0 0",
            f"{OTHER} total 1 0 1 0 0 0 0",
            f"{SYMBOL} 2024-08-08 4 3 0 1 0 2 1",
            f"{SYMBOL} 2024-08-09 4 4 0 0 1 2 2",
            f"{SYMBOL} total 8 7 0 1 1 4 2",
        ]

    def test_bounds_cut_days_and_holes(self, tcpdash: Command):
        lines = tcpdash.out("coverage", SYMBOL, "--start", "2024-08-09T00:01", "--end", "2024-08-09T00:04").splitlines()

        assert [line.split()[1:] for line in lines[1:]] == [
            ["2024-08-09", "2", "2", "0", "0", "1", "1", "1"],
            ["total", "2", "2", "0", "0", "1", "1", "1"],
        ]


@pytest.mark.usefixtures("stored")
def test_rows_are_json(tcpdash: Command):
    rows = json.loads(tcpdash.out("coverage", SYMBOL, "--json"))

    assert [row["day"] for row in rows] == ["2024-08-08", "2024-08-09"]
    assert rows[1] == {
        "symbol": SYMBOL,
        "day": "2024-08-09",
        "present": 4,
        "complete": 4,
        "unproven": 0,
        "incomplete": 0,
        "without_trades": 1,
        "missing": 2,
        "open_holes": 2,
    }


def test_what_the_candles_say_is_what_coverage_says(tcpdash: Command, database):
    database.market_data.upsert_candles([candle(minute) for minute in range(1, 3000) if minute % 7])

    printed = tcpdash.out("candles", SYMBOL, "1m").splitlines()[1:]
    rows = json.loads(tcpdash.out("coverage", SYMBOL, "--json"))

    assert sum(row["present"] for row in rows) == len(printed)
    assert sum(row["present"] + row["missing"] for row in rows) == 2999
    assert [row["present"] + row["missing"] for row in rows] == [6, 1440, 1440, 113]


class TestNothing:
    def test_an_empty_store_says_how_to_fill_it(self, tcpdash: Command):
        assert tcpdash.out("coverage") == "nothing is stored yet; start with `tcpdash demo` or `tcpdash up`\n"
        assert tcpdash.out("coverage", "--json") == "[]\n"

    def test_trades_of_which_no_minute_has_closed_are_not_nothing(self, tcpdash: Command, database):
        for symbol in (SYMBOL, OTHER):
            database.watermarks.set(symbol, 7, START_US)

        told = f"no minute is stored yet of {OTHER}, {SYMBOL}: none has closed; `tcpdash trades {OTHER}` prints what came\n"
        assert tcpdash.out("coverage") == told
        assert tcpdash.out("coverage", SYMBOL).startswith(f"no minute is stored yet of {SYMBOL}: none has closed;")

    @pytest.mark.usefixtures("stored")
    def test_a_window_without_minutes_is_told(self, tcpdash: Command):
        assert tcpdash.out("coverage", SYMBOL, "--start", "2025-01-01") == f"no minute is stored of {SYMBOL} from 2025-01-01\n"

    @pytest.mark.usefixtures("stored")
    def test_a_symbol_of_which_nothing_is_stored_is_an_error_with_what_is(self, tcpdash: Command):
        done = tcpdash("coverage", "OKX:BTC-USD")

        assert done.code == 1
        assert f"nothing is stored of OKX:BTC-USD; did you mean {SYMBOL!r}?" in done.err


def test_a_database_without_our_tables_is_told_with_the_way_out(
    tcpdash: Command, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TCPDASH_DATABASE__URL", empty_database_url)

    for verb in ("coverage", "gaps"):
        done = tcpdash(verb)
        assert done.code == 1
        assert "tcpdash db upgrade" in done.err


def test_a_day_of_minutes_ends_at_midnight(tcpdash: Command, database):
    midnight = (parse_time("2024-08-09") - START_US) // MINUTE_US
    database.market_data.upsert_candles([candle(midnight - 1), candle(midnight), candle(midnight + 1)])

    rows = json.loads(tcpdash.out("coverage", "--json"))

    assert [(row["day"], row["present"]) for row in rows] == [("2024-08-08", 2), ("2024-08-09", 1)]
