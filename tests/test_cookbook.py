"""The cookbook is true: each of its pieces runs as it stands."""

import re
from pathlib import Path

import pytest

COOKBOOK = Path(__file__).parents[1] / "docs" / "cookbook.md"
PIECES = re.findall(r"^## (.+?)\n.*?```python\n(.*?)```", COOKBOOK.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_cookbook_has_pieces():
    assert len(PIECES) >= 6


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize(("title", "code"), PIECES, ids=[title for title, _ in PIECES])
def test_a_piece_runs_as_it_stands(title: str, code: str, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TCPDASH_DATABASE__URL", database_url)
    exec(compile(code, title, "exec"), {"redis_url": redis_url})
