"""Chunks of a sweep, and what came of each as bytes that say of what they are and whether they are whole."""

from dataclasses import dataclass
from hashlib import blake2b

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

VERSION = 1
"""Of the bytes; it is part of their seal, so that bytes of another version are not read."""

_SEAL = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Sets that are evaluated together; where its borders are depends on the sweep alone.

    Attributes:
        number: From 0.
        first: How many sets come before it in the sweep.
        count: How many it has.
        chosen: Their numbers in the space, int64, where a guide chose them; else the plan knows.
    """

    number: int
    first: int
    count: int
    chosen: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What came of a chunk: the figures of its best sets, and sums over all of them.

    Attributes:
        chunk: Its number.
        sets: How many were evaluated.
        failed: How many of them raised.
        sharpes: How many have a Sharpe ratio.
        mean: Of the Sharpe ratios a bar; `spread` is the sum of the squares of the distances from it.
        numbers: Sets in the space, shape (rows,): the best ones, or all, in the order of their numbers.
        values: Their figures, shape (rows, columns); NaN where one is not defined, or the set raised.
        errors: First words of the first errors, by set.
    """

    chunk: int
    sets: int
    failed: int
    sharpes: int
    mean: float
    spread: float
    numbers: Integers
    values: Floats
    errors: dict[int, str]


class _Wire(msgspec.Struct, array_like=True):
    chunk: int
    sets: int
    failed: int
    sharpes: int
    mean: float
    spread: float
    columns: int
    numbers: bytes
    values: bytes
    errors: dict[int, str]


def pack(rows: Rows, identity: bytes) -> bytes:
    """Return rows as bytes; the same rows of the same sweep are the same bytes on every machine.

    Args:
        rows: What came of a chunk.
        identity: Of the sweep: bytes of another one are not taken for it.
    """
    body = msgspec.msgpack.encode(
        _Wire(
            rows.chunk, rows.sets, rows.failed, rows.sharpes, rows.mean, rows.spread, rows.values.shape[1],
            rows.numbers.astype("<i8").tobytes(), rows.values.astype("<f8").tobytes(), rows.errors,
        )
    )  # fmt: skip
    return _seal(body, identity) + body


def unpack(payload: bytes, identity: bytes, chunk: int) -> Rows | None:
    """Return the rows of a chunk; None if the bytes are broken, of another sweep, version or chunk."""
    body = bytes(payload[_SEAL:])
    if bytes(payload[:_SEAL]) != _seal(body, identity):
        return None
    wire = msgspec.msgpack.decode(body, type=_Wire)
    if wire.chunk != chunk:
        return None
    numbers = np.frombuffer(wire.numbers, "<i8").astype(np.int64)
    return Rows(
        chunk=wire.chunk, sets=wire.sets, failed=wire.failed, sharpes=wire.sharpes, mean=wire.mean, spread=wire.spread,
        numbers=numbers, values=np.frombuffer(wire.values, "<f8").astype(np.float64).reshape(len(numbers), wire.columns),
        errors=wire.errors,
    )  # fmt: skip


def _seal(body: bytes, identity: bytes) -> bytes:
    return blake2b(body, digest_size=_SEAL, key=blake2b(b"%d/%b" % (VERSION, identity), digest_size=32).digest()).digest()
