"""Our theme on every widget that pages may use, and that what is excused of Streamlit is what it does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.child import free_port
from tests.app.axe import KNOWN, Found, violations
from tests.app.browser import SCHEMES, Browser, Served, command_of, marks, window

pytestmark = marks

GALLERY = Path(__file__).with_name("gallery.py")


@pytest.fixture(scope="module")
def found(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Found]]:
    """Return what axe finds on the gallery, by scheme."""
    port = free_port()
    served = Served(command_of(GALLERY, port), tmp_path_factory.mktemp("gallery"))
    try:
        served.wait_for("URL: ")
        found = {}
        for scheme in SCHEMES:
            opened = window(browser, f"http://127.0.0.1:{port}", scheme=scheme, height=5_600)
            opened.open("/")
            found[scheme] = violations(opened.page)
            opened.page.context.close()
            opened.check()
        yield found
    finally:
        served.kill()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_our_theme_can_be_read_on_every_widget(found: dict[str, Found], scheme: str) -> None:
    assert found[scheme].violations == []


def test_all_that_is_excused_of_streamlit_is_still_what_it_does(found: dict[str, Found]) -> None:
    assert set.union(*(each.needed for each in found.values())) == set(KNOWN)
