"""What is chosen on each page, there and back again: each choice is a step of the browser's history, and a reload keeps it."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from app.menu import PAGES
from tests.app.browser import marks
from tests.app.conftest import Windows
from tests.app.painted import path_of

pytestmark = [*marks, pytest.mark.postgres, pytest.mark.redis]

DEMO = ("--speed", "4")  # the overview has nothing to choose until a bot acts on a candle


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen in a widget, by its label: all options in sight, or a list.

    Attributes:
        label: Of the widget.
        option: What is chosen.
        first: What is chosen where the URL says nothing.
    """

    label: str
    option: str
    first: str


WALKS = {
    "overview": (Choice("Span", "week", "day"), Choice("Span", "month", "day")),
    "market": (Choice("Timeframe", "5m", "1m"), Choice("Range", "6 h", "live")),
    "data": (Choice("Section", "holes", "coverage"), Choice("Section", "storage", "coverage")),
    "bots": (Choice("Section", "new", "all"), Choice("Bot", "demo-ema-btc", "")),
    "backtests": (Choice("Kind", "sweep", ""), Choice("Section", "New run", "Runs")),
    "system": (Choice("Section", "log", "components"), Choice("Level, and above", "ERROR", "INFO")),
}
"""Two choices on each page."""


@pytest.mark.parametrize("name", PAGES)
def test_back_and_forward_lead_through_what_was_chosen_and_a_reload_keeps_it(windows: Windows, name: str) -> None:
    window, (one, other) = windows(), WALKS[name]
    page = window.open(path_of(name))
    if name == "overview":  # its choices are there once a bot has an account
        expect(page.get_by_role("radiogroup", name=one.label)).to_be_visible()
    if name == "bots":  # there is one to choose once a runner has found their files
        expect(page.get_by_test_id("stMain").get_by_role("combobox", name=other.label)).to_be_visible()

    _choose(page, one)
    page.wait_for_url("**?*")
    first = page.url
    _choose(page, other)
    page.wait_for_url(lambda url: url != first)
    second = page.url

    page.go_back()
    _expect(page, one, one.option)
    assert page.url == first
    page.go_back()
    _expect(page, one, one.first)
    page.go_forward()
    _expect(page, one, one.option)
    page.go_forward()
    _expect(page, other, other.option)
    assert page.url == second
    page.reload()
    _expect(page, other, other.option)
    assert page.url == second


def test_a_button_to_another_section_is_one_step(windows: Windows) -> None:
    page = windows().open("/data?span=month")

    page.get_by_role("button", name="Its holes").click()
    _expect(page, Choice("Section", "holes", "coverage"), "holes")
    page.wait_for_url("**symbols=*")
    page.go_back()

    _expect(page, Choice("Time", "month", "quarter"), "month")
    page.go_forward()
    expect(page.get_by_test_id("stMultiSelect").first).to_contain_text("SYNTHETIC:BTC-USDT")


def test_back_from_another_page_leads_to_the_section_of_a_bot_at_once(windows: Windows) -> None:
    window = windows()
    page = window.open("/bots")
    strategy, bot = Choice("Strategy", "ema_cross", ""), Choice("Bot", "demo-ema-btc", "")
    steps: list[str] = []
    for choice in (strategy, bot, Choice("Section", "events", "summary")):
        before = page.url
        _choose(page, choice)
        page.wait_for_url(lambda url, before=before: url != before)
        window.settle()
        steps.append(page.url)
    page.get_by_role("navigation", name="App pages").get_by_role("link", name="System").click()
    page.wait_for_url("**/system")
    expect(page.get_by_role("heading", name="System")).to_be_visible()

    page.go_back()
    _expect(page, Choice("Section", "events", "summary"), "events")
    _expect(page, bot, bot.option)
    assert page.url == steps[2]
    page.go_back()
    _expect(page, Choice("Section", "events", "summary"), "summary")
    assert page.url == steps[1]
    page.go_back()
    _expect(page, strategy, strategy.option)
    _expect(page, bot, bot.first)
    assert page.url == steps[0]
    page.go_forward()
    _expect(page, bot, bot.option)
    page.go_forward()
    _expect(page, Choice("Section", "events", "summary"), "events")
    page.reload()
    _expect(page, Choice("Section", "events", "summary"), "events")
    assert page.url == steps[2]
    page.go_back()
    page.go_back()
    _expect(page, strategy, strategy.option)
    assert page.url == steps[0]


def test_a_second_choice_does_not_wait_for_the_first(windows: Windows) -> None:
    page = windows().open("/backtests")

    for label, option in (("Kind", "sweep"), ("State", "failed")):
        page.get_by_test_id("stMain").get_by_role("combobox", name=label).click()
        page.get_by_role("option", name=option, exact=True).click()

    page.wait_for_url("**state=failed*")
    _expect(page, Choice("Kind", "sweep", ""), "sweep")
    _expect(page, Choice("State", "failed", ""), "failed")
    assert "kind=sweep" in page.url


def _choose(page: Page, choice: Choice) -> None:
    shown = page.get_by_test_id("stMain")
    group, field = shown.get_by_role("radiogroup", name=choice.label), shown.get_by_role("combobox", name=choice.label)
    expect(group.or_(field)).to_be_visible()
    if group.count():
        group.get_by_role("radio", name=choice.option, exact=True).click()
    else:
        field.click()
        page.get_by_role("option", name=choice.option, exact=True).click()
    _expect(page, choice, choice.option)


def _expect(page: Page, choice: Choice, option: str) -> None:
    shown = page.get_by_test_id("stMain")
    group, field = shown.get_by_role("radiogroup", name=choice.label), shown.get_by_role("combobox", name=choice.label)
    checked = group.get_by_role("radio", name=option, exact=True, checked=True)
    expect(checked.or_(field)).to_be_visible()  # what the page before had by that name goes first
    if not checked.count():
        expect(field).to_have_value(option)
