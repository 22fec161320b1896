"""The lines of a recording: gzip or plain, this program's and cryptofeed's JSON lines, or hftbacktest's `<time> <frame>`."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from market.errors import TapeError

_MAGIC = b"\x1f\x8b\x08"
_PIECE = 1 << 20
_PACKED_PIECE = 16 << 10  # what lies behind the end of a block is copied, and blocks may be many and small
_PATIENCE = 1000
_EXPECTED = (
    'a tape has one frame a line, as `tcpdash record` writes it ({"ts_ns":…,"dir":"recv","conn":…,"data":…}) '
    "or as <local time> <frame>, plain or gzip"
)


class Line(msgspec.Struct, gc=False):
    """One line of a recording in JSON form; `data` is the frame as text, byte for byte as it came."""

    # {"ts_ns":1646003667645546000,"dir":"recv","conn":"OKX.ws.1","data":"{\"arg\":…}"}   {…,"dir":"connect","url":"wss://…"}
    ts_ns: int | None
    dir: str
    conn: str = ""
    data: str = ""
    url: str = ""


class Received(msgspec.Struct, gc=False):
    """A frame that an exchange sent; `ts_ns` is by the recorder's own clock."""

    ts_ns: int
    conn: str
    frame: bytes


class Damage(msgspec.Struct):
    """What could not be read of a file: lines that are no recording, and sentences on what is missing."""

    lines: int = 0
    warnings: list[str] = []


_line = msgspec.json.Decoder(Line).decode


def read_frames(path: Path, damage: Damage) -> Iterator[Received]:
    """Yield the received frames of one file in its own order.

    Raises:
        TapeError: If the file cannot be opened or is no recording.
    """
    good, lines_before = 0, damage.lines
    first = b""
    for raw in _lines(path, damage):
        first = first or raw
        try:
            received = _parse_json(raw) if raw[:1] == b"{" else _parse_timed(raw)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            damage.lines += 1
            if not good and damage.lines - lines_before >= _PATIENCE:
                break
            continue
        good += 1
        if received is not None:
            yield received
    if not good:
        found = f"its first line is {first[:60]!r}" if first else "it holds no line"
        raise TapeError(f"{path} is not a tape: {found}; {_EXPECTED}")


def _lines(path: Path, damage: Damage) -> Iterator[bytes]:
    rest = b""
    for piece in _pieces(path, damage):
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line for line in lines if line.strip())
    if rest.strip():
        yield rest


def _pieces(path: Path, damage: Damage) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) == _MAGIC:
                yield from _inflate(path, damage)
                return
            file.seek(0)
            while piece := file.read(_PIECE):
                yield piece
    except OSError as error:
        raise TapeError(f"the tape {path} cannot be read: {error.strerror or error}; check the path") from error


def _inflate(path: Path, damage: Damage) -> Iterator[bytes]:
    """Yield the text of a gzip file member by member, going on at the next member after a torn one."""
    packed = path.read_bytes()
    view, start = memoryview(packed), 0
    while start >= 0 and packed.startswith(_MAGIC, start):
        inflater, position, torn = zlib.decompressobj(wbits=31), start, ""
        while not inflater.eof and not torn:
            piece = view[position : position + _PACKED_PIECE]
            try:
                yield inflater.decompress(piece)
            except zlib.error as error:
                torn = f"damaged ({error})"
            if not piece:
                torn = "cut off"
            position += len(piece)
        if torn:
            damage.warnings.append(f"{path.name} is {torn} in the block at byte {start}; what follows in that block is lost")
            yield b"\n"  # keeps the torn line apart from the next block's first
            start = packed.find(_MAGIC, start + 1)
        else:
            start = position - len(inflater.unused_data)


def _parse_json(raw: bytes) -> Received | None:
    line = _line(raw)
    if line.dir != "recv" or line.ts_ns is None:
        return None
    return Received(line.ts_ns, line.conn, line.data.encode())


def _parse_timed(raw: bytes) -> Received:
    time, _, frame = raw.partition(b" ")
    frame = frame.rstrip(b"\r\n")
    if not (time.isdigit() and frame[:1] == b"{" and frame[-1:] == b"}"):
        raise ValueError(raw)
    # 16 digits are microseconds, 19 nanoseconds
    return Received(int(time) * (1000 if len(time) < 18 else 1), "", frame)
