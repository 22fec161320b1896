"""What somebody writes of a bot before it is saved: held by the session, as text, which form and JSON both change."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import streamlit as st

from app.bots.files import BotFile
from app.bots.text import Tree, put, text_of, tree_of, without

NEW = "draft of a new bot"
"""Under which the session holds what a new bot is to do; no bot can be called so."""

_numbers = count(1)  # no two drafts have the same: widgets of another one would be taken for those of this
_EXAMPLE: Tree = {
    "id": "my-bot", "name": "", "strategy": "ema_cross", "parameters": {"fast": 12, "slow": 26}, "symbols": [], "timeframe": "1h",
    "balance": 10_000,
}  # fmt: skip


@dataclass(slots=True)
class Draft:
    """A text that is being written.

    Attributes:
        key: Under which the session holds it.
        text: As it is now.
        base: The file that it began as; None for a new bot.
        source: The id of the bot that it was copied from; None for none.
        revision: Another one lets all widgets begin anew with what the text says.
    """

    key: str
    text: str
    base: BotFile | None = None
    source: str | None = None
    revision: int = field(default_factory=_numbers.__next__)

    @property
    def tree(self) -> Tree | None:
        """Its fields; None where it is no JSON that a form can change."""
        return tree_of(self.text)

    @property
    def is_changed(self) -> bool:
        """Whether it says something else than the file that it began as."""
        return self.base is None or self.text != self.base.text

    def say(self, text: str) -> None:
        """Let it be another text."""
        self.text, self.revision = text, next(_numbers)

    def set(self, path: tuple[str, ...], value: Any) -> None:
        """Give a field another value; None takes it out, so that its default counts."""
        tree = self.tree
        if tree is not None:
            self.text = text_of(without(tree, path) if value is None else put(tree, path, value))


def example(symbols: list[str]) -> str:
    """Return what a new bot begins as, with the first of the symbols that are known."""
    return text_of({**_EXAMPLE, "symbols": symbols[:1]})


def draft(key: str, begin: Callable[[], Draft]) -> Draft:
    """Return what this session writes under a key, which begins where there is nothing yet."""
    found = st.session_state.get(key)
    if not isinstance(found, Draft):
        found = st.session_state[key] = begin()
    return found


def discard(key: str) -> None:
    """Forget what this session writes under a key."""
    st.session_state.pop(key, None)
