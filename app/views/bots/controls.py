"""What people wish of bots: buttons, and a question before what ends something."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import streamlit as st

from app.actions import bots as wishes
from app.bots.files import BotFile
from app.bots.seen import Seen
from app.bots.tables import amount
from app.data import bot_folder
from app.markdown import escaped
from app.views.bots.draft import NEW, discard
from app.views.bots.picker import open_bot
from app.views.wishes import MAY_NOT, may_act, told
from market.errors import InputError

_MORE = "\N{HORIZONTAL ELLIPSIS}"
_AWAY = (
    "Nothing was done where the database is away. While it is, bots do nothing; then they go on: stop them again once it answers."
)


def show_wishes_of_all(shown: Sequence[Seen], total: int) -> None:
    """Show what can be wished of the bots of the list.

    Args:
        shown: Those that the filters leave.
        total: How many there are.
    """
    ids, refused = [bot.id for bot in shown], not may_act()
    with st.container(horizontal=True, vertical_alignment="center"):
        every = "all" if len(ids) == total else "these"
        # Without keys a button whose number is another one by now is another button, and the press is lost.
        if st.button(
            f"Start {every} {len(ids):,}{_MORE}", icon=":material/play_arrow:", disabled=refused or not ids, key="start shown"
        ):
            _ask_start(ids)
        if st.button(f"Stop {every} {len(ids):,}{_MORE}", icon=":material/stop:", disabled=refused or not ids, key="stop shown"):
            _ask_stop(ids)
        if len(ids) != total and st.button(f"Stop all{_MORE}", icon=":material/stop_circle:", disabled=refused, key="stop all"):
            _ask_stop(None)
        if refused:
            st.caption(MAY_NOT)


def show_wishes_of_one(bot: Seen) -> None:
    """Show what can be wished of one bot."""
    refused = not may_act()
    first: Literal["primary", "secondary"] = "secondary" if bot.line.bot.wanted == "running" else "primary"
    buttons: list[tuple[str, str, str, Callable[[], None]]] = [
        ("Start", ":material/play_arrow:", _START, partial(_start, bot.id, from_now=False)),
        ("Start from now", ":material/fast_forward:", _FROM_NOW, partial(_start, bot.id, from_now=True)),
        ("Stop", ":material/stop:", _STOP, partial(_stop, bot.id)),
        (f"Park{_MORE}", ":material/local_parking:", _PARK, partial(_ask_park, bot)),
        ("Clone", ":material/content_copy:", _CLONE, partial(_clone, bot.id)),
        (f"Reset account{_MORE}", ":material/restart_alt:", _RESET, partial(_ask_reset, bot)),
        (f"Delete{_MORE}", ":material/delete:", _DELETE, partial(_ask_delete, bot)),
    ]
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = [
            wish
            for label, icon, means, wish in buttons
            if st.button(
                label,
                icon=icon,
                help=means,
                disabled=refused,
                type=first if label == "Start" else "secondary",
                key=f"{label} {bot.id}",  # without it a button that looks different by now is another one, and its press is lost
            )
        ]
        if refused:
            st.caption(MAY_NOT)
    for wish in pressed:
        wish()


def _start(bot: str, *, from_now: bool) -> None:
    with told():
        if wishes.start([bot], from_now=from_now):
            st.success(f"{escaped(bot)} is wanted to run now; a runner takes it within seconds.", icon=":material/check:")
        else:
            skips = "; to let it skip what it missed, stop it first" if from_now else ""
            st.info(f"{escaped(bot)} was wanted to run already{skips}.")


def _stop(bot: str) -> None:
    with told():
        if wishes.stop([bot]):
            st.success(f"{escaped(bot)} is stopped; what it holds stays as it is.", icon=":material/check:")
        else:
            st.info(f"{escaped(bot)} was stopped already.")


@st.dialog("Start bots")
def _ask_start(ids: Sequence[str]) -> None:
    st.write(f"Let {len(ids):,} bots run? Those that are parked get another chance.")
    st.text(_listed(ids))
    from_now = st.checkbox("From now on", help=_FROM_NOW)
    _confirm("Start them", partial(wishes.start, ids, from_now=from_now))


@st.dialog("Stop bots")
def _ask_stop(ids: Sequence[str] | None) -> None:
    which = "all bots, also those that the list does not show" if ids is None else f"{len(ids):,} bots"
    st.write(f"Stop {which}? Nothing that they do counts from then on; what they hold stays as it is.")
    st.text("" if ids is None else _listed(ids))
    _confirm("Stop them", wishes.stop_all if ids is None else partial(wishes.stop, ids))


@st.dialog("Park a bot")
def _ask_park(bot: Seen) -> None:
    st.write(f"**{escaped(bot.id)}** {_PARK_LONG}")
    reason = st.text_input("Reason", max_chars=200, placeholder="for whoever wants to start it again")
    _confirm("Park it", partial(wishes.park, bot.id, reason))


@st.dialog("Reset an account")
def _ask_reset(bot: Seen) -> None:
    st.write(
        f"End account {bot.line.bot.run} of **{escaped(bot.id)}**{_worth(bot)}, and begin another with what its file says? What it "
        "did stays stored; it has to be stopped for that."
    )
    _confirm("End this account", partial(wishes.reset, bot.id))


@st.dialog("Delete a bot")
def _ask_delete(bot: Seen) -> None:
    st.write(f"Remove **{escaped(bot.id)}**{_worth(bot)} with all its signals, trades and events, for ever? It has to be stopped.")
    file: BotFile | None = None
    try:
        file = bot_folder.file_of(bot)
    except InputError as error:
        st.error(escaped(str(error)), icon=":material/error:")
    if file is None:
        st.warning(
            f"Its file, {escaped(bot_folder.place_of(bot.line.bot.config_file))}, is not there for this page, and stays: the next "
            "runner that looks at it makes the bot anew. Remove it where it is, too.", icon=":material/warning:",
        )  # fmt: skip
    else:
        st.text(f"Its file goes, too: {bot_folder.place_of(file.path)}")
    typed = st.text_input("Its id, so that it is the right one", placeholder=bot.id)
    if _confirm("Delete it", partial(wishes.delete, bot.id, file), ready=typed.strip() == bot.id, stay=True):
        open_bot(None, "all")


def _confirm(label: str, wish: Callable[[], object], *, ready: bool = True, stay: bool = False) -> bool:
    """Show the button that does it; the dialog closes when it is done, and says why when it is not."""
    if not st.button(label, type="primary", disabled=not (ready and may_act())):
        return False
    done = False
    with told("Done."):
        wish()
        done = True
    if done and not stay:
        st.rerun()
    return done


def _clone(bot: str) -> None:
    st.session_state["clone of"] = bot
    discard(NEW)
    open_bot(None, "new")


def _worth(bot: Seen) -> str:
    return "" if bot.equity is None else f", worth {escaped(amount(bot.equity))} {escaped(bot.quote)}"


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids[:40]) + (f" and {len(ids) - 40:,} more" if len(ids) > 40 else "")


_START = "Let it run: it goes on where it was, and catches up. One that is parked gets another chance."
_RESET = "End its account, and begin another; what it did stays stored."
_DELETE = "Remove it with all that it wrote."
_FROM_NOW = "Skip the candles that were missed, instead of catching up with them."
_STOP = f"Nothing that it does counts from then on; what it holds stays as it is. {_AWAY}"
_PARK = "Take it from its runner with a reason that everybody sees, until somebody starts it again."
_PARK_LONG = (
    "loses its runner, and nothing that it does counts from then on; what it holds stays as it is. It stays parked, with this "
    "reason beside it, until somebody starts it."
)
_CLONE = "Begin a new bot with the same configuration; it gets another id."
