"""The page of overview."""

import streamlit as st

st.header("Overview", anchor=False)
