"""The page of data."""

import streamlit as st

st.header("Data", anchor=False)
