"""The end of a log: what a file says last, by level and text; never more than a part of it is read."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 262_144
"""So much of the end of a file is looked through."""

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

_LONGEST = 2_000
_WORDS = {
    "DEBUG": "DEBUG", "INFO": "INFO", "NOTICE": "INFO", "LOG": "INFO", "WARNING": "WARNING", "WARN": "WARNING", "ERROR": "ERROR",
    "CRITICAL": "ERROR", "FATAL": "ERROR", "PANIC": "ERROR", "Traceback": "ERROR",
}  # fmt: skip
# Ours and those of most programs; Redis has a sign behind the time instead.
_LEVEL = re.compile(rf"\b({'|'.join(_WORDS)})\b")
_REDIS = re.compile(r"^\d+:[XCSM] \d\d \w{3} \d{4} [\d:.]+ ([.*#-]) ")
_SIGNS = {".": "DEBUG", "-": "DEBUG", "*": "INFO", "#": "WARNING"}
_GOES_ON = re.compile(r"^(\s|$|\S*(?:Error|Exception|Interrupt)\b)")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Entry:
    """What was written at once: a line, and those that go on with it, as a traceback does."""

    level: str
    text: str


def log_files(folder: Path) -> list[str]:
    """Return the names of the logs of a folder: files in it, and nothing that leads elsewhere."""
    try:
        found = [path.name for path in folder.iterdir() if path.suffix == ".log" and path.is_file() and not path.is_symlink()]
    except OSError:
        return []
    return sorted(found)


def read_end(file: Path, most_bytes: int = MOST_BYTES) -> list[str]:
    """Return the last lines of a file, whole ones, oldest first; none where it is not there any more."""
    try:
        with file.open("rb") as opened:
            length = opened.seek(0, 2)
            opened.seek(max(0, length - most_bytes))
            data = opened.read(most_bytes)
    except OSError:
        return []
    lines = data.decode("utf-8", "replace").split("\n")
    whole = lines if length <= most_bytes else lines[1:]
    return [_CONTROL.sub("", line) for line in (whole if whole[-1:] != [""] else whole[:-1])]


def shortened(text: str) -> str:
    """Return a text with the begin of each line that is too long to be shown; secrets have to be out of it by then."""
    return "\n".join(line[:_LONGEST] for line in text.split("\n"))


def entries(lines: Iterable[str]) -> list[Entry]:
    """Return what lines say, in their order; a line without a level of its own goes on with what is above it, or is INFO."""
    found: list[Entry] = []
    for line in lines:
        level = _level_of(line)
        goes_on = level is None and _GOES_ON.match(line) is not None
        if found and (goes_on or line.startswith("Traceback ")):
            last = found.pop()
            found.append(Entry("ERROR" if level == "ERROR" else last.level, f"{last.text}\n{line}"))
        elif line.strip():
            found.append(Entry(level or "INFO", line))
    return found


def chosen(found: Iterable[Entry], *, level: str, text: str, most: int) -> list[Entry]:
    """Return the newest entries of a level or above that have a text, whatever its case; the newest first."""
    least, wanted = LEVELS.index(level), text.casefold()
    fits = [each for each in found if LEVELS.index(each.level) >= least and wanted in each.text.casefold()]
    return fits[: -most - 1 : -1]


def _level_of(line: str) -> str | None:
    sign = _REDIS.match(line)
    if sign is not None:
        return _SIGNS[sign.group(1)]
    word = _LEVEL.search(line[:120])
    return None if word is None else _WORDS[word.group(1)]
