"""Fingerprints: of the data, of the code, and of all that decides a run, so that the same run is known again."""

import hashlib
import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trading.backtest.market import completeness
from trading.frames import PRICES, column, timestamps_us
from trading.strategy import BaseStrategy

if TYPE_CHECKING:
    import pandas as pd

_PACKAGE, _COMPUTING = "tcpdashboard", ("numpy", "numba", "TA-Lib", "pandas", "optuna")
_LENGTH = 32


def data_fingerprint(frames: Mapping[str, "pd.DataFrame"]) -> str:
    """Return the SHA-256 (its first 32 hex digits) of candles: symbols, closes, prices, volumes and what is proven of each.

    Args:
        frames: By symbol; see `trading.backtest.market.market_of`. Their order counts: cash is shared in it.
    """
    digest = hashlib.sha256()
    for symbol, frame in frames.items():
        digest.update(f"{symbol} {len(frame)}\n".encode())
        digest.update(timestamps_us(frame).astype("<i8").tobytes())
        for name in PRICES:
            values = column(frame, name)
            digest.update(np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes())
        digest.update(completeness(frame).tobytes())
    return digest.hexdigest()[:_LENGTH]


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the version of the program and, behind a plus, the first digits of the SHA-256 of all that makes a result.

    That is the text of this package, and the versions of what computes for it.
    """
    folder = Path(__file__).parent.parent
    digest = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in _COMPUTING).encode())
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{version(_PACKAGE)}+{digest.hexdigest()[:12]}"


def strategy_code(strategy: BaseStrategy) -> str:
    """Return the first digits of the SHA-256 of the file that a strategy is written in, as it was read; empty where it has none."""
    text, path = type(strategy).file_text, getattr(sys.modules.get(type(strategy).__module__), "__file__", None)
    if text is None and path is not None and Path(path).is_file():
        text = Path(path).read_bytes()
    return "" if text is None else hashlib.sha256(text).hexdigest()[:12]


def run_id(parts: Mapping[str, Any]) -> str:
    """Return the name of a run by all that decides it: 32 hex digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, allow_nan=False).encode()).hexdigest()[:_LENGTH]
