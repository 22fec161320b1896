"""Which bot is looked at, which section of it, and which ones the list shows; all of it stands in the URL."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from app.bots.seen import Seen
from app.markdown import escaped
from app.views.choices import choose, choose_any, choose_text, page_asked
from app.views.kept import asked, lead

VIEWS = ("summary", "trades", "orders", "signals", "events", "explain", "edit")
LISTS = ("all", "new")

_INSIDE = ("page", "account", "acted", "drawn", "written")
"""What is chosen inside a section, and goes with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a bot has to be to be shown; empty for any.

    Attributes:
        text: In its id, name, strategy, symbols or reason.
        state: What it does, or how it is.
        strategy: Its strategy.
        symbol: One of its symbols.
    """

    text: str = ""
    state: str = ""
    strategy: str = ""
    symbol: str = ""

    def keep(self, bot: Seen) -> bool:
        """Return whether a bot is shown."""
        config = bot.config
        words = " ".join((bot.id, str(config.get("name", "")), str(config.get("strategy")), *bot.symbols, bot.why)).lower()
        return (
            all(each in words for each in self.text.lower().split())
            and self.state in ("", bot.line.bot.state, str(bot.verdict.state))
            and self.strategy in ("", config.get("strategy"))
            and self.symbol in ("", *bot.symbols)
        )


def open_bot(bot: str | None, view: str) -> None:
    """Look at a bot, or at the list with None; this run of the page ends. The back button leads back."""
    first = (LISTS if bot is None else VIEWS)[0]
    lead({**dict.fromkeys(_INSIDE), "bot": bot, "view": None if view == first else view})
    st.rerun()


def pick_bot(ids: Sequence[str], *, known: bool) -> str | None:
    """Return which bot is looked at; None for the list.

    Args:
        ids: Of all bots.
        known: Whether these are all; while the database is away the URL may ask for one that nobody has read yet.
    """
    said = next(iter(asked("bot")), None)
    options = list(ids) if said in ids or said is None or known else [*ids, said]
    if said is not None and said not in options:
        st.warning(f"There is no bot {escaped(said[:100])} any more, or there never was one.", icon=":material/help:")
    if not options:
        return None
    is_other = said in options and st.session_state.get("bot") is not None  # then the section stays: both have it
    return choose_any(
        "Bot", "bot", options, drop=_INSIDE if is_other else ("view", *_INSIDE),
        placeholder="All bots: choose one here, or in the list", label_visibility="collapsed",
    )  # fmt: skip


def pick_view(bot: str | None) -> str:
    """Return which section is looked at: of a bot, or of all of them."""
    views = LISTS if bot is None else VIEWS
    return choose("Section", "view", views, views[0], drop=_INSIDE, label_visibility="collapsed")


def page_number(most: int) -> int:
    """Return which page of a table is looked at, from 1."""
    return min(page_asked("page") + 1, most)


def turn_to(number: int) -> None:
    """Look at another page of a table."""
    lead({"page": None if number == 1 else str(number)})


def pick_filters(bots: Iterable[Seen]) -> Filters:
    """Return what the list is to show."""
    shown = list(bots)
    columns = st.columns(4)
    with columns[0]:
        text = choose_text("Text", "text", most=100, placeholder="in id, name, strategy, reason")
    with columns[1]:
        state = _one("State", "state", {bot.line.bot.state for bot in shown} | {str(bot.verdict.state) for bot in shown})
    with columns[2]:
        strategy = _one("Strategy", "strategy", {str(bot.config.get("strategy")) for bot in shown})
    with columns[3]:
        symbol = _one("Trades", "trades", {symbol for bot in shown for symbol in bot.symbols})
    return Filters(text=text, state=state, strategy=strategy, symbol=symbol)


def _one(label: str, key: str, options: set[str]) -> str:
    picked = [str(each)[:100] for each in (*asked(key), st.session_state.get(key)) if each]  # no bot may be so at the moment
    return choose_any(label, key, sorted({*options, *picked})) or ""
