"""What came of chunks as bytes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.backtest.sweep.chunks import Rows, pack, unpack

ROWS = Rows(
    chunk=3, sets=4, failed=1, sharpes=2, mean=0.25, spread=0.5, numbers=np.array([5, 9]),
    values=np.array([[1.5, np.nan], [-0.0, 2.5]]), errors={7: "ZeroDivisionError: seven"},
)  # fmt: skip


def test_rows_come_back_as_they_were():
    found = unpack(pack(ROWS, b"me"), b"me", 3)

    assert found is not None
    assert replace(found, numbers=0, values=0) == replace(ROWS, numbers=0, values=0)
    assert found.numbers.tolist() == [5, 9]
    assert found.values.tobytes() == ROWS.values.tobytes()


@pytest.mark.parametrize(("identity", "chunk"), [(b"you", 3), (b"me", 4)])
def test_bytes_of_another_sweep_or_chunk_are_not_taken(identity, chunk):
    assert unpack(pack(ROWS, b"me"), identity, chunk) is None


@given(st.data())
def test_broken_bytes_are_not_taken(data):
    whole = bytearray(pack(ROWS, b"me"))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))

    assert unpack(bytes(whole), b"me", 3) is None
    assert unpack(bytes(whole[:place]), b"me", 3) is None


def test_no_rows_are_bytes_too():
    empty = replace(ROWS, numbers=np.empty(0, np.int64), values=np.empty((0, 2)))
    found = unpack(pack(empty, b"me"), b"me", 3)

    assert found is not None
    assert found.values.shape == (0, 2)
