"""The page of bots against real servers, without a browser."""

import json
import threading
from dataclasses import replace
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from app import access
from app.access import Role, User
from app.actions import bots as wishes
from app.data import bot_folder, explanations
from app.data import bots as data
from app.data.background import MOST_WAITING, background
from app.views.bots import papers
from db import DatabaseOperations
from db.embedded import PostgresServer, RedisServer
from tests.app.bots import TREE, Bots
from tests.app.pages import Opener, Worker, metrics, statements, words
from tests.app.samples import START_US, SYMBOL, candle
from trading.bots.evidence import Cause
from trading.bots.explain import Difference, Explanation

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
SAME = Explanation(
    until_us=START_US, lines=(), differences=(), trades=2, signals=5, later=0, bot=Decimal("10000.5"), backtest=Decimal("10000.5")
)
DIFFERENT = Difference(
    minute_us=START_US,
    symbol=SYMBOL,
    kind="trade",
    bot="nothing",
    backtest="buy 1 at 2",
    cause=Cause.STOPPED,
    sentence="it was stopped",
)


def table(page: AppTest, number: int = 0):
    return page.dataframe[number].value


def button(page: AppTest, label: str):
    return next(each for each in page.button if each.label.startswith(label))


def gone(database: DatabaseOperations, bot: str = "ema-btc") -> None:
    """Remove a bot with all that it wrote."""
    wishes.stop([bot])
    database.bots.release(bot, database.bots.get(bot).lease_epoch, state="stopped", reason="")
    wishes.delete(bot, None)


def until_explained(page: AppTest) -> AppTest:
    for _ in range(400):
        if "runs, for" not in words(page):
            return page
        threading.Event().wait(0.01)
        page.run()
    raise AssertionError("it never ended")


def test_an_empty_system_says_what_to_do(opened: Opener, bots: Bots):
    page = opened("bots")

    assert not page.exception
    assert "There are no bots yet" in words(page)
    assert "tcpdash demo" in words(page)
    assert page.segmented_control(key="view").options == ["all", "new"]


def test_one_bot_is_a_row_with_what_its_runner_says(opened: Opener, bots: Bots):
    bots.traded()
    bots.tells("ema-btc")

    page = opened("bots")

    assert not page.exception
    row = table(page).iloc[0]
    assert row[["bot", "name", "state", "wanted", "equity", "symbols"]].tolist() == [
        "ema-btc", "EMA cross", "running", "running", "12,345.50", SYMBOL,
    ]  # fmt: skip
    assert "1 bot: 1 running" in words(page)


def test_fifty_bots_cost_one_statement_and_none_per_tick(opened: Opener, bots: Bots):
    for number in range(50):
        bots.known(id=f"bot-{number:02}", name=f"n{number}", run=number % 2 == 0)
    page = opened("market")  # connects
    with statements() as sent:
        page = opened("bots")
        first = len(sent)
        page.run()

    assert len(table(page)) == 50
    assert 1 <= first <= 2
    assert len(sent) == first


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"text": "SLOW=30 macd"}, []),
        ({"text": "second"}, ["second"]),
        ({"state": "stopped"}, ["ema-btc", "second"]),  # as the one waits for a runner
        ({"state": "starting"}, ["ema-btc"]),
        ({"strategy": "ema_cross", "trades": "OKX:ETH-USDT"}, ["second"]),
        ({"strategy": "rsi"}, []),
    ],
)
def test_filters_of_the_url_count(opened: Opener, bots: Bots, query: dict, ids: list[str]):
    bots.known(run=True)
    bots.known(id="second", symbols=["OKX:ETH-USDT"])

    page = opened("bots", **query)

    assert not page.exception
    assert [each for frame in page.dataframe for each in frame.value["bot"]] == ids
    if not ids:
        assert "clear the filters" in words(page)


def test_a_bot_of_the_url_is_shown_with_all_that_it_is_worth(opened: Opener, bots: Bots, worker: Worker):
    bots.traded()
    page = opened("market")  # connects
    with statements() as sent:
        page = opened("bots", bot="ema-btc")
    assert len(sent) <= 5, sent
    for _ in range(100):
        if "adds up" in words(page) and "being added" not in words(page):
            break
        threading.Event().wait(0.02)
        page.run()

    assert not page.exception
    told = words(page)
    assert metrics(page)["State"] == "running"
    assert metrics(page)["Equity in USDT"].startswith("10,")
    assert ":green-badge[:material/check: adds up] 2 entries" in told
    holdings, facts = table(page, 0), table(page, 1)
    assert holdings[["symbol", "side"]].values.tolist() == [[SYMBOL, "long"]]
    assert holdings["unrealised P&L"][0].startswith("+")
    assert "a runner" in facts["is"].str.cat(sep=" ")
    assert len(page.get("vega_lite_chart")) == 2


def test_a_ledger_is_added_up_while_long_work_is_done(opened: Opener, bots: Bots):
    bots.traded()
    opened("bots")  # connects
    seen, hold = data.one("ema-btc", {}), threading.Event()
    background(("a comparison",), lambda: hold.wait(30))
    for _ in range(200):
        if (found := data.ledger(seen)).answer is not None:
            break
        threading.Event().wait(0.02)
    hold.set()

    assert (found.answer.entries, found.answer.problems, found.failed) == (2, [], "")


def test_a_ledger_that_was_added_up_stays_until_more_is_booked(opened: Opener, bots: Bots, monkeypatch: pytest.MonkeyPatch):
    bots.traded()
    opened("bots")  # connects
    seen = data.one("ema-btc", {})
    while data.ledger(seen).answer is None:
        threading.Event().wait(0.02)
    asked = threading.Event()
    monkeypatch.setattr(data, "_audited", lambda *_: asked.set())
    monkeypatch.setattr(data, "_LEDGER_SECONDS", 0.0)

    assert data.ledger(seen).answer.entries == 2
    assert not asked.wait(0.1)
    line = replace(seen.line, bot=replace(seen.line.bot, account={**seen.line.bot.account, "entry": 3}))
    assert data.ledger(replace(seen, line=line)).answer.entries == 2
    assert asked.wait(10)


def test_a_bot_that_was_made_anew_has_a_ledger_of_its_own(opened: Opener, bots: Bots, database: DatabaseOperations):
    bots.traded()
    opened("bots")  # connects

    def audited() -> dict[str, Decimal]:
        for _ in range(500):
            if (found := data.ledger(data.one("ema-btc", {})).answer) is not None:
                return found.accounts
            threading.Event().wait(0.02)
        raise AssertionError("no answer came")

    before = audited()
    gone(database)
    bots.traded(balance=777)
    data.changed()

    assert before != audited()
    assert audited() == {
        name: Decimal(amount) for name, amount in database.bots.get("ema-btc").account["ledger"]["accounts"].items()
    }


def test_what_it_wrote_is_shown_newest_first(opened: Opener, bots: Bots, worker: Worker):
    worker.stores(*(candle(minute) for minute in range(1, 6)))
    bots.traded()

    trades = table(opened("bots", bot="ema-btc", view="trades"))
    orders = table(opened("bots", bot="ema-btc", view="orders"))
    events = table(opened("bots", bot="ema-btc", view="events"))
    page = opened("bots", bot="ema-btc", view="signals", tz="Asia/Tokyo")

    assert trades[["trade", "minute", "side", "P&L"]].values.tolist() == [[1, "2024-08-08 23:56", "buy", "–"]]
    assert orders["state"].tolist() == ["filled"]
    assert events["kind"].tolist() == ["leased", "created"]
    signals = table(page)
    assert signals["candle"].tolist()[0] == "2024-08-09 08:59"
    assert signals["indicators"][0] == "fast 101.25, slow 100.5, rsi 71"
    spec = json.loads(page.get("vega_lite_chart")[0].proto.spec)
    assert "time in Asia/Tokyo" in json.dumps(spec)


def test_long_tables_are_read_by_the_page(opened: Opener, bots: Bots, database: DatabaseOperations):
    bots.traded(minutes=120)

    page = opened("bots", bot="ema-btc", view="signals", page="3")

    assert len(table(page)) == 20
    assert button(page, "Older").disabled
    page = opened("bots", bot="ema-btc", view="signals")
    assert len(table(page)) == 50
    button(page, "Older").click().run()
    assert page.query_params["page"] == "2"
    assert "signals 51 to 100" in words(page)
    page.segmented_control(key="view").set_value("trades").run()
    assert "page" not in page.query_params
    assert "signals 1 to 50" in words(opened("bots", bot="ema-btc", view="signals", page="999999999999"))
    assert "nothing on this page" in words(opened("bots", bot="ema-btc", view="signals", page="9"))


@pytest.mark.parametrize("query", [{"bot": "none"}, {"view": "zzz"}, {"bot": "none", "view": "edit", "page": "x"}])
def test_a_wrong_url_falls_back(opened: Opener, bots: Bots, query: dict):
    bots.known()

    page = opened("bots", **query)

    assert not page.exception
    assert page.segmented_control(key="view").value == "all"
    assert ("There is no bot none" in words(page)) is ("bot" in query)


def test_an_empty_page_asks_again_when_the_bot_acted(opened: Opener, bots: Bots):
    bots.known(run=True)
    bots.tells("ema-btc", acted_until_us=START_US)
    assert "has not traded yet" in words(opened("bots", bot="ema-btc", view="trades"))

    def is_newer() -> bool:
        return data.is_newer("trades", data.one("ema-btc", {}), [], {}, run=1)

    is_newer()
    with statements() as sent:
        before = [is_newer() for _ in range(3)]
        none = len(sent)
    bots.traded()
    bots.tells("ema-btc")

    assert (before, none, is_newer()) == ([False] * 3, 0, True)


@pytest.mark.parametrize("query", [{"view": "signals"}, {"view": "signals", "acted": "1"}, {"view": "trades"}])
def test_the_newest_page_does_not_say_that_there_is_newer(opened: Opener, bots: Bots, query: dict):
    bots.traded()

    page = opened("bots", bot="ema-btc", **query)

    assert len(table(page)) > 0
    assert "There are newer" not in words(page)


def test_a_table_that_is_not_of_the_newest_any_more_says_so(opened: Opener, bots: Bots, monkeypatch: pytest.MonkeyPatch):
    bots.traded()
    read = papers.page_of

    def without_the_newest(*args, **options) -> data.Page:
        found = read(*args, **options)
        return replace(found, rows=found.rows[1:])

    monkeypatch.setattr(papers, "page_of", without_the_newest)

    page = opened("bots", bot="ema-btc", view="signals")

    assert len(table(page)) == 4
    assert "There are newer signals than these: press *Newest*." in words(page)


def test_a_page_that_could_not_be_read_is_read_when_the_database_is_back(
    opened: Opener, bots: Bots, monkeypatch: pytest.MonkeyPatch
):
    bots.traded()
    read, answers = papers.page_of, [None]
    monkeypatch.setattr(papers, "page_of", lambda *args, **options: answers.pop() if answers else read(*args, **options))

    page = opened("bots", bot="ema-btc", view="trades")

    assert len(table(page)) == 1


def test_a_reset_bot_still_shows_what_its_old_account_did(opened: Opener, bots: Bots, database: DatabaseOperations):
    bots.traded()
    database.bots.wish("stopped", ["ema-btc"], by="test")
    stored = database.bots.get("ema-btc")
    database.bots.release("ema-btc", stored.lease_epoch, state="stopped", reason="")
    database.bots.reset("ema-btc")

    page = opened("bots", bot="ema-btc", view="trades")

    assert "has not traded yet" in words(page)
    page.selectbox(key="account").set_value("1").run()
    assert table(page)["trade"].tolist() == [1]


@pytest.mark.parametrize("run", [True, False])
def test_a_bot_without_an_account_is_told_what_it_waits_for(opened: Opener, bots: Bots, run: bool):
    bots.known(run=run)

    page = opened("bots", bot="ema-btc")

    told, facts = words(page), table(page)
    assert ("start it with the button above" in told) is not run
    assert facts["what"].tolist() == ["strategy", "file", "state since", "runner", "account", "times in"]
    assert facts["is"].iloc[-2:].tolist() == ["number 1, begins with the first candle that closes", "UTC"]


def test_buttons_start_and_stop_and_say_so(opened: Opener, bots: Bots, database: DatabaseOperations):
    bots.known()
    page = opened("bots", bot="ema-btc")

    button(page, "Start").click().run()
    assert "is wanted to run now" in page.success[0].value
    assert database.bots.get("ema-btc").wanted == "running"
    button(page, "Stop").click().run()
    assert "is stopped" in page.success[0].value
    button(page, "Stop").click().run()
    assert "was stopped already" in words(page)
    assert [wish.action for wish in database.wishes.list()] == ["start bot", "stop bot", "stop bot"]


def test_what_a_dialog_asks_stands_in_it(opened: Opener, bots: Bots):
    # AppTest runs whole pages, and the buttons in a dialog are those of its fragment: test_browser_bots.py presses them.
    bots.known(run=True)
    bots.known(id="second", run=True)

    page = button(opened("bots", text="second"), "Stop these 1").click().run()
    assert "second" in page.text[0].value
    assert button(page, "Stop them")
    page = button(opened("bots", bot="second"), "Delete").click().run()
    assert "Its file goes, too: second.json" in page.text[0].value
    assert button(page, "Delete it").disabled
    page = button(opened("bots", bot="second"), "Reset account").click().run()
    assert r"End account 1 of **second**" in words(page)


@pytest.mark.parametrize(("label", "asked"), [("Stop these 2", "Stop 1 bots?"), ("Start these 2", "Let 1 bots run?")])
def test_a_press_counts_though_the_list_is_another_by_now(opened: Opener, bots: Bots, label: str, asked: str):
    bots.known(id="first", run=True)
    bots.known(id="second", run=True)
    bots.known(id="other")
    page = opened("bots", state="starting")

    wishes.stop(["first"])  # somebody else
    button(page, label).click().run()

    assert asked in words(page)


def test_a_parked_bot_says_who_parked_it_and_why(opened: Opener, bots: Bots, database: DatabaseOperations):
    bots.known(run=True)
    database.bots.park("ema-btc", "odd *prices*?", by="alice")

    page = opened("bots", bot="ema-btc")

    assert metrics(page)["State"] == "parked"
    assert r"Wanted: running. By alice\: odd \*prices\*?" in words(page)
    assert r"?\." not in words(page)


def test_a_viewer_sees_all_and_can_press_nothing(opened: Opener, bots: Bots, monkeypatch: pytest.MonkeyPatch):
    bots.traded()
    monkeypatch.setattr(access, "current_user", lambda: User(name="guest", role=Role.VIEWER))
    monkeypatch.setattr("app.views.wishes.current_user", access.current_user)

    for query in ({}, {"bot": "ema-btc"}, {"bot": "ema-btc", "view": "edit"}, {"view": "new"}):
        page = opened("bots", **query)
        assert not page.exception
        wished = [each for each in page.button if not each.label.startswith(("Discard", "Newe", "Older"))]
        assert wished
        assert all(each.disabled for each in wished)
        assert "You may look, but not act" in words(page)
    assert all(field.disabled for field in page.text_input)


class TestForms:
    def test_a_bot_is_made_by_the_form(self, opened: Opener, bots: Bots, worker: Worker, database: DatabaseOperations):
        worker.stores(candle(1))
        page = opened("bots", view="new")
        assert page.multiselect[0].value == [SYMBOL]

        for label, value in (("Id", "made-here"), ("fast", "3"), ("Balance", "0.1234567890123456789")):
            next(each for each in page.text_input if each.label == label).set_value(value).run()
        assert any("balance: expected a number" in each.value for each in page.code)
        assert button(page, "Create").disabled
        next(each for each in page.text_input if each.label == "Balance").set_value("500").run()
        next(each for each in page.selectbox if each.label == "Timeframe").set_value("1m").run()
        next(each for each in page.text_input if each.label == "Stop loss").set_value("0.05").run()
        button(page, "Create").click().run()

        assert not page.exception
        tree = json.loads((bots.folder / "made-here.json").read_text())
        assert (tree["id"], tree["timeframe"], tree["balance"], tree["stops"]) == ("made-here", "1m", 500, {"stop_loss": 0.05})
        assert tree["parameters"] == {"fast": 3, "slow": 26}
        assert database.bots.get("made-here").wanted == "stopped"
        assert page.query_params["bot"] == "made-here"

    def test_what_is_wrong_is_told_beside_its_field(self, opened: Opener, bots: Bots):
        page = opened("bots", view="new")

        next(each for each in page.text_input if each.label == "Stop loss").set_value("five").run()

        assert "stops.stop_loss: expected a number from 0 to 0.999, found 'five'" in page.code[0].value
        assert any(r"found 'five'" in each.value for each in page.markdown)
        assert any("1 wrong" in each.label for each in page.expander)

    def test_another_strategy_brings_its_own_parameters(self, opened: Opener, bots: Bots, worker: Worker):
        worker.stores(candle(1))
        page = opened("bots", view="new")

        next(each for each in page.selectbox if each.label == "Strategy").set_value("rsi").run()

        assert not page.error
        assert json.loads(page.code[0].value)["strategy"] == "rsi"
        assert "parameters" not in json.loads(page.code[0].value)

    @pytest.mark.parametrize("given", [None, 5, ["fast"], [{"fast": 1}]])
    def test_another_strategy_can_be_chosen_where_its_parameters_are_none(self, opened: Opener, bots: Bots, given: object):
        bots.known()
        (bots.folder / "ema-btc.json").write_text(json.dumps({**TREE, "parameters": given}))
        page = opened("bots", bot="ema-btc", view="edit")

        next(each for each in page.selectbox if each.label == "Strategy").set_value("rsi").run()

        assert not page.exception
        next(each for each in page.text_input if each.label == "period").set_value("5").run()
        assert json.loads(page.code[-1].value)["parameters"] == {"period": 5}

    def test_json_is_the_other_way_in_and_broken_json_is_told(self, opened: Opener, bots: Bots, worker: Worker):
        worker.stores(candle(1))
        page = opened("bots", view="new", written="json")

        page.text_area[0].set_value("{ broken").run()
        assert "the text: expected JSON, found what is none in line 1" in page.code[0].value
        page.text_area[0].set_value(json.dumps({**TREE, "stop": 1})).run()
        assert "stop: expected one of the fields" in page.code[0].value
        page.text_area[0].set_value(json.dumps(TREE)).run()
        page.segmented_control(key="written").set_value("form").run()

        assert not page.error
        assert next(each for each in page.text_input if each.label == "Id").value == "ema-btc"

    def test_a_bot_is_edited_while_another_session_does_the_same(self, opened: Opener, bots: Bots, database: DatabaseOperations):
        bots.known(run=True)
        one, other = opened("bots", bot="ema-btc", view="edit"), opened("bots", bot="ema-btc", view="edit")
        for page, value in ((one, "3"), (other, "4")):
            next(each for each in page.text_input if each.label == "fast").set_value(value).run()

        button(one, "Save").click().run()
        button(other, "Save").click().run()

        assert "somebody changed it meanwhile; nothing was written" in other.error[0].value
        assert json.loads((bots.folder / "ema-btc.json").read_text())["parameters"]["fast"] == 3
        assert database.bots.get("ema-btc").config["parameters"]["fast"] == 3
        other.run()
        assert "Somebody changed the file since this edit began" in words(other)
        button(other, "Discard").click().run()
        assert next(each for each in other.text_input if each.label == "fast").value == "3"

    def test_a_bot_called_new_is_edited_though_a_new_one_is_begun(self, opened: Opener, bots: Bots):
        bots.known(id="new")
        page = opened("bots", view="new")
        page.selectbox(key="bot").set_value("new").run()

        page.segmented_control(key="view").set_value("edit").run()

        assert next(each for each in page.text_input if each.label == "Id").value == "new"
        next(each for each in page.text_input if each.label == "fast").set_value("3").run()
        button(page, "Save").click().run()
        assert not page.exception
        assert json.loads((bots.folder / "new.json").read_text())["parameters"]["fast"] == 3

    def test_a_clone_begins_as_its_original_with_another_id(self, opened: Opener, bots: Bots, database: DatabaseOperations):
        bots.known()
        page = opened("bots", bot="ema-btc")

        button(page, "Clone").click().run()
        assert next(each for each in page.text_input if each.label == "Id").value == "ema-btc-2"
        button(page, "Create").click().run()

        assert json.loads((bots.folder / "ema-btc-2.json").read_text()) == {**TREE, "id": "ema-btc-2", "name": "EMA cross (copy)"}
        assert database.wishes.list()[-1].details == {"cloned_from": "ema-btc"}

    def test_a_file_that_is_elsewhere_is_shown_and_not_edited(self, opened: Opener, bots: Bots):
        bots.known()
        (bots.folder / "ema-btc.json").unlink()

        page = opened("bots", bot="ema-btc", view="edit")

        assert "is not in the folder" in words(page)
        assert json.loads(page.code[0].value)["id"] == "ema-btc"

    def test_a_folder_that_cannot_be_written_is_told_with_what_to_do(self, opened: Opener, bots: Bots, worker: Worker, monkeypatch):
        worker.stores(candle(1))
        monkeypatch.setattr("app.views.bots.editing.why_not_writable", lambda _: "this process may not write")

        page = opened("bots", view="new")

        assert "Copy the text into the file" in words(page)
        assert button(page, "Create").disabled

    def test_a_broken_file_of_a_bot_can_be_mended_as_text(self, opened: Opener, bots: Bots):
        bots.known()
        (bots.folder / "ema-btc.json").write_text("{ broken")

        page = opened("bots", bot="ema-btc", view="edit")
        assert "mend the text first" in words(page)
        page.text_area[0].set_value(json.dumps(TREE)).run()
        button(page, "Save").click().run()

        assert json.loads((bots.folder / "ema-btc.json").read_text()) == TREE


@pytest.mark.parametrize(
    ("found", "expected"),
    [(SAME, "no difference: 2 executions, 5 signals"), (replace(SAME, differences=(DIFFERENT,)), "1 difference; 2 executions")],
    ids=["same", "different"],
)
def test_a_bot_is_explained_once_somebody_asks(opened: Opener, bots: Bots, monkeypatch, found: Explanation, expected: str):
    bots.traded()
    monkeypatch.setattr(explanations, "_explained", lambda *_: found)
    page = opened("bots", bot="ema-btc", view="explain")
    assert "tcpdash bots explain ema-btc" in words(page)

    button(page, "Compare").click().run()
    page = until_explained(page)

    told = words(page) + "".join(each.value for each in page.success)
    assert expected in told.replace("\\", "")
    if found.differences:
        assert table(page)["reason"].tolist() == ["stopped: it was stopped"]


def test_what_is_asked_while_too_much_waits_is_refused_in_words(opened: Opener, bots: Bots):
    bots.traded()
    page, hold = opened("bots", bot="ema-btc", view="explain"), threading.Event()
    for number in range(MOST_WAITING):
        background(("long", number), lambda: hold.wait(30))

    button(page, "Compare").click().run()
    hold.set()

    assert "too much is waiting to be done already" in page.error[0].value


@pytest.mark.parametrize("other", ["bot", "configuration"])
def test_what_is_told_of_another_account_or_configuration_is_not_told_of_this(
    opened: Opener, bots: Bots, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch, other: str
):
    bots.traded()
    monkeypatch.setattr(explanations, "_explained", lambda *_: SAME)
    page = until_explained(button(opened("bots", bot="ema-btc", view="explain"), "Compare").click().run())
    assert page.success
    if other == "bot":
        gone(database)
        bots.traded()
    else:
        bots.known(balance=777)
    data.changed()

    page.run()

    assert not page.success
    assert button(page, "Compare").label == "Compare with a backtest"


def test_what_cannot_be_explained_says_why(opened: Opener, bots: Bots):
    bots.known()
    page = opened("bots", bot="ema-btc", view="explain")

    button(page, "Compare").click().run()
    page = until_explained(page)

    assert not page.exception
    assert "has not come to the close of a candle" in page.error[0].value.replace("\\", "")


def test_a_lost_database_leaves_the_list_and_refuses_wishes(opened: Opener, bots: Bots, postgres_server: PostgresServer):
    bots.traded()
    bots.tells("ema-btc")
    page = opened("bots")
    detail = opened("bots", bot="ema-btc")
    postgres_server.stop()
    try:
        data.changed()
        page.run()
        detail.run()

        assert not page.exception
        assert "The database cannot be used" in page.warning[0].value
        assert table(page)["bot"].tolist() == ["ema-btc"]
        assert not detail.exception
        assert metrics(detail)["State"] == "running"
        button(detail, "Stop").click().run()
        assert detail.error
        assert "PostgreSQL does not answer" in detail.error[0].value
        fresh = opened("bots", bot="ema-btc", view="trades")
        assert not fresh.exception
    finally:
        postgres_server.start()

    page.run()
    assert not page.warning


def test_a_lost_redis_leaves_what_is_stored(opened: Opener, bots: Bots, redis_server: RedisServer):
    bots.traded()
    redis_server.stop()
    try:
        page = opened("bots")
        detail = opened("bots", bot="ema-btc")

        assert not page.exception
        assert not detail.exception
        assert "Redis cannot be used" in page.warning[0].value
        assert table(page)["state"].tolist() == ["running"]
        assert metrics(detail)["State"] == "running"
    finally:
        redis_server.start()

    page.run()
    assert not page.warning


def test_names_and_reasons_of_people_are_no_markup(opened: Opener, bots: Bots):
    bots.known(name="[x](http://evil) **b** :red[r] <img src=x>", run=True)

    page = opened("bots", bot="ema-btc")

    assert r"\[x\]\(http\://evil\)" in page.subheader[0].value
    assert "<img" not in page.subheader[0].value.replace("\\<", "")


def test_a_start_right_behind_a_stop_counts(opened: Opener, bots: Bots, database: DatabaseOperations):
    bots.known(run=True)
    page = opened("bots", bot="ema-btc")

    button(page, "Stop").click().run()
    button(page, "Start").click().run()

    assert database.bots.get("ema-btc").wanted == "running"
    assert "is wanted to run now" in "".join(each.value for each in page.success)


@pytest.mark.parametrize("view", ["summary", "events", "edit"])
def test_a_file_is_told_by_its_place_in_the_folder(opened: Opener, bots: Bots, view: str):
    bots.known()

    page = opened("bots", bot="ema-btc", view=view)

    frames = "".join(frame.value.to_csv() for frame in page.dataframe)
    assert "ema-btc.json" in words(page).replace("\\", "") + frames
    assert str(bots.folder) not in words(page).replace("\\", "") + frames


def test_a_file_on_another_machine_is_told_by_its_path_there(bots: Bots):
    assert [bot_folder.place_of(file) for file in (bots.folder / "a.json", "/elsewhere/a.json")] == ["a.json", "/elsewhere/a.json"]


def test_a_file_outside_is_never_found(bots: Bots, opened: Opener):
    opened("bots")

    assert bot_folder.folder() == bots.folder
