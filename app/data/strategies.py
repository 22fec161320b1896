"""The strategies that there are: those that come with the program, and a user's own as their files are now."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.data.connections import settings
from market.errors import InputError
from trading.describing import catalogue_apart

if TYPE_CHECKING:
    from trading.registry import Registry

Print = tuple[tuple[str, int, int], ...]
"""What tells the files of strategies from what they were: name, time and size of each."""


def strategies() -> "Registry":
    """Return the strategies by name; their files are read again when one of them changes."""
    folder = settings().strategies
    return _registry(str(folder), _print(folder))


def defaults_of(strategy: str) -> dict[str, Any]:
    """Return the defaults of the parameters of a strategy by name; none of one that is not there any more."""
    try:
        return {each.name: each.default for each in strategies().get(strategy).declared()}
    except InputError:
        return {}


@st.cache_resource(max_entries=2, show_spinner=False)
def _registry(folder: str, files: Print) -> "Registry":
    """Return the strategies; files that end or hold up a process are left out: one that nobody misses has read them before."""
    from trading.registry import Registry, StrategyFileError  # noqa: PLC0415 - a second, which pages without strategies do not need

    try:
        if any(not name.startswith("_") for name, _, _ in files):
            catalogue_apart(Path(folder))
    except InputError as error:
        shipped = Registry()
        shipped.problems.append(StrategyFileError(Path(folder), None, str(error)))
        return shipped
    return Registry(Path(folder))


def _print(folder: Path) -> Print:
    found = []
    for file in sorted(folder.glob("*.py")):
        try:
            stat = file.stat()
        except OSError:  # it went just now
            continue
        found.append((file.name, stat.st_mtime_ns, stat.st_size))
    return tuple(found)
