"""The page of bots for a viewer and an operator, in Chromium and by forged messages: only the operator's press starts a bot."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from db import DatabaseOperations
from tests.app.bots import Bots
from tests.app.browser import CHROMIUM
from tests.app.conftest import ENTRY
from tests.app.sign_in.served import PASSWORD, Client, Served, hashed
from tests.app.sign_in.wire import Wire, buttons

pytestmark = [
    *(pytest.mark.browser, pytest.mark.postgres, pytest.mark.redis),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path"),
]
BOT = "ema-btc"
OF_ONE = ("Start", "Start from now", "Stop", "Park…", "Reset account…", "Delete…")
OF_ALL = ("Start all 1…", "Stop all 1…")
HARMLESS = {"Sign out", "Discard"}  # they change no more than one's own window


@pytest.fixture
def bot(bots: Bots, database: DatabaseOperations) -> DatabaseOperations:
    """Return the database, with a stopped bot in it."""
    bots.known()
    return database


@pytest.fixture
def served(home: Path, bot: DatabaseOperations) -> Iterator[Served]:
    """Serve our pages on the servers of the tests, for an operator `ada` and a viewer `vic`."""
    environment = {name: text for name, text in os.environ.items() if name.startswith("TCPDASH_") and name != "TCPDASH_HOME"}
    server = Served(home, ENTRY, environment | {
        "TCPDASH_APP__USERS__ADA__PASSWORD_HASH": hashed(),
        "TCPDASH_APP__USERS__VIC__PASSWORD_HASH": hashed(),
        "TCPDASH_APP__USERS__VIC__ROLE": "viewer",
    })  # fmt: skip
    server.start()
    yield server
    server.stop()


def sign_in(page: Page, served: Served, name: str) -> None:
    """Sign in on the way to the list of bots."""
    page.goto(f"{served.url}/bots")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("1 bot: 1 stopped")).to_be_visible()


@contextmanager
def wire_of(served: Served, name: str) -> Iterator[Wire]:
    """Open a session of somebody on the page of bots, without a browser."""
    with Client(served.url) as client:
        assert client.sign_in(name).status_code == 303
        with Wire(client, "bots") as wire:
            yield wire


def pressable(wire: Wire, query: str) -> dict[str, str]:
    """Return the ids of the buttons with which an operator acts, those in dialogs among them, by label."""
    found = buttons(wire.run(query=query))
    for label, (name, _) in list(found.items()):
        if label.endswith("…"):  # it asks first
            found |= buttons(wire.run(name, query=query))
    return {label: name for label, (name, _) in found.items() if label not in HARMLESS}


def test_a_viewer_sees_a_bot_and_every_wish_greyed_out(served: Served, page: Page):
    sign_in(page, served, "vic")
    for label in OF_ALL:
        expect(page.get_by_role("button", name=label)).to_be_disabled()

    page.goto(f"{served.url}/bots?bot={BOT}")
    expect(page.get_by_role("heading", name=BOT)).to_be_visible()
    expect(page.get_by_text("You may look, but not act")).to_be_visible()
    for label in OF_ONE:
        expect(page.get_by_role("button", name=label, exact=True)).to_be_disabled()
    page.goto(f"{served.url}/bots?view=new")
    expect(page.get_by_role("button", name="Create")).to_be_disabled()
    expect(page.get_by_label("Id", exact=True)).to_be_disabled()


def test_the_press_of_an_operator_starts_a_bot_and_is_recorded(served: Served, page: Page, bot: DatabaseOperations):
    sign_in(page, served, "ada")
    page.goto(f"{served.url}/bots?bot={BOT}")

    page.get_by_role("button", name="Start", exact=True).click()

    expect(page.get_by_text(f"{BOT} is wanted to run now")).to_be_visible()
    assert bot.bots.get(BOT).wanted == "running"
    assert [(wish.by, wish.action, wish.subject) for wish in bot.wishes.list()] == [("ada", "start bot", BOT)]


@pytest.mark.parametrize(
    ("query", "acts"),
    [(f"bot={BOT}&view=summary", "Park it"), ("view=all", "Start them"), ("view=new", "Create")],
)
def test_what_an_operator_can_press_does_nothing_in_the_hands_of_a_viewer(
    served: Served, bot: DatabaseOperations, query: str, acts: str
):
    """The ids of buttons are learnt from the operator's own page, and sent one by one by a viewer's session on the same page."""
    before, events = bot.bots.get(BOT), bot.bots.events(BOT)
    with wire_of(served, "ada") as wire:
        wishes = pressable(wire, query)
    assert acts in wishes

    with wire_of(served, "vic") as wire:
        seen = buttons(wire.run(query=query))
        for name in wishes.values():
            wire.run(name, query=query)

    assert {label: seen[label][1] for label in wishes if label in seen} == dict.fromkeys(set(wishes) & set(seen), True)
    assert (bot.bots.get(BOT), bot.bots.events(BOT), bot.wishes.list()) == (before, events, [])
    assert "pressed name='vic' role=viewer" in served.log()


def test_the_same_message_of_an_operator_does_start_it(served: Served, bot: DatabaseOperations):
    query = f"bot={BOT}&view=summary"
    with wire_of(served, "ada") as wire:
        name, _ = buttons(wire.run(query=query))["Start"]
        wire.run(name, query=query)

    assert bot.bots.get(BOT).wanted == "running"
