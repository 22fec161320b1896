"""Reads the body of an answer as it comes, and no more of it than anything that is asked for can have."""

import zlib
from collections.abc import AsyncIterable, Callable

from market.errors import WireError

MOST_BYTES = 64 * 1024 * 1024
"""Four times the longest good answer, Binance's list of symbols."""

_PLAIN, _GZIP = {"", "identity"}, {"gzip", "x-gzip"}
_GZIP_FORMAT = 16 + zlib.MAX_WBITS

_Expand = Callable[[bytes, int], bytes]


async def read_body(venue: str, chunks: AsyncIterable[bytes], encoding: str, *, most: int = MOST_BYTES) -> bytes:
    """Return a body, decoded.

    The library that carries it would decode a chunk of it whole, and one encoding after the other: 64 kB can be 64 MB, or 64 GB.

    Args:
        venue: Whose answer it is.
        chunks: What came over the network.
        encoding: Its `Content-Encoding`; nothing but gzip is asked for.
        most: The longest body that is read, in bytes.

    Raises:
        WireError: If it is longer, or not what its encoding says.
    """
    expand = _decoder(venue, encoding.strip().lower())
    found = bytearray()
    async for chunk in chunks:
        found += expand(chunk, most + 1 - len(found))
        if len(found) > most:
            raise WireError(venue, f"an answer of more than {most:,} bytes")
    return bytes(found)


def _decoder(venue: str, encoding: str) -> _Expand:
    if encoding in _PLAIN:
        return lambda chunk, _: chunk
    if encoding not in _GZIP:
        raise WireError(venue, f"an answer in the encoding {encoding!r}, which was not asked for")
    unpacking = zlib.decompressobj(_GZIP_FORMAT)

    def expand(chunk: bytes, most: int) -> bytes:
        try:
            part = unpacking.decompress(chunk, most)
        except zlib.error as error:
            raise WireError(venue, f"an answer that is not the gzip it says it is: {error}") from error
        if unpacking.unused_data:  # would be kept without end
            raise WireError(venue, "an answer with something behind the end of its gzip")
        return part

    return expand
