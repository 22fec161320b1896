"""How the recorded files of Binance are read."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from exchanges import DataProvider
from market.trade import Trade
from tests.recorded import frames_of, lines_of, recorded, tally

NOW = 1_700_000_000_000_000


def read(codec: DataProvider, *names: str) -> tuple[Counter[str], list[Trade]]:
    """Return how many frames of some files are trades, of another kind, and refused; and the trades."""
    return tally(codec, (frame for name in names for frame in frames_of(name)), NOW)


def rows_of(name: str) -> list[dict[str, float]]:
    """Return the rows of a table of klines."""
    with recorded(name).open() as file:
        return [{key: float(cell) for key, cell in row.items()} for row in csv.DictReader(file)]


def answers_of(name: str, path: str) -> list[Any]:
    """Return the recorded answers of a REST endpoint."""
    return [answer["body"] for answer in lines_of(name) if answer["path"] == path]


def pairs_in(name: str, quotes: Sequence[str]) -> list[str]:
    """Return the pairs whose trades a file holds, as `BTC-USDT`."""
    wires = sorted({json.loads(frame)["data"]["s"] for frame in frames_of(name) if b"Trade" in frame})
    return [f"{wire.removesuffix(quote)}-{quote}" for wire in wires for quote in quotes if wire.endswith(quote)]
