"""What cannot be loaded is refused with its place and the likely reason."""

import gzip
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from history.files.errors import BadRows, FileRefused
from history.files.load import load
from history.files.plan import Wish, plan
from market.errors import InputError
from tests.history.files.samples import MINUTE_US, NOW_US, START_US, binance, dumped, frame, kraken, lines, making, written

HEADER = "timestamp,open,high,low,close,volume"
WISH = Wish(symbol="BINANCE:BTC-USDT", timeframe="1m")


def _changed(number: int, **cells: object) -> list[str]:
    rows = lines()
    row = dict(zip(HEADER.split(","), rows[number].split(","), strict=True))
    rows[number] = ",".join(str(value) for value in (row | cells).values())
    return rows


BAD: dict[str, tuple[list[str], list[str]]] = {
    "a text as a price": (_changed(2, open="abc"), ["line 4: open 'abc' is no number"]),
    "no price": (_changed(2, open=""), ["line 4: open '' is no price"]),
    "nan": (_changed(0, close="nan"), ["line 2: close 'nan' is no price"]),
    "infinity": (_changed(0, high="inf"), ["line 2: high 'inf' is no price"]),
    "zero": (_changed(0, low="0"), ["line 2: low '0' is no price"]),
    "a negative price": (_changed(0, low="-1"), ["line 2: low '-1' is no price"]),
    "a price whose sums overflow": (_changed(0, high="1e300"), ["line 2: high '1e300' is no price"]),
    "a volume whose sums overflow": (_changed(0, volume="1.7e308"), ["line 2: volume '1.7e308' is no amount"]),
    "a negative volume": (_changed(4, volume="-0.5"), ["line 6: volume '-0.5' is no amount"]),
    "no volume": (_changed(4, volume=""), ["line 6: volume '' is no amount"]),
    "a decimal comma": (_changed(1, volume='"1,5"'), ["line 3: volume '1,5' is no number"]),
    "an underscore": (_changed(1, volume="1_5"), ["line 3: volume '1_5' is no number"]),
    "a high below the open": (_changed(1, high="100.5"), ["line 3: high '100.5' is below open '101.0'"]),
    "a high below the close": (_changed(1, high="102.0"), ["line 3: high '102.0' is below close '102.25'"]),
    "a low above the open": (_changed(1, low="101.5"), ["line 3: low '101.5' is above open '101.0'"]),
    "a low above the close": (_changed(1, close="99.0"), ["line 3: low '99.5' is above close '99.0'"]),
    "a time that is none": (_changed(3, timestamp="yesterday"), ["line 5: time 'yesterday' cannot be read"]),
    "no time": (_changed(3, timestamp=""), ["line 5: time '' cannot be read"]),
    "a time between two candles": (
        _changed(3, timestamp=(START_US + 3 * MINUTE_US) // 1000 + 1),
        ["line 5: time '1704067380001' is not the open of a candle of 1m"],
    ),
    "a time in the future": (
        _changed(4, timestamp="1893456000000"),
        ["line 6: time '1893456000000' is in the future: read as 2030-01-01T00:00:00Z"],
    ),
    "a time long ago": (_changed(0, timestamp="60"), ["line 2: time '60' is before 2000: read as 1970-01-01T00:01:00Z"]),
    "too few cells": ([*lines()[:2], "1704067320000,1,2", *lines()[3:]], ["line 4: 3 cells where 6 belong"]),
    "too many cells": ([*lines()[:2], lines()[2] + ",7", *lines()[3:]], ["line 4: 7 cells where 6 belong"]),
    "several, behind a blank line": (
        ["", *_changed(0, open="x")[:1], "1,2", "", *_changed(4, low="y")[1:]],
        ["line 3: open 'x' is no number", "line 4: 2 cells where 6 belong", "line 9: low 'y' is no number"],
    ),
    "a header in the middle": ([*lines()[:2], HEADER, *lines()[2:]], ["line 4: time 'timestamp' cannot be read"]),
    "two rows of one time that differ": (
        [*lines(), _changed(1, volume="9")[1]],
        ["lines 3 and 7 are both of 2024-01-01T00:01:00Z, with different numbers"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_refused_with_its_line(name: str, tmp_path: Path):
    rows, told = BAD[name]
    planned = plan(written(tmp_path / "x.csv", rows, header=HEADER), WISH)

    with pytest.raises(BadRows) as caught:
        load(None, planned, now_us=NOW_US)
    assert (caught.value.count, caught.value.first) == (len(told), told)


def test_of_many_bad_rows_the_first_ten_are_named_and_all_are_counted(tmp_path: Path):
    rows = [line.replace(",", ",-", 1) for line in lines(25)]
    planned = plan(written(tmp_path / "x.csv", rows, header=HEADER), WISH)

    with pytest.raises(BadRows, match="25 rows are bad, so nothing of the file is stored; the first 10 are:") as caught:
        load(None, planned, now_us=NOW_US)
    assert [line.split(":")[0] for line in caught.value.first] == [f"line {number}" for number in range(2, 12)]


def test_lines_are_counted_over_the_borders_of_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("history.files.text._BLOCK_BYTES", 100)
    rows = lines(200)
    rows[150] = rows[150].replace(",", ",x", 1)
    planned = plan(written(tmp_path / "x.csv", ["", *rows, rows[3].replace(",", ",1", 1)], header=HEADER), WISH)

    with pytest.raises(BadRows) as caught:
        load(None, planned, now_us=NOW_US)
    assert [each.split(":")[0] for each in caught.value.first] == ["line 153", "line 203"]


def test_repetitions_are_found_over_the_borders_of_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("history.files.text._BLOCK_BYTES", 100)
    rows = lines(200)
    planned = plan(written(tmp_path / "x.csv", ["", *rows, rows[7] + "5"], header=HEADER), WISH)

    with pytest.raises(BadRows, match="lines 10 and 203 are both of 2024-01-01T00:07:00Z"):
        load(None, planned, now_us=NOW_US)


def test_a_bad_row_of_a_table_is_named_by_its_number(tmp_path: Path):
    table = frame()
    table.loc[3, "high"] = 1.0
    table.to_feather(tmp_path / "x.feather")

    with pytest.raises(BadRows, match=r"row 4: high '1.0' is below open '103.0'"):
        load(None, plan(tmp_path / "x.feather", WISH), now_us=NOW_US)


def test_a_row_of_another_symbol_is_refused(tmp_path: Path):
    rows = [f"{line},BTC/USDT" for line in lines()]
    rows[3] = rows[3].replace("BTC", "ETH")
    planned = plan(written(tmp_path / "x.csv", rows, header=HEADER + ",symbol"), WISH)

    with pytest.raises(BadRows, match="line 5: symbol 'ETH/USDT', where the first row has 'BTC/USDT'"):
        load(None, planned, now_us=NOW_US)


def test_a_json_row_of_another_form_is_refused(tmp_path: Path):
    rows: list[object] = [[int(line.split(",")[0]), 5, 6, 4, 5, 1] for line in lines()]
    planned = plan(dumped(tmp_path / "x.json", [*rows[:2], {"a": 1}, *rows[2:]]), WISH)

    with pytest.raises(BadRows, match=r'row 3: \{"a":1\} has not the form of the first row'):
        load(None, planned, now_us=NOW_US)


def test_rows_of_json_are_counted_over_the_borders_of_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("history.files.documents._BATCH_ROWS", 10)
    rows: list[object] = [[int(line.split(",")[0]), 5, 6, 4, 5, 1] for line in lines(30)]
    planned = plan(dumped(tmp_path / "x.json", [*rows[:25], {"a": 1}, *rows[25:], [1, 2]]), WISH)
    told: list[float] = []

    with pytest.raises(BadRows) as caught:
        load(None, planned, now_us=NOW_US, progress=told.append)
    assert [line.split(":")[0] for line in caught.value.first] == ["row 26", "row 32"]
    assert told == [10 / 32, 20 / 32, 30 / 32, 1.0]


EXCEL = ("[Content_Types].xml", "xl/workbook.xml")
HTML = b"<!DOCTYPE html>\n<html>\n"


def _zipped(file: Path, *names: str) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "\n".join(lines()))
    return file


def _bytes(file: Path, data: bytes) -> Path:
    file.write_bytes(data)
    return file


def _tar(folder: Path) -> Path:
    written(folder / "x.csv", lines())
    with tarfile.open(folder / "x.tar.gz", "w:gz") as archive:
        archive.add(folder / "x.csv", "x.csv")
    return folder / "x.tar.gz"


def _parquet_without_volume(folder: Path) -> Path:
    frame().drop(columns="volume").to_parquet(folder / "x.parquet")
    return folder / "x.parquet"


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "x.csv")
    return folder / "x.csv"


def _with_lists(folder: Path) -> Path:
    table = frame()
    table.assign(open=[[price] for price in table["open"]]).to_parquet(folder / "x.parquet")
    return folder / "x.parquet"


def _no_rows(folder: Path) -> Path:
    frame(0).to_feather(folder / "x.feather")
    return folder / "x.feather"


TRADES = "and only candles are loaded; download the candles"
FOREIGN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda to: to / "x.csv", r"x.csv: cannot be read \(No such file or directory\)"),
    "a folder": (lambda to: to, "is a folder; name the files in it"),
    "empty": (lambda to: _bytes(to / "x.csv", b""), "is empty"),
    "a pipe": (_pipe, "is a pipe or a device, and files are read more than once; save it as a file first"),
    "a device": (lambda _: Path("/dev/zero"), "is a pipe or a device"),
    "lines of carriage returns": (making(lines(), HEADER, end="\r"), "end in a carriage return alone; save it with line feeds"),
    "decimal commas": (
        making([line.replace(",", ";").replace(".", ",") for line in lines()], HEADER.replace(",", ";")),
        "write numbers with a point before the decimals, and nothing between thousands",
    ),
    "points between thousands": (
        making(['1704067200000,"1,000.5","1,001.5","1,000.5","1,001.5","1,234.5"'] * 3, HEADER),
        "thousands",
    ),
    "a day and a time of day": (
        making([f"2024-01-01,00:0{number}:00,1,1,1,1,1" for number in range(3)], "date,time,open,high,low,close,volume"),
        "has its times in two columns, date and time; join them in one",
    ),
    "an empty list": (lambda to: dumped(to / "x.json", []), "x.json: has no rows"),
    "a column of lists": (_with_lists, r"has list<.*> in its column open, which is neither a number nor a text nor a moment"),
    "empty inside": (lambda to: _bytes(to / "x.gz", gzip.compress(b"\n")), "is empty"),
    "a header alone": (making([], HEADER), "has no row of numbers in its first lines"),
    "a table without rows": (_no_rows, "has no rows"),
    "binary": (lambda to: _bytes(to / "x.csv", b"\x00\x01\x02" * 9), "neither text nor parquet nor feather"),
    "hdf5": (lambda to: _bytes(to / "x.h5", b"\x89HDF\r\n\x1a\n"), "is HDF5; let freqtrade turn it into feather"),
    "zstd": (lambda to: _bytes(to / "x.zst", b"\x28\xb5\x2f\xfd1234"), "is packed with zstd; unpack it first"),
    "utf-16": (lambda to: _bytes(to / "x.csv", "a,b".encode("utf-16")), "is text in UTF-16; save it as UTF-8"),
    "several files in an archive": (lambda to: _zipped(to / "x.zip", "a.csv", "b.csv"), r"holds 2 files \(a.csv, b.csv\)"),
    "an empty archive": (lambda to: _zipped(to / "x.zip"), "is an empty zip archive"),
    "an Excel workbook": (lambda to: _zipped(to / "x.xlsx", *EXCEL), "is an Excel workbook; save the sheet as csv"),
    "a tar archive": (_tar, "is a tar archive; unpack it"),
    "packed twice": (lambda to: _bytes(to / "x.gz", gzip.compress(gzip.compress(b"1"))), "is packed twice"),
    "html": (lambda to: _bytes(to / "x.csv", HTML), "has no row of numbers .* begins with '<!DOCTYPE html>'"),
    "json without candles": (lambda to: dumped(to / "x.json", {"code": 1, "msg": "no"}), "is json without a list of candles"),
    "json that breaks off": (lambda to: _bytes(to / "x.json", b"[[1,2,3,4,5,6],[1,"), "is json that breaks off or is damaged"),
    "json lines": (lambda to: _bytes(to / "x.jsonl", b"[1,2,3,4,5,6]\n[1,2,3,4,5,6]\n"), "a json document in each line"),
    "a tape": (lambda to: _bytes(to / "x.jsonl", b'{"ts_ns":1,"dir":"recv"}\n{"ts_ns":2}\n'), "play it with `tcpdash up --tape`"),
    "a column missing": (_parquet_without_volume, "has no column for volume; its columns are date, open, high, low, close"),
    "a column twice": (
        making([line + ",1" for line in lines()], HEADER + ",Volume"),
        "more than one column volume",
    ),
    "nine columns without names": (making([line + ",1,2,3" for line in lines()]), "has 9 columns without names"),
    "times of the close alone": (
        making(lines(), HEADER.replace("timestamp", "close_time")),
        "has no column for time",
    ),
    "a date that can be two": (
        making([f"01/02/2024,{line.split(',', 1)[1]}" for line in lines()], HEADER),
        "'01/02/2024', which cannot be read in one way only",
    ),
    "kraken's trades": (making(["1672531436,90.54,1.1"] * 3), "trades as Kraken dumps them.*" + TRADES),
    "binance's trades": (
        making(["1,42000.5,0.1,4200.05,1704067200000,True,True"] * 3),
        "holds trades of Binance, " + TRADES,
    ),
    "binance's aggregate trades": (
        making(["1,42000.5,0.1,7,9,1704067200000000,True,True"] * 3),
        "aggregate trades of Binance, " + TRADES,
    ),
    "binance's futures trades": (
        making(["1,4,1,4,1704067200000,true"], "id,price,qty,quote_qty,time,is_buyer_maker"),
        "holds trades of Binance, " + TRADES,
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_holds_no_candles_is_refused_by_name(name: str, tmp_path: Path):
    make, told = FOREIGN[name]

    with pytest.raises(FileRefused, match=told):
        load(None, plan(make(tmp_path), WISH), now_us=NOW_US)


@pytest.mark.parametrize("pack", ["gzip", "zip"])
def test_a_file_that_breaks_off_is_refused(pack: str, tmp_path: Path):
    rows = "\n".join(lines(20_000))
    if pack == "gzip":
        file = _bytes(tmp_path / "x.csv.gz", gzip.compress(rows.encode())[:-50])
    else:
        whole = _bytes(tmp_path / "x.zip", b"")
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.csv", rows)
        file = _bytes(tmp_path / "y.zip", whole.read_bytes()[:-50])

    with pytest.raises(FileRefused, match=f"is {pack} that breaks off or is damaged .* download it again"):
        load(None, plan(file, WISH), now_us=NOW_US)


@pytest.mark.parametrize("kind", ["feather", "parquet"])
def test_a_table_that_breaks_off_is_refused(kind: str, tmp_path: Path):
    file = tmp_path / f"x.{kind}"
    getattr(frame(10_000), f"to_{kind}")(file)
    file.write_bytes(file.read_bytes()[:-2_000])

    with pytest.raises(FileRefused, match=f"is {kind} that breaks off or is damaged"):
        load(None, plan(file, WISH), now_us=NOW_US)


def test_a_quotation_mark_without_its_other_half_is_refused_with_its_line(tmp_path: Path):
    rows = lines(30)
    rows[11] = rows[11].replace(",", ',"', 1)
    file = written(tmp_path / "x.csv", rows, header=HEADER)

    with pytest.raises(FileRefused, match="a quotation mark without its other half, probably in line 13"):
        load(None, plan(file, WISH), now_us=NOW_US)


@pytest.mark.parametrize(
    ("width_us", "timeframe", "told"),
    [
        (MINUTE_US, "5m", "has rows 1m apart, closer than candles of 5m; correct --timeframe"),
        (60 * MINUTE_US, "1m", "has rows that are all whole 1h apart, wider than candles of 1m"),
        (2 * MINUTE_US, "1m", "has rows that are all whole 120s apart, wider than candles of 1m"),
    ],
)
def test_rows_of_another_width_are_refused(width_us: int, timeframe: str, told: str, tmp_path: Path):
    file = written(tmp_path / "x.csv", lines(20, width_us=width_us), header=HEADER)

    with pytest.raises(FileRefused, match=told):
        load(None, plan(file, Wish(symbol="OKX:BTC-USDT", timeframe=timeframe)), now_us=NOW_US)


def test_rows_beside_the_grid_are_refused_with_the_likely_reason(tmp_path: Path):
    table = frame(30, 60 * MINUTE_US)
    table["date"] += pd.Timedelta(minutes=30)
    table.to_feather(tmp_path / "x.feather")

    with pytest.raises(FileRefused, match="30m after the open of a candle of 1h; if they are local times"):
        load(None, plan(tmp_path / "x.feather", Wish(symbol="OKX:BTC-USDT", timeframe="1h")), now_us=NOW_US)


@pytest.mark.parametrize(
    ("name", "wish", "told"),
    [
        ("BTC_USDT-5m.csv", WISH, "holds 5m candles by its name, and not 1m"),
        ("ETHUSDT-1m-2024-01.csv", WISH, "is of ETHUSDT by its name, and not of BINANCE:BTC-USDT"),
        ("XBTUSD_60.csv", Wish(symbol="KRAKEN:BTC-USD", timeframe="1m"), "holds 1h candles by its name, and not 1m"),
        ("BTC_USDT_USDT-1m-mark.csv", WISH, "holds mark prices by its name, which nobody traded at"),
        ("BTC_USDT_USDT-1m-futures.csv", WISH, "BTC-USDT is spot; name it by --symbol, for example BINANCEUSDM:BTC-USDT"),
        ("BTC_USDT_USDT-1m.csv", Wish(exchange="okx"), "OKX:BTC-USDT is spot; name it by --symbol, for example OKX:BTC-USDT-SWAP"),
        ("BTC_USDT_USDT-240927-1m-futures.csv", Wish(exchange="okx"), "does not say its pair by its name; name it by --symbol"),
        ("BTCUSDT-3m-2024-01.csv", Wish(symbol="BINANCE:BTC-USDT"), "the name says 3m, and candles of 3m are not kept"),
        ("x.csv", Wish(timeframe="1m", exchange="okx"), "does not say its pair by its name; name it by --symbol"),
        ("x.csv", Wish(symbol="OKX:BTC-USDT"), "does not say its timeframe by its name"),
        ("x.csv", Wish(symbol="OKX:BTC-USDT", timeframe="1m", time_zone="Asia/Tokyo"), "which need no --time-zone; leave it out"),
    ],
)
def test_a_file_that_contradicts_the_arguments_is_refused(name: str, wish: Wish, told: str, tmp_path: Path):
    with pytest.raises(FileRefused, match=told):
        plan(written(tmp_path / name, binance()), wish)


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (Wish(symbol="BTC-USDT", timeframe="1m"), "of which exchange is BTC-USDT"),
        (Wish(symbol="OKX:BTC-USDT", exchange="kraken", timeframe="1m"), "is of another venue than KRAKEN"),
        (Wish(symbol="SYNTHETIC:BTC-USDT", timeframe="1m"), "is of the generated market, with which no real candles are mixed"),
        (Wish(symbol="OKX:BTC-USDT", timeframe="7m"), "timeframe '7m' is not one of"),
        (Wish(symbol="OKX:BTC-USDT", timeframe="1m", time_zone="Mars/Base"), "time zone 'Mars/Base' is not known"),
    ],
)
def test_arguments_that_cannot_be_are_refused(wish: Wish, told: str, tmp_path: Path):
    with pytest.raises(InputError, match=told):
        plan(written(tmp_path / "x.csv", kraken()), wish)


def test_an_hour_that_the_clock_shows_twice_is_refused(tmp_path: Path):
    rows = [f"2024-10-27 0{number}:00:00,{line.split(',', 1)[1]}" for number, line in enumerate(lines())]
    file = written(tmp_path / "x.csv", rows, header=HEADER)

    with pytest.raises(BadRows, match="line 4: time '2024-10-27 02:00:00' cannot be read"):
        load(None, plan(file, Wish(symbol="OKX:BTC-USDT", timeframe="1h", time_zone="Europe/Berlin")), now_us=NOW_US)
