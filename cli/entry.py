"""What Streamlit runs: app/main.py, from a folder without `pages/`, which Streamlit would serve on its own to a deep link."""

import runpy
import sys
from pathlib import Path

_HERE = Path(__file__).parent

# Streamlit puts this folder before all others: a module of it, such as `coverage`, would be taken for a package of that name.
sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != _HERE.resolve()]
runpy.run_path(str(_HERE.parent / "app" / "main.py"), run_name="__main__")
