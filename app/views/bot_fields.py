"""Single fields of a form that changes a draft: each writes into it as soon as it is changed, and tells what is wrong beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.markdown import escaped
from app.views.bots.draft import Draft
from trading.bots.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where a field is in the draft, and what is said of it.

    Attributes:
        path: Of the field.
        label: Its name.
        help: What it means.
        disabled: Whether it cannot be changed.
        placeholder: What counts where it is left empty.
    """

    path: tuple[str, ...]
    label: str
    help: str
    disabled: bool = False
    placeholder: str = ""


def text(draft: Draft, field: Field, value: str, *, read: Callable[[str], Any] = str, longest: int = 200) -> None:
    """Show a field of text; `read` makes a value of what was typed, and an empty one takes the field out of the draft."""
    key = _key(draft, field)

    def changed() -> None:
        typed = str(st.session_state.get(key) or "").strip()
        draft.set(field.path, read(typed) if typed else None)

    st.text_input(
        field.label, value, key=key, help=field.help, max_chars=longest, on_change=changed, disabled=field.disabled,
        placeholder=field.placeholder,
    )  # fmt: skip


def pick(
    draft: Draft, field: Field, options: Sequence[str], value: str, *, then: Callable[[], None] | None = None
) -> None:  # fmt: skip
    """Show one word out of several; one that the draft has and that is none of them can be left. `then` follows a change."""
    key, words = _key(draft, field), list(dict.fromkeys([*options, value]))

    def changed() -> None:
        draft.set(field.path, st.session_state.get(key))
        if then is not None:
            then()

    st.selectbox(field.label, words, index=words.index(value), key=key, help=field.help, on_change=changed, disabled=field.disabled)


def flag(draft: Draft, field: Field, value: bool) -> None:
    """Show a yes or no."""
    key = _key(draft, field)

    def changed() -> None:
        draft.set(field.path, bool(st.session_state.get(key)))

    st.checkbox(field.label, value, key=key, help=field.help, on_change=changed, disabled=field.disabled)


def several(draft: Draft, field: Field, options: Sequence[str], values: Sequence[str]) -> None:
    """Show several words, known ones and others that are typed."""
    key = _key(draft, field)

    def changed() -> None:
        typed = [str(each).strip() for each in st.session_state.get(key) or ()]
        draft.set(field.path, list(dict.fromkeys(typed)))

    st.multiselect(
        field.label, list(dict.fromkeys([*options, *values])), list(values), key=key, help=field.help, on_change=changed,
        accept_new_options=True, disabled=field.disabled, placeholder="Choose, or type EXCHANGE:BASE-QUOTE",
    )  # fmt: skip


def beside(path: str, problems: Sequence[Problem]) -> None:
    """Tell what is wrong with a field, at it; a list counts with what is in it."""
    for problem in problems:
        if problem.field == path or problem.field.startswith(f"{path}["):
            st.markdown(f":red[:material/error: {escaped(said(problem))}]")


def said(problem: Problem) -> str:
    """Return what is wrong with a field without its name."""
    return f"expected {problem.expected}, found {problem.found}{problem.hint}"


def _key(draft: Draft, field: Field) -> str:
    return f"{draft.key}:{draft.revision}:{'.'.join(field.path)}"
