"""A running demo and the browser that looks at it; what the browser says and asks for is kept, and has to be nothing wrong."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

import cli
from app.server import options

EXAMPLES = Path(cli.__file__).with_name("bots_example")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

marks = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the path"),
]
"""For `pytestmark` of a module."""

# The first two are pages of Chromium's own toolbar, which take half a second of a processor beside each new window. The last such
# option alone counts, so those that Playwright turns off are named again.
_OFF = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    *("AimEnabled", "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "LensOverlay"),
    *("MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch"),
    *("ThirdPartyStoragePartitioning", "HttpsFirstBalancedModeAutoEnable", "AvoidCorsURLLoaderRestartOnRedirect"),
)
# A sandbox cannot be set up in containers; the rest keeps the browser's own services from calling home.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    f"--disable-features={','.join(_OFF)}",
]
PATIENCE_MS = 150_000  # for whatever is waited for: at the begin of all tests a worker takes a minute to start beside the others
SCHEMES = ("light", "dark")

_SETTLED = """
() => document.querySelector("[data-testid='stApp'][data-test-script-state='notRunning']")
    && document.querySelector("[data-testid='stMain'] :is(h1, h2, h3, [data-testid='stMetric'])")
    && !document.querySelector(
        "[data-testid='stMain'] :is([data-testid='stSkeleton'], [data-testid='stSpinner'], [data-stale='true'])"
    )
"""

_IS = "scheme => getComputedStyle(document.querySelector('.stApp')).colorScheme === scheme"


def command_of(script: Path, port: int | str) -> list[str]:
    """Return the command that serves a script of Streamlit's with the options of our pages, without our door in front."""
    words = {name: value for name, value in options("127.0.0.1", 0).items() if value not in ("", [])} | {"server.port": port}
    told = [f"--{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in words.items()]
    return [sys.executable, "-m", "streamlit", "run", str(script), *told]


class Served:
    """A process that serves a page and says where; ended with `kill` in any case.

    Args:
        command: What to run.
        home: The folder of the installation; no other TCPDASH_ variable of this process reaches it.
        environment: More variables.
    """

    def __init__(self, command: list[str], home: Path, environment: Mapping[str, str] | None = None) -> None:
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("TCPDASH_")}
        self.home, self._said = home, [""]
        self._process = subprocess.Popen(
            command,
            env={**inherited, "TCPDASH_HOME": str(home), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, begin: str) -> str:
        """Read what it prints up to a line that begins so, and return the next word of that line."""
        for line in self._process.stdout:
            self._said.append(line)
            if line.strip().startswith(begin):
                return line.strip().removeprefix(begin).split()[0]
        raise AssertionError(f"it ended with {self._process.wait()} before it said {begin!r}:\n{''.join(self._said)}")

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


class Demo(Served):
    """A running `tcpdash demo` on a home of its own, with bots of its own in the folder `bots` there, on ports that are free.

    Args:
        home: Its folder; it is made.
        words: More words of the command, as `--speed 20`; without `--with-flows` it runs without flows.
    """

    def __init__(self, home: Path, *words: str) -> None:
        flows = [] if "--with-flows" in words else ["--no-flows"]
        given = [word for word in words if word != "--with-flows"]
        shutil.copytree(EXAMPLES, home / "bots")
        own = {"TCPDASH_BOTS__FOLDER": str(home / "bots")}  # else what a page writes would be among the files of the program
        super().__init__([sys.executable, "-u", "-m", "cli", "demo", *flows, *given], home, own)

    @property
    def url(self) -> str:
        """Where its page is, once it answers."""
        if not hasattr(self, "_url"):
            self._url = self.wait_for("page: ")
        return self._url


@dataclass  # Playwright keeps something on whose methods it calls
class Window:
    """A page of the browser, and what it said and asked for.

    Attributes:
        page: Of Playwright.
        url: Where the app is.
        said: Errors on its console and of its scripts.
        asked: Addresses that it asked for.
    """

    page: Page
    url: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Open a page by its path and wait until it is drawn."""
        self.page.goto(f"{self.url}{path}")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the script of the page has run and nothing is a skeleton any more."""
        self.page.wait_for_function(_SETTLED)  # on each frame: what looks once a second never meets the pause of a part that ticks

    def turn(self, scheme: str) -> None:
        """Have the system of who looks be `light` or `dark` from now on, and wait until the page is."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.wait_for_function(_IS, arg=scheme)
        self.settle()

    def check(self) -> None:
        """Assert that nothing went wrong in the browser, and that it asked this computer only."""
        assert self.said == []
        assert {urlsplit(url).hostname for url in self.asked if not url.startswith(("data:", "blob:"))} <= {"127.0.0.1"}

    def listen(self) -> None:
        """Keep from now on what the page says and asks for."""
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(f"error of a script: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.said.append(f"{message.text} ({urlsplit(message.location['url']).path})")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser without a screen."""
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def window(browser: Browser, url: str, *, scheme: str = "light", width: int = 1280, height: int = 800) -> Window:
    """Open a window with nothing of any other: its own cookies and cache.

    Args:
        browser: Of `chromium`.
        url: Where the app is.
        scheme: `light` or `dark`.
        width: In pixels.
        height: In pixels; what is below is scrolled to.
    """
    page = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    found = Window(page, url)
    found.listen()
    return found


def shoot(page: Page, folder: Path, name: str) -> None:
    """Leave a picture of all that the page shows, also of what one has to scroll to."""
    size = page.viewport_size
    inside = page.locator("[data-testid='stMainBlockContainer']").bounding_box()
    page.set_viewport_size({"width": size["width"], "height": max(size["height"], round(inside["height"]) + 60)})
    page.screenshot(path=folder / f"{name}.png")
    page.set_viewport_size(size)
