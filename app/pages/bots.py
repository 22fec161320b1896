"""The page of bots: all of them as they are now, and one of them with all that it did; they are made and changed here, too."""

import streamlit as st

from app.bots.seen import Seen
from app.data.bots import board, one
from app.markdown import escaped
from app.stores import Lost
from app.views.banner import show_lost
from app.views.bots.controls import show_wishes_of_one
from app.views.bots.explained import show_explanation
from app.views.bots.listing import show_list
from app.views.bots.papers import show_papers
from app.views.bots.picker import pick_bot, pick_view
from app.views.bots.summary import show_summary


def _show_one(bot: Seen, view: str) -> None:
    name = str(bot.config.get("name", ""))
    st.subheader(escaped(bot.id) + (f": {escaped(name)}" if name else ""), anchor=False)
    show_wishes_of_one(bot)
    if view == "summary":
        show_summary(bot)
    elif view == "explain":
        show_explanation(bot)
    elif view == "edit":
        from app.views.bots.editing import show_edit  # noqa: PLC0415 - strategies take a second to import

        show_edit(bot)
    elif view in ("trades", "orders", "signals", "events"):
        show_papers(view, bot)  # type: ignore[arg-type]  # mypy does not narrow to the words of a tuple


@st.fragment(run_every=2.0)
def _wait_for(bot_id: str) -> None:
    lost: Lost = {}
    if one(bot_id, lost) is not None:
        st.rerun()
    show_lost(lost)


st.header("Bots", anchor=False)
found = board()
picked = pick_bot([bot.id for bot in found.bots or ()], known=found.bots is not None and "database" not in found.lost)
view = pick_view(picked)
if picked is not None:
    shown = one(picked, {})
    if shown is None:
        _wait_for(picked)
    else:
        _show_one(shown, view)
elif view == "new":
    from app.views.bots.editing import show_new

    show_new(found.bots or [])
else:
    show_list(found)
