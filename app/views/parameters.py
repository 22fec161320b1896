"""The form of the parameters of a strategy, made from what the strategy declares."""

from collections.abc import Sequence
from typing import Any, Protocol

import streamlit as st

from app.markdown import escaped
from trading.parameters import Kind, Parameter, Value

_COLUMNS = 4


class Declares(Protocol):
    """A class of strategies, or what `trading.describing` tells of one."""

    @property
    def name(self) -> str:
        """How it is called in configurations."""

    def declared(self) -> Sequence[Parameter]:
        """Return what it declares, in its order."""


def parameter_form(strategy_class: Declares, key_prefix: str, *, disabled: bool = False, bind: bool = False) -> dict[str, Value]:
    """Draw a widget for each declared parameter, and return what stands in them, by name.

    What is entered keeps the declared type, bounds and choices. Relations between parameters (`fast` below `slow`) are not
    checked here: making the strategy, `strategy_class(values)`, refuses them with the reason.

    Args:
        strategy_class: A class of strategies, or a `Described`, which needs none of a user's code.
        key_prefix: Of the keys of the widgets, which are `{key_prefix}{strategy}_{parameter}`.
        disabled: Whether the form can only be looked at.
        bind: Whether the values stand in the URL, under the keys.
    """
    values: dict[str, Value] = {}
    columns = st.columns(_COLUMNS)
    for place, parameter in enumerate(strategy_class.declared()):
        with columns[place % _COLUMNS]:
            values[parameter.name] = _field(
                parameter,
                f"{key_prefix}{strategy_class.name}_{parameter.name}",
                disabled=disabled,
                bind="query-params" if bind else None,
            )
    if not values:
        st.caption("This strategy has no parameters.")
    return values


def _field(parameter: Parameter, key: str, *, disabled: bool, bind: Any) -> Value:
    common: dict[str, Any] = {"key": key, "disabled": disabled, "bind": bind, "help": escaped(_help(parameter))}
    label = escaped(parameter.name.replace("_", " "))
    if parameter.kind is Kind.CHOICE:
        return str(st.selectbox(label, parameter.choices, index=parameter.choices.index(str(parameter.default)), **common))
    if parameter.kind is Kind.FLAG:
        return bool(st.toggle(label, value=bool(parameter.default), **common))
    kind: type[int | float] = int if parameter.kind is Kind.WHOLE else float
    low, high = (None if bound is None else kind(bound) for bound in (parameter.low, parameter.high))
    step = 1 if kind is int else _step(float(parameter.default))
    form = None if kind is int else "%g"
    found = st.number_input(label, low, high, value=kind(parameter.default), step=step, format=form, **common)
    return kind(parameter.default if found is None else found)


def _help(parameter: Parameter) -> str:
    about = f"{parameter.about[:1].upper()}{parameter.about[1:]}: " if parameter.about else ""
    return f"{about}{parameter.expected}; {parameter.default} where nothing else is said."


def _step(default: float) -> float:
    """Return a step of the second digit of a number."""
    return float(f"1e{int(f'{default or 1.0:e}'.partition('e')[2]) - 1}")
