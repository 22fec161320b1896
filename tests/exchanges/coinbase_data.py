"""The recorded files of Coinbase, and how its bars are read."""

import csv
import io
import zipfile

from tests.recorded import recorded

NOW = 1_800_000_000_000_000
ADVANCED = "ws/coinbase/cf_coinbase_advanced_20260809_part1.jsonl.gz"
EXCHANGE = "ws/coinbase/cf_coinbase_exchange_20210417_part1.jsonl.gz"
ADVANCED_PRODUCTS = ["BTC-USD", "ETH-USD"]
EXCHANGE_PRODUCTS = [
    "SKL-USD", "SKL-BTC", "BAND-GBP", "NMR-EUR", "BAND-BTC", "YFI-BTC", "DASH-BTC", "NU-GBP", "CRV-EUR", "SKL-GBP",
]  # fmt: skip


def bars_of(name: str) -> list[list[str]]:
    """Return the rows of a zipped table of bars: milliseconds since midnight, open, high, low, close, volume."""
    with zipfile.ZipFile(recorded(name)) as packed:
        [inner] = packed.namelist()
        return list(csv.reader(io.StringIO(packed.read(inner).decode())))
