"""Widgets for the parameters of a strategy, made of its declaration: one value each, or a range that a search tries."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from app.backtests.links import PARAMETER, RANGE
from trading.parameters import Kind, Parameter

if TYPE_CHECKING:
    from trading.strategy import BaseStrategy

_ACROSS = 4


def parameter_form(strategy: "type[BaseStrategy]", key_prefix: str = PARAMETER) -> dict[str, Any]:
    """Return the values that were given to the parameters of a strategy, by name, those that differ from the defaults only.

    Args:
        strategy: Its class.
        key_prefix: Of the keys of the widgets, which stand in the URL.
    """
    declared = strategy.declared()
    if not declared:
        st.caption("This strategy has no parameters.")
    columns = st.columns(_ACROSS, vertical_alignment="bottom")
    values = {each.name: _value(columns[at % _ACROSS], each, f"{key_prefix}{each.name}") for at, each in enumerate(declared)}
    return {each.name: values[each.name] for each in declared if values[each.name] != each.default}


def range_form(strategy: "type[BaseStrategy]", key_prefix: str = RANGE) -> dict[str, str]:
    """Return the ranges that a search is told to try, by name; what is left empty is tried as the strategy declares."""
    columns = st.columns(_ACROSS)
    typed = {
        each.name: columns[at % _ACROSS].text_input(
            each.name, key=f"{key_prefix}{each.name}", bind="query-params", placeholder=usual_range(each),
            help=f"{_help(each)} As low:high:step, or values with commas; empty for {usual_range(each)}.",
        )
        for at, each in enumerate(strategy.declared())
    }  # fmt: skip
    return {name: text.strip() for name, text in typed.items() if text and text.strip()}


def usual_range(parameter: Parameter) -> str:
    """Return what a search tries of a parameter where it is told nothing: `5, 10, … 50`."""
    words = [str(value).lower() if isinstance(value, bool) else f"{value}" for value in parameter.sweep]
    return ", ".join(words if len(words) <= 4 else [*words[:2], "…", words[-1]])


def _value(place: Any, parameter: Parameter, key: str) -> Any:
    shared = {"key": key, "bind": "query-params", "help": _help(parameter)}
    if parameter.kind is Kind.FLAG:
        return place.checkbox(parameter.name, value=bool(parameter.default), **shared)
    if parameter.kind is Kind.CHOICE:
        at = parameter.choices.index(str(parameter.default))
        return place.selectbox(parameter.name, parameter.choices, index=at, **shared)
    kind = int if parameter.kind is Kind.WHOLE else float
    low, high = (None if bound is None else kind(bound) for bound in (parameter.low, parameter.high))
    more: dict[str, Any] = {"step": 1} if kind is int else {"format": "%.6g"}
    return place.number_input(parameter.name, min_value=low, max_value=high, value=kind(parameter.default), **more, **shared)


def _help(parameter: Parameter) -> str:
    about = f"{parameter.about[:1].upper()}{parameter.about[1:]}; " if parameter.about else ""
    return f"{about}{parameter.expected}, default {parameter.default}."
