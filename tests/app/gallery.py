"""Every widget and text that pages may use, in our theme: what axe finds here is Streamlit's own, or our theme's."""

import datetime as dt
from collections.abc import Callable

import pandas as pd
import streamlit as st

from app.views.style import show_style

WORDS = ["first", "second"]  # axe passes over single letters
COLOURS = ("red", "green", "orange", "blue", "violet", "gray")
DAY, TABLE = dt.date(2024, 1, 1), pd.DataFrame({"some": [1, 2], "other": [2, 1]})
BARS = {"mark": "bar", "encoding": {name: {"field": name, "type": "quantitative"} for name in ("x", "y")}}

WIDGETS: dict[str, Callable[..., object]] = {
    "Plain": st.button,
    "Primary": lambda label, **more: st.button(label, type="primary", **more),
    "Tertiary": lambda label, **more: st.button(label, type="tertiary", **more),
    "Download": lambda label, **more: st.download_button(label, b"", **more),
    "Segments": lambda label, **more: st.segmented_control(label, WORDS, default="first", **more),
    "Collapsed": lambda label, **more: st.segmented_control(label, WORDS, default="first", label_visibility="collapsed", **more),
    "Pills": lambda label, **more: st.pills(label, WORDS, default="first", **more),
    "Select": lambda label, **more: st.selectbox(label, WORDS, **more),
    "Select none": lambda label, **more: st.selectbox(label, WORDS, index=None, **more),
    "Select several": lambda label, **more: st.multiselect(label, WORDS, default=["first"], **more),
    "Text": lambda label, **more: st.text_input(label, placeholder="for example this", help="help", **more),
    "Long text": lambda label, **more: st.text_area(label, placeholder="for example this", **more),
    "Password": lambda label, **more: st.text_input(label, type="password", **more),
    "Number": lambda label, **more: st.number_input(label, 0, 10, 5, **more),
    "Slider": lambda label, **more: st.slider(label, 0, 1_000, 500, **more),
    "Word slider": lambda label, **more: st.select_slider(label, WORDS, **more),
    "Date": lambda label, **more: st.date_input(label, DAY, **more),
    "Dates": lambda label, **more: st.date_input(label, (DAY, DAY), **more),
    "Time": lambda label, **more: st.time_input(label, dt.time(1), **more),
    "Check": lambda label, **more: st.checkbox(label, value=True, **more),
    "Toggle": lambda label, **more: st.toggle(label, value=True, **more),
    "Radio": lambda label, **more: st.radio(label, WORDS, horizontal=True, **more),
    "File": st.file_uploader,
}


def show_widgets(*, disabled: bool) -> None:
    for number in range(0, len(WIDGETS), 4):
        columns = st.columns(4)
        for column, (label, widget) in zip(columns, list(WIDGETS.items())[number : number + 4], strict=False):
            with column:
                widget(f"{label} off" if disabled else label, key=f"{label} {disabled}", disabled=disabled)


def show_texts() -> None:
    st.caption("A caption with `code`, **bold** and *slanted* words.")
    for colour in COLOURS:
        st.caption(f":{colour}-badge[:material/check: {colour}] A caption with a badge.")
    st.write("Text with `code` and [a link](http://127.0.0.1).", *(f":{colour}[{colour}]" for colour in COLOURS))
    st.markdown(" ".join(f":{colour}-badge[{colour}]" for colour in COLOURS))
    st.text("Plain text.")
    st.code("for each in range(10): print('words', 1)")
    st.code("tcpdash demo", language=None)
    st.json({"number": 1, "words": ["one", None, True]})
    for box in (st.info, st.success, st.warning, st.error):
        box("In a box, with `code`.")
    st.progress(0.3, "Progress")
    columns = st.columns(3)
    columns[0].metric("Up", "1", "+2 %", help="help")
    columns[1].metric("Down", "1", "-2 %")
    columns[2].metric("Off", "1", "3 %", delta_color="off", border=True)


def show_containers() -> None:
    with st.form("form"):
        st.text_input("In a form")
        st.form_submit_button("Send", type="primary")
    for tab, word in zip(st.tabs(WORDS), WORDS, strict=True):
        tab.write(f"On the {word} tab.")
    with st.expander("Expander", expanded=True):
        st.caption("In an expander.")
    with st.container(border=True):
        st.caption("In a frame.")
    with st.popover("Popover"):
        st.write("In a popover.")
    with st.status("Status"):
        st.write("In a status.")


def show_data() -> None:
    st.dataframe(TABLE, hide_index=True, alt="A table")
    st.dataframe(TABLE, hide_index=True, on_select="rerun", selection_mode="single-row", alt="A table of which a row is chosen")
    st.table(TABLE)
    st.vega_lite_chart(pd.DataFrame({"x": [1, 2], "y": [1, 2]}), BARS, alt="A chart")


st.set_page_config(page_title="Gallery", layout="wide")
show_style()
st.header("Gallery", anchor=False)
for title, show in {"Texts": show_texts, "Containers": show_containers, "Data": show_data}.items():
    st.subheader(title, anchor=False)
    show()
for off in (False, True):
    st.subheader("Disabled" if off else "Widgets", anchor=False)
    show_widgets(disabled=off)
with st.sidebar:
    st.selectbox("In the sidebar", WORDS)
    st.caption("In the sidebar.")
st.toast("In a toast.", duration="infinite")
