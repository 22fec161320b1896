"""What Streamlit runs, in a folder of its own: Streamlit puts that before all others from which modules are imported."""
