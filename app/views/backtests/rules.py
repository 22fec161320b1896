"""The advanced part of the form: how orders are made and filled, what ends a position, how large it is, what protects."""

import re
from enum import Enum
from functools import lru_cache
from typing import Any

import streamlit as st

from app.backtests.links import RULE
from trading.rules import Rules, word_of

GROUPS = {
    "Orders and fills": ("fill_at", "limit_offset", "limit_bars", "slippage", "slippage_amount", "volume_share"),
    "Exits": ("stop_loss", "take_profit", "trailing_stop", "time_exit"),
    "Size": ("sizing", "size", "volatility_bars", "short", "leverage"),
    "Protections": (
        "cooldown_bars", "guard_stops", "guard_within_bars", "guard_pause_bars", "max_drawdown", "drawdown_pause_bars",
        "daily_loss",
    ),
    "Fees of each kind of order": ("maker_fee", "taker_fee"),
}  # fmt: skip
"""The rules by what they are about; fees are the venue's where nothing is given."""

_OF_THE_VENUE = ("maker_fee", "taker_fee")
_ACROSS = 4


def rule_form() -> dict[str, Any]:
    """Return the rules that were set, by name, those that differ from the usual ones only."""
    usual, told = Rules(), {}
    for title, names in GROUPS.items():
        st.markdown(f"**{title}**")
        columns = st.columns(_ACROSS)
        for at, name in enumerate(names):
            default = None if name in _OF_THE_VENUE else getattr(usual, name)
            value = _widget(columns[at % _ACROSS], name, default)
            if value is not None and value != (word_of(default) if isinstance(default, Enum) else default):
                told[name] = value
    return told


@lru_cache(maxsize=1)
def meanings() -> dict[str, str]:
    """Return what each rule means, as the docstring of `trading.rules.Rules` says it."""
    text = " ".join((Rules.__doc__ or "").partition("Attributes:")[2].split())
    parts = re.split(r"(?:^| )([a-z_]+): (?=[A-Z])", text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _widget(place: Any, name: str, default: Any) -> Any:
    shared = {"key": f"{RULE}{name}", "bind": "query-params", "help": meanings().get(name, "").replace("`", "")}
    label = name.replace("_", " ")
    if isinstance(default, bool):
        return place.checkbox(label, value=default, **shared)
    if isinstance(default, Enum):
        words = [word_of(each) for each in type(default)]
        return place.selectbox(label, words, index=words.index(word_of(default)), **shared)
    if isinstance(default, int):
        return place.number_input(label, min_value=0, value=default, step=1, **shared)
    least = None if name in _OF_THE_VENUE else 0.0
    more = {"placeholder": "the venue's"} if default is None else {}
    return place.number_input(label, min_value=least, value=default, format="%.6g", **more, **shared)
