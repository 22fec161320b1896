"""A bot as a person has it in a browser: made by the form, trading, parked, stopped and deleted, on a tape that is played fast."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app.browser import PATIENCE_MS, Served, Window, marks, window

pytestmark = [*marks, pytest.mark.postgres, pytest.mark.redis]


class Fast(Served):
    """A running `tcpdash up` on a made-up market in which a minute passes in a second."""

    def __init__(self, home: Path) -> None:
        (home / "bots").mkdir(parents=True)
        words = ["up", "--tape", "synthetic", "--speed", "60", "--no-flows"]
        super().__init__([sys.executable, "-u", "-m", "cli", *words], home, {"TCPDASH_BOTS__FOLDER": str(home / "bots")})


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Window]:
    """Return a window on such a system."""
    system = Fast(tmp_path / "home")
    try:
        found = window(browser, system.wait_for("page: "), width=1400, height=1000)
        yield found
        found.page.context.close()
        found.check()
    finally:
        system.kill()


def write(page: Page, label: str, text: str) -> None:
    """Write into a field of the form, and wait until the text beside it says so."""
    page.get_by_label(label, exact=True).fill(text)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stCode").last).to_contain_text(text)


def make(page: Page) -> None:
    """Make a bot by the form, with a mistake on the way."""
    expect(page.get_by_text("SYNTHETIC:BTC-USDT").first).to_be_visible()
    write(page, "Id", "made-here")
    write(page, "fast", "2")
    write(page, "slow", "1")
    expect(page.get_by_text("parameters.slow: expected a whole number from 2 to 1000, found 1")).to_be_visible()
    expect(page.get_by_role("button", name="Create")).to_be_disabled()
    write(page, "slow", "3")
    page.get_by_role("combobox", name="Timeframe").click()
    page.get_by_role("option", name="1m", exact=True).click()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="made-here")).to_be_visible()


def wait_for_trades(page: Page) -> None:
    """Turn to the trades of a bot, and read them again until there are some."""
    page.get_by_test_id("stButtonGroup").get_by_text("trades", exact=True).click()
    for _ in range(PATIENCE_MS // 1_000):
        page.get_by_role("button", name="Newest").click()
        page.wait_for_timeout(1_000)
        if page.get_by_text("trades 1 to").count():
            return
    raise AssertionError("it never traded")


def park(page: Page) -> None:
    """Park the bot, with a reason."""
    page.get_by_role("button", name="Park").click()
    page.get_by_label("Reason").fill("odd prices")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Park it").click()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("parked")
    expect(page.get_by_text("by the page: odd prices")).to_be_visible()


def stop_and_delete(page: Page) -> None:
    """Stop the bot, and remove it."""
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("made-here is stopped")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_label("Its id").fill("made-here")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("There are no bots yet")).to_be_visible()


def test_a_bot_is_made_trades_is_parked_stopped_and_deleted(opened: Window, tmp_path: Path) -> None:
    page = opened.page
    opened.open("/bots?view=new")

    make(page)
    assert (tmp_path / "home" / "bots" / "made-here.json").exists()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text(re.compile(r"made-here (is wanted to run now|was wanted to run already)"))).to_be_visible()
    wait_for_trades(page)
    page.reload()
    expect(page.get_by_text("trades 1 to")).to_be_visible()
    page.get_by_test_id("stButtonGroup").get_by_text("summary", exact=True).click()
    expect(page.get_by_text("adds up", exact=True)).to_be_visible()
    park(page)
    stop_and_delete(page)

    assert list((tmp_path / "home" / "bots").iterdir()) == []
    assert page.get_by_test_id("stException").count() == 0
