"""A forced disconnect as a person sees it: a hole that appears on the page and heals before the eyes."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app.browser import marks
from tests.app.conftest import Windows

pytestmark = [*marks, pytest.mark.postgres, pytest.mark.redis]
# Three minutes of the market are lost, and the venue does not hand them out for half a minute, so that one can look at the hole.
DEMO = ("--speed", "10", "--fault", "drop:at=30,for=20", "--fault", "rest-down:at=30,for=50")


def test_a_disconnect_appears_as_a_hole_and_heals_without_a_reload(windows: Windows, pictures: Path) -> None:
    page = windows().open("/data?view=holes")
    page.evaluate("() => { window.kept = 'yes'; }")

    expect(page.get_by_text(re.compile(r"In all: .*\bopen\b"))).to_be_visible()
    page.screenshot(path=pictures / "hole-open.png")
    expect(page.get_by_text(re.compile(r"In all: (?!.*open).*\bfilled\b"))).to_be_visible()

    page.screenshot(path=pictures / "hole-filled.png")
    assert page.evaluate("() => window.kept") == "yes", "the page was loaded again"
