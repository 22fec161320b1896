"""The Streamlit app: pages, charts, cached reads."""
