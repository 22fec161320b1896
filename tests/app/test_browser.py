"""The demo as a person sees it: started by its command, opened in a browser, stopped with Ctrl-C."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the path"),
]

# A sandbox cannot be set up in containers; the rest keeps the browser's own services from calling home.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PATIENCE_MS = 150_000  # for whatever is waited for: at the begin of all tests a worker takes a minute to start beside the others


class Demo:
    """A running `tcpdash demo` on a home of its own."""

    def __init__(self, home: Path) -> None:
        environment = {name: text for name, text in os.environ.items() if not name.startswith("TCPDASH_")}
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "cli", "demo", "--no-flows"],
            env={**environment, "TCPDASH_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for_page(self) -> str:
        """Read what it prints until it names the address of its page."""
        said = []
        for line in self._process.stdout:
            said.append(line)
            if line.strip().startswith("page: http://"):
                return line.split()[1]
        raise AssertionError(f"the demo ended with {self._process.wait()} before it had a page:\n{''.join(said)}")

    def family(self) -> list[psutil.Process]:
        """Return the processes that it started."""
        return psutil.Process(self._process.pid).children(recursive=True)

    def stop(self) -> int:
        """Press Ctrl-C and return the exit code."""
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=60)
        return self._process.returncode

    def kill(self) -> None:
        """End it in any case; its children end with it."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path / "home")
    yield demo
    demo.kill()


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield page
        browser.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return where pictures go."""
    folder = Path(os.environ.get("TCPDASH_TEST_PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def hosts(urls: list[str]) -> set[str | None]:
    return {urlsplit(url).hostname for url in urls if not url.startswith(("data:", "blob:"))}


def test_demo_moves_in_the_browser_and_stays_on_this_computer(demo: Demo, page: Page, pictures: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))

    page.goto(demo.wait_for_page())
    chart = page.locator(".stVegaLiteChart svg")
    expect(chart).to_be_visible()
    expect(page.locator(".stMarkdownBadge")).to_contain_text("SYNTHETIC")
    drawn, price = chart.inner_html(), page.get_by_test_id("stMetricValue").first.inner_text()
    chart.evaluate("chart => chart.dataset.kept = 'yes'")
    expect(page.get_by_test_id("stMetricValue").first).not_to_have_text(price)
    page.wait_for_function("drawn => document.querySelector('.stVegaLiteChart svg').innerHTML !== drawn", arg=drawn)

    assert chart.get_attribute("data-kept") == "yes", "the chart was made anew instead of moving in place"
    assert page.get_by_test_id("stException").count() == 0
    page.screenshot(path=pictures / "live.png")
    page.get_by_role("link", name="System").click()
    expect(page.get_by_text("Components")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    expect(page.get_by_role("heading", name="Holes")).to_be_visible()
    page.screenshot(path=pictures / "system.png")
    assert hosts(asked) == {"127.0.0.1"}


def test_ctrl_c_leaves_nothing_running(demo: Demo) -> None:
    demo.wait_for_page()
    family = demo.family()
    assert len(family) >= 5  # PostgreSQL, Redis, the exchange, the worker and the page

    code = demo.stop()

    assert code in (0, 130)
    assert [process for process in family if process.is_running()] == []
