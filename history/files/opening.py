"""Opens a file whatever it is packed in, and says what it is by its first bytes; its name proves nothing."""

import bz2
import gzip
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, TypeVar, cast

from history.files.errors import FileRefused

PREFIX_BYTES = 1 << 16
"""So much of the unpacked begin of a file decides what it is."""

_Value = TypeVar("_Value")

# What the libraries raise for damaged files; the last two are zipfile's, for a way of packing it lacks and for a password.
_UNREADABLE = (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, NotImplementedError, RuntimeError)


class Kind(StrEnum):
    """What a file is made of."""

    TEXT = "csv"
    JSON = "json"
    PARQUET = "parquet"
    FEATHER = "feather"


class Packing(StrEnum):
    """What a file is packed in."""

    NONE = "none"
    GZIP = "gzip"
    ZIP = "zip"
    BZIP2 = "bzip2"


# By first bytes; what else people have lying around, and what to do with it.
_PACKINGS = {b"\x1f\x8b": Packing.GZIP, b"PK\x03\x04": Packing.ZIP, b"BZh": Packing.BZIP2}
_KINDS = {b"PAR1": Kind.PARQUET, b"ARROW1": Kind.FEATHER}
_FOREIGN = {
    b"FEA1": "is feather version 1; write it anew with pandas' to_feather",
    b"\x89HDF": "is HDF5; let freqtrade turn it into feather (`freqtrade convert-data --format-to feather`), or write csv",
    b"SQLite format 3": "is a SQLite database; export the candles as csv",
    b"\x28\xb5\x2f\xfd": "is packed with zstd; unpack it first (`unzstd`)",
    b"\xfd7zXZ": "is packed with xz; unpack it first (`unxz`)",
    b"7z\xbc\xaf": "is a 7z archive; unpack it first",
    b"Rar!": "is a rar archive; unpack it first",
    b"\xff\xfe": "is text in UTF-16; save it as UTF-8",
    b"\xfe\xff": "is text in UTF-16; save it as UTF-8",
    b"PK\x05\x06": "is an empty zip archive",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that can be read.

    Attributes:
        file: Where it is.
        packing: What it is packed in.
        kind: What it is made of.
        prefix: Its unpacked begin.
        member: Its name in the zip archive, empty without one.
        size: Bytes on disk.
    """

    file: Path
    packing: Packing
    kind: Kind
    prefix: bytes
    member: str
    size: int

    @property
    def names(self) -> list[str]:
        """The names that may say what is inside, the innermost first."""
        return [name for name in (Path(self.member).name, self.file.name) if name]

    @contextmanager
    def stream(self) -> Iterator[tuple[io.BufferedReader, IO[bytes]]]:
        """Yield the unpacked bytes, and the file itself, whose position tells how far reading is.

        Raises:
            FileRefused: If the file breaks off or is damaged.
        """
        with self.file.open("rb") as raw:
            try:
                with _unpacked(raw, self.packing, self.member) as unpacked:
                    yield unpacked, raw
            except (*_UNREADABLE, OSError) as error:
                raise _damaged(self.file, self.packing, error) from error


def open_file(file: Path) -> Opened:
    """Return a file with what is known of it by its first bytes.

    Raises:
        FileRefused: If it cannot be read, or is nothing that holds candles.
    """
    try:
        found = file.stat()
        if stat.S_ISDIR(found.st_mode):
            raise FileRefused(file, "is a folder; name the files in it")
        if not stat.S_ISREG(found.st_mode):
            raise FileRefused(file, "is a pipe or a device, and files are read more than once; save it as a file first")
        with file.open("rb") as raw:
            magic = raw.read(16)
    except OSError as error:
        raise FileRefused(file, f"cannot be read ({error.strerror})") from error
    _refuse_foreign(file, magic)
    packing = _first(_PACKINGS, magic) or Packing.NONE
    member = _only_member(file) if packing is Packing.ZIP else ""
    opened = Opened(file, packing, Kind.TEXT, b"", member, found.st_size)
    with opened.stream() as (stream, _):
        prefix = _read_all(stream, PREFIX_BYTES)
    return Opened(file, packing, _kind(file, prefix, packing), prefix, member, found.st_size)


def _kind(file: Path, prefix: bytes, packing: Packing) -> Kind:
    if not prefix.strip():
        raise FileRefused(file, "is empty")
    if packing is not Packing.NONE:
        _refuse_foreign(file, prefix)
        if _first(_PACKINGS, prefix):
            raise FileRefused(file, "is packed twice; unpack it once")
    kind = _first(_KINDS, prefix)
    if kind is not None:
        if packing is not Packing.NONE:
            raise FileRefused(file, f"is {kind} inside {packing}; unpack it first")
        return kind
    if prefix[257:262] == b"ustar":
        raise FileRefused(file, "is a tar archive; unpack it and name the files in it")
    if b"\0" in prefix:
        raise FileRefused(file, "is neither text nor parquet nor feather; candles are read from csv, json, parquet and feather")
    return Kind.JSON if prefix.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["} else Kind.TEXT


def _only_member(file: Path) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            names = [
                each.filename for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX/")
            ]
    except (*_UNREADABLE, OSError) as error:
        raise _damaged(file, Packing.ZIP, error) from error
    if "[Content_Types].xml" in names:
        raise FileRefused(file, "is an Excel workbook; save the sheet as csv")
    if len(names) != 1:
        inside = ", ".join(names[:5]) + (", …" if len(names) > 5 else "") if names else "nothing"
        raise FileRefused(file, f"holds {len(names)} files ({inside}) where one is expected; unpack it and name those you want")
    return names[0]


def _unpacked(raw: IO[bytes], packing: Packing, member: str) -> io.BufferedReader:
    if packing is Packing.GZIP:
        return io.BufferedReader(gzip.GzipFile(fileobj=raw))
    if packing is Packing.BZIP2:
        return io.BufferedReader(bz2.BZ2File(raw))
    if packing is Packing.ZIP:
        return io.BufferedReader(cast("io.RawIOBase", zipfile.ZipFile(raw).open(member)))
    return cast("io.BufferedReader", raw)


def _read_all(stream: IO[bytes], size: int) -> bytes:
    pieces, left = [], size
    while left and (piece := stream.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _first(table: Mapping[bytes, _Value], begin: bytes) -> _Value | None:
    return next((value for magic, value in table.items() if begin.startswith(magic)), None)


def _refuse_foreign(file: Path, begin: bytes) -> None:
    reason = _first(_FOREIGN, begin)
    if reason is not None:
        raise FileRefused(file, reason)


def _damaged(file: Path, packing: Packing, error: Exception) -> FileRefused:
    if isinstance(error, RuntimeError) and "password" in str(error):
        return FileRefused(file, "is packed with a password; unpack it first")
    if packing is Packing.NONE:
        return FileRefused(file, f"cannot be read ({error})")
    return FileRefused(file, f"is {packing} that breaks off or is damaged ({error or type(error).__name__}); download it again")
