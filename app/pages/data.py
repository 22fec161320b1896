"""The page of data: how much of it there is, what is missing and why, how good it is, how to fetch more, and what it takes up."""

import streamlit as st

from app.views.choices import pick_section
from app.views.data.backfill import show_backfill
from app.views.data.coverage import show_coverage
from app.views.data.holes import show_holes
from app.views.data.quality import show_quality
from app.views.data.storage import show_storage

SECTIONS = {
    "coverage": show_coverage, "holes": show_holes, "quality": show_quality, "backfill": show_backfill, "storage": show_storage,
}  # fmt: skip

st.header("Data", anchor=False)
SECTIONS[pick_section(list(SECTIONS))]()
