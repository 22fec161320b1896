"""The demo as a person sees it: started by its command, opened in a browser, stopped with Ctrl-C."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.menu import PAGES
from tests.app.axe import violations
from tests.app.browser import SCHEMES, Demo, marks, shoot
from tests.app.conftest import Windows
from tests.app.painted import USEFUL, WHOLE, path_of

pytestmark = [*marks, pytest.mark.postgres, pytest.mark.redis]

PRICE = "[data-testid='stMetricValue']"
_WATCH = """
window.order = [];
const look = () => {
    for (const [kind, selector] of [["light", ".first-sight"], ["heavy", `HEAVY`]])
        if (!window.order.includes(kind) && document.querySelector(selector) !== null) window.order.push(kind);
};
new MutationObserver(look).observe(document, {childList: true, subtree: true});
"""


def test_market_moves_in_the_browser_without_being_loaded_again(windows: Windows, pictures: Path) -> None:
    page = windows().open("/market")
    chart, price = page.locator(".stVegaLiteChart svg"), page.locator(PRICE).first
    expect(chart).to_be_visible()
    expect(page.locator(".stMarkdownBadge")).to_contain_text("SYNTHETIC")
    drawn, before = chart.inner_html(), price.inner_text()
    chart.evaluate("chart => chart.dataset.kept = 'yes'")

    expect(price).not_to_have_text(before)
    page.wait_for_function("drawn => document.querySelector('.stVegaLiteChart svg').innerHTML !== drawn", arg=drawn)

    assert chart.get_attribute("data-kept") == "yes", "the chart was made anew instead of moving in place"
    page.screenshot(path=pictures / "live.png")


@pytest.mark.parametrize("name", ["market", "bots", "system"])
def test_a_light_picture_is_there_before_what_is_heavy_and_gives_it_its_place(windows: Windows, name: str) -> None:
    window = windows()
    window.page.add_init_script(_WATCH.replace("HEAVY", WHOLE[name]))

    page = window.open(path_of(name))
    expect(page.locator(WHOLE[name]).first).to_be_visible()

    assert page.evaluate("() => window.order") == ["light", "heavy"]
    expect(page.locator(".first-sight")).to_have_count(0)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_without_an_error_and_can_be_read(windows: Windows, pictures: Path, name: str) -> None:
    window = windows("dark")  # the sections are opened by who likes it light

    page = window.open(path_of(name))
    expect(page.locator(USEFUL[name]).first).to_be_visible()

    for scheme in reversed(SCHEMES):
        window.turn(scheme)
        assert page.get_by_test_id("stException").count() == 0
        shoot(page, pictures, f"{name}-begun-{scheme}")
        assert violations(page).violations == []


def test_reload_and_back_keep_what_is_selected(windows: Windows) -> None:
    window = windows()
    page = window.open("/market?symbol=SYNTHETIC:ETH-USDT")
    page.get_by_role("radio", name="5m", exact=True).click()
    page.wait_for_url("**/market?*timeframe=5m*")

    page.get_by_role("link", name="System").click()
    expect(page.get_by_role("heading", name="System", exact=True)).to_be_visible()
    page.go_back()
    window.settle()
    back = _selected(page)
    page.reload()
    window.settle()

    assert back == _selected(page) == ("SYNTHETIC:ETH-USDT", "5m")


def test_a_deep_link_asks_for_nothing_that_is_not_there(windows: Windows) -> None:
    window = windows()

    window.open("/market")

    assert window.said == []
    assert not [url for url in window.asked if "/market/" in url]


def test_ctrl_c_leaves_nothing_running(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "home")
    try:
        assert demo.url
        family = demo.family()
        assert len(family) >= 5  # PostgreSQL, Redis, the exchange, the worker and the page

        code = demo.stop()
    finally:
        demo.kill()

    assert code in (0, 130)
    assert [process for process in family if process.is_running()] == []


def _selected(page) -> tuple[str, str]:
    expect(page.locator(".stVegaLiteChart svg")).to_be_visible()
    symbol = page.get_by_test_id("stMain").get_by_role("combobox").input_value()
    return symbol, page.locator("[aria-label='Timeframe'] [data-selected='true']").inner_text()
