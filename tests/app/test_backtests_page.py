"""The page of backtests against real servers, without a browser: list, results, comparison, and stores that go down."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.backtests.links import NEW, OWN_WINDOW
from app.charts.zone import zone_at
from app.data import run_files
from app.views.backtests import trades
from db import DatabaseOperations
from db.embedded import PostgresServer, RedisServer
from market.clock import parse_time
from market.errors import StoreUnreachable
from research.backtests import keep, stored_of
from tests.app.documents import document, lucky_sweep, renamed
from tests.app.kept_runs import BACKTEST, CHANCE, SWEEP, WALK, begin, keep_all, whole_sweep
from tests.app.pages import Opener, Worker, metrics, statements, words
from tests.app.samples import SYMBOL, candle

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
AT_MOST = 5


def charts(page: AppTest) -> int:
    return len(page.get("vega_lite_chart")) + len(page.get("arrow_vega_lite_chart"))


def table(page: AppTest, at: int = 0) -> Any:
    return page.dataframe[at].value


def links(page: AppTest) -> list[str]:
    return [link.proto.label for link in page.get("page_link")]


# -- empty -----------------------------------------------------------------------------------------------------------


def test_an_empty_system_says_that_nothing_was_tried_and_what_to_do(opened: Opener, database: DatabaseOperations) -> None:
    with statements() as sent:
        page = opened("backtests")

    assert not page.exception
    assert "Nothing was tried yet" in words(page)
    assert "tcpdash backtest" in words(page)
    assert "Fill in the form" in links(page)
    assert len(sent) <= AT_MOST


def test_the_form_of_an_empty_system_says_what_to_start(opened: Opener, database: DatabaseOperations) -> None:
    page = opened("backtests", view="New run")

    assert not page.exception
    assert "No candle is stored yet" in words(page)
    assert "tcpdash demo" in words(page)


# -- one of each -----------------------------------------------------------------------------------------------------


def test_the_list_has_what_was_tried_with_its_figures(opened: Opener, database: DatabaseOperations) -> None:
    keep_all(database)
    with statements() as sent:
        page = opened("backtests")

    assert not page.exception
    assert len(sent) <= AT_MOST
    rows = table(page)
    assert rows["id"].tolist() == [CHANCE[:12], WALK[:12], SWEEP[:12], BACKTEST[:12]]
    assert rows["kind"].tolist() == ["backtest", "walk-forward", "sweep", "backtest"]
    assert rows["return"].tolist() == [0.03, 0.03, 0.08, 0.03]
    assert rows["parameters"].tolist() == ["fast=10 slow=30", "searched", "searched", "fast=10 slow=30"]
    assert "4 runs. Choose one to open it, or two to 6 to compare them." in words(page)


@pytest.mark.parametrize(
    ("part", "least_charts", "said"),
    [
        ("Result", 4, "1 hole in the candles"),
        ("All metrics", 0, "Sharpe ratio: **1.00**"),
        ("Returns", 2, "Nothing was resampled"),
        ("Trades", 1, ""),
        ("Data and rules", 0, "What was assumed"),
    ],
)
def test_a_result_is_shown_part_by_part(
    opened: Opener, database: DatabaseOperations, part: str, least_charts: int, said: str
) -> None:
    keep_all(database)
    with statements() as sent:
        page = opened("backtests", run=BACKTEST[:8], part=part)

    assert not page.exception
    assert not page.error
    assert charts(page) >= least_charts
    assert said in words(page)
    assert len([each for each in sent if "pg_stat" not in each]) <= AT_MOST
    assert "Run it again, or change it" in links(page)


def test_a_report_that_could_not_be_made_is_made_when_it_is_asked_for_again(
    opened: Opener, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bytes:
        raise StoreUnreachable("the database does not answer")

    keep_all(database)
    page = opened("backtests", run=BACKTEST)
    with monkeypatch.context() as lost:
        lost.setattr(run_files, "html_of", away)
        press_report(page)
        assert "There is no report: the database does not answer." in until_reported(page)

    press_report(page)

    assert "There is no report" not in until_reported(page)
    assert any(each.proto.label.startswith("html: the report") for each in page.get("download_button"))


def press_report(page: AppTest) -> None:
    next(each for each in page.button if each.label == "Make the html report").click().run()


def until_reported(page: AppTest) -> str:
    """Run a page again until its report is made, or could not be; return its texts."""
    for _ in range(300):
        if not any("is being made" in each.value for each in page.caption):
            return "\n".join(each.value for each in page.text)
        threading.Event().wait(0.05)
        page.run()
    raise AssertionError("it never ended")


@pytest.mark.parametrize(
    ("run", "part", "at", "said"),
    [
        (BACKTEST, "Trades", 0, ("2024-01-01 02:00", "2024-01-01 04:00")),
        (BACKTEST, "Data and rules", 1, ("2024-01-31 01:00 to 2024-02-01 01:00 Europe/Berlin",)),
        (WALK, "Windows", 0, ("2024-01-01 01:00",)),
    ],
)
def test_tables_of_a_run_tell_each_moment_by_the_offset_of_its_day(
    opened: Opener,
    database: DatabaseOperations,
    monkeypatch: pytest.MonkeyPatch,
    run: str,
    part: str,
    at: int,
    said: tuple[str, ...],
) -> None:
    summer = zone_at("Europe/Berlin", parse_time("2024-07-01"))
    monkeypatch.setattr("app.views.sidebar.zone_at", lambda *_: summer)
    keep_all(database)

    page = opened("backtests", run=run, part=part, tz="Europe/Berlin")

    assert not page.exception
    assert set(said) <= set(table(page, at).astype("str").to_numpy().ravel()), table(page, at).to_string()


def test_a_figure_explains_itself_by_its_formula(opened: Opener, database: DatabaseOperations) -> None:
    keep_all(database)
    page = opened("backtests", run=BACKTEST)

    assert metrics(page)["Final value in USDT"] == "1,030.00"
    assert metrics(page)["Maximum drawdown"] == "1.23 %"
    helps = {metric.label: metric.proto.help for metric in page.metric}
    assert "Source: " in helps["Sharpe ratio"]
    assert all(text for label, text in helps.items() if not label.startswith("Final value"))


def test_resamples_are_shown_where_there_are_some(opened: Opener, database: DatabaseOperations) -> None:
    keep_all(database)
    page = opened("backtests", run=CHANCE, part="Returns")

    assert not page.exception
    assert "The same trades in other orders" in words(page)
    assert "1,000 runs of 3 trades each" in words(page)


def test_a_sweep_has_its_map_its_best_sets_and_the_command_of_each(opened: Opener, database: DatabaseOperations) -> None:
    keep_all(database)
    with statements() as sent:
        page = opened("backtests", run=SWEEP)

    assert not page.exception
    assert len(sent) <= AT_MOST
    assert charts(page) == 2
    assert table(page)["rank"].tolist() == list(range(1, 9))
    assert table(page).loc[0, ["fast", "slow", "size"]].tolist() == ["10", "30", "1"]
    assert "--param fast=10 --param slow=30 --param size=1" in page.code[0].value
    assert "Backtest the set of rank 1" in links(page)
    assert page.selectbox(key="shown").options[page.selectbox(key="shown").index].endswith("by which it was ranked")
    page.selectbox(key="shown").select("Total return").run()
    assert not page.exception
    assert "The best 8 sets by Total return" in words(page)


def test_a_set_with_too_few_trades_is_not_of_rank_1(opened: Opener, database: DatabaseOperations) -> None:
    keep(database, {**whole_sweep(), **lucky_sweep(id=SWEEP)})
    page = opened("backtests", run=SWEEP)

    assert not page.exception
    assert table(page)["Sharpe ratio"].tolist() == ["1.00", "9.00"]
    assert "--param fast=5" in page.code[0].value
    assert "Sets with fewer than 10 trades come last." in words(page)
    page.selectbox(key="shown").select("Total return").run()
    assert table(page)["Total return"].tolist() == ["10.00 %", "90.00 %"]


def test_the_best_by_another_metric_are_told_to_be_of_those_that_were_kept(opened: Opener, database: DatabaseOperations) -> None:
    keep(database, {**whole_sweep(), "sets": 1_000_000})
    page = opened("backtests", run=SWEEP)

    assert "The best 8 sets by Sharpe ratio" in words(page).splitlines()
    page.selectbox(key="shown").select("Total return").run()
    assert not page.exception
    assert "The best 8 sets by Total return among the 8 best by Sharpe ratio" in words(page).splitlines()


def test_a_sweep_may_have_a_parameter_that_is_called_as_something_else(opened: Opener, database: DatabaseOperations) -> None:
    keep(database, renamed(whole_sweep(), "max_drawdown"))
    page = opened("backtests", run=SWEEP)

    assert not page.exception
    assert charts(page) == 2
    assert table(page).loc[0, ["max_drawdown", "slow", "Maximum drawdown"]].tolist() == ["10", "30", "10.00 %"]
    assert "--param max_drawdown=10 --param slow=30" in page.code[0].value


def test_a_walk_forward_has_its_windows_and_what_was_kept(opened: Opener, database: DatabaseOperations) -> None:
    keep_all(database)
    page = opened("backtests", run=WALK, part="Windows", tz="Asia/Tokyo")

    assert not page.exception
    assert "Sharpe ratio was not worse out of sample in 1 of 2 windows. Efficiency 0.50" in words(page)
    assert charts(page) == 4
    assert table(page).loc[0, "searched from (Asia/Tokyo)"] == "2024-01-01 09:00"


def test_trades_are_marked_on_the_candles_around_them(opened: Opener, database: DatabaseOperations, worker: Worker) -> None:
    entered = "2024-08-09T00:01:00Z"
    one = {**document()["trades"][0], "entered": entered, "left": "2024-08-09T00:05:00Z"}
    keep(database, document(id=BACKTEST, timeframe="1m", trades=[one]))
    worker.stores(*(candle(minute) for minute in range(1, 60)))

    with statements() as sent:
        page = opened("backtests", run=BACKTEST, part="Trades", trade="1")

    assert not page.exception
    assert len(sent) <= AT_MOST
    assert charts(page) == 2
    assert table(page).loc[0, ["number", "entered", "reason"]].tolist() == [1, "2024-08-09 00:01", "take profit"]


def test_the_profits_of_trades_are_told_of_all_and_not_of_those_that_are_drawn(
    opened: Opener, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(trades, "show_chart", lambda _, *, alternative: told.append(alternative))
    monkeypatch.setattr(trades, "_MOST_DRAWN", 2)  # which both won
    keep(database, document(id=BACKTEST, metrics={**document()["metrics"], "largest_win": 20.0, "largest_loss": 10.0}))

    page = opened("backtests", run=BACKTEST, part="Trades")

    assert not page.exception
    assert told == ["Profit of each trade (the 2 largest of 3): 3 trades, largest win 20.00 USDT, largest loss 10.00 USDT"]


def test_a_profit_in_a_currency_of_which_one_is_much_keeps_its_digits(
    opened: Opener, database: DatabaseOperations, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(trades, "show_chart", lambda _, *, alternative: told.append(alternative))
    moments = {"entered": "2024-08-09T00:01:00Z", "left": "2024-08-09T00:05:00Z"}
    keep(database, document(id=BACKTEST, timeframe="1m", trades=[{**document()["trades"][0], **moments, "profit": 0.00042}]))
    worker.stores(*(candle(minute) for minute in range(1, 60)))

    page = opened("backtests", run=BACKTEST, part="Trades", trade="1")

    assert not page.exception
    assert "profit +0.00042000, left by" in told[-1]
    assert '"format": "%+.8f"' in page.dataframe[0].proto.columns
    assert page.dataframe[0].proto.columns.count('"format": "%.10g"') == 4, "size, prices and fees"


def test_candles_that_are_gone_are_told(opened: Opener, database: DatabaseOperations) -> None:
    keep_all(database)
    page = opened("backtests", run=BACKTEST, part="Trades", trade="2")

    assert not page.exception
    assert "The candles of OKX:BTC-USDT around trade 2 are not stored any more" in words(page)


def test_runs_are_compared_and_their_differences_named(opened: Opener, database: DatabaseOperations) -> None:
    keep_all(database)
    figures = {**document()["metrics"], "total_return": 0.5}
    other = document(id="f" * 32, parameters={"fast": 5, "slow": 30}, end="2024-02-04T00:00:00Z", metrics=figures, strategy="rsi")
    keep(database, other)
    with statements() as sent:
        page = opened("backtests", compare=f"{BACKTEST[:6]},{'f' * 6},{SWEEP[:6]},beefbeef")

    assert not page.exception
    assert len(sent) <= AT_MOST
    assert f"Not compared: sweep {SWEEP[:12]} (done). 1 of them are not stored." in words(page)
    assert "They did not see the same data (to (UTC)): a better figure may be a better time" in words(page)
    assert table(page)["metric"][0] == "Total return"
    assert table(page).iloc[0, 2] == "50.00 % \N{BLACK STAR}"
    assert table(page, 1)["what"].tolist() == ["strategy", "parameters", "to (UTC)"]
    assert charts(page) == 1


# -- full ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def many(database: DatabaseOperations) -> DatabaseOperations:
    with database.transaction() as store:
        for number in range(60):
            told = document(
                id=f"{number:08x}" + "0" * 24, strategy="rsi" if number % 2 else "sma_cross", parameters={"fast": number}
            )
            store.backtests.begin(stored_of(told))
            store.backtests.finish(told["id"], metrics=told["metrics"], report={}, total_return=0.1, final_value=1.0)
    return database


def test_a_long_list_is_paged_in_sql(opened: Opener, many: DatabaseOperations) -> None:
    with statements() as sent:
        page = opened("backtests", page="3")

    assert not page.exception
    assert len(table(page)) == 10
    assert page.number_input(key="page").value == 3
    assert len(sent) <= AT_MOST
    page.number_input(key="page").set_value(1).run()
    assert len(table(page)) == 25


def test_a_list_is_filtered_and_searched(opened: Opener, many: DatabaseOperations) -> None:
    page = opened("backtests", strategy="rsi", q="59")

    assert table(page)["parameters"].tolist() == ["fast=59"]
    page.text_input(key="q").set_value("nothing like it").run()
    assert "No run is like that" in words(page)


# -- stores that go down ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", [{}, {"run": BACKTEST}, {"compare": f"{BACKTEST},{CHANCE}"}, {"view": "New run"}, {"started": "x"}]
)
def test_a_lost_database_is_told_and_found_again(
    opened: Opener, database: DatabaseOperations, postgres_server: PostgresServer, query: dict[str, str]
) -> None:
    keep_all(database)
    postgres_server.stop()
    try:
        page = opened("backtests", **query)

        assert not page.exception
        assert any("The database cannot be used" in each.value for each in page.warning)
        assert "Traceback" not in words(page)
    finally:
        postgres_server.start()

    page.run()

    assert not page.exception
    assert not any("The database cannot be used" in each.value for each in page.warning)


@pytest.mark.parametrize("query", [{}, {"run": BACKTEST}, {"view": "New run"}])
def test_a_lost_redis_changes_nothing_here(
    opened: Opener, database: DatabaseOperations, redis_server: RedisServer, query: dict[str, str]
) -> None:
    keep_all(database)
    redis_server.stop()
    try:
        page = opened("backtests", **query)

        assert not page.exception
        assert not any("cannot be used" in each.value for each in page.warning)
    finally:
        redis_server.start()


# -- what does not fit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"run": "zz;drop table"}, "That is no id of a run"),
        ({"run": "beefbeef"}, "No run has an id that begins with beefbeef"),
        ({"compare": "x,y"}, "These are no ids of runs"),
        ({"compare": "beefbeef"}, "Choose two to six runs"),
        ({"run": BACKTEST, "part": "Nonsense"}, "1 hole in the candles"),
        ({"started": "../deployments/x"}, "That is no id of a run of Prefect"),
        ({"page": "999"}, "4 runs"),
        ({"page": "-1"}, "4 runs"),
        ({"page": "\N{SUPERSCRIPT TWO}"}, "4 runs"),
        ({"page": "9" * 25}, "4 runs"),
        ({"page": "9" * 5_000}, "4 runs"),
        ({"q": "fast\0"}, "3 runs"),
        ({"kind": "nonsense", "strategy": "<b>"}, "4 runs"),
    ],
)
def test_a_url_that_does_not_fit_is_answered_in_words(
    opened: Opener, database: DatabaseOperations, query: dict[str, str], said: str
) -> None:
    keep_all(database)
    page = opened("backtests", **query)

    assert not page.exception
    assert said in words(page)


def test_an_address_brings_no_link_of_its_own_into_the_form(opened: Opener, worker: Worker) -> None:
    worker.stores(candle(1))
    page = opened("backtests", view=NEW, new_symbols=SYMBOL, new_window=OWN_WINDOW, new_from="[a](//evil.example)")

    assert not page.exception
    assert r"\[a\]\(//evil\.example\)" in page.error[0].value


def test_words_of_people_are_not_read_as_marks(opened: Opener, database: DatabaseOperations) -> None:
    keep(database, document(id=BACKTEST, strategy="[x](http://evil)<b>$a$"))
    page = opened("backtests", run=BACKTEST)

    assert not page.exception
    assert "\\[x\\]\\(http\\://evil\\)\\<b\\>\\$a\\$" in page.subheader[0].value


# -- what runs -------------------------------------------------------------------------------------------------------


def test_a_run_that_is_at_work_says_how_far_it_is(opened: Opener, database: DatabaseOperations) -> None:
    begin(database, done=2, total=8)
    listed = opened("backtests")
    page = opened("backtests", run="e" * 8)

    assert table(listed)["state"].tolist() == ["running 25 %"]
    assert not page.exception
    assert [each.label for each in page.button if each.label == "Cancel"] == ["Cancel"]
    assert any("2 of 8 sets" in each.proto.text for each in page.get("progress"))


def test_a_failed_run_says_why(opened: Opener, database: DatabaseOperations) -> None:
    backtest = begin(database)
    database.backtests.fail(backtest, "a worker was <b>killed</b>")
    page = opened("backtests", run=backtest)

    assert not page.exception
    assert any("a worker was <b>killed</b>" in each.value for each in page.text)
    assert "goes on from there" in words(page)


def test_an_old_row_without_parts_is_shown(opened: Opener, database: DatabaseOperations) -> None:
    told = document(id=BACKTEST)
    with database.transaction() as store:
        store.backtests.begin(replace(stored_of(told), coverage=[]))
        store.backtests.finish(BACKTEST, metrics={}, report={})
    for part in ("Result", "All metrics", "Returns", "Trades", "Data and rules"):
        assert not opened("backtests", run=BACKTEST, part=part).exception
