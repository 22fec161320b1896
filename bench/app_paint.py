"""From the wish to see a page to its first content of use, in a browser that never saw it, beside a page with one word on it."""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

from bench.app_home import BenchHome, Served
from bench.app_statements import Statement, sent_since, size_of
from bench.figures import figure, note
from tests.app.browser import command_of, window
from tests.app.painted import USEFUL, WHOLE, path_of

BARE, WORD = "bare", "[data-testid='stMain'] [data-testid='stMarkdownContainer'] p"
ROUNDS = 5
SECONDS_ABOVE, STATEMENTS, MILLISECONDS = 1.0, 5, 100
LEFT_OPEN_SECONDS = 10
# Behind the frame in which an element stands there, so that it was painted; from the begin of the navigation on.
_WATCH = """
(() => {
    window.paintedAt = {};
    const left = new Set(SELECTORS);
    const look = () => {
        for (const selector of left) {
            const found = document.querySelector(selector);
            if (found !== null && found.getBoundingClientRect().height > 0) {
                left.delete(selector);
                requestAnimationFrame(() => setTimeout(() => { window.paintedAt[selector] = performance.now(); }));
            }
        }
        if (left.size) requestAnimationFrame(look);
    };
    look();
})();
"""


def bare_page(home: BenchHome, folder: str) -> Served:
    """Start a page of one line, with the options of ours."""
    page = Path(folder) / "bare.py"
    page.write_text('import streamlit as st\n\nst.write("hello")\n')
    return Served(command_of(page, "{port}"), home.environment)


def seconds_to_paint(browser: Browser, url: str, *selectors: str) -> list[float]:
    """Return the seconds from a navigation in a fresh context to the first paint of each element."""
    opened = window(browser, url)
    page = opened.page
    page.add_init_script(_WATCH.replace("SELECTORS", json.dumps(selectors)))
    page.goto(url)
    page.wait_for_function(f"() => Object.keys(window.paintedAt).length === {len(set(selectors))}")
    painted = page.evaluate("() => window.paintedAt")
    page.context.close()
    return [float(painted[selector]) / 1e3 for selector in selectors]


def warm(home: BenchHome, browser: Browser) -> None:
    """Print the median of five of each page in sessions behind the first, against the bare page, in turn."""
    seconds: dict[str, list[list[float]]] = {name: [] for name in (BARE, *USEFUL)}
    with tempfile.TemporaryDirectory() as folder:
        app, bare = home.app(), bare_page(home, folder)
        try:
            for number in range(ROUNDS + 1):
                for name, times in seconds.items():
                    taken = _open(browser, app, bare, name)
                    if number:  # the first session is told by `cold`
                        times.append(taken)
        finally:
            bare.stop()
            app.stop()
    _tell("caches warm", seconds)


def cold(home: BenchHome, browser: Browser, *, rounds: int) -> None:
    """Print the same of the first session of a process, and the statements that it sends."""
    seconds: dict[str, list[list[float]]] = {name: [] for name in (BARE, *USEFUL)}
    sent: dict[str, list[Statement]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, times in seconds.items():
                served = bare_page(home, folder) if name == BARE else home.app()
                begun = size_of(home.log)
                try:
                    times.append(_open(browser, served, served, name))
                    sent[name] = sent_since(home.log, begun)
                finally:
                    served.stop()
    _tell("caches cold", seconds)
    for name in USEFUL:
        _tell_statements(name, sent[name])


def left_open(home: BenchHome, browser: Browser) -> None:
    """Print how many statements a page sends while it is open and nobody touches it."""
    app = home.app()
    try:
        for name in USEFUL:
            opened = window(browser, app.url)
            opened.open(path_of(name))
            begun = size_of(home.log)
            opened.page.wait_for_timeout(LEFT_OPEN_SECONDS * 1e3)
            note(f"{name}: statements within {LEFT_OPEN_SECONDS} s that it is left open", len(sent_since(home.log, begun)), "")
            opened.page.context.close()
    finally:
        app.stop()


def _open(browser: Browser, app: Served, bare: Served, name: str) -> list[float]:
    """Return the seconds to the first content of use, and to all that can be done with it."""
    if name == BARE:
        return seconds_to_paint(browser, bare.url, WORD, WORD)
    return seconds_to_paint(browser, f"{app.url}{path_of(name)}", USEFUL[name], WHOLE[name])


def _tell(what: str, seconds: Mapping[str, list[list[float]]]) -> None:
    middle = {name: [median(times) for times in zip(*rounds, strict=True)] for name, rounds in seconds.items()}
    bare, _ = middle[BARE]
    note(f"{what}: the bare page", bare, "s")
    for name in USEFUL:
        useful, whole = middle[name]
        figure(f"{what}: {name}, above the bare page", useful - bare, SECONDS_ABOVE, unit="s", at_least=False)
        note(f"{what}: {name}, as a multiple of the bare page", useful / bare, "")
        note(f"{what}: {name}, its table or chart itself, above the bare page", whole - bare, "s")


def _tell_statements(name: str, sent: list[Statement]) -> None:
    figure(f"{name}: statements of its first paint, caches cold", len(sent), STATEMENTS, at_least=False)
    slowest = max((each.milliseconds for each in sent), default=0.0)
    figure(f"{name}: the slowest of them", slowest, MILLISECONDS, unit="ms", at_least=False)
    if len(sent) > STATEMENTS or slowest > MILLISECONDS:
        for each in sent:
            print(f"      {each.milliseconds:8.1f} ms  {each.short}")
    sys.stdout.flush()
