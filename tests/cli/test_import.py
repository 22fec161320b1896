"""`tcpdash import` as its user types it."""

import json
import sys
from pathlib import Path

import pytest

from history.files.formats import Format
from tests.cli.command import Command
from tests.history.files.samples import START_US, binance, frame, lines, written

HEADER = "timestamp,open,high,low,close,volume"
OF = ("--symbol", "BINANCE:BTC-USDT", "--timeframe", "1m")

pytestmark = pytest.mark.postgres


def test_a_file_is_loaded_and_can_be_read(tcpdash: Command, tmp_path: Path):
    file = written(tmp_path / "BTCUSDT-1m-2024-01.csv", binance())
    said = tcpdash.out("import", str(file), "--symbol", "BINANCE:BTC-USDT")
    read = json.loads(tcpdash.out("candles", "BINANCE:BTC-USDT", "1m", "--json"))

    assert said == (
        "BTCUSDT-1m-2024-01.csv (csv, binance): 5 candles of BINANCE:BTC-USDT 1m"
        " from 2024-01-01T00:00:00Z to 2024-01-01T00:05:00Z\n  5 stored, 0 unchanged\n"
    )
    assert [row["timestamp"] for row in read] == [f"2024-01-01T00:0{minute}:00Z" for minute in range(1, 6)]
    assert {(row["origin"], row["complete"], row["revision"]) for row in read} == {("exchange", True, 0)}


def test_pair_and_timeframe_come_from_the_name(tcpdash: Command, tmp_path: Path):
    frame(9, 3_600_000_000).to_feather(tmp_path / "ETH_USDT-1h.feather")
    [row] = json.loads(tcpdash.out("import", str(tmp_path / "ETH_USDT-1h.feather"), "--exchange", "kraken", "--json"))

    assert (row["symbol"], row["timeframe"], row["kind"], row["format"]) == ("KRAKEN:ETH-USDT", "1h", "feather", "ohlcv")


def test_json_says_what_came_of_each_file(tcpdash: Command, tmp_path: Path):
    rows = lines(20)
    file = written(tmp_path / "x.csv", [*rows[:5], *rows[8:], rows[0]], header=HEADER)
    tcpdash.out("import", str(written(tmp_path / "y.csv", lines(2), header=HEADER)), *OF)
    [row] = json.loads(tcpdash.out("import", str(file), *OF, "--json"))

    assert row == {
        "file": str(file), "kind": "csv", "format": "ohlcv", "symbol": "BINANCE:BTC-USDT", "timeframe": "1m",
        "start": "2024-01-01T00:00:00Z", "end": "2024-01-01T00:20:00Z",
        "rows": 18, "candles": 17, "stored": 15, "unchanged": 2, "different": 0, "differences": [],
        "repeated": 1, "empty": 0, "forming": 0, "gap_count": 1, "missing": 3,
        "gaps": [{"start": "2024-01-01T00:05:00Z", "end": "2024-01-01T00:08:00Z", "missing": 3}], "notes": [],
    }  # fmt: skip


def test_bad_rows_are_named_and_nothing_is_stored(tcpdash: Command, tmp_path: Path):
    file = written(tmp_path / "x.csv", [*lines(), "1704067500000,1,2,3,4,5"], header=HEADER)
    done = tcpdash("import", str(file), *OF)
    read = tcpdash("candles", "BINANCE:BTC-USDT", "1m")

    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "tcpdash: x.csv: 1 row is bad, so nothing of the file is stored:\n  line 7: high '2' is below close '4'\n"
    )  # fmt: skip
    assert "nothing is stored of BINANCE:BTC-USDT" in read.err


def test_the_other_files_are_loaded_where_one_is_refused(tcpdash: Command, tmp_path: Path):
    good = written(tmp_path / "a.csv", lines(), header=HEADER)
    bad = written(tmp_path / "b.csv", ["1704067500000,1,2,3,4,5"], header=HEADER)
    done = tcpdash("import", str(bad), str(tmp_path / "none.csv"), str(good), *OF)

    assert done.code == 1
    assert "a.csv (csv, ohlcv): 5 candles" in done.out
    assert "b.csv: 1 row is bad" in done.err
    assert "none.csv: cannot be read (No such file or directory)" in done.err
    assert done.err.endswith("tcpdash: 2 of 3 files refused\n")


def test_refused_files_are_in_the_json_too(tcpdash: Command, tmp_path: Path):
    bad = written(tmp_path / "b.csv", ["1704067500000,1,2,3,4,5"], header=HEADER)
    done = tcpdash("import", str(bad), *OF, "--json")
    [row] = json.loads(done.out)

    assert done.code == 1
    assert (row["file"], row["bad_rows"], row["first"]) == (str(bad), 1, ["line 2: high '2' is below close '4'"])
    assert row["error"].startswith("1 row is bad")


def test_a_name_that_is_not_utf_8_is_told_in_json(tcpdash: Command, tmp_path: Path):
    file = written(tmp_path / "x\udcff.csv", lines(), header=HEADER)
    [row] = json.loads(tcpdash.out("import", str(file), *OF, "--json"))

    assert row["file"] == str(tmp_path / "x\N{REPLACEMENT CHARACTER}.csv")


def test_what_was_told_of_files_is_told_though_the_database_is_away(
    tcpdash: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TCPDASH_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    good = written(tmp_path / "x.csv", lines(), header=HEADER)
    done = tcpdash("import", str(tmp_path / "none.csv"), str(good), *OF, "--json")

    assert done.code == 1
    assert [row["file"] for row in json.loads(done.out)] == [str(tmp_path / "none.csv")]
    assert "PostgreSQL does not answer" in done.err


def test_a_dry_run_checks_and_stores_nothing(tcpdash: Command, tmp_path: Path):
    file = written(tmp_path / "x.csv", lines(), header=HEADER)
    said = tcpdash.out("import", str(file), *OF, "--dry-run")

    assert said.splitlines()[1] == "  nothing stored: a dry run"
    assert tcpdash("candles", "BINANCE:BTC-USDT").code == 1


def test_a_dry_run_needs_no_database(tcpdash: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TCPDASH_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    file = written(tmp_path / "x.csv", lines(), header=HEADER)
    done = tcpdash("import", str(file), *OF)

    assert done.code == 1
    assert "PostgreSQL does not answer" in done.err
    assert "5 candles" in tcpdash.out("import", str(file), *OF, "--dry-run")


def test_what_differs_from_the_store_is_told(tcpdash: Command, tmp_path: Path):
    tcpdash.out("import", str(written(tmp_path / "x.csv", lines(), header=HEADER)), *OF)
    rows = [*lines()[:4], lines()[4] + "5"]
    said = tcpdash.out("import", str(written(tmp_path / "x.csv", rows, header=HEADER)), *OF)

    first = "stored 104/107/102.5/105.25/2, in the file 104/107/102.5/105.25/2.05"
    assert said.splitlines()[1:] == [
        "  0 stored, 5 unchanged",
        f"  1 candle stored with other numbers, and kept so; the first closes at 2024-01-01T00:05:00Z: {first}",
    ]


def test_gaps_and_what_was_left_out_are_told(tcpdash: Command, tmp_path: Path):
    rows = lines(40)
    rows[1] = f"{START_US // 1000 + 60_000},,,,,"
    file = written(tmp_path / "x.csv", [*rows[::2], *rows[1:10:2], rows[2]], header=HEADER)
    said = tcpdash.out("import", str(file), "--symbol", "OKZ:BTC-USDT", "--timeframe", "1m")

    gaps = (
        "  15 gaps, 15 candles missing: 2024-01-01T00:01:00Z to 2024-01-01T00:02:00Z, 2024-01-01T00:11:00Z to 2024-01-01T00:12:00Z,"
        " 2024-01-01T00:13:00Z to 2024-01-01T00:14:00Z, 2024-01-01T00:15:00Z to 2024-01-01T00:16:00Z,"
        " 2024-01-01T00:17:00Z to 2024-01-01T00:18:00Z, and 10 more"
    )
    assert said.splitlines()[2:] == [
        gaps,
        "  1 row more than once, with the same numbers",
        "  1 row without a price left out",
        "  OKZ is no venue that can be followed live; did you mean 'OKX'?",
    ]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--symbol", "BTC-USDT"), 2, "of which exchange is BTC-USDT? give --symbol EXCHANGE:BTC-USDT, or --exchange"),
        (("--symbol", "OKX:BTC-USDT", "--timeframe", "7m"), 2, "timeframe '7m' is not one of"),
        (("--symbol", "OKX:BTC-USDT"), 1, "x.csv: does not say its timeframe by its name; name it by --timeframe"),
        ((*OF, "--format", "excel"), 2, "Invalid value for '--format'"),
        ((*OF, "--time-zone", "Mars"), 2, "time zone 'Mars' is not known"),
    ],
)
def test_wrong_usage_is_told(words: tuple[str, ...], code: int, told: str, tcpdash: Command, tmp_path: Path):
    done = tcpdash("import", str(written(tmp_path / "x.csv", lines(), header=HEADER)), *words)

    assert done.code == code
    assert told in done.err


def test_on_a_terminal_a_bar_is_drawn_and_the_result_stays(tcpdash: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = written(tmp_path / "x.csv", lines(), header=HEADER)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    done = tcpdash("import", str(file), *OF)

    assert done.code == 0
    assert "x.csv" in done.err
    assert "5 stored" in done.out


def test_the_layouts_are_named_in_the_help(tcpdash: Command):
    said = " ".join(tcpdash.out("import", "--help").split())

    assert all(str(each) in said for each in Format)
