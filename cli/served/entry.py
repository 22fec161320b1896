"""What Streamlit runs: app/main.py, from a folder without `pages/`, which Streamlit would serve on its own to a deep link."""

import runpy
from pathlib import Path

if __name__ == "__main__":  # a process that a page starts loads this file, too, and is no page
    runpy.run_path(str(Path(__file__).parents[2] / "app" / "main.py"), run_name="__main__")
