"""Every section of every page of a running demo, in a browser: it opens without an error and can be read, light and dark."""

import re

import pytest
from playwright.sync_api import expect

from tests.app.axe import violations
from tests.app.browser import SCHEMES, marks
from tests.app.conftest import Windows

pytestmark = [*marks, pytest.mark.postgres, pytest.mark.redis]

WORKING, PATIENCE_MS = re.compile("\N{HORIZONTAL ELLIPSIS}$"), 60_000
SYMBOL, BOT = "SYNTHETIC:BTC-USDT", "demo-ema-btc"
SECTIONS = {
    "market": [f"/market?symbol={SYMBOL}&indicators=true&fills=true", f"/market?symbol={SYMBOL}&range=1+d&view=latencies"],
    "data": [f"/data?view={view}" for view in ("coverage", "holes", "quality", f"backfill&fill={SYMBOL}", "storage")],
    "bots": [
        "/bots?view=new",
        *(f"/bots?bot={BOT}&view={view}" for view in ("summary", "trades", "orders", "signals", "events", "explain", "edit")),
    ],
    "backtests": [
        "/backtests?view=Runs",
        *(f"/backtests?view=New+run&new_symbols={SYMBOL}&new_kind={kind}" for kind in ("backtest", "sweep", "walk-forward")),
        "/backtests?run=0123456789",
    ],
    "system": [f"/system?view={view}" for view in ("components", "stores", "flows", "log", "settings", "doctor", "wishes")],
}
"""By page, addresses of its sections; the overview has none."""


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_can_be_read(windows: Windows, name: str) -> None:
    window, found = windows(), []

    for path in SECTIONS[name]:
        page = window.open(path)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_test_id("stCaptionContainer").filter(has_text=WORKING)).to_have_count(0, timeout=PATIENCE_MS)
        for scheme in SCHEMES:
            window.turn(scheme)
            found += [f"{path} {scheme}: {each}" for each in violations(page).violations]

    assert found == []
