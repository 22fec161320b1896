"""Pages: read widgets, ask data.py, place charts."""
