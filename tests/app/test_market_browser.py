"""The chart of the market in a browser: a zoom stays while the price moves, and the buttons, the URL and the back button agree."""

# ruff: noqa: F811 - the fixtures of another module are parameters here

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.app.test_browser import Demo, demo, page, pytestmark  # noqa: F401 - fixtures and marks of the demo

CHART = ".stVegaLiteChart"
LABELS = f"() => [...document.querySelectorAll('{CHART} .role-axis-label text')].map(text => text.textContent).join(' ')"


def between(page: Page) -> str:
    """Return the window that the URL names."""
    return parse_qs(urlsplit(page.evaluate("location.href")).query).get("between", [""])[0]


def test_a_zoomed_chart_stays_zoomed_while_the_price_moves(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.wait_for_page()}/market")
    chart = page.locator(f"{CHART} svg")
    expect(chart).to_be_visible()
    page.wait_for_function(f"() => document.querySelectorAll('{CHART} .mark-rect path').length > 2")
    chart.evaluate("chart => chart.dataset.kept = 'yes'")
    whole = page.evaluate(LABELS)
    chart.hover(position={"x": 700, "y": 120})
    page.mouse.wheel(0, -600)
    page.wait_for_function(f"whole => ({LABELS})() !== whole", arg=whole)
    page.wait_for_timeout(2_500)  # a tick, and what the page says to the zoom
    zoomed, price = page.evaluate(LABELS), page.get_by_test_id("stMetricValue").first.inner_text()

    expect(page.get_by_test_id("stMetricValue").first).not_to_have_text(price)
    page.wait_for_timeout(2_500)

    assert page.evaluate(LABELS).split(" ")[:3] == zoomed.split(" ")[:3]
    assert chart.get_attribute("data-kept") == "yes", "the chart was made anew instead of moving in place"


def test_buttons_the_url_and_the_back_button_agree(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.wait_for_page()}/market")
    expect(page.locator(f"{CHART} svg")).to_be_visible()

    page.get_by_role("button", name="Earlier").click()
    page.wait_for_function("() => location.search.includes('between=')")
    first = between(page)
    page.get_by_role("button", name="Out").click()
    page.wait_for_function("first => !decodeURIComponent(location.search).includes(first)", arg=first)
    page.go_back()
    page.wait_for_function("first => decodeURIComponent(location.search).includes(first)", arg=first)
    page.reload()
    expect(page.get_by_role("button", name="Live")).to_be_visible()

    assert between(page) == first
    assert page.get_by_test_id("stException").count() == 0
