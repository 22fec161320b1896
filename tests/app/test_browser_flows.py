"""What flows do as a person sees it: a backtest from its form to its report, and a backfill that is cancelled on its way."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app.browser import marks
from tests.app.conftest import Windows

pytestmark = [*marks, pytest.mark.postgres, pytest.mark.redis, pytest.mark.prefect]
DEMO = ("--with-flows", "--speed", "30")


def test_a_backtest_runs_from_its_form_to_its_report(windows: Windows, pictures: Path) -> None:
    page = windows(height=1_200).open("/backtests?view=New+run&new_symbols=SYNTHETIC:BTC-USDT&new_timeframe=1m&p_fast=7&holes=true")
    start = page.get_by_role("button", name="Start the backtest")
    expect(start).to_be_enabled()

    start.click()
    page.wait_for_url("**started=**")
    page.wait_for_url("**run=**")

    expect(page.get_by_text("Final value").first).to_be_visible()
    expect(page.get_by_text("SYNTHETIC").first).to_be_visible()
    page.screenshot(path=pictures / "backtest.png")
    page.get_by_role("button", name="Download").click()
    page.get_by_role("button", name="Make the html report").click()
    with page.expect_download() as waited:
        page.get_by_role("button", name="html: the report").click()
    assert b"<html" in Path(waited.value.path()).read_bytes()[:200]
    address = page.url
    page.reload()
    expect(page.get_by_text("Final value").first).to_be_visible()
    assert page.url == address
    assert page.get_by_test_id("stException").count() == 0


def test_a_backfill_shows_how_far_it_is_and_is_cancelled(windows: Windows, pictures: Path) -> None:
    page = windows(height=1_200).open("/data?view=backfill&fill=SYNTHETIC:BTC-USDT&start=2026-01-01")
    expect(page.get_by_text("Missing:")).to_be_visible()
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_be_enabled()

    start.click()
    expect(page.get_by_text("requests a second")).to_be_visible()
    page.screenshot(path=pictures / "backfill.png")
    page.get_by_role("button", name="Cancel").click()

    expect(page.get_by_text(": cancelled")).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0
