"""The page of backtests."""

import streamlit as st

st.header("Backtests", anchor=False)
