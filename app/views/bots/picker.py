"""Which bot is looked at, and which ones the list shows; all of it stands in the URL."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from app.bot_seen import Seen
from app.markdown import escaped

VIEWS = ("summary", "trades", "orders", "signals", "events", "explain", "edit")
LISTS = ("all", "new")
_OPEN = "open bot"


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
    """Let the next run of the page look at a bot, or at the list with None; for callbacks and fragments."""
    st.session_state[_OPEN] = (bot, view)


def pick_bot(ids: Sequence[str], *, known: bool) -> str | None:
    """Return which bot is looked at; None for the list.

    Args:
        ids: Of all bots.
        known: Whether these are all; while the database is away the URL may ask for one that nobody has read yet.
    """
    if _OPEN in st.session_state:
        bot, view = st.session_state.pop(_OPEN)
        st.session_state["bot"], st.session_state["view"] = bot, view
        first_page()
    asked = st.session_state.get("bot", st.query_params.get("bot"))
    options = list(ids) if asked in ids or asked is None or known else [*ids, str(asked)]
    if asked is not None and asked not in options:
        st.session_state["bot"] = None
        st.warning(f"There is no bot {escaped(str(asked))} any more, or there never was one.", icon=":material/help:")
    if not options:
        return None
    return st.selectbox(
        "Bot", options, index=None, key="bot", bind="query-params", placeholder="All bots: choose one here, or in the list",
        label_visibility="collapsed", on_change=first_page,
    )  # fmt: skip


def first_page() -> None:
    """Let the tables begin with what is newest."""
    st.query_params.pop("page", None)


def pick_view(bot: str | None) -> str:
    """Return which section is looked at: of a bot, or of all of them."""
    views = LISTS if bot is None else VIEWS
    if st.session_state.get("view", st.query_params.get("view")) not in views:
        st.session_state["view"] = views[0]
    picked = st.segmented_control(
        "Section", views, key="view", bind="query-params", required=True, label_visibility="collapsed", on_change=first_page
    )
    return picked or views[0]


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
