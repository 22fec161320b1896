"""Writes a tape: what was received and sent over the wire, safe against being killed at any moment."""

import gzip
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import msgspec

from market.errors import TapeError
from replay.recording import Line

_FLUSH_BYTES = 64 << 10
_FLUSH_NS = 1_000_000_000


class TapeWriter:
    """Appends lines to a tape. A name that ends with `.gz` is packed, in blocks that can each be read alone.

    What is waiting is written after 64 KiB or one second of the tape, so a kill costs no more than that.

    Args:
        path: The file; one that exists is continued.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self._waiting, self._flushed_ns, self._connections = bytearray(), 0, 0
        try:
            self._file = self.path.open("ab")
        except OSError as error:
            raise TapeError(f"the tape {path} cannot be written: {error.strerror}; check the path") from error

    def write(self, direction: str, url: str, data: str | bytes, ts_ns: int) -> None:
        """Keep one line.

        Args:
            direction: `recv` or `send` for a frame, `connect` for a new connection.
            url: The address of the connection.
            data: The frame, byte for byte; empty for `connect`.
            ts_ns: When, UTC epoch nanoseconds by our clock.
        """
        self._connections += direction == "connect"
        text = data if isinstance(data, str) else data.decode(errors="replace")
        conn = f"{urlsplit(url).hostname}.{self._connections}"
        line = Line(ts_ns, direction, conn, text, "" if direction == "recv" else url)
        self._waiting += msgspec.json.encode(line) + b"\n"
        if len(self._waiting) >= _FLUSH_BYTES or ts_ns - self._flushed_ns >= _FLUSH_NS:
            self.flush()
            self._flushed_ns = ts_ns

    def flush(self) -> None:
        """Hand what is waiting to the operating system.

        Raises:
            TapeError: If it takes no more.
        """
        if self._waiting:
            try:
                self._file.write(gzip.compress(self._waiting, mtime=0) if self.path.suffix == ".gz" else self._waiting)
                self._file.flush()
            except OSError as error:
                raise TapeError(f"the tape {self.path} cannot be written: {error.strerror}; make room") from error
            self._waiting.clear()

    def close(self) -> None:
        """Write what is waiting and close the file."""
        self.flush()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
