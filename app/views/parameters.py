"""The parameters of a strategy as widgets, made from what the strategy declares: one value each, or a range that a search tries."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.markdown import escaped
from trading.parameters import Kind, Parameter, Value

COLUMNS = 4
NONE = "This strategy has no parameters."


def parameter_form(
    declared: Sequence[Parameter], key_prefix: str, *, disabled: bool = False, bind: bool = False
) -> dict[str, Value]:
    """Draw a widget for each parameter, and return what stands in them, by name.

    What is entered keeps the declared type, bounds and choices. Relations between parameters (`fast` below `slow`) are not
    checked here: making the strategy, `strategy_class(values)`, refuses them with the reason.

    Args:
        declared: By a strategy, in its order.
        key_prefix: Of the keys of the widgets, which are `{key_prefix}{parameter}`.
        disabled: Whether the form can only be looked at.
        bind: Whether the values stand in the URL, under the keys.
    """
    values: dict[str, Value] = {}
    columns = st.columns(COLUMNS, vertical_alignment="bottom")
    for place, parameter in enumerate(declared):
        with columns[place % COLUMNS]:
            key = f"{key_prefix}{parameter.name}"
            values[parameter.name] = _field(parameter, key, disabled=disabled, bind="query-params" if bind else None)
    if not values:
        st.caption(NONE)
    return values


def changed(declared: Sequence[Parameter], values: dict[str, Value]) -> dict[str, Value]:
    """Return the values that differ from what is declared, by name."""
    return {each.name: values[each.name] for each in declared if values[each.name] != each.default}


def range_form(declared: Sequence[Parameter], key_prefix: str) -> dict[str, str]:
    """Return the ranges that a search is told to try, by name; what is left empty is tried as declared.

    Args:
        declared: By a strategy, in its order.
        key_prefix: Of the keys of the widgets, under which they stand in the URL.
    """
    columns = st.columns(COLUMNS)
    typed = {
        each.name: columns[at % COLUMNS].text_input(
            label_of(each), key=f"{key_prefix}{each.name}", bind="query-params", placeholder=usual_range(each),
            help=f"{help_of(each)} As low:high:step, or values with commas; empty for {escaped(usual_range(each))}.",
        )
        for at, each in enumerate(declared)
    }  # fmt: skip
    return {name: text.strip() for name, text in typed.items() if text and text.strip()}


def usual_range(parameter: Parameter) -> str:
    """Return what a search tries of a parameter where it is told nothing: `5, 10, … 50`."""
    words = [_word(value) for value in parameter.sweep]
    return ", ".join(words if len(words) <= 4 else [*words[:2], "…", words[-1]])


def label_of(parameter: Parameter) -> str:
    """Return what a field of a parameter is called, as Markdown."""
    return escaped(parameter.name.replace("_", " "))


def help_of(parameter: Parameter) -> str:
    """Return what there is to say of a parameter beside its field, as Markdown."""
    about = f"{parameter.about[:1].upper()}{parameter.about[1:]}: " if parameter.about else ""
    expected = parameter.expected if about else f"{parameter.expected[:1].upper()}{parameter.expected[1:]}"
    return escaped(f"{about}{expected}; {_word(parameter.default)} where nothing else is said.")


def _field(parameter: Parameter, key: str, **more: Any) -> Value:
    common: dict[str, Any] = {"key": key, "help": help_of(parameter), **more}
    label = label_of(parameter)
    if parameter.kind is Kind.CHOICE:
        return str(st.selectbox(label, parameter.choices, index=parameter.choices.index(str(parameter.default)), **common))
    if parameter.kind is Kind.FLAG:
        return bool(st.toggle(label, value=bool(parameter.default), **common))
    kind: type[int | float] = int if parameter.kind is Kind.WHOLE else float
    low, high = (None if bound is None else kind(bound) for bound in (parameter.low, parameter.high))
    step = 1 if kind is int else _step(float(parameter.default))
    form = None if kind is int else "%.6g"
    found = st.number_input(label, low, high, value=kind(parameter.default), step=step, format=form, **common)
    return kind(parameter.default if found is None else found)


def _word(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def _step(default: float) -> float:
    """Return a step of the second digit of a number."""
    return float(f"1e{int(f'{default or 1.0:e}'.partition('e')[2]) - 1}")
