"""The pages, in the order of the menu, and links from one to a selection on another."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

_FOLDER = Path(__file__).parents[1] / "pages"

PAGES = {
    "overview": ("Overview", ":material/dashboard:"),
    "market": ("Market", ":material/candlestick_chart:"),
    "data": ("Data", ":material/fact_check:"),
    "bots": ("Bots", ":material/smart_toy:"),
    "backtests": ("Backtests", ":material/science:"),
    "system": ("System", ":material/monitor_heart:"),
}
"""Title and icon of each page by its name, which is its file, and its path in the URL; the first is at `/`."""


def page_at(name: str) -> "StreamlitPage":
    """Return the page of a name."""
    title, icon = PAGES[name]
    return st.Page(_FOLDER / f"{name}.py", title=title, icon=icon, default=name == next(iter(PAGES)))


def link(name: str, label: str, *, icon: str | None = None, **selection: str) -> None:
    """Show a link to a page with what is selected there, as its URL says it: `link("market", "BTC", symbol="OKX:BTC-USDT")`."""
    st.page_link(page_at(name), label=label, icon=icon, query_params=selection or None)
