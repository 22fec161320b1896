"""Widgets whose choice stands in the URL, all made the same way (`app.views.kept`): sections, pickers, filters and pages.

The URL has an option as the widget shows it, so options are shown as the URL has them.

What is chosen is the default of its widget, too: a browser that is busy may hear of a page for the first time by its second run,
in which nothing is set any more, and would tell the widget's own default as a choice.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import streamlit as st

from app.views.kept import lead, settle
from market.clock import parse_time, to_datetime
from market.errors import TimeError

_GONE = "_gone"
_DIGITS = 20  # of the highest number of a row, and one more; Python refuses to read thousands of them


def pick_section(names: Sequence[str], *, default: str | None = None) -> str:
    """Return which section of a page is chosen, the first where none is; what was chosen inside another section goes with it."""
    return choose("Section", "view", names, default or names[0], alone=True, label_visibility="collapsed")


def choose(
    label: str, key: str, options: Sequence[str], default: str, *, alone: bool = False, drop: Sequence[str] = (), **more: Any
) -> str:
    """Return one of a few options, that are all in sight.

    Args:
        label: For readers of screens also where it is not shown.
        key: Of the widget, and the name of the parameter in the URL.
        options: As they are shown, and stand in the URL.
        default: Where the URL asks for none of them.
        alone: Whether a change takes all else out of the URL.
        drop: What a change takes out of the URL, such as the page of a list.
        more: Of the widget.
    """
    chosen = settle(key, _one_of(options, default), _words, alone=alone, drop=drop)
    st.segmented_control(label, options, default=chosen, key=key, required=True, **more)
    return str(chosen)


def choose_from(label: str, key: str, options: Sequence[str], default: str, *, drop: Sequence[str] = (), **more: Any) -> str:
    """Return one of many options, that are in a list; arguments as of `choose`."""
    chosen = settle(key, _one_of(options, default), _words, drop=drop)
    st.selectbox(label, options, index=options.index(chosen), key=key, **more)
    return str(chosen)


def choose_any(
    label: str, key: str, options: Sequence[str], *, drop: Sequence[str] = (), placeholder: str = "any", **more: Any
) -> str | None:
    """Return one of some options, None for any of them, for which `placeholder` stands; arguments as of `choose`."""
    chosen: str | None = settle(key, _one_of(options, None), _words, drop=drop)
    st.selectbox(label, options, index=None if chosen is None else options.index(chosen), key=key, placeholder=placeholder, **more)
    return chosen


def choose_some(label: str, key: str, options: Sequence[str], *, all_of: str, drop: Sequence[str] = ()) -> tuple[str, ...]:
    """Return some of many options; none stands for all of them, and `all_of` says so."""
    chosen = settle(key, lambda words: [word for word in dict.fromkeys(words) if word in options], list, drop=drop)
    st.multiselect(label, options, default=chosen, key=key, placeholder=all_of)
    return tuple(chosen)


def choose_text(label: str, key: str, *, most: int, drop: Sequence[str] = (), **more: Any) -> str:
    """Return what somebody typed, `most` letters of it."""
    chosen = settle(key, lambda words: words[-1][:most] if words else "", _words, drop=drop)
    st.text_input(label, value=chosen, key=key, max_chars=most, **more)
    return str(chosen).replace("\0", "").strip()  # which no database takes


def choose_flag(label: str, key: str, *, drop: Sequence[str] = (), **more: Any) -> bool:
    """Return whether something is switched on."""
    chosen = settle(key, lambda words: words[-1:] == ["true"], lambda flag: ["true"] if flag else (), drop=drop)
    st.toggle(label, value=chosen, key=key, **more)
    return bool(chosen)


def choose_number(label: str, key: str, most: int, *, default: int | None = None, place: Any = st, **more: Any) -> int | None:
    """Return a whole number from 1 to `most`; `default` is not written into the URL."""
    chosen: int | None = settle(
        key, lambda words: _within(words, most, default), lambda number: () if number == default else _words(number)
    )
    place.number_input(label, 1, most, chosen, 1, key=key, **more)
    return chosen


def choose_page(key: str, total: int, size: int, *, place: Any = st) -> int:
    """Return which page of a long table is shown, counted from 0; one page needs no choice."""
    pages = max(1, -(-total // size))
    if pages == 1:
        return 0
    return (choose_number(f"Page of {pages:,}", key, pages, default=1, place=place, width=160) or 1) - 1


def page_asked(key: str) -> int:
    """Return which page is asked for, counted from 0, before it is known how many there are."""
    return int(settle(key, lambda words: _within(words, 10**9, 1), lambda number: () if number == 1 else _words(number))) - 1


def number_asked(key: str) -> int | None:
    """Return the number of a row that the URL names; None where it names none, or one that is longer than any."""
    text = st.query_params.get(key, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _DIGITS else None


def choose_day(label: str, key: str, *, first_us: int, last_us: int, help: str | None = None) -> int:  # noqa: A002 - as Streamlit calls it
    """Return where a UTC day begins, UTC epoch microseconds; the last one unless another is chosen."""
    first, last = to_datetime(first_us).date(), to_datetime(last_us).date()

    def parse(words: list[str]) -> date:
        found = day_named(words[-1]) if words else None
        return found if found is not None and first <= found <= last else last

    day = settle(key, parse, lambda chosen: () if chosen in (None, last) else [chosen.isoformat()])
    st.date_input(label, value=day, key=key, min_value=first, max_value=last, help=help, width=190)
    return parse_time(day.isoformat())


def go_button(label: str, view: str, *, icon: str, **selection: str) -> None:
    """Show a button that leads to another section of this page with what is selected there: links lead to other pages only."""
    st.button(label, icon=icon, key=f"go_{label}", on_click=_go, args=(view, selection))
    if st.session_state.pop(_GONE, False):
        st.rerun()


def day_named(text: object) -> date | None:
    """Return the day that a text names, `2026-11-26`; None for any other text."""
    try:
        return to_datetime(parse_time(text)).date() if isinstance(text, str) else None
    except TimeError:
        return None


def _go(view: str, selection: dict[str, str]) -> None:
    for key in selection:
        st.session_state.pop(key, None)  # fields that Streamlit binds begin with what the URL says
    lead({"view": view, **selection}, alone=True)
    st.session_state[_GONE] = True  # a fragment alone would stay where it is


def _one_of(options: Sequence[str], default: str | None) -> Callable[[list[str]], str | None]:
    return lambda words: words[-1] if words and words[-1] in options else default


def _words(chosen: object) -> list[str]:
    return [] if chosen in (None, "") else [str(chosen)]


def _within(words: list[str], most: int, default: int | None) -> int | None:
    text = words[-1] if words else ""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    return number if 1 <= number <= most else default
