"""A page of the browser for people who sign in: without a demo behind it, and with what it says left to the test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    """Return a page with cookies of its own."""
    from playwright.sync_api import expect

    from tests.app.browser import PATIENCE_MS

    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield page
    context.close()
