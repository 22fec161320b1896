"""Two pages for the tests: a part of the first one refreshes alone, and takes as long as a file is there."""

import os
import time
from pathlib import Path

import streamlit as st


@st.fragment(run_every=60)
def slow() -> None:
    st.text("the part of the first page")
    while Path(os.environ["SLOW"]).exists():
        time.sleep(0.01)


@st.fragment(run_every=60)
def quick() -> None:
    st.text("the part of the second page")


def first() -> None:
    slow()


def second() -> None:
    quick()


st.navigation([st.Page(first, default=True), st.Page(second)]).run()
