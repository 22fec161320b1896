"""Where the recorded data of Coinbase lies, and how its files are read."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"
NOW = 1_800_000_000_000_000
ADVANCED = "ws/coinbase/cf_coinbase_advanced_20260809_part1.jsonl.gz"
EXCHANGE = "ws/coinbase/cf_coinbase_exchange_20210417_part1.jsonl.gz"
ADVANCED_PRODUCTS = ["BTC-USD", "ETH-USD"]
EXCHANGE_PRODUCTS = [
    "SKL-USD", "SKL-BTC", "BAND-GBP", "NMR-EUR", "BAND-BTC", "YFI-BTC", "DASH-BTC", "NU-GBP", "CRV-EUR", "SKL-GBP",
]  # fmt: skip


def recorded(name: str) -> Path:
    """Return the path of a recorded file, or skip the test where the shared data is absent."""
    if not (DATA / name).exists():
        pytest.skip(f"the recorded data is not at {DATA}")
    return DATA / name


def lines_of(name: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a recording or of recorded answers."""
    with gzip.open(recorded(name)) as file:
        for line in file:
            yield json.loads(line)


def frames_of(name: str) -> list[bytes]:
    """Return the received frames of a capture, in its order."""
    return [line["data"].encode() for line in lines_of(name) if line["dir"] == "recv"]


def bars_of(name: str) -> list[list[str]]:
    """Return the rows of a zipped table of bars: milliseconds since midnight, open, high, low, close, volume."""
    with zipfile.ZipFile(recorded(name)) as packed:
        [inner] = packed.namelist()
        return list(csv.reader(io.StringIO(packed.read(inner).decode())))
