"""`tcpdash bots show`, `log` and `explain`: what a bot did is told, and its ledger is added up."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa

from cli import bot_log
from cli.bot_explain import print_explanation
from db.bot_rows import EventRow
from market.errors import StoreUnreachable
from market.timeframe import MINUTE_US
from tests.cli.bot_homes import BOT, MINUTES, BotHome, really_run
from tests.db.bots import ORDER, SIGNAL, START_US, TRADE, step
from trading.bots.evidence import Cause
from trading.bots.explain import Difference, Explanation
from trading.bots.holdings import audit
from trading.bots.ledger import Ledger

pytestmark = pytest.mark.postgres
DIFFERENCE = Difference(
    minute_us=START_US, symbol="OKX:BTC-USDT", kind="signal", bot="wants 1", backtest="wants 0", cause=Cause.REVISED,
    sentence="the minute was revised", candles=3,
)  # fmt: skip
POSTED = {"capital": Decimal(-10000), "cash": Decimal(9800), "position OKX:BTC-USDT": Decimal(200)}
SAME = Explanation(
    until_us=START_US, lines=(), differences=(), trades=0, signals=2, later=0, bot=Decimal(10000), backtest=Decimal(10000)
)


def started(home: BotHome, bot: str = "a", **changed: object) -> None:
    home.known(bot, **changed)
    home.database.bots.wish("running", [bot], by="a test")


def test_what_a_runner_wrote_is_shown_adds_up_and_is_the_backtest(home: BotHome, engine: sa.Engine):
    started(home, name="The first", fees={"maker": 0.001, "taker": 0.002})
    really_run(home.database, "a")
    executions = home.database.bots.trades("a")
    assert len(executions) > 6

    shown, text = home.json("show", "a", "--newest", "3"), home.out("show", "a")
    assert (shown["ledger"]["adds_up"], shown["ledger"]["problems"]) == (True, [])
    assert shown["ledger"]["entries"] == len(executions) + 1
    assert [trade["number"] for trade in shown["trades"]] == [row.number for row in executions[-3:]]
    assert f"ledger adds up: {len(executions) + 1} entries, each comes to 0" in text
    assert "account number 1, begun 2024-08-09 00:14:00 with 10,000.00, acted until 2024-08-09 02:24:00" in text
    assert "rules fees.maker=0.001 fees.taker=0.002" in text

    told = home.json("log", "a", "--newest", "100000")
    assert sum(each["kind"] == "trade" for each in told) == len(executions)
    assert sum(each["kind"] == "signal" for each in told) == MINUTES - 20
    assert [each["timestamp"] for each in told if each["kind"] == "signal"] == sorted(
        each["timestamp"] for each in told if each["kind"] == "signal"
    )

    lines = home.out("explain", "a", "--all").splitlines()
    compared = home.json("explain", "a")
    assert compared["same"]
    assert compared["equity"]["bot"] == compared["equity"]["backtest"]
    assert sum(line.endswith(" same") for line in lines) == compared["trades"] == len(executions)
    assert f"no difference: {len(executions)} executions, {MINUTES - 20} signals, equity" in lines[-1]

    with engine.begin() as connection:
        connection.execute(sa.text("update postings set amount = amount + 1 where entry = 3 and account = 'cash'"))
    done = home.tcpdash("bots", "show", "a")
    assert done.code == 1
    assert "DOES NOT ADD UP: entry 3 does not add up to 0; account 'cash' is " in done.out


class TestShow:
    def test_a_bot_that_did_nothing_yet_says_so(self, home: BotHome):
        home.known("a")

        lines = home.out("show", "a").splitlines()

        assert lines[0] == "a (all times are UTC)"
        assert "account number 1, begins with 10000 when the first candle closes" in " ".join(lines)
        assert {"positions: nothing is held", "working orders: none", "newest signals: none yet", "newest trades: none yet"} < set(
            lines
        )
        shown = home.json("show", "a")
        assert (shown["ledger"], shown["positions"], shown["wished"]) == (None, [], None)

    @pytest.mark.parametrize(
        ("autostart", "why"), [(True, "its file has autostart"), (False, "new bots of its venue are started (bots.start_new)")]
    )
    def test_one_that_nobody_started_says_why_it_runs(self, home: BotHome, autostart: bool, why: str):
        config = {"id": "a", **BOT, "balance": "10000", "autostart": autostart}
        home.database.bots.put_config("a", config, digest="d", file="a.json", autostart=True)

        assert f"wanted running since it was created, as {why}" in home.out("show", "a").splitlines()

    def test_what_is_held_and_what_works_is_told(self, home: BotHome):
        started(home)
        home.run("a", account=account(), equity=Decimal("10100"), orders=[ORDER], signals=[SIGNAL], trades=[TRADE])

        text = " ".join(home.tcpdash("bots", "show", "a").out.split())

        assert "OKX:BTC-USDT 2.0 100 150 300.00 +100.00" in text
        assert "1 OKX:BTC-USDT market buy - 0 2024-08-08 23:55:00 entry" in text
        assert "2024-08-08 23:55:00 OKX:BTC-USDT buy 1 30000.1 yes order 1 fast over slow" in text
        assert "entry (caught up)" in text

    def test_an_unknown_one_is_refused_with_the_one_that_was_meant(self, home: BotHome):
        home.known("ema-btc")

        for verb in ("show", "log", "explain", "reset", "delete"):
            done = home.tcpdash("bots", verb, "ema-btd")

            assert (done.code, done.err) == (2, "tcpdash: bot 'ema-btd' is not known; did you mean 'ema-btc'?\n")


def account() -> dict[str, object]:
    """Return an account that bought 2 for 100 each, which are worth 150 each now."""
    ledger = Ledger(Decimal(10000))
    ledger.book("OKX:BTC-USDT", 2.0, 100.0, 0.0)
    return {
        "begins_us": START_US, "listings": {"OKX:BTC-USDT": [0, 0, 0]}, "ledger": ledger.state(),
        "broker": {"positions": [{"size": 2.0, "entry": 100.0, "mark": 150.0}]},
    }  # fmt: skip


class TestAudit:
    def bot(self, home: BotHome, equity: int = 10100):
        started(home)
        home.run("a", account=account(), equity=Decimal(equity))
        return home.database.bots.get("a")

    def test_what_adds_up_has_no_problem(self, home: BotHome):
        assert audit(self.bot(home), POSTED, 2, []).problems == []

    def test_postings_that_are_not_those_of_the_account_are_told(self, home: BotHome):
        assert audit(self.bot(home), {**POSTED, "fees": Decimal(3)}, 2, []).problems == [
            "account 'fees' is 0.0, but its postings add up to 3"
        ]

    def test_an_equity_that_is_not_what_is_held_is_told(self, home: BotHome):
        assert audit(self.bot(home, 10101), POSTED, 2, []).problems == [
            "cash and positions are worth 10100.00, but the equity that was noted is 10101"
        ]

    def test_accounts_that_do_not_come_to_0_are_told(self, home: BotHome):
        bot = self.bot(home)
        bot.account["ledger"]["accounts"]["cash"] = "9801"

        told = audit(bot, POSTED, 2, []).problems

        assert told[-1].startswith("the accounts of the ledger add up to 1.00, and not to 0")


class TestLog:
    def test_of_another_configuration_it_says_what_differs(self, home: BotHome):
        home.known("a")
        changed = {"id": "a", **BOT, "balance": "10000", "parameters": {"fast": 2, "slow": 4}, "timeframe": "5m"}
        home.database.bots.put_config("a", changed, digest="other", file="a.json", autostart=False)

        said = 'changed by a.json: parameters.slow 3 -> 4, timeframe "1m" -> "5m"'
        assert home.out("log", "a", "--kind", "configured").endswith(f" configured {said}")
        assert home.out("show", "a").endswith(f" configured {said}")

    def test_kinds_are_chosen_and_the_newest_of_them_told(self, home: BotHome):
        started(home)
        epoch = home.run("a", signals=[SIGNAL], trades=[TRADE])
        signals = [replace(SIGNAL, timestamp_us=START_US + minute * MINUTE_US) for minute in range(1, 40)]
        home.database.bots.write([step("a", epoch, 40, signals=signals)])

        lines = home.out("log", "a", "--kind", "started", "--kind", "created").splitlines()
        assert [line.split()[2] for line in lines] == ["created", "started"]
        assert home.out("log", "a", "--kind", "trade", "--newest", "2").endswith("(entry, caught up)")
        assert len(home.json("log", "a", "--newest", "7")) == 7
        assert home.out("log", "a", "--kind", "parked") == "nothing of that kind is noted of a"
        assert home.json("log", "a", "--kind", "parked") == []

    def test_an_unknown_kind_is_refused_with_the_one_that_was_meant(self, home: BotHome):
        home.known("a")

        done = home.tcpdash("bots", "log", "a", "--kind", "parkd")

        assert (done.code, done.out) == (2, "")
        assert done.err.endswith("did you mean 'parked'?\n")

    def test_following_tells_each_thing_once_and_lives_through_a_loss_of_the_database(self, home: BotHome, monkeypatch):
        started(home)
        epoch = home.run("a", signals=[SIGNAL])
        log = bot_log.Log(home.database, "a", ())
        begun = log.newest(1)
        said: list[str] = []

        def wake() -> Iterator[None]:
            yield
            assert said == []
            home.database.bots.write([step("a", epoch, 1, trades=[TRADE], events=[EventRow(kind="hole", text="a hole")])])
            yield
            yield
            with monkeypatch.context() as broken:
                broken.setattr(log, "more", lambda: (_ for _ in ()).throw(StoreUnreachable("it is away")))
                yield
                yield
            home.database.bots.add_event(EventRow(bot="a", kind="waiting", text="for a minute"))
            yield
            raise KeyboardInterrupt

        bot_log.follow(log, wake(), lambda found: said.extend(bot_log.kinds_of(each)[-1] for each in found))

        assert [bot_log.kinds_of(each) for each in begun] == [("signal",)]
        assert said == ["trade", "hole", "waiting"]

    def test_a_loss_of_the_database_is_told_once(self, home: BotHome, capsys):
        home.known("a")
        log = bot_log.Log(home.database, "a", ())
        log.more = lambda: (_ for _ in ()).throw(StoreUnreachable("it is away"))  # type: ignore[method-assign]

        bot_log.follow(log, iter([None, None, None]), lambda _: None)

        assert capsys.readouterr().err == "tcpdash: it is away; it is waited for\n"

    def test_a_line_of_json_is_an_object(self, home: BotHome, capsys):
        started(home)
        bot_log.lines_as_json(bot_log.Log(home.database, "a", ()).newest(2))

        assert [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()] == ["created", "started"]


class TestExplain:
    def test_a_bot_that_came_to_no_candle_cannot_be_compared(self, home: BotHome):
        home.known("a")

        done = home.tcpdash("bots", "explain", "a")

        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("tcpdash: bot a has not come to the close of a candle of 1m yet")

    def test_a_strategy_that_is_gone_and_one_that_fails_are_told_in_a_sentence(self, home: BotHome, tmp_path):
        folder = tmp_path / "strategies"
        folder.mkdir()
        code = "from trading import BaseStrategy\nclass Mine(BaseStrategy):\n    lookback = 1\n    def targets(self, data):\n"
        (folder / "mine.py").write_text(code + "        return data['close'] * 0\n")
        started(home, strategy="mine", parameters={})
        (folder / "mine.py").unlink()

        done = home.tcpdash("bots", "explain", "a")

        assert done.code == 1
        assert done.err.startswith("tcpdash: strategy 'mine' is not one of ")

    def test_without_a_difference_that_is_the_sentence(self, capsys):
        print_explanation("a", SAME, all_=True)

        assert capsys.readouterr().out == (
            "a until 2024-08-08 23:55:00 UTC: no difference: 0 executions, 2 signals, equity 10000 = 10000\n"
        )

    def test_differences_come_first_with_their_reasons(self, capsys):
        differences = (DIFFERENCE, replace(DIFFERENCE, candles=1, follows=True, symbol="", kind="equity"))

        print_explanation("a", replace(SAME, differences=differences, bot=Decimal(9999), later=1), all_=False)

        lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
        summary = (
            "a until 2024-08-08 23:55:00 UTC: 2 differences, 1 of them only follows from others; 0 executions, 2 signals, "
            "equity 9999 and not 10000; 1 execution of the bot came after that, and will be compared later"
        )
        assert lines == [
            "minute (UTC) symbol what bot backtest reason",
            "2024-08-08 23:55:00 OKX:BTC-USDT signal of 3 candles wants 1 wants 0 revised candle: the minute was revised",
            "2024-08-08 23:55:00 - equity wants 1 wants 0 revised candle: the minute was revised (it follows from that)",
            "",
            summary,
        ]
