"""The chart of the market in a browser: a zoom stays while the price moves, and widgets, the URL and the back button agree."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.app.browser import marks
from tests.app.conftest import Windows

pytestmark = [*marks, pytest.mark.postgres, pytest.mark.redis]

CHART = ".stVegaLiteChart"
PRICE = "[data-testid='stMetricValue']"
# What the axis of time says, as minutes from noon to noon where it shows midnight: a zoom and a pan change it, a price does not.
# Vega adds the labels that come into view behind those that are there already.
TIMES = f"""(found => [...new Set(found.map(each => Math.max(...found) - Math.min(...found) > 720 ? (each + 720) % 1440 : each))]
    .sort((one, other) => one - other))(
        [...document.querySelectorAll("{CHART} .role-axis-label text")].map(text => text.textContent)
            .filter(text => /^\\d\\d:\\d\\d$/.test(text)).map(text => 60 * text.slice(0, 2) + 1 * text.slice(3)))"""
SPAN = f"(times => times.at(-1) - times[0])({TIMES})"
WATCH = """
() => {
    window.moves = 0;
    const look = new MutationObserver(() => { window.moves += 1; });
    look.observe(document.querySelector(".stVegaLiteChart svg"), { subtree: true, attributes: true, childList: true });
}
"""


def ticks(page: Page) -> None:
    """Wait until the price has changed twice, and the candle with it."""
    for _ in range(2):
        price = page.locator(PRICE).first
        before = price.inner_text()
        page.evaluate(WATCH)
        expect(price).not_to_have_text(before)
        page.wait_for_function("() => window.moves > 0")


def times(page: Page) -> list[int]:
    """Return what the axis of time says, once the page has answered to the mouse and the candle has moved."""
    ticks(page)
    found: list[int] = page.evaluate(f"() => {TIMES}")
    return found


def between(page: Page) -> str:
    """Return the window that the URL names."""
    return parse_qs(urlsplit(page.evaluate("location.href")).query).get("between", [""])[0]


def wait_for_url(page: Page, part: str) -> None:
    """Wait until the URL says something, written as people read it."""
    page.wait_for_function("part => decodeURIComponent(location.search).includes(part)", arg=part)


def test_zoom_and_pan_stay_while_the_candle_moves(windows: Windows) -> None:
    page = windows(width=1440, height=900).open("/market?bars=60")
    chart = page.locator(f"{CHART} svg")
    expect(chart).to_be_visible()
    page.wait_for_function(f"() => {SPAN} > 30")
    chart.evaluate("chart => chart.dataset.kept = 'yes'")
    box = chart.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)

    page.mouse.move(*middle)
    page.mouse.wheel(0, -1_500)
    page.wait_for_function(f"() => {SPAN} < 20")
    zoomed = times(page)
    assert times(page) == zoomed

    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 300, middle[1], steps=5)
    page.mouse.up()
    page.wait_for_function(f"first => {TIMES}[0] !== first", arg=zoomed[0])
    panned = times(page)
    assert times(page) == panned != zoomed
    assert page.evaluate(f"() => {SPAN}") < 20
    assert chart.get_attribute("data-kept") == "yes", "the chart was made anew instead of moving in place"

    page.mouse.dblclick(*middle)
    page.wait_for_function(f"() => {SPAN} > 30")


def test_buttons_the_url_and_the_back_button_agree(windows: Windows) -> None:
    window = windows()
    page = window.open("/market")
    expect(page.locator(f"{CHART} svg")).to_be_visible()

    page.get_by_role("button", name="Earlier").click()
    wait_for_url(page, "between=")
    window.settle()
    first = between(page)
    page.get_by_role("button", name="Out").click()
    page.wait_for_function("first => !decodeURIComponent(location.search).includes(first)", arg=first)
    window.settle()
    page.go_back()
    wait_for_url(page, first)
    window.settle()
    page.reload()
    expect(page.get_by_role("button", name="Live")).to_be_visible()
    window.settle()
    assert between(page) == first

    page.get_by_role("button", name="Live").click()
    expect(page.get_by_role("radio", name="live", exact=True)).to_be_checked()
    expect(page.get_by_role("button", name="Live")).to_have_count(0)


def test_reload_keeps_all_that_is_picked_and_the_keyboard_reaches_what_is_behind_the_button(windows: Windows) -> None:
    window = windows()
    page = window.open("/market?symbol=SYNTHETIC:ETH-USDT")
    for name in ("5m", "6 h", "latencies"):
        page.get_by_role("radio", name=name, exact=True).click()
        expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()
    more = page.get_by_role("button", name="Indicators and fills")
    more.focus()
    page.keyboard.press("Enter")
    lines = page.get_by_role("switch", name="Indicators")
    lines.focus()
    page.keyboard.press("Space")
    wait_for_url(page, "indicators=true")
    expect(page.get_by_role("combobox", name="Strategy")).to_be_visible()
    page.keyboard.press("Escape")
    expect(lines).to_have_count(0)
    wait_for_url(page, "view=latencies")  # chosen just before the switch: the server answers behind it

    page.reload()
    window.settle()

    expect(page.get_by_test_id("stMain").get_by_role("combobox")).to_have_value("SYNTHETIC:ETH-USDT")
    for name in ("5m", "6 h", "latencies"):
        expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()
    expect(page.get_by_text("sma_cross").first).to_be_visible()  # its values, or that a young demo has too few candles
    page.get_by_role("button", name="Indicators and fills").click()
    expect(page.get_by_role("switch", name="Indicators")).to_be_checked()
