"""The pages, and links from one to a selection on another."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app.menu import PAGES

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

_FOLDER = Path(__file__).parents[1] / "pages"


def page_at(name: str) -> "StreamlitPage":
    """Return the page of a name."""
    title, icon = PAGES[name]
    return st.Page(_FOLDER / f"{name}.py", title=title, icon=icon, default=name == next(iter(PAGES)))


def link(name: str, label: str, *, icon: str | None = None, **selection: str) -> None:
    """Show a link to a page with what is selected there, as its URL says it: `link("market", "BTC", symbol="OKX:BTC-USDT")`."""
    st.page_link(page_at(name), label=label, icon=icon, query_params=selection or None)
