"""Bots are made and changed here: by a form, or as JSON; both write the same text, which is checked as it is typed."""

import streamlit as st

from app.actions import bots as wishes
from app.bots.files import why_not_writable
from app.bots.seen import Seen
from app.bots.text import cloned, text_of, tree_of
from app.data.bot_folder import Checked, check, file_of, folder, place_of
from app.data.live import known_symbols
from app.data.strategies import being_read, form_desk
from app.markdown import escaped
from app.views.bot_form import show_form, show_problems
from app.views.bots.draft import NEW, Draft, discard, draft, example
from app.views.bots.picker import open_bot
from app.views.choices import choose
from app.views.reading import wait_for_strategies
from app.views.wishes import MAY_NOT, may_act, told
from market.errors import InputError

_FORM, _JSON = "form", "json"


def show_new(bots: list[Seen]) -> None:
    """Show what a new bot is to do; a bot that was cloned is what it begins as."""
    source = next((bot for bot in bots if bot.id == st.session_state.get("clone of")), None)
    own = draft(NEW, lambda: _begin(source, {bot.id for bot in bots}))
    about = f", a copy of {escaped(own.source)}" if own.source else ""
    st.subheader(f"A new bot{about}", anchor=False)
    _edit(own.key, bot=None)


def show_edit(bot: Seen) -> None:
    """Show the file of a bot, to be changed; while it runs, too."""
    key = f"draft:{bot.id}"
    try:
        file = file_of(bot)
    except InputError as error:
        st.error(escaped(str(error)), icon=":material/error:")
        return
    if file is None:
        _show_without_file(bot)
        return
    own = draft(key, lambda: Draft(key=key, text=file.text, base=file))
    if own.base is not None and own.base.digest != file.digest:
        if not own.is_changed:
            own.base = file
            own.say(file.text)
        else:
            st.warning(
                "Somebody changed the file since this edit began: it cannot be saved over that. Copy what you want to keep, then "
                "discard it, which loads the file as it is now.", icon=":material/sync_problem:",
            )  # fmt: skip
    st.caption(
        f"The file {escaped(place_of(file.path))} in the folder of bots. What is saved counts at once, while the bot runs, too; "
        "what it holds stays. The wish and what it changed stand in the events."
    )
    _edit(key, bot=bot.id)


def _begin(source: Seen | None, taken: set[str]) -> Draft:
    if source is None:
        return Draft(key=NEW, text=example(known_symbols().symbols))
    free = next(each for each in (f"{source.id[:55]}-{number}" for number in range(2, 10**6)) if each not in taken)
    tree = {name: value for name, value in source.config.items() if value is not None}
    try:
        file = file_of(source)
    except InputError:
        file = None
    said = None if file is None else tree_of(file.text)
    return Draft(key=NEW, text=text_of(cloned(said or tree, free)), source=source.id)


def _show_without_file(bot: Seen) -> None:
    st.info(
        f"The file of this bot, {escaped(place_of(bot.line.bot.config_file))}, is not in the folder of bots of this page: "
        "it is on another machine, or gone. Change it where it is; this is what it said last:"
    )
    st.code(text_of(bot.config), language="json", wrap_lines=True)


@st.fragment
def _edit(key: str, *, bot: str | None) -> None:
    own = st.session_state.get(key)
    if not isinstance(own, Draft):
        st.rerun()
    way = choose("Written as", "written", [_FORM, _JSON], _FORM)
    checked = check(own.text)
    if being_read():
        wait_for_strategies(form_desk())
    show_problems(checked.problems)
    if not checked.is_whole:
        st.caption("The strategy is being asked what it says of its parameters; saving waits for it.")
    if way == _JSON or own.tree is None:
        if way != _JSON:
            st.caption("A form can change only what is a JSON object; mend the text first.")
        _show_text(own)
    else:
        left, right = st.columns([3, 2])
        with left:
            show_form(own, checked.problems, known_symbols().symbols, own_id=bot is None, disabled=not may_act())
        with right:
            st.caption("What the file says then")
            st.code(own.text, language="json", wrap_lines=True)
    _show_saving(own, checked, bot)


def _show_text(own: Draft) -> None:
    key = f"{own.key}:{own.revision}:text"

    def changed() -> None:
        own.text = str(st.session_state.get(key) or "")

    st.text_area("JSON", own.text, key=key, height=520, on_change=changed, disabled=not may_act(), max_chars=262_144)


def _show_saving(own: Draft, checked: Checked, bot: str | None) -> None:
    why = why_not_writable(folder())
    if why:
        name = f"{bot or (checked.config.id if checked.config else 'my-bot')}.json"
        st.warning(
            f"{escaped(why[:1].upper() + why[1:])}: nothing can be saved from here. Copy the text into the file {escaped(name)} of "
            "the folder of bots of your runners; they take it over within seconds.", icon=":material/lock:",
        )  # fmt: skip
        st.code(own.text, language="json", wrap_lines=True)
    ready = checked.config is not None and may_act() and not why and own.is_changed
    with st.container(horizontal=True, vertical_alignment="center"):
        if bot is None and st.button("Create", type="primary", icon=":material/add:", disabled=not ready):
            _create(own)
        if bot is not None and st.button("Save", type="primary", icon=":material/save:", disabled=not ready):
            _save(own, bot)
        if st.button("Discard", icon=":material/undo:"):
            discard(own.key)
            st.session_state.pop("clone of", None)
            st.rerun()
        if not may_act():
            st.caption(MAY_NOT)
        elif not own.is_changed:
            st.caption("Nothing is changed yet.")


def _create(own: Draft) -> None:
    done: str | None = None
    with told("The bot is there."):
        done = wishes.create(own.text, cloned_from=own.source)
    if done is not None:
        discard(own.key)
        st.session_state.pop("clone of", None)
        open_bot(done, "summary")


def _save(own: Draft, bot: str) -> None:
    done = False
    with told("Saved; its runner takes it over within seconds."):
        assert own.base is not None
        wishes.edit(bot, own.text, own.base)
        done = True
    if done:
        discard(own.key)
        st.rerun()
