"""What is chosen stands in the URL: reload, links, Back and Forward bring it back, and each choice is a step of the history.

Streamlit's own binding (`bind="query-params"`) takes the place of what the URL said before: that is right for the fields of a form,
where Back leads to what was before the form, and wrong for what leads somewhere. So sections, filters and pages are widgets that
Streamlit does not bind; each time one is drawn, `settle` brings it and the URL together:

- what somebody chose here, or the code put into the session, goes into the URL;
- else the URL says what is chosen: after a link, a reload, Back or Forward; what it asks for and there is not is the default.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from market.clock import monotonic

Query = dict[str, list[str]]

_OF_ALL_PAGES = ("tz",)
_LAST, _NONE = "kept last", "nothing"
_UNDERWAY_SECONDS, _MOST_STEPS = 2.0, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What was put into the URL: requests that were on their way meanwhile still have words from before it."""

    page: str
    before: Query
    after: Query
    at: float


def lead(changes: Mapping[str, str | Iterable[str] | None], *, alone: bool = False) -> None:
    """Put something into the URL, in one step of the browser's history.

    Args:
        changes: Words by parameter; None, or no words, takes it out.
        alone: Whether all else is taken out, but for what holds for all pages.
    """
    now = _query()
    base = _caught_up(now)
    kept = {name: words for name, words in base.items() if not alone or name in _OF_ALL_PAGES}
    told = {name: [words] if isinstance(words, str) else list(words or ()) for name, words in changes.items()}
    after = {name: words for name, words in {**kept, **told}.items() if words}
    if after != base:
        st.session_state[_LAST] = (*_underway(), _Step(page=_page(), before=base, after=after, at=monotonic()))
    if after != now:
        _write(after)


def asked(key: str) -> list[str]:
    """Return what the URL says, all words of a parameter; none where it says nothing."""
    now = _query()
    known = _caught_up(now)
    if known != now:
        _write(known)
    return known.get(key, [])


def settle(key: str, parse: Callable[[list[str]], Any], tell: Callable[[Any], Iterable[str]], **more: Any) -> Any:
    """Bring a widget and the URL together before the widget is drawn, and return what is chosen.

    Args:
        key: Of the widget, and of its parameter.
        parse: Return what words of the URL ask for, the default where they ask for nothing that there is; what somebody chose goes
            through it, too.
        tell: Return the words of a choice.
        more: Arguments of `lead`, and `drop`: names of parameters that go when this choice changes.
    """
    said, held = parse(asked(key)), f"kept {key}"
    here = st.session_state.get(key, _NONE)
    changed = here is not _NONE and here != st.session_state.get(held, _NONE) and not _is_history()
    chosen = parse(list(tell(here))) if changed else said
    if changed and chosen != said:
        lead({**dict.fromkeys(more.get("drop", ())), key: tell(chosen)}, alone=more.get("alone", False))
    if here is _NONE or here != chosen:
        st.session_state[key] = chosen
    st.session_state[held] = chosen
    return chosen


def _caught_up(now: Query) -> Query:
    """Return what the URL says once the browser has heard of the last steps: a click may have been quicker than that.

    Each parameter for itself: what else the browser put into the URL meanwhile, for a field of a form, stays.
    """
    if _is_history():
        st.session_state.pop(_LAST, None)
    caught = dict(now)
    for step in _underway():
        for name in {*step.before, *step.after}:
            if caught.get(name) == step.before.get(name):
                caught[name] = step.after.get(name, [])
    return {name: words for name, words in caught.items() if words}


def _underway() -> tuple[_Step, ...]:
    """Return the last steps that the browser may not have heard of yet."""
    steps: tuple[_Step, ...] = st.session_state.get(_LAST, ())
    return tuple(step for step in steps if step.page == _page() and monotonic() - step.at < _UNDERWAY_SECONDS)[-_MOST_STEPS:]


def _query() -> Query:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _write(after: Query) -> None:
    context = get_script_run_ctx()
    if context is None:
        return
    with (
        context.session_state.query_params() as held
    ):  # `st.query_params` refuses to touch what Streamlit binds, also what is to go
        held.clear_with_no_forward_msg(preserve_embed=True)
        for name, words in after.items():
            held.set_with_no_forward_msg(name, words[0] if len(words) == 1 else words)
    st.query_params.update()  # tells the browser, once


def _page() -> str:
    context = get_script_run_ctx()
    return "" if context is None else context.page_script_hash


def _is_history() -> bool:
    """Return whether this run is one of Back or Forward: then the URL is right, whatever the widgets say."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
