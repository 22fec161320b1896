"""The parameters of a strategy as fields of the form of a bot, made from what the strategy declares."""

from collections.abc import Sequence

import streamlit as st

from app.bots.text import at, number_of, shown
from app.data.strategies import strategies
from app.views.bot_fields import Field, beside, flag, pick, text
from app.views.bots.draft import Draft
from app.views.parameters import NONE, help_of, label_of
from market.errors import InputError
from trading.bots.problems import Problem
from trading.parameters import Kind, Parameter, snake_case

_COLUMNS = 3


def parameter_fields(draft: Draft, problems: Sequence[Problem], *, disabled: bool) -> None:
    """Show a field for each parameter that the strategy of a draft declares; a name that it does not have is told above."""
    name = at(draft.tree or {}, ("strategy",))
    registry = strategies()
    if not isinstance(name, str) or snake_case(name) not in registry.names():
        st.caption("Its parameters are shown once the strategy is one that there is.")
        return
    declared = _declared(name)
    if not declared:
        st.caption(NONE)
    columns = st.columns(_COLUMNS)
    for number, parameter in enumerate(declared):
        with columns[number % _COLUMNS]:
            _show(draft, parameter, problems, disabled=disabled)
    beside("parameters", problems)


def keep_declared(draft: Draft) -> None:
    """Take the parameters out of a draft that its strategy does not declare: they were of another one."""
    tree = draft.tree or {}
    names = {each.name for each in _declared(str(tree.get("strategy")))}
    given = at(tree, ("parameters",))
    for name in [each for each in given if each not in names] if isinstance(given, dict) else ():
        draft.set(("parameters", name), None)


def _declared(name: str) -> Sequence[Parameter]:
    try:
        return strategies().get(name).declared()
    except InputError:  # what is wrong with it is told beside the form
        return ()


def _show(draft: Draft, parameter: Parameter, problems: Sequence[Problem], *, disabled: bool) -> None:
    path = ("parameters", parameter.name)
    field = Field(
        path=path, label=label_of(parameter), disabled=disabled, placeholder=shown(parameter.default), help=help_of(parameter)
    )
    value = at(draft.tree or {}, path, parameter.default)
    if parameter.kind is Kind.FLAG and isinstance(value, bool):
        flag(draft, field, value)
    elif parameter.kind is Kind.CHOICE and isinstance(value, str):
        pick(draft, field, list(parameter.choices), value)
    else:
        text(draft, field, shown(value), read=number_of)
    beside(f"parameters.{parameter.name}", problems)
