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

_WAIT_SECONDS = 45.0  # longer than all that its processes are allowed


def strategies() -> "Registry":
    """Return the strategies by name, a user's own with what they declare; their files are read again when one of them changes."""
    from trading.describing import registry_of  # noqa: PLC0415 - a second, which pages without strategies do not need
    from trading.registry import Registry  # noqa: PLC0415 - likewise

    if not any(settings().strategies.glob("[!_]*.py")):
        return Registry()
    found, _ = form_desk().catalogue(wait_seconds=_WAIT_SECONDS)
    return registry_of(found)


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


@st.cache_resource(show_spinner=False)
def _desk(folder: Path, purpose: str) -> StrategyDesk:
    del purpose  # each has its own
    return StrategyDesk(folder)
