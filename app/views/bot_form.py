"""The form of a bot, made from the JSON schema of its file: a field for each field there, with what it means and what is wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.bots.text import at, number_of, shown
from app.data.strategies import strategies
from app.views.bot_fields import Field, beside, flag, pick, said, several, text
from app.views.bot_parameters import keep_declared, parameter_fields
from app.views.bots.draft import Draft
from trading.bots.problems import Problem
from trading.bots.schema import expected_words, schema

Part = Mapping[str, Any]

_COLUMNS = 3


def show_form(draft: Draft, problems: Sequence[Problem], symbols: Sequence[str], *, own_id: bool, disabled: bool) -> None:
    """Show the fields of a draft; what is changed is in the draft at once.

    Args:
        draft: What is written.
        problems: All that is wrong with it.
        symbols: Those to choose from; others may be typed.
        own_id: Whether the id can be chosen, as that of a new bot.
        disabled: Whether nothing can be changed.
    """
    whole = schema()
    plain = {name: part for name, part in whole["properties"].items() if not _section_of(part, whole) and name != "parameters"}
    columns = st.columns(2)
    for number, (name, part) in enumerate(plain.items()):
        with columns[number % 2]:
            _show(draft, (name,), part, problems, symbols=symbols, disabled=disabled or (name == "id" and not own_id))
    st.markdown("**Parameters of the strategy**")
    parameter_fields(draft, problems, disabled=disabled)
    for name, part in whole["properties"].items():
        section = _section_of(part, whole)
        if section:
            _show_section(draft, name, part, section, problems=problems, disabled=disabled)


def show_problems(problems: Sequence[Problem]) -> None:
    """Tell all that is wrong, each with the name of its field."""
    if problems:
        count = "One thing is" if len(problems) == 1 else f"{len(problems)} things are"
        lines = "\n".join(f"{problem.field or 'the text'}: {said(problem)}" for problem in problems[:20])
        st.error(f"{count} wrong; nothing can be saved before that is mended.", icon=":material/error:")
        st.code(lines, language=None, wrap_lines=True)


def _show_section(
    draft: Draft, name: str, part: Part, section: Part, *, problems: Sequence[Problem], disabled: bool
) -> None:  # fmt: skip
    own = [each for each in problems if each.field == name or each.field.startswith(f"{name}.")]
    told = "" if not own else f" \N{EM DASH} :red[:material/error: {len(own)} wrong]"
    with st.expander(f"{name.capitalize()}: {_sentence(part['description'])}{told}", expanded=bool(own)):
        beside(name, problems)
        if "anyOf" in part and not _show_choice(draft, name, section, disabled=disabled):
            return
        columns = st.columns(_COLUMNS)
        for number, (inner, inner_part) in enumerate(section["properties"].items()):
            with columns[number % _COLUMNS]:
                _show(draft, (name, inner), inner_part, problems, disabled=disabled)


def _show_choice(draft: Draft, name: str, section: Part, *, disabled: bool) -> bool:
    """Show whether a section that may be left out is there, and return that."""
    key = f"{draft.key}:{draft.revision}:{name}"
    has = isinstance(at(draft.tree or {}, (name,)), dict)

    def changed() -> None:
        first = {inner: _first(part) for inner, part in section["properties"].items()}
        draft.set((name,), first if st.session_state.get(key) else None)

    st.checkbox(f"Set {name} here", has, key=key, on_change=changed, disabled=disabled)
    return has


def _show(
    draft: Draft, path: tuple[str, ...], part: Part, problems: Sequence[Problem], *, symbols: Sequence[str] = (), disabled: bool
) -> None:  # fmt: skip
    name = path[-1]
    field = Field(path=path, label=_label(name), help=_help(part), disabled=disabled, placeholder=shown(part.get("default")))
    value = at(draft.tree or {}, path, part.get("default"))
    if name == "strategy" and len(path) == 1:
        pick(draft, field, strategies().names(), shown(value), then=lambda: keep_declared(draft))
    elif part.get("type") == "array" and (value is None or isinstance(value, list)):
        several(draft, field, symbols, [shown(each) for each in value or ()])
    elif "enum" in part and isinstance(value, str):
        pick(draft, field, [str(each) for each in part["enum"]], value)
    elif part.get("type") == "boolean" and isinstance(value, bool):
        flag(draft, field, value)
    else:
        text(draft, field, shown(value), read=str if part.get("type") == "string" else number_of)
    beside(".".join(path), problems)


def _section_of(part: Part, whole: Part) -> Part:
    """Return the section that a field is; nothing for a plain field."""
    found = [each["$ref"] for each in (part, *part.get("anyOf", ())) if "$ref" in each]
    section: Part = whole["$defs"][found[0].rpartition("/")[2]] if found else {}
    return section


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize() if name != "id" else "Id"


def _help(part: Part) -> str:
    default = part.get("default")
    words = [str(part.get("description", "")), f"Expected {expected_words(part)}."]
    words += [] if default in (None, "") else [f"{shown(default)} where it is left out."]
    words += [f"For example {shown(part['examples'][0])}."] if part.get("examples") else []
    return " ".join(words).replace("[", r"\[").replace("$", r"\$")


def _sentence(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")


def _first(part: Part) -> Any:
    return part["examples"][0] if part.get("examples") else part.get("default", 0)
