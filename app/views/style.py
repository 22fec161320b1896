"""What Streamlit's options of the theme (cli/page.py) cannot say: room at the top, and text that can be read on its ground."""

import streamlit as st

# Streamlit writes chosen options, values of sliders and names of tabs in the primary colour, and white on it on buttons: in the
# dark theme no colour is light enough for the one and dark enough for the other. Colours of code and JSON are fixed, and too pale
# in one theme or the other. A caption is made paler as a whole, with the badge in it: here its words alone are.
_READABLE = """
.stButtonGroup [data-selected="true"] p, .stSlider [data-testid="stSliderThumbValue"], .stTabs [aria-selected="true"] p {
    color: light-dark(#0a5ca8, #8fc8ff)
}
.stCode pre .token { color: inherit !important }
[data-testid="stCaptionContainer"]:has(.stMarkdownBadge) { opacity: 1; color: color-mix(in srgb, currentColor 60%, transparent) }
.first-sight { display: block; overflow: hidden }
.stJson .variable-value div { color: inherit !important; background: none !important }
"""


def show_style() -> None:
    """Put the style on the page."""
    st.html(f"<style>.stMainBlockContainer {{ padding-top: 4rem; padding-bottom: 1rem }}{_READABLE}</style>")
