"""What a file is, its content says; all of them give the same candles."""

import bz2
import gzip
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from history.files.errors import FileRefused
from history.files.formats import Format
from history.files.load import load
from history.files.numbers import to_floats
from history.files.plan import Wish, plan
from history.files.rows import columns_of, decode
from tests.history.files.samples import (
    MINUTE_US,
    NOW_US,
    START_US,
    binance,
    dumped,
    frame,
    kraken,
    lines,
    making,
    moments,
    prices,
    written,
)

HEADER = "timestamp,open,high,low,close,volume"
BINANCE_NAMES = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
WISH = Wish(symbol="BINANCE:BTC-USDT", timeframe="1m")


def _iso(style: str) -> list[str]:
    cells = [line.split(",", 1)[1] for line in lines()]
    return [f"{style.format(number)},{rest}" for number, rest in enumerate(cells)]


def _lean(folder: Path) -> Path:
    rows = [f"{number * 60_000},{line.split(',', 1)[1]}" for number, line in enumerate(lines())]
    with zipfile.ZipFile(folder / "data.zip", "w") as archive:
        archive.writestr("20240101_btcusdt_minute_trade.csv", "\n".join(rows))
    return folder / "data.zip"


def _zip(folder: Path, rows: list[str]) -> Path:
    with zipfile.ZipFile(folder / "BTCUSDT-1m-2024-01.zip", "w") as archive:
        archive.writestr("BTCUSDT-1m-2024-01.csv", "\n".join(rows))
    return folder / "BTCUSDT-1m-2024-01.zip"


def _ours(folder: Path) -> Path:
    rows = [
        f"BINANCE:BTC-USDT,1m,2024-01-01T00:0{number + 1}:00Z,{','.join(map(repr, prices(number)))},,,true,exchange,0"
        for number in range(5)
    ]
    return written(
        folder / "x.csv", rows,
        header="symbol,timeframe,timestamp,open,high,low,close,volume,quote_volume,trades,complete,origin,revision",
    )  # fmt: skip


def _swapped(line: str) -> str:
    time, open_, high, low, close, volume = line.split(",")
    return f"{time},{open_},{close},{high},{low},{volume}"


def _bitfinex(folder: Path) -> Path:
    return written(folder / "x.csv", [_swapped(line) for line in lines()])


def _feather(folder: Path, **changes: object) -> Path:
    frame().to_feather(folder / "BTC_USDT-1m.feather")
    return folder / "BTC_USDT-1m.feather"


def _parquet(folder: Path) -> Path:
    frame().set_index("date").to_parquet(folder / "x.parquet")
    return folder / "x.parquet"


def _packed(folder: Path, pack: Callable[[bytes], bytes]) -> Path:
    (folder / "whatever").write_bytes(pack("\n".join(binance()).encode()))
    return folder / "whatever"


def _coinbase(folder: Path) -> Path:
    rows = []
    for number, open_us in enumerate(moments(5)):
        names = ("open", "high", "low", "close", "volume")
        cells = dict(zip(names, map(str, prices(number)), strict=True))
        rows.append({"start": str(open_us // 1_000_000), **cells})
    return dumped(folder / "x.json", {"candles": rows})


def _kraken_rest(folder: Path) -> Path:
    rows = []
    for number, open_us in enumerate(moments(5)):
        *four, volume = map(str, prices(number))
        rows.append([open_us // 1_000_000, *four, "100.1", volume, 3])
    return dumped(folder / "x.json", {"error": [], "result": {"XBTUSDT": rows, "last": 17}})


FILES: dict[str, tuple[Callable[[Path], Path], str, Format]] = {
    "binance in milliseconds": (making(binance()), "csv", Format.BINANCE),
    "binance in microseconds": (making(binance(unit=1)), "csv", Format.BINANCE),
    "binance with a header": (
        making(
            binance(),
            BINANCE_NAMES,
        ),
        "csv",
        Format.BINANCE,
    ),
    "binance in a zip archive": (lambda to: _zip(to, binance()), "csv", Format.BINANCE),
    "packed with gzip under another name": (lambda to: _packed(to, gzip.compress), "csv", Format.BINANCE),
    "packed with bzip2 under another name": (lambda to: _packed(to, bz2.compress), "csv", Format.BINANCE),
    "kraken": (making(kraken()), "csv", Format.KRAKEN),
    "kraken's answer": (_kraken_rest, "json", Format.KRAKEN),
    "coinbase's answer": (_coinbase, "json", Format.OHLCV),
    "bitfinex": (_bitfinex, "csv", Format.BITFINEX),
    "lean": (_lean, "csv", Format.LEAN),
    "our own table, labelled by the close": (_ours, "csv", Format.TCPDASH),
    "freqtrade": (_feather, "feather", Format.OHLCV),
    "parquet with the time as its index": (_parquet, "parquet", Format.OHLCV),
    "freqtrade's json": (
        lambda to: dumped(to / "x.json", [[open_us // 1_000, *prices(number)] for number, open_us in enumerate(moments(5))]),
        "json",
        Format.OHLCV,
    ),
    "six columns": (making(lines()), "csv", Format.OHLCV),
    "lines that end as in Windows, with a byte order mark": (
        making(lines(), "\ufeff" + HEADER, end="\r\n"),
        "csv",
        Format.OHLCV,
    ),
    "a byte order mark and no header": (
        making(["\ufeff" + lines()[0], *lines()[1:]]),
        "csv",
        Format.OHLCV,
    ),
    "blank lines": (making(["", lines()[0], "", *lines()[1:], ""], HEADER), "csv", Format.OHLCV),
    "semicolons": (making([line.replace(",", ";") for line in lines()]), "csv", Format.OHLCV),
    "newest first": (making(lines()[::-1], HEADER), "csv", Format.OHLCV),
    "quoted cells": (making([",".join(f'"{cell}"' for cell in line.split(",")) for line in lines()], HEADER), "csv", Format.OHLCV),
    "iso times with a zone": (making(_iso("2024-01-01T01:0{}:00+01:00"), HEADER), "csv", Format.OHLCV),
    "iso times that say UTC": (making(_iso("2024-01-01 00:0{}:00 UTC"), HEADER), "csv", Format.OHLCV),
    "iso times without a zone": (making(_iso("2024-01-01 00:0{}:00"), HEADER), "csv", Format.OHLCV),
    "nanoseconds": (
        making([line.replace(",", "000,", 1) for line in lines(unit=1)], HEADER),
        "csv",
        Format.OHLCV,
    ),
    "seconds with a point": (making([line.replace(",", ".0,", 1) for line in lines(unit=1_000_000)], HEADER), "csv", Format.OHLCV),
}


@pytest.mark.postgres
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_recognised_and_gives_its_candles(name: str, tmp_path: Path, database):
    make, kind, format_ = FILES[name]

    planned = plan(make(tmp_path), WISH)
    loaded = load(database.engine, planned, now_us=NOW_US)
    stored = database.market_data.get_series("BINANCE:BTC-USDT", "1m")

    assert (planned.kind, planned.layout.format) == (kind, format_)
    assert (loaded.rows, loaded.candles, loaded.stored, loaded.unchanged, loaded.gap_count) == (5, 5, 5, 0, 0)
    assert stored.columns["timestamp"].tolist() == [open_us + MINUTE_US for open_us in moments(5)]
    for at, column in enumerate(("open", "high", "low", "close", "volume")):
        assert stored.columns[column].tolist() == [prices(number)[at] for number in range(5)]
    assert stored.columns["complete"].tolist() == [1] * 5
    assert stored.columns["revision"].tolist() == [0] * 5
    assert {candle.origin for candle in stored.candles()} == {"exchange"}


@pytest.mark.postgres
def test_counts_and_quote_volumes_are_kept_where_a_file_has_them(tmp_path: Path, database):
    load(database.engine, plan(written(tmp_path / "x.csv", binance()), WISH), now_us=NOW_US)
    candle = database.market_data.get_latest_candle("BINANCE:BTC-USDT", "1m")

    assert (candle.trades, candle.quote_volume, candle.taker_buy_volume) == (7, 150.5, 0.75)


@pytest.mark.postgres
def test_what_a_file_does_not_say_is_null(tmp_path: Path, database):
    load(database.engine, plan(written(tmp_path / "x.csv", lines()), WISH), now_us=NOW_US)
    candle = database.market_data.get_latest_candle("BINANCE:BTC-USDT", "1m")

    assert (candle.trades, candle.quote_volume, candle.taker_buy_volume, candle.first_trade_id) == (None, None, None, None)


@pytest.mark.postgres
def test_of_our_own_table_an_incomplete_candle_stays_incomplete(tmp_path: Path, database):
    file = _ours(tmp_path)
    file.write_text(file.read_text().replace("true", "false", 1).replace(",,,true", ",,,", 1))
    load(database.engine, plan(file, WISH), now_us=NOW_US)

    stored = database.market_data.get_series("BINANCE:BTC-USDT", "1m")
    assert stored.columns["complete"].tolist() == [0, -1, 1, 1, 1]


def test_six_flat_columns_are_ambiguous_until_the_format_is_given(tmp_path: Path):
    rows = [f"{line.split(',')[0]},100,100,100,100,1" for line in lines()]
    file = written(tmp_path / "x.csv", rows)

    with pytest.raises(FileRefused, match="more than one way: say which one by --format ohlcv or bitfinex"):
        plan(file, WISH)
    assert plan(file, Wish(symbol="BITFINEX:BTC-USD", timeframe="1m", format=Format.BITFINEX)).layout.format is Format.BITFINEX


def test_a_format_that_the_content_contradicts_is_refused(tmp_path: Path):
    with pytest.raises(FileRefused, match="does not look like kraken but like binance; leave --format out"):
        plan(written(tmp_path / "x.csv", binance()), Wish(symbol="KRAKEN:BTC-USD", timeframe="1m", format=Format.KRAKEN))


def test_the_volume_of_the_base_is_taken_where_there_are_two(tmp_path: Path):
    rows = [f"{line},9999" for line in lines()]
    file = written(tmp_path / "x.csv", rows, header="unix,open,high,low,close,Volume BTC,Volume USDT")

    columns = plan(file, WISH).layout.columns
    assert (columns["volume"], columns["quote_volume"]) == (5, 6)


def test_a_local_time_is_taken_from_its_zone(tmp_path: Path):
    file = written(tmp_path / "x.csv", _iso("2024-01-01 08:0{}:00"), header=HEADER)
    planned = plan(file, Wish(symbol="OKX:BTC-USDT", timeframe="1m", time_zone="Asia/Shanghai"))
    loaded = load(None, planned, now_us=NOW_US)

    assert loaded.span.start_us == START_US
    assert planned.notes == ()


def test_times_without_a_zone_are_utc_with_a_word(tmp_path: Path):
    planned = plan(written(tmp_path / "x.csv", _iso("2024-01-01 00:0{}:00"), header=HEADER), WISH)

    assert planned.notes == ("times do not say their zone and were taken as UTC; --time-zone names another",)


def test_a_count_is_read_from_whole_floats(tmp_path: Path):
    table = frame().assign(trades=np.float64(3))
    table.to_parquet(tmp_path / "x.parquet")

    assert load(None, plan(tmp_path / "x.parquet", WISH), now_us=NOW_US).candles == 5


def _volumes(file: Path, symbol: str) -> tuple[list[float], bool]:
    """Return the first volumes of a file as they are stored, and whether amounts in the quote are stored too."""
    planned = plan(file, Wish(symbol=symbol, timeframe="1m"))
    batch = next(iter(planned.source.batches(set(planned.layout.columns.values()), lambda _: None)))
    columns = columns_of(decode(batch, planned.layout, planned.moments, planned.timeframe), slice(2), planned.timeframe)
    return columns["volume"].tolist(), "quote_volume" in columns


def test_contracts_of_okx_are_taken_in_coins(tmp_path: Path):
    header = "instrument_name,open,high,low,close,vol,vol_ccy,vol_quote,open_time,confirm"
    rows = [f"BTC-USDT-SWAP,1,2,0.5,1,900,{9 + number},9.5,{open_us // 1000},1" for number, open_us in enumerate(moments(3))]
    file = written(tmp_path / "x.csv", rows, header=header)

    assert _volumes(file, "OKX:BTC-USDT-SWAP") == ([9.0, 10.0], True)
    with pytest.raises(FileRefused, match="is of BTC-USDT-SWAP by its first row, and not of OKX:BTC-USDT"):
        plan(file, Wish(symbol="OKX:BTC-USDT", timeframe="1m"))


@pytest.mark.parametrize("header", [None, BINANCE_NAMES])
def test_contracts_of_binance_are_taken_in_coins(header: str | None, tmp_path: Path):
    file = written(tmp_path / "BTCUSD_PERP-1m-2024-01.csv", binance(3), header=header)

    assert _volumes(file, "BINANCECOINM:BTC-USD-PERP") == ([150.5, 150.5], False)
    assert _volumes(written(tmp_path / "x.csv", binance(3), header=header), "BINANCE:BTC-USDT") == ([1.5, 1.625], True)


def test_a_single_row_needs_no_line_feed_behind_it(tmp_path: Path):
    file = written(tmp_path / "x.csv", lines(1), header="timestamp,open,high,low,close,volume", end="\n")
    file.write_bytes(file.read_bytes().rstrip())

    assert load(None, plan(file, WISH), now_us=NOW_US).candles == 1


def test_a_file_may_begin_with_rows_without_a_price(tmp_path: Path):
    rows = [f"2024-01-01T00:0{number}:00Z{line[13:] if number > 2 else ',,,,,'}" for number, line in enumerate(lines(6))]
    loaded = load(None, plan(written(tmp_path / "x.csv", rows, header="date,open,high,low,close,volume"), WISH), now_us=NOW_US)

    assert (loaded.empty, loaded.candles) == (3, 3)


def test_decimals_of_a_table_become_the_nearest_doubles():
    column = pa.array([Decimal("105703.90"), Decimal("105533.76"), None], pa.decimal128(20, 8))

    np.testing.assert_array_equal(to_floats(column).values, [105703.9, 105533.76, np.nan])


def test_times_of_a_table_may_be_words_of_a_dictionary(tmp_path: Path):
    table = frame(3)
    table.assign(date=table["date"].astype(str).astype("category")).to_parquet(tmp_path / "x.parquet")

    assert load(None, plan(tmp_path / "x.parquet", WISH), now_us=NOW_US).span.start_us == START_US


def test_a_few_rows_with_minutes_left_out_are_no_wider_candles(tmp_path: Path):
    rows = lines(30)
    file = written(tmp_path / "x.csv", [rows[0], rows[5], rows[15]], header="timestamp,open,high,low,close,volume")
    loaded = load(None, plan(file, WISH), now_us=NOW_US)

    assert (loaded.candles, loaded.missing) == (3, 13)
