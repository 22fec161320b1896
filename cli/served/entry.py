"""What Streamlit runs: app/main.py, from a folder without `pages/`, which Streamlit would serve on its own to a deep link."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).parents[2] / "app" / "main.py"), run_name="__main__")
