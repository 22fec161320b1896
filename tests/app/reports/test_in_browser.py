"""A report as a person sees it: opened from a file, without a network."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

from app.reports.backtest import backtest_report
from tests.app.documents import document, monte_carlo

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the path"),
]


def test_a_report_opens_alone_without_an_error_and_is_as_wide_as_the_screen(tmp_path):
    path, asked, said, inks = tmp_path / "report.html", [], [], []
    run = document(strategy="<script>document.title = 'ran'</script>", monte_carlo=monte_carlo()["monte_carlo"])
    path.write_text(backtest_report(run), encoding="utf-8")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for scheme in ("light", "dark"):
            page = browser.new_context(color_scheme=scheme, viewport={"width": 1000, "height": 800}).new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.goto(path.as_uri())
            inks.append(page.eval_on_selector("svg text", "text => getComputedStyle(text).fill"))
            title, width = page.title(), page.evaluate("document.documentElement.scrollWidth")
        browser.close()

    assert (set(asked), said) == ({path.as_uri()}, [])
    assert title.startswith("Backtest of <script>")
    assert width == 1000
    assert inks == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
