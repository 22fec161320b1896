"""What flows do as a person sees it: a backtest from its form to its report, and a backfill that is cancelled on its way.

`make picture` makes the pictures of the documentation with these tests: here a market is an hour old after two minutes.
"""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app.browser import PATIENCE_MS, SCHEMES, Window, marks
from tests.app.conftest import Windows

pytestmark = [*marks, pytest.mark.postgres, pytest.mark.redis, pytest.mark.prefect, pytest.mark.timeout(900)]
DEMO = ("--with-flows", "--speed", "30")
_TABLE, _CHART = "[data-testid='stDataFrame'] canvas", ".stVegaLiteChart :is(svg, canvas)"
SHOWN = {
    "overview": ("/", [_TABLE, _CHART]),
    "market": ("/market?symbol=SYNTHETIC:BTC-USDT&bars=60", [_CHART]),
    "bots": ("/bots?bot=demo-ema-btc", [_CHART]),
    "system": ("/system", [_TABLE]),
    "data": ("/data", [_CHART]),
}
"""By page, where its picture is made, and what has to be on it; that of Backtests is made where one has run.

That of Data is the last: a minute counts in the calendar three minutes after it is over, by our clock and not the market's.
"""


def test_a_backfill_shows_how_far_it_is_and_is_cancelled(windows: Windows, pictures: Path) -> None:
    page = windows(height=1_200).open("/data?view=backfill&fill=SYNTHETIC:BTC-USDT&start=2026-01-01")
    expect(page.get_by_text("Missing:")).to_be_visible()
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_be_enabled(timeout=2 * PATIENCE_MS)  # until flows are handed over, and somebody carries them out

    start.click()
    expect(page.get_by_text("requests a second")).to_be_visible()
    page.screenshot(path=pictures / "backfill.png")
    page.get_by_role("button", name="Cancel").click()

    expect(page.get_by_text(": cancelled")).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0


def test_every_page_of_a_market_that_goes_on_is_shown(windows: Windows, pictures: Path) -> None:
    window = windows()
    page = window.open("/bots?view=trades&bot=demo-ema-btc")
    expect(page.locator("[data-testid='stDataFrame'] canvas").first).to_be_visible()  # its first trade was told

    for name, (address, wanted) in SHOWN.items():
        page = window.open(address)
        for each in wanted:
            expect(page.locator(f"[data-testid='stMain'] {each}").first).to_be_visible(timeout=2 * PATIENCE_MS)
        _pictures(window, pictures, name)


def test_a_backtest_runs_from_its_form_to_its_report(windows: Windows, pictures: Path) -> None:
    window = windows(height=1_200)
    page = window.open("/backtests?view=New+run&new_symbols=SYNTHETIC:BTC-USDT&new_timeframe=1m&p_fast=7&p_slow=21&holes=true")
    start = page.get_by_role("button", name="Start the backtest")
    expect(start).to_be_enabled()

    start.click()
    page.wait_for_url("**started=**")
    page.wait_for_url("**run=**")

    expect(page.get_by_text("Final value").first).to_be_visible()
    expect(page.get_by_text("SYNTHETIC").first).to_be_visible()
    page.get_by_test_id("stPopoverButton").click()
    page.get_by_role("button", name="Make the html report").click()
    with page.expect_download() as waited:
        page.get_by_role("button", name="html: the report").click()
    assert b"<html" in Path(waited.value.path()).read_bytes()[:200]
    address = page.url
    page.reload()
    expect(page.get_by_text("Final value").first).to_be_visible()
    assert page.url == address
    assert page.get_by_test_id("stException").count() == 0
    _pictures(window, pictures, "backtests")


def _pictures(window: Window, folder: Path, name: str) -> None:
    window.page.set_viewport_size({"width": 1_280, "height": 1_000})
    for scheme in SCHEMES:
        window.turn(scheme)
        window.page.screenshot(path=folder / f"{name}-{scheme}.png")
