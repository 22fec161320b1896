"""Where the recorded data of Binance lies, and how its files are read."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from exchanges import DataProvider
from exchanges.base import Control
from market.errors import WireError
from market.trade import Trade

DATA = Path(__file__).parents[3] / "shared" / "data"
NOW = 1_700_000_000_000_000


def recorded(name: str) -> Path:
    """Return the path of a recorded file, or skip the test where the shared data is absent."""
    if not (DATA / name).exists():
        pytest.skip(f"the recorded data is not at {DATA}")
    return DATA / name


def frames_of(name: str) -> Iterator[bytes]:
    """Yield the received frames of a file in either format, in its order."""
    with gzip.open(recorded(name)) as file:
        for line in file:
            if line.startswith(b"{"):
                recording = json.loads(line)
                if recording["dir"] == "recv":
                    yield recording["data"].encode()
            else:
                yield line.split(b" ", 1)[1].rstrip(b"\n")


def read(codec: DataProvider, *names: str) -> tuple[Counter[str], list[Trade]]:
    """Return how many frames of some files are trades, of another kind, and refused; and the trades."""
    kinds, trades = Counter[str](), list[Trade]()
    for frame in (frame for name in names for frame in frames_of(name)):
        try:
            found = codec.parse(frame, NOW)
        except WireError:
            kinds["refused"] += 1
            continue
        if isinstance(found, Control):
            kinds[found.kind.value] += 1
        else:
            kinds["trades"] += 1
            trades += found
    return kinds, trades


def rows_of(name: str) -> list[dict[str, float]]:
    """Return the rows of a table of klines."""
    with recorded(name).open() as file:
        return [{key: float(cell) for key, cell in row.items()} for row in csv.DictReader(file)]


def answers_of(name: str, path: str) -> list[Any]:
    """Return the recorded answers of a REST endpoint."""
    with gzip.open(recorded(name)) as file:
        answers = [json.loads(line) for line in file]
    return [answer["body"] for answer in answers if answer["path"] == path]


def pairs_in(name: str, quotes: Sequence[str]) -> list[str]:
    """Return the pairs whose trades a file holds, as `BTC-USDT`."""
    wires = sorted({json.loads(frame)["data"]["s"] for frame in frames_of(name) if b"Trade" in frame})
    return [f"{wire.removesuffix(quote)}-{quote}" for wire in wires for quote in quotes if wire.endswith(quote)]
