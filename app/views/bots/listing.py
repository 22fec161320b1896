"""The list of bots: one row for each, as they are now; a row that is chosen opens its bot."""

from hashlib import sha256

import streamlit as st

from app.bots.seen import Seen
from app.bots.tables import BOARD, board_table
from app.data.bots import Board, board
from app.views.banner import show_lost
from app.views.bots.controls import show_wishes_of_all
from app.views.bots.picker import Filters, open_bot, pick_filters
from app.views.first_sight import first_table

TICK_SECONDS = 2.0
_WIDE = {"why": 210, "strategy": 200, "symbols": 200}
_EMPTY = (
    "There are no bots yet. Make one in the section **new** above, put a JSON file into the folder of bots (`tcpdash bots schema` "
    "says what is in one), or start `tcpdash demo`, which has some."
)


def show_list(found: Board) -> None:
    """Show all bots, with filters and what can be wished of those that are shown."""
    if found.bots is None:
        _wait(lost_before=True)
        return
    if not found.bots:
        show_lost(found.lost)
        st.info(_EMPTY)
        _wait_for_first()
        return
    filters = pick_filters(found.bots)
    show_wishes_of_all([bot for bot in found.bots if filters.keep(bot)], len(found.bots))
    _show(filters, frozenset(bot.id for bot in found.bots))


@st.fragment(run_every=TICK_SECONDS)
def _show(filters: Filters, ids: frozenset[str]) -> None:
    now = board()
    bots = now.bots or []
    if {bot.id for bot in bots} != ids:
        st.rerun()  # the pickers were made for others
    show_lost(now.lost)
    shown = [bot for bot in bots if filters.keep(bot)]
    st.caption(_summary(shown, len(bots)))
    if not shown:
        st.info("No bot is like that; clear the filters to see all.")
        return
    key = f"bots {sha256(' '.join(bot.id for bot in shown).encode()).hexdigest()[:12]}"
    columns = {name: st.column_config.TextColumn(name, width=_WIDE.get(name)) for name in BOARD}
    table, alt = board_table(shown), "Bots, their states and what they are worth"
    picked = first_table("bots", table, alt=alt).dataframe(
        table, key=key, hide_index=True, on_select="rerun", selection_mode=["single-row", "single-cell"],
        column_config=columns, alt=alt, height=min(35 * (len(shown) + 1) + 3, 640),
    )  # fmt: skip
    rows = [*picked["selection"]["rows"], *(cell[0] for cell in picked["selection"]["cells"])]
    if rows and rows[0] < len(shown):
        open_bot(shown[rows[0]].id, "summary")


@st.fragment(run_every=TICK_SECONDS)
def _wait(*, lost_before: bool) -> None:
    now = board()
    if now.bots is not None and lost_before:
        st.rerun()
    show_lost(now.lost)


@st.fragment(run_every=TICK_SECONDS)
def _wait_for_first() -> None:
    if board().bots:
        st.rerun()


def _summary(shown: list[Seen], total: int) -> str:
    states = [bot.verdict.state for bot in shown]
    counts = ", ".join(f"{states.count(state):,} {state}" for state in dict.fromkeys(sorted(states)))
    left = "" if len(shown) == total else f"{len(shown):,} of "
    said = " · P&L after fees, with what is held at its price, in the quote currency of each"
    return f"{left}{total:,} bot{'s' if total != 1 else ''}" + (f": {counts}" if counts else "") + said
