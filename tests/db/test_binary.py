"""COPY BINARY is written and read as PostgreSQL documents it."""

import io
import struct
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.binary import decode, encode, from_postgres, to_postgres

HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
KINDS = [("number", "i8"), ("small", "i4"), ("price", "f8"), ("buy", "?")]
LARGE = st.integers(-(2**63), 2**63 - 1)
rows = st.lists(st.tuples(LARGE, st.integers(-(2**31), 2**31 - 1), st.floats(allow_nan=False), st.booleans()))


def test_one_row_is_what_the_documentation_says():
    data = b"".join(encode([["é", np.array([7], np.int64), None, np.array([True])]]))

    row = (
        struct.pack(">h", 4)
        + struct.pack(">i", 2)
        + "é".encode()
        + struct.pack(">iq", 8, 7)
        + struct.pack(">i", -1)
        + struct.pack(">i?", 1, True)
    )
    assert data == HEADER + row + b"\xff\xff"


def test_no_rows_are_a_file_without_rows():
    assert b"".join(encode([])) == HEADER + b"\xff\xff"
    assert b"".join(encode([[np.empty(0)]])) == HEADER + b"\xff\xff"
    assert len(decode(HEADER + b"\xff\xff", KINDS)["number"]) == 0


@given(rows)
def test_what_was_written_is_read(values):
    columns = [np.array([row[place] for row in values], kind) for place, (_, kind) in enumerate(KINDS)]

    read = decode(b"".join(encode([columns])), KINDS)

    for column, (name, kind) in zip(columns, KINDS, strict=True):
        np.testing.assert_array_equal(read[name], column)
        assert read[name].dtype == np.dtype(kind)


def test_more_rows_than_one_piece_are_written_and_read():
    numbers = np.arange(10_000)

    read = decode(b"".join(encode([[numbers], [numbers]])), [("number", "i8")])

    np.testing.assert_array_equal(read["number"], np.concatenate([numbers, numbers]))


@pytest.mark.parametrize("kinds", [[("number", "i4")], [("number", "i8"), ("more", "i8")], [("price", "f8"), ("small", "i4")]])
def test_other_columns_than_told_are_refused(kinds):
    data = b"".join(encode([[np.array([1, 2, 3])]]))

    with pytest.raises(ValueError, match="not rows of"):
        decode(data, kinds)


def test_a_null_is_refused():
    data = b"".join(encode([[np.array([1]), None]]))

    with pytest.raises(ValueError, match="not rows of number, other"):
        decode(data, [("number", "i8"), ("other", "i8")])


@pytest.mark.postgres
def test_postgres_reads_and_writes_the_same(engine):
    columns = [np.array([1, -(2**62)]), np.array([5, 6], np.int32), np.array([0.1, -1e300]), np.array([True, False])]
    moment = to_postgres(np.array([1_723_161_240_000_001, 0]))
    sink = io.BytesIO()

    with engine.connect() as connection, closing(connection.connection.cursor()) as cursor:
        cursor.execute("create temporary table t (word text, a bigint, b integer, c float8, d boolean, m timestamptz)")
        cursor.copy_expert("copy t from stdin (format binary)", io.BytesIO(b"".join(encode([["naïve", *columns, moment]]))))
        cursor.execute("select word, m::text from t")
        words = cursor.fetchall()
        cursor.copy_expert("copy (select a, b, c, d, m from t) to stdout (format binary)", sink)
    read = decode(sink.getvalue(), [*KINDS, ("moment", "i8")])

    assert words == [("naïve", "2024-08-08 23:54:00.000001+00"), ("naïve", "1970-01-01 00:00:00+00")]
    for column, (name, _) in zip(columns, KINDS, strict=True):
        np.testing.assert_array_equal(read[name], column)
    assert from_postgres(read["moment"]).tolist() == [1_723_161_240_000_001, 0]
