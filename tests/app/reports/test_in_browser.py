"""A report as a person sees it: opened from a file, without a network."""

from app.reports.backtest import backtest_report
from tests.app.browser import SCHEMES, chromium, marks
from tests.app.documents import document, monte_carlo

pytestmark = marks


def test_a_report_opens_alone_without_an_error_and_is_as_wide_as_the_screen(tmp_path):
    path, asked, said, inks = tmp_path / "report.html", [], [], []
    run = document(strategy="<script>document.title = 'ran'</script>", monte_carlo=monte_carlo()["monte_carlo"])
    path.write_text(backtest_report(run), encoding="utf-8")

    with chromium() as browser:
        for scheme in SCHEMES:
            page = browser.new_context(color_scheme=scheme, viewport={"width": 1000, "height": 800}).new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.goto(path.as_uri())
            inks.append(page.eval_on_selector("svg text", "text => getComputedStyle(text).fill"))
            title, width = page.title(), page.evaluate("document.documentElement.scrollWidth")

    assert (set(asked), said) == ({path.as_uri()}, [])
    assert title.startswith("Backtest of <script>")
    assert width == 1000
    assert inks == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
