"""The page over a year of minutes and fifty bots: first paint, statements, ten sessions, and memory while a tape is played.

`python -m bench app` measures all of it in about eight minutes; `--long` plays the tape for an hour, `make bench` leaves it out.
"""

import shutil
import sys

from bench.figures import note


def main() -> None:
    """Print the figures."""
    if shutil.which("chromium") is None and shutil.which("google-chrome") is None:
        note("skipped: there is no Chromium", 0, "")
        return
    from bench.app_home import bench_home
    from bench.app_load import LONG_SECONDS, SHORT_SECONDS, memory, sessions
    from bench.app_paint import cold, left_open, warm
    from tests.app.browser import chromium

    named, is_long = "app" in sys.argv[1:], "--long" in sys.argv[1:]
    with chromium() as browser:
        with bench_home() as home:
            warm(home, browser)
            cold(home, browser, rounds=3 if named else 1)
            left_open(home, browser)
            sessions(home, browser)
        if named or is_long:
            memory(browser, seconds=LONG_SECONDS if is_long else SHORT_SECONDS)


if __name__ == "__main__":
    main()
