"""The system page: what runs, how the stores and flows are, logs, settings, what doctor says, and who wished what."""

import streamlit as st

from app.components import package_version
from app.views.choices import pick_section
from app.views.system.doctor import show_doctor
from app.views.system.flows import show_flow_runs
from app.views.system.log import show_log
from app.views.system.residents import show_residents
from app.views.system.settings import show_settings
from app.views.system.stores import show_stores
from app.views.system.wishes import show_wishes

_SECTIONS = {
    "components": show_residents,
    "stores": show_stores,
    "flows": show_flow_runs,
    "log": show_log,
    "settings": show_settings,
    "doctor": show_doctor,
    "wishes": show_wishes,
}
_PACKAGES = ("tcpdashboard", "streamlit", "altair", "pandas", "sqlalchemy", "redis")

st.header("System", anchor=False)
_SECTIONS[pick_section(list(_SECTIONS))]()
st.caption(" · ".join(f"{package} {package_version(package)}" for package in _PACKAGES))
