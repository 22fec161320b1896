"""Files of candles as people have them, small."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

START_US = 1_704_067_200_000_000  # 2024-01-01
NOW_US = 1_767_225_600_000_000  # 2026-01-01
MINUTE_US = 60_000_000

Row = tuple[float, float, float, float, float]


def prices(number: int) -> Row:
    """Return open, high, low, close and volume of the n-th candle; no two are alike."""
    return 100.0 + number, 103.0 + number, 98.5 + number, 101.25 + number, 1.5 + number / 8


def moments(count: int, width_us: int = MINUTE_US) -> list[int]:
    """Return where the first candles open, UTC epoch microseconds."""
    return [START_US + number * width_us for number in range(count)]


def lines(count: int = 5, *, unit: int = 1_000, width_us: int = MINUTE_US) -> list[str]:
    """Return csv lines: time of the open, open, high, low, close, volume; `unit` is what a time is counted in, in microseconds."""
    opens = moments(count, width_us)
    return [",".join(map(repr, (opens[number] // unit, *prices(number)))) for number in range(count)]


def binance(count: int = 5, *, unit: int = 1_000) -> list[str]:
    """Return lines of Binance's klines."""
    found = []
    for number, open_us in enumerate(moments(count)):
        close = (open_us + MINUTE_US) // unit - 1
        found.append(",".join(map(repr, (open_us // unit, *prices(number), close, 150.5, 7, 0.75, 75.25, 0))))
    return found


def kraken(count: int = 5, width_us: int = MINUTE_US) -> list[str]:
    """Return lines of Kraken's OHLCVT dump."""
    return [f"{line},{number + 1}" for number, line in enumerate(lines(count, unit=1_000_000, width_us=width_us))]


def written(file: Path, rows: Sequence[str], *, header: str | None = None, end: str = "\n") -> Path:
    """Write lines to a file, packed if it is named so."""
    text = "".join(line + end for line in ([header] if header is not None else []) + list(rows)).encode()
    file.write_bytes(gzip.compress(text) if file.suffix == ".gz" else text)
    return file


def making(rows: Sequence[str], header: str | None = None, end: str = "\n") -> Callable[[Path], Path]:
    """Return what writes lines to a csv file in a folder."""
    return lambda folder: written(folder / "x.csv", rows, header=header, end=end)


def frame(count: int = 5, width_us: int = MINUTE_US) -> pd.DataFrame:
    """Return candles as freqtrade keeps them."""
    columns = pd.DataFrame([prices(number) for number in range(count)], columns=["open", "high", "low", "close", "volume"])
    columns.insert(0, "date", pd.to_datetime(moments(count, width_us), unit="us", utc=True).as_unit("ms"))
    return columns


def dumped(file: Path, document: object) -> Path:
    """Write a json document."""
    file.write_text(json.dumps(document), encoding="utf-8")
    return file
