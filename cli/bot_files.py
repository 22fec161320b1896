"""The folder of bots as the command line sees it: which files can be used, and what is wrong with the others."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from settings import Settings
    from trading.bots.config import BotConfig, ConfigError
    from trading.bots.folder import Broken, Found, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What the files of a folder say.

    Attributes:
        folder: The folder.
        found: Those that can be used, by name.
        broken: Those that cannot.
    """

    folder: Path
    found: "list[Found]" = field(default_factory=list)
    broken: "list[Broken]" = field(default_factory=list)

    def of(self, bot: str) -> "Found | Broken | None":
        """Return the file of a bot, a usable one before one that means to be it; None where there is none."""
        usable = next((each for each in self.found if each.config.id == bot), None)
        return usable or next((each for each in self.broken if each.id == bot), None)


def folder_of(settings: "Settings") -> Path:
    """Return the folder of bots: that of the settings, or where that is not there the one that a running `tcpdash up` uses."""
    from db.home import running_state

    folder = settings.bots.folder
    if folder.exists():
        return folder
    running = (running_state(settings.home) or {}).get("bots", {}).get("folder")
    return folder if running is None else Path(running)


def read_files(settings: "Settings") -> Files:
    """Return what the files of the folder say; strategies are tried with their parameters."""
    from trading.bots.folder import Broken, Folder, Found

    folder = folder_of(settings)
    changes = Folder(folder, settle_seconds=0.0).changes(reader(settings), 0.0)
    return Files(
        folder=folder,
        found=[each for each in changes if isinstance(each, Found)],
        broken=[each for each in changes if isinstance(each, Broken)],
    )


def reader(settings: "Settings") -> "Reader":
    """Return what reads a file, with the strategies that there are."""
    from trading.bots.config import read_config
    from trading.registry import Registry

    registry: Registry | None = None

    def read(data: bytes, file: str) -> "BotConfig":
        nonlocal registry
        registry = registry or Registry(settings.strategies)
        return read_config(data, registry, file=file)

    return read


def read_named(paths: "Sequence[Path]", settings: "Settings") -> "list[tuple[str, BotConfig | ConfigError]]":
    """Return what files say that a person named, or what is wrong with each."""
    from trading.bots.config import ConfigError, Problem

    read, found = reader(settings), list[tuple[str, "BotConfig | ConfigError"]]()
    for path in paths:
        try:
            found.append((str(path), read(path.read_bytes(), str(path))))
        except ConfigError as error:
            found.append((str(path), error))
        except OSError as error:
            problem = Problem(field="", expected="a file that can be read", found=str(error.strerror or error))
            found.append((str(path), ConfigError(str(path), [problem])))
    return found


def id_of(path: Path) -> str | None:
    """Return which bot a file means to be; None where it does not say so."""
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    found = said.get("id") if isinstance(said, dict) else None
    return found if isinstance(found, str) else None


def problems_of(error: InputError) -> list[dict[str, Any]]:
    """Return what is wrong with a file as JSON has it."""
    told = getattr(error, "problems", [])
    return [{"field": each.field, "expected": each.expected, "found": each.found, "hint": each.hint} for each in told]
