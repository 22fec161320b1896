"""What a browser shows first where something heavy will be: a chart as a picture, a table as plain HTML.

The code that draws charts, and that which draws tables, is a megabyte each: a browser that has not run it yet shows at once what
was drawn here. That is so once a session and part; what is heavy takes its place a moment later.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from app.index_page import WIDTH
from app.views.html import html_table
from app.views.painting import is_painted, let_paint

_USUAL_WIDTH, _LEAST_WIDTH, _MOST_WIDTH, _DIGITS = 1_280, 320, 4_000, 6
_AROUND = 160
"""What Streamlit leaves free beside the page, pixels."""
_ROWS = 15


def first_chart(part: str, sketch: Callable[[int, str], str], *, alt: str) -> Any:
    """Return where a chart is to be drawn; the first time a picture of it is there already.

    Args:
        part: Of the page; each is drawn first once.
        sketch: Return the picture as SVG, from the width in pixels and the theme, `light` or `dark`.
        alt: What somebody who cannot see it is told.
    """

    def picture() -> str:
        inner = b64encode(sketch(width_told(st.context.cookies), st.context.theme.type or "light").encode()).decode()
        return f'<img class="first-sight" width="100%" alt="{escape(alt)}" src="data:image/svg+xml;base64,{inner}">'

    return _place(part, picture)


def first_table(part: str, table: pd.DataFrame, *, alt: str, told: Mapping[str, Callable[[Any], str]] | None = None) -> Any:
    """Return where a table is to be drawn; the first time its first rows are there already.

    Args:
        part: Of the page; each is drawn first once.
        table: All rows.
        alt: What somebody who cannot see it is told.
        told: How cells of some columns are shown, by name.
    """

    def rows() -> str:
        head = [str(name) for name in table.columns]
        cells = [_words(table[name].head(_ROWS), (told or {}).get(name, str)) for name in table.columns]
        return f'<div class="first-sight">{html_table(head, zip(*cells, strict=True), name=alt)}</div>'

    return _place(part, rows)


def _place(part: str, html: Callable[[], str]) -> Any:
    if is_painted(part):
        return st
    place = st.empty()  # what is drawn there later has the place in the page that it has without
    place.html(html())
    let_paint(part)
    return place


def _words(column: "pd.Series[Any]", tell: Callable[[Any], str]) -> Sequence[str]:
    return ["" if pd.isna(cell) else tell(cell) for cell in column]


def width_told(cookies: Mapping[str, str]) -> int:
    """Return how wide a page is in a browser, in pixels; `cookies` are what it has, the usual width where they do not say."""
    told = cookies.get(WIDTH, "")
    width = int(told) if told.isascii() and told.isdecimal() and len(told) < _DIGITS else _USUAL_WIDTH
    return min(max(width, _LEAST_WIDTH), _MOST_WIDTH) - _AROUND
