"""`tcpdash bots schema`, `check`, `reset` and `delete`: files of bots are checked, and accounts ended, when a person agrees."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from cli.run import demo_bots
from settings import load_settings
from tests.cli.bot_homes import BotHome
from tests.cli.command import Command
from tests.db.bots import TRADE
from trading.bots.config import schema

pytestmark = pytest.mark.postgres


def test_the_schema_is_that_of_the_files_and_takes_one(home: BotHome):
    printed = json.loads(home.tcpdash.out("bots", "schema"))

    assert printed == schema()
    Draft202012Validator(printed).validate(json.loads(home.file("a").read_bytes()))


class TestCheck:
    def test_each_file_of_the_folder_is_told_with_all_that_is_wrong(self, home: BotHome):
        good, bad = home.file("a"), home.file("b", timeframe="7m", symbol=["OKX:BTC-USDT"])

        done = home.tcpdash("bots", "check")

        lines = [" ".join(line.split()) for line in done.out.splitlines()]
        assert (done.code, done.err) == (1, "")
        assert lines[:2] == [f"ok {good} bot a", f"refused {bad} bot b"]
        assert "symbol: expected " in done.out
        assert "; did you mean 'symbols'?" in done.out
        assert "timeframe: expected one of 1m, " in done.out
        assert lines[-1] == "2 files: 1 cannot be used"

    def test_two_files_of_one_bot_are_told(self, home: BotHome):
        first, second = home.file("a"), home.folder / "b.json"
        second.write_bytes(first.read_bytes())

        assert f"id: expected an id that no other file has, found 'a' as in {first}" in home.tcpdash("bots", "check").out

    def test_named_files_alone_are_told(self, home: BotHome, tmp_path: Path):
        home.file("b", timeframe="7m")
        named = tmp_path / "c.json"
        named.write_bytes(home.file("c").read_bytes())

        assert home.out("check", str(named)) == f"ok {named} bot c\n1 file: all can be used"
        assert home.json("check", str(named)) == [{"file": str(named), "id": "c", "usable": True, "problems": []}]

    @pytest.mark.parametrize(
        ("content", "field", "found"), [(b"{", "", "none"), (b"[]", "", "a list"), (b'{"id": "a b"}', "id", "'a b'")]
    )
    def test_what_is_no_file_of_a_bot_is_told(self, home: BotHome, tmp_path: Path, content: bytes, field: str, found: str):
        named = tmp_path / "c.json"
        named.write_bytes(content)

        done = home.tcpdash("bots", "check", str(named), "--json")

        assert done.code == 1
        [told] = json.loads(done.out)
        assert any(problem["field"] == field and found in problem["found"] for problem in told["problems"])

    def test_what_is_no_json_is_told_in_a_whole_sentence(self, home: BotHome, tmp_path: Path):
        named = tmp_path / "c.json"
        named.write_bytes(b'{"id": "tw\n')

        assert " line 1, column 11: Invalid control character\n" in home.tcpdash("bots", "check", str(named)).out

    def test_a_file_that_is_not_there_or_a_folder_is_told(self, home: BotHome, tmp_path: Path):
        done = home.tcpdash("bots", "check", str(tmp_path / "none.json"), str(tmp_path))

        assert done.code == 1
        assert "expected a file that can be read, found No such file or directory" in done.out
        assert "expected a file that can be read, found Is a directory" in done.out

    def test_an_empty_folder_is_no_error(self, home: BotHome):
        assert home.out("check") == f"no file of a bot is in {home.folder}; `tcpdash bots schema` says what is in one"
        assert home.json("check") == []

    def test_a_strategy_of_the_user_that_fails_is_told_in_a_sentence(self, home: BotHome, tmp_path: Path):
        folder = tmp_path / "strategies"
        folder.mkdir()
        targets = "    def targets(self, data):\n        return data['close'] * 0\n"
        code = "from trading import BaseStrategy\nclass Mine(BaseStrategy):\n    lookback = 1\n"
        (folder / "mine.py").write_text(code + "    def __init__(self, parameters):\n        raise RuntimeError('no')\n" + targets)
        home.file("a", strategy="mine", parameters={})

        done = home.tcpdash("bots", "check")

        assert (done.code, done.err) == (1, "")
        assert "RuntimeError: no" in done.out


class TestReset:
    def test_a_stopped_bot_gets_another_account(self, home: BotHome):
        home.known("a")

        assert home.out("reset", "a", "--yes") == (
            "account 1 of a is ended; the next one begins when it is started: `tcpdash bots start a`"
        )
        assert home.database.bots.get("a").run == 2

    @pytest.mark.parametrize(("answer", "run"), [("y\n", 2), ("n\n", 1), ("", 1)])
    def test_a_person_is_asked(self, home: BotHome, monkeypatch: pytest.MonkeyPatch, answer: str, run: int):
        home.known("a")
        monkeypatch.setattr(sys, "stdin", io.StringIO(answer))

        done = home.tcpdash("bots", "reset", "a")

        assert "End account 1 of a, and begin another? [y/N]" in done.out
        assert home.database.bots.get("a").run == run
        assert (done.code, "nothing was changed" in done.err) == ((0, False) if run == 2 else (1, True))

    @pytest.mark.parametrize("verb", ["reset", "delete"])
    def test_one_that_is_wanted_to_run_is_refused_before_anybody_is_asked(self, home: BotHome, verb: str):
        home.known("a")
        home.database.bots.wish("running", ["a"], by="a test")

        done = home.tcpdash("bots", verb, "a")

        assert (done.code, done.out) == (2, "")
        assert done.err == "tcpdash: bot a is wanted to run; stop it first: `tcpdash bots stop a`\n"

    def test_one_that_a_runner_still_has_is_refused(self, home: BotHome):
        home.known("a")
        home.database.bots.wish("running", ["a"], by="a test")
        home.run("a", owner="here-7")
        home.database.bots.wish("stopped", ["a"], by="a test")

        done = home.tcpdash("bots", "reset", "a", "--yes")

        assert (done.code, done.err) == (
            2,
            "tcpdash: bot a is stopped, but here-7 still has it; try again in a few seconds\n",
        )


class TestDelete:
    def test_all_is_gone_but_the_file_which_would_bring_it_back(self, home: BotHome):
        home.known("a")
        home.database.bots.wish("running", ["a"], by="a test")
        epoch = home.run("a", trades=[TRADE])
        home.database.bots.wish("stopped", ["a"], by="a test")
        home.database.bots.release("a", epoch, state="stopped", reason="")

        lines = home.out("delete", "a", "-y").splitlines()

        assert home.database.bots.list() == []
        assert home.database.bots.trades("a", run=1) == []
        assert lines[0] == "a is removed with all that it wrote"
        assert lines[1].startswith(f"its file {home.folder / 'a.json'} is still there: ")

    def test_without_a_file_nothing_is_said_of_it(self, home: BotHome):
        home.known("a").unlink()

        assert home.out("delete", "a", "-y") == "a is removed with all that it wrote"

    def test_a_file_that_is_that_of_another_bot_now_is_left_out(self, home: BotHome):
        home.known("a").write_text(home.file("b").read_text())

        assert home.out("delete", "a", "-y") == "a is removed with all that it wrote"


def test_a_runner_says_that_it_is_there_and_where_it_looks(home: BotHome, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TCPDASH_REDIS__URL", "redis://127.0.0.1:1/0")
    command = [sys.executable, "-m", "cli", "bots", "run", "--name", "hand"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        try:
            said = runner.stdout.readline()
        finally:
            runner.terminate()

    assert said == f"runner hand looks for bots to run, and for their files in {home.folder}\n"
    assert runner.returncode == 0


class TestDemo:
    def test_where_there_is_no_folder_the_demo_has_the_bots_of_the_program(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(tmp_path)
        settings = load_settings(environment={"TCPDASH_CONFIG": ""})

        folder = demo_bots(settings)

        assert folder.is_absolute()
        assert sorted(file.name for file in folder.glob("*.json")) == [
            "_example.json",
            "demo-breakout-eth.json",
            "demo-ema-btc.json",
        ]

    def test_a_folder_that_is_there_is_taken(self, tmp_path: Path):
        settings = load_settings(environment={"TCPDASH_CONFIG": "", "TCPDASH_BOTS__FOLDER": str(tmp_path)})

        assert demo_bots(settings) == tmp_path

    def test_bots_can_be_left_out(self, tcpdash: Command):
        assert "--no-bots" in tcpdash.out("up", "--help")
