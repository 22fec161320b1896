"""Bodies of answers: plain or packed, in any pieces, and none so long that it fills the memory."""

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.body import MOST_BYTES, read_body
from market.errors import WireError


async def pieces_of(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@given(st.binary(max_size=300), st.integers(1, 50), st.sampled_from(["", "identity", "gzip", " X-GZIP"]))
async def test_a_body_is_read_whole_in_whatever_pieces_it_comes(body: bytes, size: int, encoding: str):
    sent = gzip.compress(body) if "gzip" in encoding.lower() else body

    assert await read_body("OKX", pieces_of(sent, size), encoding, most=300) == body


async def test_a_packed_answer_without_a_body_is_empty():
    assert await read_body("OKX", pieces_of(b"", 1), "gzip") == b""


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_a_body_one_byte_too_long_is_refused_with_the_limit(encoding: str):
    body = gzip.compress(bytes(1001)) if encoding else bytes(1001)

    with pytest.raises(WireError, match="an answer of more than 1,000 bytes"):
        await read_body("OKX", pieces_of(body, 100), encoding, most=1000)


async def test_no_more_is_read_of_a_body_that_is_too_long():
    read = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            read.append(100)
            yield bytes(100)

    with pytest.raises(WireError, match="more than 1,000 bytes"):
        await read_body("OKX", endless(), "", most=1000)

    assert sum(read) == 1100


async def test_a_bomb_is_not_unpacked_beyond_the_limit():
    pack = zlib.compressobj(wbits=31)
    megabyte = bytes(1 << 20)
    bomb = b"".join([*(pack.compress(megabyte) for _ in range(80)), pack.flush()])
    tracemalloc.start()

    with pytest.raises(WireError, match="more than 1,000,000 bytes"):
        await read_body("OKX", pieces_of(bomb, len(bomb)), "gzip", most=1_000_000)
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(bomb) < 100_000
    assert highest < 4_000_000


async def test_the_longest_good_answer_has_room():
    body = bytes(30_000_000)  # twice Binance's list of symbols

    assert await read_body("BINANCE", pieces_of(body, 1 << 20), "") == body
    assert len(body) < MOST_BYTES


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "gzip, br"])
async def test_an_encoding_that_was_not_asked_for_is_refused_by_its_name(encoding: str):
    with pytest.raises(WireError, match=encoding):
        await read_body("OKX", pieces_of(b"anything", 8), encoding)


@pytest.mark.parametrize("body", [b"<html>", gzip.compress(b"{}")[:3] + b"\xff" * 20])
async def test_what_is_no_gzip_is_refused(body: bytes):
    with pytest.raises(WireError, match="not the gzip it says"):
        await read_body("OKX", pieces_of(body, 4), "gzip")


async def test_what_stands_behind_a_packed_body_is_refused_and_not_kept():
    taken = []

    async def endless() -> AsyncIterator[bytes]:
        yield gzip.compress(b"{}")
        while True:
            taken.append(1)
            yield bytes(100)

    with pytest.raises(WireError, match="behind the end"):
        await read_body("OKX", endless(), "gzip")

    assert len(taken) == 1
