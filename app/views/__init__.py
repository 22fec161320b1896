"""What pages are made of: their parts, drawn with Streamlit."""
