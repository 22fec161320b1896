import json
import time

import pytest

from market import clock
from trading.bots.configs import Configs

pytestmark = pytest.mark.postgres
GOOD = {"id": "a", "strategy": "buy_and_hold", "symbols": ["OKX:BTC-USDT"], "balance": "1000", "autostart": True}


@pytest.fixture
def place(database, tmp_path):
    """Return what looks at a folder of bots and at one of strategies, both, and a list of what it calls."""
    bots, strategies, renewed = tmp_path / "bots", tmp_path / "strategies", []
    bots.mkdir()
    strategies.mkdir()
    configs = Configs(database, bots, strategies, on_strategies=lambda: renewed.append(1))
    yield configs, bots, strategies, renewed
    configs.close()


def write(folder, name, text):
    """Write a file that differs in its length from what it was."""
    (folder / name).write_text(text if isinstance(text, str) else json.dumps(text))


class Later:
    """Time that is put forward between looks: a file that cannot be used yet may be half written, and is looked at again."""

    ahead = 0.0

    def now_us(self):
        return time.time_ns() // 1_000

    def monotonic(self):
        return time.monotonic() + self.ahead


LATER = Later()


def looked(configs):
    """Look until nothing waits any more."""
    with clock.using(LATER):
        for _ in range(3):
            LATER.ahead += 30.0
            configs.look()


def test_files_are_taken_over_edited_broken_mended_and_removed(place, database):
    configs, bots, _, _ = place
    write(bots, "a.json", GOOD)
    looked(configs)
    assert (database.bots.get("a").wanted, database.bots.get("a").problem) == ("running", None)

    write(bots, "a.json", GOOD | {"stops": {"stop_loss": 0.25}})
    looked(configs)
    assert database.bots.events("a", kind="configured")[0].details["changes"] == {"stops.stop_loss": [0.0, 0.25]}

    write(bots, "a.json", GOOD | {"stops": {"stop_loss": "much"}})
    looked(configs)
    assert database.bots.get("a").problem.startswith("a.json: stops.stop_loss: expected")
    assert database.bots.get("a").config["stops"]["stop_loss"] == 0.25

    write(bots, "a.json", GOOD | {"stops": {"stop_loss": 0.5}})
    looked(configs)
    assert (database.bots.get("a").problem, database.bots.get("a").config["stops"]["stop_loss"]) == (None, 0.5)

    (bots / "a.json").unlink()
    looked(configs)
    assert (database.bots.get("a").wanted, database.bots.get("a").problem.endswith("what it did is kept")) == ("stopped", True)


def test_a_file_that_becomes_that_of_another_bot_is_not_called_gone(place, database):
    configs, bots, _, _ = place
    write(bots, "a.json", GOOD)
    looked(configs)
    write(bots, "a.json", GOOD | {"id": "b"})
    looked(configs)

    said = "a.json is that of b now"
    assert database.bots.get("a").problem == f"{said}; the bot was stopped then, what it did is kept"
    assert database.bots.events("a", kind="stopped")[0].text == f"stopped by its file: {said}"


def test_a_broken_file_of_no_known_bot_is_an_event(place, database):
    configs, bots, _, _ = place
    write(bots, "b.json", "{")
    looked(configs)

    (event,) = database.bots.events(kind="problem")
    assert (event.bot, event.details["file"], event.text.partition(":")[0]) == (None, "b.json", "b.json")


def test_a_changed_strategy_is_told_of(place):
    configs, _, strategies, renewed = place
    looked(configs)
    assert renewed == []
    write(strategies, "mine.py", "x = 1")
    looked(configs)

    assert renewed == [1]


def test_the_file_of_a_bot_that_was_deleted_can_be_removed(place, database):
    configs, bots, _, _ = place
    write(bots, "a.json", GOOD)
    looked(configs)
    database.bots.wish("stopped", by="a test")
    database.bots.delete("a")

    (bots / "a.json").unlink()
    write(bots, "b.json", GOOD | {"id": "b"})
    looked(configs)

    assert [bot.id for bot in database.bots.list()] == ["b"]
