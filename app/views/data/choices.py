"""Widgets whose choice stands in the URL; what a URL asks for and there is not gives way to a default.

The URL has an option as the widget shows it, so options are shown as the URL has them.
"""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from market.clock import parse_time, to_datetime
from market.errors import TimeError


def choose(label: str, key: str, options: Sequence[str], default: str) -> str:
    """Return one of a few options, that are all in sight."""
    _settle(key, options, default)
    return st.segmented_control(label, options, key=key, bind="query-params", required=True) or default


def choose_from(label: str, key: str, options: Sequence[str], default: str) -> str:
    """Return one of many options, that are in a list."""
    _settle(key, options, default)
    chosen: str | None = st.selectbox(label, options, key=key, bind="query-params", index=None, required=True)
    return chosen or default


def choose_some(label: str, key: str, options: Sequence[str], *, all_of: str) -> tuple[str, ...]:
    """Return some of many options; none stands for all of them, and `all_of` says so."""
    named = [each for each in st.query_params.get_all(key) if each in options]
    if key not in st.session_state and named != st.query_params.get_all(key):
        st.query_params[key] = named
    return tuple(st.multiselect(label, options, key=key, bind="query-params", placeholder=all_of))


def choose_day(label: str, key: str, *, first_us: int, last_us: int, help: str | None = None) -> int:  # noqa: A002 - as Streamlit calls it
    """Return where a UTC day begins, UTC epoch microseconds; the last one unless another is chosen."""
    first, last = to_datetime(first_us).date(), to_datetime(last_us).date()
    asked = st.session_state.get(key, day_named(st.query_params.get(key)))
    if not isinstance(asked, date) or not first <= asked <= last:
        st.session_state[key] = last
    chosen = st.date_input(label, key=key, bind="query-params", min_value=first, max_value=last, help=help)
    return parse_time((chosen if isinstance(chosen, date) else last).isoformat())


def choose_page(key: str, total: int, size: int) -> int:
    """Return which page of a long table is shown, counted from 0; one page needs no choice."""
    pages = max(1, -(-total // size))
    if pages == 1:
        return 0
    if not 1 <= _whole(st.session_state.get(key, st.query_params.get(key, 1))) <= pages:
        st.session_state[key] = 1
    return int(st.number_input(f"Page, of {pages:,}", 1, pages, key=key, bind="query-params")) - 1


def _settle(key: str, options: Sequence[str], default: str) -> None:
    if st.session_state.get(key, st.query_params.get(key)) not in options:
        st.session_state[key] = default


def day_named(text: object) -> date | None:
    """Return the day that a text names, `2026-11-26`; None for any other text."""
    try:
        return to_datetime(parse_time(text)).date() if isinstance(text, str) else None
    except TimeError:
        return None


def _whole(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0
