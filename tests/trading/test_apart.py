"""A process that answers one question, and what it may do to the one that asks."""

import os
import sys
from typing import Any

import pytest

from trading.apart import ask_apart


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted in /proc")
def test_where_no_process_starts_nothing_stays_open(monkeypatch: pytest.MonkeyPatch):
    def none(*_: Any, **__: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("trading.apart.subprocess.Popen", none)
    before = os.listdir("/proc/self/fd")

    with pytest.raises(BlockingIOError):
        ask_apart("trading.describing", b"", limit_seconds=5, memory_mb=64)

    assert os.listdir("/proc/self/fd") == before
