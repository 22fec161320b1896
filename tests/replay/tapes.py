"""Small tapes written by hand, and where the recorded ones lie."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "ws"
START_MS = 1_723_161_240_000  # 2024-08-08T23:54:00Z, a full minute


def binance_fill(number: int, time_ms: int, *, price: str = "61837.63000000", size: str = "0.02000000", sell: bool = True) -> str:
    maker = "true" if sell else "false"
    return (
        f'{{"stream":"btcusdt@trade","data":{{"e":"trade","E":{time_ms + 1},"s":"BTCUSDT","t":{number},"p":"{price}",'
        f'"q":"{size}","T":{time_ms},"m":{maker},"M":true}}}}'
    )


def okx_trade(number: int, time_ms: int, *, wire: str = "BTC-USDT", channel: str = "trades", count: int | None = None) -> str:
    row = {"instId": wire, "tradeId": str(number), "px": "42219.9", "sz": "0.12", "side": "buy", "ts": str(time_ms)}
    row |= {} if count is None else {"count": str(count)}
    return json.dumps({"arg": {"channel": channel, "instId": wire}, "data": [row]}, separators=(",", ":"))


def json_lines(frames: Sequence[tuple[int, str]], conn: str = "x.1") -> bytes:
    """Return a recording in JSON form; times are milliseconds."""
    lines = [json.dumps({"ts_ns": ms * 1_000_000, "dir": "recv", "conn": conn, "data": frame}) for ms, frame in frames]
    return "".join(line + "\n" for line in lines).encode()


def timed_lines(frames: Sequence[tuple[int, str]]) -> bytes:
    """Return a recording as `<microseconds> <frame>`; times are milliseconds."""
    return "".join(f"{ms * 1000} {frame}\n" for ms, frame in frames).encode()


def recorded(name: str) -> Path:
    """Return the path of a recorded file, or skip the test where the shared data is absent."""
    path = RECORDED / name
    if not path.exists():
        pytest.skip(f"the recorded data is not at {RECORDED}")
    return path
