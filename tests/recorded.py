"""Where the recorded data lies, and how its files are read."""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exchanges import DataProvider
from exchanges.base import Control
from market.errors import WireError
from market.trade import Trade

DATA = Path(__file__).parents[2] / "shared" / "data"


def recorded(name: str) -> Path:
    """Return the path of a recorded file, or skip the test where the shared data is absent."""
    if not (DATA / name).exists():
        pytest.skip(f"the recorded data is not at {DATA}")
    return DATA / name


def content_of(name: str) -> bytes:
    """Return what is in a recorded file, packed or not."""
    path = recorded(name)
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def lines_of(name: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a recording or of recorded answers."""
    with gzip.open(recorded(name)) as file:
        for line in file:
            yield json.loads(line)


def frames_of(name: str) -> Iterator[bytes]:
    """Yield the received frames of a recording in either format, in its order."""
    with gzip.open(recorded(name)) as file:
        for line in file:
            if line.startswith(b"{"):
                recording = json.loads(line)
                if recording["dir"] == "recv":
                    yield recording["data"].encode()
            else:
                yield line.split(b" ", 1)[1].rstrip(b"\n")


def tally(codec: DataProvider, frames: Iterable[bytes], received_us: int) -> tuple[Counter[str], list[Trade]]:
    """Return how many frames are trades, of another kind, and refused; and the trades."""
    kinds, trades = Counter[str](), list[Trade]()
    for frame in frames:
        try:
            found = codec.parse(frame, received_us)
        except WireError:
            kinds["refused"] += 1
            continue
        kinds[found.kind.value if isinstance(found, Control) else "trades"] += 1
        trades += [] if isinstance(found, Control) else found
    return kinds, trades
