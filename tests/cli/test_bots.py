"""`tcpdash bots`: which bots there are, and what is wanted of them."""

import json
import re
from decimal import Decimal

import pytest
import sqlalchemy as sa

from cli.bot_wishes import _now, _waited
from db.bot_rows import PostingRow
from tests.cli.bot_homes import BotHome, park
from tests.db.bots import START_US, TRADE, end_leases

pytestmark = pytest.mark.postgres


class TestList:
    def test_without_bots_it_says_where_they_come_from(self, home: BotHome):
        assert home.out("list") == (
            f"there are no bots yet; each is a file of {home.folder}, and `tcpdash bots schema` says what is in one"
        )
        assert home.json("list") == {"bots": [], "new": [], "problems": []}

    def test_each_bot_is_a_line_with_what_it_does_and_is_worth(self, home: BotHome):
        home.known("a", name="The first")
        home.known("b")
        home.tcpdash.out("bots", "start", "a")
        capital = PostingRow(entry=1, account="cash", amount=Decimal(10000), trade=None, timestamp_us=START_US)
        home.run("a", equity=Decimal("10050.5"), trades=[TRADE], postings=[capital])

        lines = home.out("list").splitlines()

        lines[1] = re.sub(r"running \d s", "running 0 s", lines[1])
        assert lines == [
            "id name strategy symbols candles wanted state heartbeat equity return today acted until (UTC) why",
            "a The first sma_cross OKX:BTC-USDT 1m running running 0 s 10,050.50 +0.51% 1 2024-08-08 23:55 -",
            "b - sma_cross OKX:BTC-USDT 1m stopped stopped - - - 0 - -",
            "",
            "2 bots: 1 stopped, 1 running",
        ]

    def test_json_has_all_and_amounts_stay_exact(self, home: BotHome):
        home.known("a")
        home.tcpdash.out("bots", "start", "a")
        home.run("a", equity=Decimal("10050.123456789012345678901"))

        [bot] = home.json("list")["bots"]

        assert (bot["id"], bot["wanted"], bot["state"], bot["runner"]) == ("a", "running", "running", "one")
        assert (bot["equity"], bot["acted_until"]) == ("10050.123456789012345678901", "2024-08-08T23:55:00Z")

    def test_only_those_in_a_state(self, home: BotHome):
        for bot in ("a", "b"):
            home.known(bot)
        home.tcpdash.out("bots", "start", "a")
        park(home.database, "a", home.run("a"), "it always fails")

        lines = home.out("list", "--state", "parked").splitlines()

        assert lines[1].endswith("running parked - - - 0 - it always fails")
        assert lines[3] == "1 shown; 2 bots: 1 stopped, 1 parked"
        assert home.out("list", "--state", "crashed") == "0 shown; 2 bots: 1 stopped, 1 parked"

    def test_a_state_that_there_is_not_is_told_with_the_one_that_was_meant(self, home: BotHome):
        done = home.tcpdash("bots", "list", "--state", "parkd")

        assert (done.code, done.out) == (2, "")
        assert done.err.endswith("waiting, crashed, parked; did you mean 'parked'?\n")

    def test_a_bot_whose_runner_is_gone_says_so(self, home: BotHome, engine: sa.Engine):
        home.known("a")
        home.tcpdash.out("bots", "start", "a")
        home.run("a")
        end_leases(engine)

        [bot] = home.json("list")["bots"]
        assert (bot["reason"], bot["health"]) == ("no runner has it", "crashed")
        line = home.out("list").splitlines()[1]
        assert " running (crashed) " in line
        assert " its runner one died: the lease ended at 20" in line

    def test_one_that_waits_for_a_runner_says_how_to_start_one(self, home: BotHome):
        home.known("a")
        home.database.bots.wish("running", ["a"], by="a test")

        line = home.out("list").splitlines()[1]
        assert " stopped (starting) - - - 0 - no runner took it yet; `tcpdash bots run` starts one" in line

    def test_a_file_that_cannot_be_used_and_one_that_nobody_took_over_are_told(self, home: BotHome):
        broken = home.file("a", stops={"stop_loss": "5%"})
        fresh = home.file("b")

        lines = home.out("list").splitlines()

        assert lines[1:] == [
            f"new: b ({fresh}) is known to no runner yet; `tcpdash bots start b` starts it",
            f"cannot be used: {broken}: stops.stop_loss: expected a number from 0 to 0.999, found '5%' (bot a)",
        ]
        told = home.json("list")
        assert told["new"] == [{"id": "b", "file": str(fresh)}]
        assert told["problems"][0]["problems"] == [
            {"field": "stops.stop_loss", "expected": "a number from 0 to 0.999", "found": "'5%'", "hint": ""}
        ]

    def test_a_problem_that_a_runner_noted_is_told(self, home: BotHome):
        home.known("a")
        home.database.bots.note_problem("a", "a.json is gone; the bot is stopped")

        assert home.out("list").splitlines()[-1] == "bot a: a.json is gone; the bot is stopped"

    def test_a_file_that_is_broken_beyond_its_id_is_told_once(self, home: BotHome):
        broken = home.known("a")
        broken.write_text("{")
        error = (
            f"{broken}: expected JSON, found what is none in line 1, column 2: Expecting property name enclosed in double quotes"
        )
        home.database.bots.note_problem("a", error)

        assert home.out("list").splitlines()[4:] == [f"cannot be used: {error} (bot a)"]

    def test_one_that_runs_without_a_file_is_told(self, home: BotHome):
        file = home.known("a")
        home.database.bots.wish("running", ["a"], by="a test")
        file.unlink()

        assert home.out("list").splitlines()[-1] == f"bot a: no file of {home.folder} is its own; it does what {file} said last"


class TestStart:
    def test_a_bot_that_only_its_file_knows_is_registered(self, home: BotHome):
        file = home.file("a")

        told = home.out("start", "a").splitlines()

        bot = home.database.bots.get("a")
        assert (bot.wanted, bot.config_file, bot.config["parameters"]) == ("running", str(file), {"fast": 2, "slow": 3})
        assert [event.kind for event in home.database.bots.events("a")] == ["created", "started"]
        assert told == [
            "a started, waits for a runner",
            "no runner has taken a; start one with `tcpdash bots run`, or the whole system with `tcpdash up`",
        ]

    def test_what_was_wanted_already_stays_and_is_told(self, home: BotHome):
        home.known("a")
        home.known("b")
        home.tcpdash.out("bots", "start", "a")

        told = home.json("start", "--all")

        assert told["changed"] == ["b"]
        assert [bot["id"] for bot in told["bots"]] == ["a", "b"]
        assert home.out("start", "a").splitlines()[0] == "a was wanted to run already, waits for a runner"

    def test_one_that_a_runner_has_says_which(self, home: BotHome):
        home.known("a")
        home.tcpdash.out("bots", "start", "a")
        home.run("a", owner="here-7")

        assert home.out("start", "a") == "a was wanted to run already, is running (runner here-7)"

    def test_a_parked_one_gets_another_chance(self, home: BotHome):
        home.known("a")
        home.tcpdash.out("bots", "start", "a")
        park(home.database, "a", home.run("a"), "it always fails")

        assert home.json("start", "a")["changed"] == ["a"]
        assert home.database.bots.get("a").state == "stopped"

    def test_from_now_is_handed_on_and_told_where_it_changes_nothing(self, home: BotHome):
        home.known("a")

        first, second = home.out("start", "a", "--from-now"), home.out("start", "a", "--from-now")

        assert home.database.bots.get("a").from_now
        assert "--from-now" not in first
        assert second.splitlines()[-1] == "a was wanted to run already, so that --from-now changes nothing; stop it first"

    def test_a_broken_file_of_an_unknown_bot_keeps_it_from_being_started(self, home: BotHome):
        file = home.file("a", timeframe="7m")
        home.file("b")

        done = home.tcpdash("bots", "start", "b", "a")

        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"tcpdash: bot a cannot be started: {file}: timeframe: expected one of 1m, 5m, ")
        assert home.database.bots.list() == []

    def test_a_broken_file_of_a_known_bot_is_told_and_the_bot_runs_as_it_said_before(self, home: BotHome):
        home.known("a")
        home.file("a", balance=-1)

        told = home.out("start", "a").splitlines()

        assert home.database.bots.get("a").wanted == "running"
        assert told[-1].startswith("the file of a cannot be used, so that it does what the file said before: ")
        assert "balance: expected a number above 0" in told[-1]

    def test_a_file_that_is_gone_is_told(self, home: BotHome):
        home.known("a")
        (home.folder / "a.json").unlink()

        told = home.out("start", "a").splitlines()

        assert told[-1] == f"no file of {home.folder} is that of a; it does what {home.folder / 'a.json'} said last"

    def test_an_unknown_one_is_refused_with_the_one_that_was_meant(self, home: BotHome):
        home.file("ema-btc")

        done = home.tcpdash("bots", "start", "ema-btcc")

        assert (done.code, done.out) == (2, "")
        assert done.err == "tcpdash: bot 'ema-btcc' is not known; did you mean 'ema-btc'?\n"
        assert home.tcpdash("bots", "start", "zz").err == f"tcpdash: bot 'zz' is not known; a bot is a file of {home.folder}\n"

    def test_who_waits_and_is_not_taken_gets_exit_code_1(self, home: BotHome):
        home.file("a")

        done = home.tcpdash("bots", "start", "a", "--wait", "0.01")

        assert done.code == 1
        assert "no runner has taken a within 0.01 s" in done.out

    @pytest.mark.parametrize("state", ["crashed", "parked"])
    def test_one_that_fails_is_not_waited_for_and_is_not_what_was_wanted(self, home: BotHome, state: str):
        home.known("a")
        home.database.bots.wish("running", ["a"], by="a test")
        home.database.bots.release("a", home.run("a"), state=state, reason="it fell", retry_seconds=60)

        wish = _waited(home.database, "running", [], ["a"], seconds=60.0)

        assert wish.reached == set()
        assert "is " + state in _now(wish.bots[0], wish)

    def test_where_runners_have_others_that_is_told(self, home: BotHome):
        home.known("a")
        home.tcpdash.out("bots", "start", "a")
        home.run("a", owner="busy")
        home.file("b")

        assert home.out("start", "b").splitlines()[-1].startswith("no runner has taken b; busy have others")

    def test_without_bots_all_is_none(self, home: BotHome):
        assert home.out("start", "--all") == "there are no bots"


class TestStop:
    def test_it_counts_at_once_whoever_has_the_bot(self, home: BotHome):
        home.known("a")
        home.tcpdash.out("bots", "start", "a")
        epoch = home.run("a", minute=1)

        told = home.out("stop", "a")

        assert told == (
            "a stopped, acted until 2024-08-08 23:56:00 UTC; one has not given it back yet, "
            "but nothing that it does counts any more"
        )
        assert home.database.bots.get("a").wanted == "stopped"
        home.database.bots.release("a", epoch, state="stopped", reason="")
        assert home.out("stop", "a") == "a was stopped already, acted until 2024-08-08 23:56:00 UTC"

    def test_all_stop_while_redis_is_away(self, home: BotHome, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("TCPDASH_REDIS__URL", "redis://127.0.0.1:1/0")
        monkeypatch.setattr("redis.connection.AbstractConnection.connect", lambda *_: pytest.fail("Redis was asked"))
        for bot in ("a", "b", "c"):
            home.known(bot)
        home.tcpdash.out("bots", "start", "a", "b")

        assert home.json("stop", "--all")["changed"] == ["a", "b"]
        assert {bot.wanted for bot in home.database.bots.list()} == {"stopped"}

    def test_without_the_database_it_says_what_bots_do(self, home: BotHome, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("TCPDASH_DATABASE__URL", "postgresql://app@127.0.0.1:1/app")

        done = home.tcpdash("bots", "stop", "--all")

        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("this may not be noted: while the database is away bots do nothing, then they go on; ")
        assert "PostgreSQL does not answer" in done.err

    def test_all_stop_with_one_commit_that_changes_them(self, home: BotHome, engine: sa.Engine):
        for bot in ("a", "b", "c"):
            home.known(bot)
        home.tcpdash.out("bots", "start", "--all")
        home.tcpdash.out("bots", "stop", "--all")

        with engine.connect() as connection:
            writers = set(connection.scalars(sa.text("select xmin::text from bots")))
        assert len(writers) == 1

    def test_who_waits_for_a_runner_that_does_not_give_back_gets_exit_code_1(self, home: BotHome):
        home.known("a")
        home.tcpdash.out("bots", "start", "a")
        home.run("a")

        done = home.tcpdash("bots", "stop", "a", "--wait", "0.01", "--json")

        assert done.code == 1
        assert json.loads(done.out)["bots"] == [{"id": "a", "state": "running", "reason": "", "reached": False, "runner": "one"}]

    def test_an_unknown_one_is_refused_with_the_one_that_was_meant(self, home: BotHome):
        home.known("ema-btc")

        done = home.tcpdash("bots", "stop", "ema-bt")

        assert (done.code, done.err) == (2, "tcpdash: bot 'ema-bt' is not known; did you mean 'ema-btc'?\n")


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_a_wish_says_for_whom(home: BotHome, verb: str):
    none, both = home.tcpdash("bots", verb), home.tcpdash("bots", verb, "a", "--all")

    assert (none.code, none.err) == (2, "tcpdash: say which bots, `tcpdash bots list` prints their ids, or --all\n")
    assert (both.code, both.err) == (2, "tcpdash: --all is all bots; leave it out, or leave out a\n")
    assert home.tcpdash("bots", verb, "a", "--wait", "-1").code == 2
