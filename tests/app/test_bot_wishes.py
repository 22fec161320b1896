"""Wishes about bots are checked again, carried out whole or not at all, and recorded."""

import json
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import access
from app.access import NotAllowed, Role, User
from app.actions import bots as wishes
from app.bots import files as bot_files
from app.bots.text import text_of
from app.data.connections import database as pages_database
from app.stores import Lost
from db import DatabaseOperations
from db.child import free_port
from market.errors import InputError, StoreUnreachable
from tests.app.bots import TREE, Bots
from trading.bots.problems import ConfigError

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
OTHER = {**TREE, "parameters": {"fast": 3, "slow": 9}}


@pytest.fixture(autouse=True)
def in_the_home(bots: Bots) -> None:
    """Let the wishes find the stores of the test."""


def records(database: DatabaseOperations) -> list[tuple[str, str, str]]:
    return [(wish.by, wish.action, wish.subject) for wish in database.wishes.list()]


def kinds(database: DatabaseOperations, bot: str = "ema-btc") -> list[str]:
    return [event.kind for event in database.bots.events(bot)]


def test_a_bot_is_made_with_its_file_and_a_record(bots: Bots, database: DatabaseOperations):
    assert wishes.create(text_of(TREE)) == "ema-btc"

    assert (bots.folder / "ema-btc.json").read_text() == text_of(TREE)
    stored = database.bots.get("ema-btc")
    assert (stored.wanted, stored.config["parameters"]) == ("stopped", {"fast": 5, "slow": 12})
    assert stored.config_file == str(bots.folder / "ema-btc.json")
    assert records(database) == [("the page", "create bot", "ema-btc")]
    [event] = database.bots.events("ema-btc")
    assert (event.text, event.details["by"]) == ("created by the page, in ema-btc.json", "the page")


def test_one_that_its_file_wants_to_run_does(database: DatabaseOperations):
    wishes.create(text_of({**TREE, "autostart": True}))

    assert database.bots.get("ema-btc").wanted == "running"


def test_a_text_that_cannot_be_used_makes_nothing(bots: Bots, database: DatabaseOperations):
    with pytest.raises(ConfigError, match=r"parameters\.slow"):
        wishes.create(text_of({**TREE, "parameters": {"slow": 1}}))

    assert list(bots.folder.iterdir()) == []
    assert database.bots.list() == []
    assert records(database) == []


@pytest.mark.parametrize("there", ["bot", "file"])
def test_one_that_is_there_already_stays_as_it_is(bots: Bots, database: DatabaseOperations, there: str):
    before = bots.file()
    if there == "bot":
        bots.known()
        before.unlink()

    with pytest.raises(InputError, match="already"):
        wishes.create(text_of(OTHER))

    assert before.exists() is (there == "file")
    assert [bot.config["parameters"] for bot in database.bots.list()] == ([{"fast": 5, "slow": 12}] if there == "bot" else [])
    assert records(database) == []


def test_an_id_that_leads_out_of_the_folder_makes_nothing(bots: Bots, database: DatabaseOperations):
    with pytest.raises(ConfigError, match="id: expected"):
        wishes.create(text_of({**TREE, "id": "../../escaped"}))

    assert not (bots.folder.parent.parent / "escaped.json").exists()
    assert records(database) == []


def test_a_file_that_cannot_be_written_leaves_no_bot(database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch):
    def full(*about: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bot_files.os, "open", full)

    with pytest.raises(InputError, match="No space left"):
        wishes.create(text_of(TREE))

    assert database.bots.list() == []
    assert records(database) == []


def test_a_commit_that_fails_leaves_no_file(bots: Bots, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch):
    bots.known()
    file = bot_files.read(bots.folder / "ema-btc.json")

    def fail(connection: sa.Connection) -> None:
        raise StoreUnreachable("the database went away")

    sa.event.listen(sa.Engine, "commit", fail)
    try:
        with pytest.raises(StoreUnreachable):
            wishes.create(text_of({**TREE, "id": "other"}))
        with pytest.raises(StoreUnreachable):
            wishes.edit("ema-btc", text_of(OTHER), file)
    finally:
        sa.event.remove(sa.Engine, "commit", fail)

    assert [path.name for path in bots.folder.iterdir()] == ["ema-btc.json"]
    assert json.loads(file.path.read_text()) == TREE
    assert [bot.config["parameters"] for bot in database.bots.list()] == [{"fast": 5, "slow": 12}]


def test_an_edit_counts_at_once_and_says_what_changed(bots: Bots, database: DatabaseOperations):
    bots.known()
    file = bot_files.read(bots.folder / "ema-btc.json")

    assert wishes.edit("ema-btc", text_of(OTHER), file) == "changed"

    assert json.loads(file.path.read_text()) == OTHER
    event = database.bots.events("ema-btc")[-1]
    assert (event.kind, event.details["by"]) == ("configured", "the page")
    assert event.details["changes"] == {"parameters.fast": [5, 3], "parameters.slow": [12, 9]}
    assert records(database) == [("the page", "edit bot", "ema-btc")]


def test_of_two_who_edit_the_same_the_second_is_refused(bots: Bots, database: DatabaseOperations):
    bots.known()
    first = bot_files.read(bots.folder / "ema-btc.json")
    second = bot_files.read(bots.folder / "ema-btc.json")
    wishes.edit("ema-btc", text_of(OTHER), first)

    with pytest.raises(InputError, match="somebody changed it meanwhile; nothing was written"):
        wishes.edit("ema-btc", text_of({**TREE, "balance": 5}), second)

    assert json.loads(first.path.read_text()) == OTHER
    assert database.bots.get("ema-btc").config["balance"] == "10000"
    assert len(records(database)) == 1


def test_an_edit_to_another_id_is_refused(bots: Bots):
    bots.known()
    file = bot_files.read(bots.folder / "ema-btc.json")

    with pytest.raises(InputError, match="clone the bot"):
        wishes.edit("ema-btc", text_of({**TREE, "id": "other"}), file)
    assert json.loads(file.path.read_text()) == TREE


def test_a_file_that_is_elsewhere_is_not_written(bots: Bots, tmp_path: Path):
    bots.known()
    other = tmp_path / "ema-btc.json"
    other.write_text(text_of(TREE))

    for wish in (lambda: wishes.edit("ema-btc", text_of(OTHER), bot_files.read(other)),
                 lambda: wishes.delete("ema-btc", bot_files.read(other))):  # fmt: skip
        with pytest.raises(InputError, match="expected a file of"):
            wish()
    assert json.loads(other.read_text()) == TREE


def test_bots_are_started_stopped_and_parked_by_name(bots: Bots, database: DatabaseOperations):
    bots.known()
    bots.known(id="second")

    assert wishes.start(["ema-btc"], from_now=True) == ["ema-btc"]
    assert wishes.start(["ema-btc", "second"]) == ["second"]
    wishes.park("ema-btc", "odd\n prices")
    assert database.bots.get("ema-btc").reason == "by the page: odd prices"
    assert wishes.start(["ema-btc"]) == ["ema-btc"]
    assert wishes.stop(["second"]) == ["second"]
    assert wishes.stop_all() == ["ema-btc"]

    assert kinds(database) == ["created", "started", "parked", "started", "stopped"]
    assert [(action, subject) for _, action, subject in records(database)] == [
        ("start bot", "ema-btc"), ("start bot", "2 bots"), ("park bot", "ema-btc"), ("start bot", "ema-btc"),
        ("stop bot", "second"), ("stop bot", "all bots"),
    ]  # fmt: skip
    assert database.wishes.list()[1].details == {"bots": ["ema-btc", "second"], "from_now": False}


def test_none_is_not_all(bots: Bots, database: DatabaseOperations):
    bots.known(run=True)

    with pytest.raises(InputError, match="found none"):
        wishes.stop([])
    assert database.bots.get("ema-btc").wanted == "running"


def test_a_bot_that_is_not_there_is_told_and_nothing_is_recorded(database: DatabaseOperations):
    with pytest.raises(InputError, match="not known"):
        wishes.start(["none"])
    assert records(database) == []


def test_a_running_bot_is_neither_reset_nor_deleted(bots: Bots, database: DatabaseOperations):
    bots.known(run=True)
    file = bot_files.read(bots.folder / "ema-btc.json")

    for wish in (lambda: wishes.reset("ema-btc"), lambda: wishes.delete("ema-btc", file)):
        with pytest.raises(InputError, match="stop it first"):
            wish()
    assert file.path.exists()
    assert records(database) == []


def test_a_stopped_one_is_reset_and_deleted_with_its_file(bots: Bots, database: DatabaseOperations):
    bots.known()
    file = bot_files.read(bots.folder / "ema-btc.json")

    wishes.reset("ema-btc")
    assert database.bots.get("ema-btc").run == 2
    wishes.delete("ema-btc", file)

    assert not file.path.exists()
    assert database.bots.list() == []
    assert [action for _, action, _ in records(database)] == ["reset bot", "delete bot"]


def test_a_viewer_can_do_none_of_it(bots: Bots, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch):
    bots.known()
    file = bot_files.read(bots.folder / "ema-btc.json")
    monkeypatch.setattr(access, "current_user", lambda: User(name="guest", role=Role.VIEWER))

    for wish in (
        lambda: wishes.start(["ema-btc"]), lambda: wishes.stop(["ema-btc"]), wishes.stop_all, lambda: wishes.park("ema-btc", "x"),
        lambda: wishes.reset("ema-btc"), lambda: wishes.delete("ema-btc", file),
        lambda: wishes.create(text_of({**TREE, "id": "b"})), lambda: wishes.edit("ema-btc", text_of(OTHER), file),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            wish()
    assert kinds(database) == ["created"]
    assert json.loads(file.path.read_text()) == TREE
    assert records(database) == []


def test_a_bot_is_stopped_while_reads_leave_the_database_alone(bots: Bots, database: DatabaseOperations):
    bots.known(run=True)
    lost: Lost = {}

    def hang(_: DatabaseOperations) -> None:
        threading.Event().wait(0.2)
        raise StoreUnreachable("PostgreSQL does not answer")

    pages_database().ask(hang, None, lost)

    assert wishes.stop(["ema-btc"]) == ["ema-btc"]
    assert pages_database().ask(lambda _: "read", None, {}) is None
    assert database.bots.get("ema-btc").wanted == "stopped"


def test_nothing_is_done_while_the_database_is_away(bots: Bots, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TCPDASH_DATABASE__URL", f"postgresql+psycopg2://app@127.0.0.1:{free_port()}/app")

    with pytest.raises(StoreUnreachable):
        wishes.create(text_of(TREE))

    assert list(bots.folder.iterdir()) == []
