"""A bot as a person has it in a browser: made by the form, trading, parked, stopped and deleted, in a demo that is played fast."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app.browser import PATIENCE_MS, SCHEMES, Demo, Window, marks, shoot
from tests.app.conftest import Windows

pytestmark = [*marks, pytest.mark.postgres, pytest.mark.redis]
DEMO = ("--speed", "60")  # a minute of the market passes in a second
OWN, GIVEN = "made-here", "demo-ema-btc"


def state(page: Page, word: str) -> None:
    """Wait until the page says that a bot is in a state, which may have more behind it in brackets."""
    expect(page.get_by_test_id("stMetric").filter(has_text="State").get_by_test_id("stMetricValue")).to_have_text(
        re.compile(rf"{word}\b")
    )


def turn(window: Window, section: str) -> None:
    """Turn to a section of a bot, and wait until it is drawn and stands in the URL."""
    window.page.get_by_role("radio", name=section, exact=True).click()
    window.page.wait_for_url(f"**view={section}**")
    window.settle()


def shows(window: Window, section: str, heading: str) -> None:
    """Wait until a section is shown, and what it is of."""
    expect(window.page.locator("[aria-label='Section'] [data-selected='true']")).to_have_text(section)
    expect(window.page.get_by_test_id("stMain").get_by_role("heading", name=heading).first).to_be_visible()
    window.settle()


def write(page: Page, label: str, text: str, said: str) -> None:
    """Write into a field of the form, and wait until the text beside it says so."""
    page.get_by_label(label, exact=True).fill(text)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stCode").last).to_contain_text(said)


def make(page: Page) -> None:
    """Make a bot by the form, with a mistake on the way."""
    expect(page.get_by_text("SYNTHETIC:BTC-USDT").first).to_be_visible()
    write(page, "Id", OWN, f'"id": "{OWN}"')
    write(page, "fast", "2", '"fast": 2')
    write(page, "slow", "1", '"slow": 1')
    expect(page.get_by_text("parameters.slow: expected a whole number from 2 to 1000, found 1")).to_be_visible()
    expect(page.get_by_role("button", name="Create")).to_be_disabled()
    write(page, "slow", "3", '"slow": 3')
    page.get_by_role("combobox", name="Timeframe").click()
    page.get_by_role("option", name="1m", exact=True).click()
    expect(page.get_by_test_id("stCode").last).to_contain_text('"timeframe": "1m"')
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=OWN)).to_be_visible()


def start(page: Page) -> None:
    """Start a bot from its stop: bots of the demo are started when they are made, and that may come before or behind a press."""
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text(re.compile(rf"{OWN} (is stopped;|was stopped already)"))).to_be_visible()
    state(page, "stopped")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text(f"{OWN} is wanted to run now")).to_be_visible()
    state(page, "running")


def wait_for_trades(window: Window) -> None:
    """Turn to the trades of a bot, and read them again until there are some."""
    turn(window, "trades")
    for _ in range(PATIENCE_MS // 1_000):
        if window.page.get_by_text("trades 1 to").count():
            return
        window.page.get_by_role("button", name="Newest").click()
        window.page.wait_for_timeout(1_000)  # a minute of the market
        window.settle()
    raise AssertionError("it never traded")


def park(page: Page) -> None:
    """Park the bot, with a reason."""
    page.get_by_role("button", name="Park").click()
    page.get_by_label("Reason").fill("odd prices")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Park it").click()
    state(page, "parked")
    expect(page.get_by_text("by the page: odd prices")).to_be_visible()


def stop_and_delete(page: Page) -> None:
    """Stop the bot, and remove it."""
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text(f"{OWN} is stopped")).to_be_visible()
    state(page, "stopped")
    page.get_by_role("button", name="Delete").click()
    page.get_by_label("Its id").fill(OWN)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("heading", name=OWN)).to_have_count(0)
    expect(page.get_by_text("2 bots:")).to_be_visible()


def test_a_bot_is_made_trades_is_parked_stopped_and_deleted(windows: Windows, demo: Demo, pictures: Path) -> None:
    window = windows(width=1400, height=1000)
    page, file = window.open("/bots?view=new"), demo.home / "bots" / f"{OWN}.json"

    make(page)
    assert file.exists()
    start(page)
    wait_for_trades(window)
    page.reload()
    expect(page.get_by_text("trades 1 to")).to_be_visible()
    turn(window, "summary")
    expect(page.get_by_text("each comes to 0, and the accounts are their sums")).to_contain_text("adds up")
    page.screenshot(path=pictures / "bot.png")
    park(page)
    stop_and_delete(page)

    assert not file.exists()
    assert page.get_by_test_id("stException").count() == 0


def test_reload_and_back_lead_from_section_to_section_of_a_bot(windows: Windows) -> None:
    window = windows()
    page = window.open("/bots")
    page.get_by_test_id("stMain").get_by_role("combobox", name="Bot", exact=True).click()
    page.get_by_role("option", name=GIVEN, exact=True).click()
    page.wait_for_url(f"**bot={GIVEN}**")
    shows(window, "summary", GIVEN)
    turn(window, "trades")

    page.go_back()
    shows(window, "summary", GIVEN)
    turn(window, "events")  # behind a step back: this is one entry of the history, and not one for the time zone as well
    page.go_back()
    shows(window, "summary", GIVEN)
    page.go_forward()
    shows(window, "events", GIVEN)
    page.reload()
    shows(window, "events", GIVEN)
    page.go_back()
    shows(window, "summary", GIVEN)
    page.go_back()
    shows(window, "all", "Bots")


@pytest.mark.parametrize(
    ("name", "query"),
    [("list", ""), ("one", f"?bot={GIVEN}"), ("events", f"?bot={GIVEN}&view=events"), ("form", "?view=new")],
)
def test_pictures_of_the_page(windows: Windows, pictures: Path, name: str, query: str) -> None:
    window = windows()
    page = window.open(f"/bots{query}")
    expect(page.locator("[data-testid='stDataFrame'], [data-testid='stCode']").first).to_be_visible()

    for scheme in SCHEMES:
        window.turn(scheme)
        shoot(page, pictures, f"bots-{name}-{scheme}")
    assert page.get_by_test_id("stException").count() == 0
