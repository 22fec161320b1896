"""The page of bots."""

import streamlit as st

st.header("Bots", anchor=False)
