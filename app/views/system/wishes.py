"""The record of wishes: who asked what of the system, and when; newest first, a page at a time."""

import json

import pandas as pd
import streamlit as st

from app.data.system import mask, wishes
from app.stores import Lost
from app.views.banner import show_lost
from app.views.choices import number_asked
from app.views.sidebar import zone
from app.words import NOTHING
from db.repositories.wishes import Wish
from market.clock import now_us

_SIZE, _KEY, _HIGHEST = 50, "before", 2**63 - 1


@st.fragment(run_every=10)
def show_wishes() -> None:
    """Show a page of the record; the newest one is read again and again."""
    st.subheader("Wishes", anchor=False)
    lost: Lost = {}
    before = _before()
    found = wishes(lost, before=before, size=_SIZE + 1)
    show_lost(lost)
    if found is None:
        return
    shown = found[:_SIZE]
    if shown:
        st.dataframe(_table(shown), hide_index=True, alt="Wishes, newest first", height=560)
    else:
        st.write("There are none before that." if before else "None: nobody has started, stopped or changed anything on the page.")
    newest, older, _ = st.columns([1, 1, 6])
    newest.button("Newest", disabled=before is None, icon=":material/first_page:", on_click=_go, args=(None,))
    last = shown[-1].id if shown else None
    older.button("Older", disabled=len(found) <= _SIZE, icon=":material/chevron_right:", on_click=_go, args=(last,))


def _before() -> int | None:
    number = number_asked(_KEY)
    return None if number is None else min(number, _HIGHEST)


def _go(before: int | None) -> None:
    if before is not None:
        st.query_params[_KEY] = str(before)
    elif _KEY in st.query_params:
        del st.query_params[_KEY]


def _table(found: list[Wish]) -> pd.DataFrame:
    hidden, own = mask(), zone(found[0].at_us or now_us())
    return pd.DataFrame(
        [
            {
                "number": each.id,
                f"when ({own.name})": own.told(each.at_us or 0),
                "who": each.by,
                "wished": each.action,
                "of": each.subject,
                "details": hidden(json.dumps(each.details, ensure_ascii=False)) if each.details else NOTHING,
            }
            for each in found
        ]
    )
