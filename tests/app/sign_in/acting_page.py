"""A page with a wish, for the tests: what an operator may press, and a viewer sees greyed out or not at all."""

import os
from pathlib import Path

import streamlit as st

from app import access
from app.access import NOBODY, current_user, sign_out
from app.views.wishes import may_act, told

done = Path(os.environ["ACTED"])
if current_user() is NOBODY:
    st.stop()
st.text(f"{current_user().name}: {current_user().role}")
st.button("Sign out", on_click=sign_out, key="out")


def act() -> None:
    with told("done"):
        access.operator("start bot")
        done.write_text(done.read_text() + "callback\n")


if st.button("Greyed out", disabled=not may_act(), key="greyed"):
    with told("done"):
        access.operator("start bot")
        done.write_text(done.read_text() + "pressed\n")
if st.button("Forgotten", key="open"):
    with told("done"):
        access.operator("start bot")
        done.write_text(done.read_text() + "forgotten\n")
st.button("With a callback", disabled=not may_act(), on_click=act, key="called")
if may_act() and st.button("Never shown", key="hidden"):
    done.write_text(done.read_text() + "hidden\n")


@st.fragment
def part() -> None:
    if st.button("In a part", disabled=not may_act(), key="part"):
        with told("done"):
            access.operator("start bot")
            done.write_text(done.read_text() + "part\n")


part()
if st.button("Break", key="break"):
    raise RuntimeError("the password of the database is hunter2")
