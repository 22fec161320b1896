"""The strategies that there are: those that come with the program, and a user's own as their files are now.

No code of a user runs in this process: of their own strategies it knows what they declare, and all else is asked apart.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.data.connections import settings
from app.strategy_desk import StrategyDesk
from market.errors import InputError

if TYPE_CHECKING:
    from trading.registry import Registry

PAGE_SECONDS = 1.0
"""So long a page waits for a user's files; who wishes something waits longer."""
WISH_SECONDS = 45.0
"""Longer than all that the processes are allowed which read them."""


def strategies(*, wait_seconds: float = PAGE_SECONDS) -> "Registry":
    """Return the strategies by name, a user's own with what they declare; their files are read again when one of them changes.

    Until they are, it is those that were known last, or that come with the program, with a problem that says so.

    Args:
        wait_seconds: For so long at most to wait until they are read, since somebody wanted them first.
    """
    from trading.describing import registry_of  # noqa: PLC0415 - a second, which pages without strategies do not need
    from trading.registry import Registry, StrategyFileError  # noqa: PLC0415 - likewise

    if not _has_own():
        return Registry()
    found, pending = form_desk().catalogue(wait_seconds=wait_seconds)
    known = registry_of(found) if found.strategies else Registry()
    if pending:
        known.problems.append(StrategyFileError(None, None, f"the strategies in {settings().strategies} are still being read"))
    return known


def being_read() -> bool:
    """Return whether a user's files are still being read, so that `strategies` does not know them as they are now."""
    return _has_own() and form_desk().catalogue()[1]


def defaults_of(strategy: str) -> dict[str, Any]:
    """Return the defaults of the parameters of a strategy by name; none of one that is not there any more."""
    try:
        return {each.name: each.default for each in strategies().get(strategy).declared()}
    except InputError:
        return {}


def overlay_desk() -> StrategyDesk:
    """Return who asks strategies for what they say of candles."""
    return _desk(settings().strategies, "overlays")


def form_desk() -> StrategyDesk:
    """Return who asks strategies what forms need: nobody waits there behind a strategy that draws slowly."""
    return _desk(settings().strategies, "forms")


def _has_own() -> bool:
    return any(settings().strategies.glob("[!_]*.py"))


@st.cache_resource(show_spinner=False)
def _desk(folder: Path, purpose: str) -> StrategyDesk:
    del purpose  # each has its own
    return StrategyDesk(folder)
