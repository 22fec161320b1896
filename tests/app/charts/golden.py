"""Golden specifications of charts: as they were when somebody looked at the pictures.

After a change that is meant, `TCPDASH_TEST_GOLDEN=1 pytest tests/app/charts` writes them anew; look at what changed.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import altair as alt

GOLDEN = Path(__file__).parents[2] / "golden" / "charts"


def check(name: str, spec: Mapping[str, Any]) -> None:
    """Assert that a specification is valid, and the golden one of that name."""
    alt.Chart.from_dict({key: value for key, value in spec.items() if key != "usermeta"})  # validates
    told = {key: value for key, value in spec.items() if key not in {"$schema", "config"}}
    path = GOLDEN / f"{name}.json"
    if os.environ.get("TCPDASH_TEST_GOLDEN"):
        path.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    assert json.loads(json.dumps(told)) == json.loads(path.read_text(encoding="utf-8"))
