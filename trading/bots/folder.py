"""The folder of bots: which of its files are new, changed, broken or gone since it was looked at last."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from trading.bots.config import BotConfig, ConfigError, Problem, digest
from trading.bots.text import MOST_BYTES

Reader = Callable[[bytes, str], BotConfig]
"""Returns what a file says, given its content and its path; raises ConfigError where it cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that is new, or that says something else than before.

    Attributes:
        file: Its path.
        config: What it says.
    """

    file: str
    config: BotConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A file that cannot be used as it is now.

    Attributes:
        file: Its path.
        id: Of the bot that it was, or means to be; None where nobody knows, and where another file has that bot.
        error: All that is wrong with it.
    """

    file: str
    id: str | None
    error: ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A file that is not there any more, or is that of another bot.

    Attributes:
        file: Its path.
        id: Of the bot that no file has any more; None where it was none, and where another file has it.
        now: Of the bot that the file is of now; None where it is not there.
    """

    file: str
    id: str | None
    now: str | None = None


Change = Found | Broken | Gone


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a file said when it was read; `content` tells it from all else that it may say."""

    content: str
    config: BotConfig | None = None
    error: ConfigError | None = None


@dataclass(slots=True)
class _Told:
    """What was said of a file last: the digest of its configuration or the text of its error, and which bot it is."""

    said: str
    id: str | None
    broken: bool


class Folder:
    """Watches a folder of `*.json`; names that begin with `_` or `.` are left alone, and a folder that never was there has no bots.

    What cannot be used may be half written, and what is gone may be on its way: either is told only once it has been the same
    for `settle_seconds`, over two looks at least.

    Args:
        path: The folder.
        settle_seconds: See above; 0 tells all at the first look.
    """

    def __init__(self, path: Path, *, settle_seconds: float = 0.5) -> None:
        self.path = path
        self._settle_seconds = settle_seconds
        self._reader: Reader | None = None
        self._readings: dict[str, _Reading] = {}
        self._told: dict[str, _Told] = {}
        self._waiting: dict[str, tuple[str, float]] = {}

    def changes(self, read: Reader, now: float) -> list[Change]:
        """Return what is new since the last call, or all at the first; what is gone comes first, then by name.

        Args:
            read: Reads a file; what another reader says of files that did not change is told, too.
            now: Seconds by a clock that never goes back.
        """
        try:
            paths = self._paths()
        except OSError as error:
            problem = Problem(field="", expected="a folder that can be read", found=str(error.strerror))
            failed = ConfigError(str(self.path), [problem])
            return self._broken(str(self.path), failed, str(failed), None, now)
        if read is not self._reader:
            self._reader, self._readings = read, {}
        self._readings = {_text_of(path): self._read(path, read) for path in paths}
        self._waiting = {file: seen for file, seen in self._waiting.items() if file in self._readings or file in self._told}
        owners = self._owners()
        found = [change for file in sorted(self._told.keys() - self._readings.keys()) for change in self._gone(file, owners, now)]
        for file, reading in self._readings.items():
            found += self._change(file, reading, owners, now)
        return found

    def _paths(self) -> list[Path]:
        try:
            names = [each for each in self.path.iterdir() if each.suffix == ".json" and not each.name.startswith(("_", "."))]
        except FileNotFoundError:
            if self._told:  # it is being moved, or its disk is away: that takes no bot from those who run it
                raise
            return []
        return sorted(names)

    def _read(self, path: Path, read: Reader) -> _Reading:
        try:
            data = _data_of(path)
        except OSError as error:
            problem = Problem(field="", expected="a file that can be read", found=str(error.strerror or error))
            return _Reading(content="", error=ConfigError(_text_of(path), [problem]))
        content, known = sha256(data).hexdigest(), self._readings.get(_text_of(path))
        if known is not None and known.content == content:
            return known
        try:
            return _Reading(content=content, config=read(data, _text_of(path)))
        except ConfigError as error:
            return _Reading(content=content, error=error)

    def _owners(self) -> dict[str, list[str]]:
        """Return the files of each bot, of those that can be used."""
        owners: dict[str, list[str]] = {}
        for file, reading in self._readings.items():
            if reading.config is not None:
                owners.setdefault(reading.config.id, []).append(file)
        return owners

    def _change(self, file: str, reading: _Reading, owners: dict[str, list[str]], now: float) -> list[Change]:
        config, error = reading.config, reading.error
        if config is not None and len(owners[config.id]) > 1:
            others = " and ".join(each for each in owners[config.id] if each != file)
            problem = Problem(field="id", expected="an id that no other file has", found=f"{config.id!r} as in {others}")
            error = ConfigError(file, [problem], id=config.id)
            config = None
        if config is None:
            assert error is not None
            return self._broken(file, error, f"{reading.content} {error}", self._id_of(file, error, owners), now)
        self._waiting.pop(file, None)
        new, told = _Told(digest(config), config.id, broken=False), self._told.get(file)
        was = told.id if told is not None else None
        if told == new:
            return []
        self._told[file] = new
        gone = [Gone(file=file, id=_unowned(was, owners), now=config.id)] if was not in (None, config.id) else []
        return [*gone, Found(file=file, config=config)]

    def _broken(self, file: str, error: ConfigError, seen: str, bot: str | None, now: float) -> list[Change]:
        told = self._told.get(file)
        if told is not None and told.broken and told.said == str(error):
            self._waiting.pop(file, None)
            return []
        if not self._settled(file, seen, now):
            return []
        self._told[file] = _Told(str(error), bot, broken=True)
        return [Broken(file=file, id=bot, error=error)]

    def _id_of(self, file: str, error: ConfigError, owners: dict[str, list[str]]) -> str | None:
        told = self._told.get(file)
        bot = error.id or (told.id if told is not None else None)
        return bot if bot is not None and file in owners.get(bot, [file]) else None

    def _gone(self, file: str, owners: dict[str, list[str]], now: float) -> list[Change]:
        if not self._settled(file, "gone", now):
            return []
        bot = self._told.pop(file).id
        return [Gone(file=file, id=_unowned(bot, owners))]

    def _settled(self, file: str, seen: str, now: float) -> bool:
        """Return whether something has been seen of a file for long enough, and forget of when on if it has."""
        before, since = self._waiting.get(file, ("", now))
        since = since if before == seen else now
        if (before == seen or not self._settle_seconds) and now - since >= self._settle_seconds:
            self._waiting.pop(file, None)
            return True
        self._waiting[file] = seen, since
        return False


def _unowned(bot: str | None, owners: dict[str, list[str]]) -> str | None:
    return None if bot in owners else bot


def _text_of(path: Path) -> str:
    """Return a path as a text that can be printed and stored, whatever its bytes are."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def _data_of(path: Path) -> bytes:
    """Return what a file says, of one that is too large the begin.

    Raises:
        OSError: If it cannot be read, or is none: a pipe would never end.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(None, "no file, but a folder, a pipe or a device")
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)
