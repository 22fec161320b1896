"""Which bot is looked at, and which ones the list shows; all of it stands in the URL.

Bot, section and page are no widgets that Streamlit binds to the URL: those take the place of what the URL said before, and the back
button would leave the page instead of the bot.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from app.bots.seen import Seen
from app.markdown import escaped

VIEWS = ("summary", "trades", "orders", "signals", "events", "explain", "edit")
LISTS = ("all", "new")


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
    _go(bot, view)
    st.rerun()


def pick_bot(ids: Sequence[str], *, known: bool) -> str | None:
    """Return which bot is looked at; None for the list.

    Args:
        ids: Of all bots.
        known: Whether these are all; while the database is away the URL may ask for one that nobody has read yet.
    """
    asked = st.query_params.get("bot")
    options = list(ids) if asked in ids or asked is None or known else [*ids, asked]
    if asked is not None and asked not in options:
        st.warning(f"There is no bot {escaped(asked[:100])} any more, or there never was one.", icon=":material/help:")
    if not options:
        return None
    st.session_state["bot"] = asked if asked in options else None
    return st.selectbox(
        "Bot", options, index=None, key="bot", placeholder="All bots: choose one here, or in the list",
        label_visibility="collapsed", on_change=_bot_changed,
    )  # fmt: skip


def pick_view(bot: str | None) -> str:
    """Return which section is looked at: of a bot, or of all of them."""
    views = LISTS if bot is None else VIEWS
    asked = st.query_params.get("view")
    st.session_state["view"] = asked if asked in views else views[0]
    picked = st.segmented_control(
        "Section", views, key="view", required=True, label_visibility="collapsed", on_change=_view_changed,
    )  # fmt: skip
    return picked or views[0]


def page_number(most: int) -> int:
    """Return which page of a table is looked at, from 1."""
    asked = st.query_params.get("page", "1")
    return min(max(int(asked), 1), most) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1


def turn_to(number: int) -> None:
    """Look at another page of a table."""
    st.query_params["page"] = str(number)


def _bot_changed() -> None:
    _go(st.session_state.get("bot"), st.query_params.get("view", VIEWS[0]))


def _view_changed() -> None:
    _go(st.query_params.get("bot"), st.session_state.get("view") or "")


def _go(bot: str | None, view: str) -> None:
    """Put what is looked at into the URL, in one step where that can be: each is one of the back button."""
    wanted = {"view": view} | ({} if bot is None else {"bot": bot})
    if st.query_params.get("page", "1") != "1":
        wanted["page"] = "1"  # tables begin with what is newest
    if any(st.query_params.get(name) != value for name, value in wanted.items()):
        st.query_params.update(wanted)
    if bot is None and "bot" in st.query_params:
        del st.query_params["bot"]


def pick_filters(bots: Iterable[Seen]) -> Filters:
    """Return what the list is to show."""
    shown = list(bots)
    columns = st.columns(4)
    with columns[0]:
        text = st.text_input("Text", key="text", bind="query-params", max_chars=100, placeholder="in id, name, strategy, reason")
    with columns[1]:
        state = _one("State", "state", {bot.line.bot.state for bot in shown} | {str(bot.verdict.state) for bot in shown})
    with columns[2]:
        strategy = _one("Strategy", "strategy", {str(bot.config.get("strategy")) for bot in shown})
    with columns[3]:
        symbol = _one("Trades", "trades", {symbol for bot in shown for symbol in bot.symbols})
    return Filters(text=(text or "").strip(), state=state, strategy=strategy, symbol=symbol)


def _one(label: str, key: str, options: set[str]) -> str:
    asked = st.session_state.get(key, st.query_params.get(key))
    words = sorted({*options, *([str(asked)[:100]] if asked else [])})  # no bot may be so at the moment
    return st.selectbox(label, words, index=None, key=key, bind="query-params", placeholder="any") or ""
