"""What the page of the market shows beside its live candles: ranges, windows, indicators, fills, trades, latencies."""

import json
import re
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from time import sleep
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from app import access
from app.access import Role, User
from db import DatabaseOperations, bulk
from market.candle import Origin
from market.clock import monotonic, parse_time
from market.timeframe import MINUTE_US
from market.trade import Side, Trade
from tests.app.pages import Opener, Worker, metrics, statements, words
from tests.app.samples import START_US, SYMBOL, candle
from tests.db.bots import TRADE, leased, step

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
PATIENCE_SECONDS = 120.0
WINDOW = "2024-08-09T00:00/2024-08-09T00:30"
NONSENSE = [
    *("", "nonsense", "2024-08-09T00:00", "2024-13-01T00:00/x", "1001-01-01T00:00/9999-01-01T00:00"),
    "0001-01-01T00:00+14:00/9999-12-31T23:59-12:00",
]


def spec(page: AppTest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.get("vega_lite_chart")[0].proto.spec)
    return found


def names(page: AppTest) -> set[str]:
    """Return the names of the data that the chart has."""
    return {each.name for each in page.get("vega_lite_chart")[0].proto.datasets}


def drawn(page: AppTest, name: str = "closed") -> pd.DataFrame:
    """Return rows that the chart has, by the name of the data."""
    found = next(each for each in page.get("vega_lite_chart")[0].proto.datasets if each.name == name)
    return convert_arrow_bytes_to_pandas_df(found.data.data)


def holes(page: AppTest) -> list[str]:
    """Return what is told of each run of candles that are missing in the chart."""
    rows = drawn(page)
    return rows[rows["kind"] == "hole"]["standing"].astype("str").tolist()


def between(page: AppTest) -> str:
    """Return the window that the URL names."""
    found = page.query_params["between"]
    return found if isinstance(found, str) else found[0]


def table(page: AppTest) -> list[list[str]]:
    """Return the texts of the table that is HTML, row by row, the head first."""
    found = next(each.proto.body for each in page.get("html") if "<table" in each.proto.body)
    return [
        [unescape(text) for text in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in re.findall(r"<tr>(.*?)</tr>", found)
    ]


def trade(number: int, *, late_ms: float = 20.0) -> Trade:
    at_us = START_US + number * 1_000_000
    return Trade(
        SYMBOL, number, 100.0 + number, 0.5, Side.BUY if number % 2 else Side.SELL, at_us, at_us + round(late_ms * 1_000), 1, 1
    )


def run_until(page: AppTest, condition: Callable[[AppTest], bool]) -> AppTest:
    until = monotonic() + PATIENCE_SECONDS
    while not condition(page):
        assert monotonic() < until, words(page)
        sleep(0.2)
        page.run()
    assert not page.exception
    return page


@contextmanager
def all_statements(monkeypatch: pytest.MonkeyPatch):
    """Collect all that is sent to the database, COPY among it, which does not pass through SQLAlchemy."""
    copies: list[str] = []
    copy_out = bulk.copy_out

    def counted(connection: Any, query: str, parameters: Any) -> bytes:
        copies.append(query)
        return copy_out(connection, query, parameters)

    for module in ("db.candle_rows", "db.trade_rows"):
        monkeypatch.setattr(f"{module}.copy_out", counted)
    with statements() as sent:
        yield lambda: [*sent, *copies]


@pytest.fixture
def full(worker: Worker, database: DatabaseOperations) -> Worker:
    """A symbol with an hour of candles, a hole, trades, and two bots."""
    worker.stores(*(candle(minute) for minute in range(1, 61) if minute not in (20, 21)))
    worker.publishes(candle(61, final=False))
    worker.tells()
    database.raw_trades.insert_trades([trade(number) for number in range(1, 81)])
    epochs = leased(database, "trend", "other")
    bought = replace(TRADE, price=Decimal(101), size=Decimal("0.5"), symbol=SYMBOL, timestamp_us=START_US + 10 * MINUTE_US)
    sold = replace(bought, number=2, side="sell", profit=Decimal("3.5"), timestamp_us=START_US + 30 * MINUTE_US)
    database.bots.write([step("trend", epochs["trend"], trades=[bought, sold])])
    return worker


class TestRanges:
    def test_a_year_is_drawn_in_wider_candles_and_says_so(self, opened: Opener, full: Worker) -> None:
        page = opened(range="1 year")

        assert not page.exception
        assert spec(page)["title"] == "OKX:BTC-USDT 12h" or "No 12h candle" in words(page)
        assert "1 year in 1m candles: 525,600, and 2,000 are drawn at most, so 12h is drawn." in words(page)

    def test_all_there_is_is_drawn_as_narrow_as_it_fits(self, opened: Opener, full: Worker) -> None:
        page = opened(range="all")  # from August 2024 to now

        assert not page.exception
        assert "All in 1m candles" in words(page)

    def test_all_of_what_is_not_of_now_ends_with_it(self, opened: Opener, full: Worker) -> None:
        full.tells(tape="recorded")

        page = opened(range="all")

        assert not page.exception
        assert spec(page)["title"].startswith("OKX:BTC-USDT 1m")
        assert "All in 1m candles" not in words(page)

    def test_a_window_shows_what_was(self, opened: Opener, full: Worker) -> None:
        page = opened(range="window", between=WINDOW)

        assert not page.exception
        assert "In view: 28 proven complete, 0 not complete, 2 missing." in words(page)
        assert metrics(page)["Last price"] == "102.5"  # of the feed
        assert page.datetime_input(key="market_from").value.isoformat() == "2024-08-09T00:00:00"

    def test_a_window_is_of_the_time_zone_of_the_screen(self, opened: Opener, full: Worker) -> None:
        page = opened(range="window", between="2024-08-09T02:00/2024-08-09T02:30", tz="Europe/Berlin")

        assert not page.exception
        assert "In view: 28 proven complete, 0 not complete, 2 missing." in words(page)
        assert "time in Europe/Berlin (UTC+02:00)" in json.dumps(spec(page))

    def test_an_hour_that_clocks_show_twice_stays_the_second_one_through_ticks_and_buttons(
        self, opened: Opener, full: Worker
    ) -> None:
        said = "2024-10-27T02:05+01:00/2024-10-27T02:55+01:00"
        begin = (parse_time("2024-10-27T00:00Z") - START_US) // MINUTE_US
        full.stores(*(candle(begin + minute) for minute in range(120)))
        page = opened(range="window", between=said, tz="Europe/Berlin")

        page.run()
        assert between(page) == said
        page.button(key="market_Earlier").click().run()
        assert between(page) == "2024-10-27T02:40/2024-10-27T02:30+01:00"
        page.button(key="market_Later").click().run()
        assert between(page) == said
        page.datetime_input(key="market_from").set_value(datetime(2024, 10, 27, 1, 0)).run()  # noqa: DTZ001 - as a clock shows it
        assert between(page) == "2024-10-27T01:00/2024-10-27T02:55+01:00"
        assert not page.exception

    @pytest.mark.parametrize("said", NONSENSE)
    def test_nonsense_is_a_window_of_a_day(self, opened: Opener, full: Worker, said: str) -> None:
        page = opened(range="window", between=said)

        assert not page.exception
        start, end = (datetime.fromisoformat(each) for each in between(page).split("/"))
        assert end - start == timedelta(days=1)

    def test_what_lacks_at_the_ends_of_a_window_is_missing(self, opened: Opener, full: Worker) -> None:
        page = opened(range="window", between="2024-08-09T00:14/2024-08-09T01:04")  # followed until now, stored until 00:54

        assert "In view: 39 proven complete, 0 not complete, 11 missing." in words(page)
        assert metrics(page)["Proven complete"] == "78 %"
        assert holes(page) == ["no data: 1 candle missing", "no data: 10 candles missing"]

    def test_what_was_before_the_first_or_is_to_come_lacks_nothing(self, opened: Opener, worker: Worker) -> None:
        worker.stores(*(candle(minute) for minute in range(1, 61) if minute not in (20, 21)))
        page = opened(range="window", between="2024-08-08T23:00/2024-08-09T02:00")  # nobody follows it any more

        assert "In view: 58 proven complete, 0 not complete, 2 missing." in words(page)
        assert metrics(page)["Proven complete"] == "96.6 %"

    def test_what_is_behind_a_recorded_tape_lacks_nothing(self, opened: Opener, worker: Worker) -> None:
        worker.stores(*(candle(minute) for minute in range(1, 61)))
        worker.tells(tape="recorded")
        page = opened(range="window", between="2024-08-09T00:00/2024-08-09T02:00")

        assert "In view: 54 proven complete, 0 not complete, 0 missing." in words(page)
        assert metrics(page)["Proven complete"] == "100 %"

    def test_a_window_in_which_nothing_is_stored_is_missing(self, opened: Opener, full: Worker) -> None:
        page = opened(range="window", between="2024-08-09T00:13/2024-08-09T00:15")

        assert "In view: 0 proven complete, 0 not complete, 2 missing." in words(page)
        assert metrics(page)["Proven complete"] == "0 %"

    def test_what_lacks_at_the_begin_of_the_newest_is_missing(self, opened: Opener, worker: Worker) -> None:
        worker.stores(candle(1), *(candle(minute) for minute in range(200, 261)))
        worker.publishes(candle(261, final=False))
        worker.tells()

        page = opened(bars="120")

        assert "In view: 61 proven complete, 0 not complete, 58 missing." in words(page)
        assert holes(page) == ["no data: 58 candles missing"]

    def test_a_window_is_drawn_anew_when_other_candles_take_their_place(self, opened: Opener, worker: Worker) -> None:
        worker.stores(*(candle(minute, origin=Origin.EXCHANGE, trades=None, volume=1.5) for minute in range(1, 11)))
        page = opened(range="window", between="2024-08-08T23:54/2024-08-09T00:04")
        assert metrics(page)["Trades in view"] == "–"
        worker.stores(*(candle(minute, origin=Origin.LIVE, trades=7, volume=2.5) for minute in range(1, 11)))
        st.cache_data.clear()  # half a minute passes
        page.run()

        assert metrics(page)["Trades in view"] == "70"
        assert drawn(page)["volume"].dropna().tolist()[:3] == [2.5, 2.5, 2.5]
        assert set(drawn(page)["origin"].dropna()) == {"live"}

    def test_fills_of_exactly_the_minutes_in_view_are_shown(self, opened: Opener, full: Worker) -> None:
        page = opened(range="window", between="2024-08-09T00:04/2024-08-09T00:24", fills="true", bots="trend", view="fills")

        assert page.dataframe[0].value["side"].tolist() == ["sell"]  # that of 00:04 was in the minute before
        assert drawn(page, "fills")["side"].tolist() == ["sell"]

    def test_a_window_without_candles_says_what_to_do(self, opened: Opener, full: Worker) -> None:
        page = opened(range="window", between="2023-08-09T00:00/2023-08-09T00:30")

        assert not page.exception
        assert "No 1m candle of OKX:BTC-USDT is stored in this window" in words(page)
        assert "tcpdash backfill OKX:BTC-USDT" in words(page)

    def test_buttons_move_in_time(self, opened: Opener, full: Worker) -> None:
        page = opened(range="window", between=WINDOW)

        page.button(key="market_Earlier").click().run()
        assert between(page) == "2024-08-08T23:45/2024-08-09T00:15"
        page.button(key="market_Out").click().run()
        assert between(page) == "2024-08-08T23:30/2024-08-09T00:30"
        page.button(key="market_In").click().run()
        assert between(page) == "2024-08-08T23:45/2024-08-09T00:15"
        page.button(key="market_Later").click().run()
        assert between(page) == WINDOW
        page.button(key="market_Live").click().run()
        assert page.segmented_control(key="range").value == "live"
        assert not page.exception

    def test_buttons_leave_the_live_chart_for_a_window(self, opened: Opener, full: Worker) -> None:
        page = opened(bars="60")

        page.button(key="market_Earlier").click().run()

        assert page.segmented_control(key="range").value == "window"
        assert not page.exception
        assert "between" in page.query_params


class TestOverlays:
    def test_indicators_are_drawn_when_they_are_there(self, opened: Opener, full: Worker) -> None:
        page = run_until(
            opened(indicators="true", strategy="sma_cross", i_sma_cross_fast="3", i_sma_cross_slow="5"),
            lambda page: "lines" in names(page),
        )

        assert "Indicators of sma\\_cross: fast " in words(page)
        assert "A value needs 5 candles" in words(page)
        assert page.number_input(key="i_sma_cross_fast").value == 3

    def test_before_the_first_candle_closes_it_is_told_that_they_wait_for_it(self, opened: Opener, worker: Worker) -> None:
        worker.publishes(candle(1, final=False))
        worker.tells()

        page = run_until(opened(indicators="true", strategy="sma_cross"), lambda page: "Indicators of" in words(page))

        assert "Indicators of sma\\_cross: they begin with the first 1m candle that closes." in words(page)

    def test_oscillators_are_in_a_panel_below(self, opened: Opener, full: Worker) -> None:
        page = run_until(opened(indicators="true", strategy="macd"), lambda page: "macd" in words(page) and "needs" in words(page))

        assert "841 candles" in words(page)  # more than there are

    def test_a_strategy_that_raises_is_told(self, opened: Opener, full: Worker) -> None:
        page = opened(indicators="true", strategy="sma_cross", i_sma_cross_fast="30", i_sma_cross_slow="5")

        run_until(page, lambda page: "No indicators of" in words(page))

        assert "expected less than slow" in words(page)
        assert "lines" not in names(page)

    def test_a_users_own_that_hangs_does_not_hold_the_page(
        self, opened: Opener, full: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "strategies"
        folder.mkdir()
        (folder / "mine.py").write_text(
            "import time\nfrom trading import BaseStrategy\nclass Mine(BaseStrategy):\n    lookback = 3\n"
            "    def targets(self, data):\n        time.sleep(1000)\n"
        )
        monkeypatch.setenv("TCPDASH_STRATEGIES", str(folder))
        monkeypatch.setattr("app.strategy_desk.LIMIT_SECONDS", 0.5)

        begun = monotonic()
        page = opened(indicators="true", strategy="mine")
        run_until(page, lambda page: "No indicators of mine" in words(page))

        assert monotonic() - begun < PATIENCE_SECONDS
        assert "no answer within the 0\\.5 seconds" in words(page)
        assert metrics(page)["Last price"] == "102.5"

    def test_fills_of_chosen_bots_are_marks_and_a_table(self, opened: Opener, full: Worker) -> None:
        page = opened(fills="true", bots="trend", view="fills", range="window", between="2024-08-08T23:54/2024-08-09T00:54")

        assert not page.exception
        assert "fills" in names(page)
        table = page.dataframe[0].value
        assert table["side"].tolist() == ["sell", "buy"]
        assert table["P&L"].tolist() == ["+3.5000", "–"]
        assert table["bot"].tolist() == ["trend", "trend"]

    def test_bots_are_offered_and_none_is_chosen_unasked(self, opened: Opener, full: Worker) -> None:
        page = opened(fills="true", view="fills")

        assert page.multiselect(key="bots").options == ["other", "trend"]
        assert page.multiselect(key="bots").value == []
        assert "No bot is chosen" in words(page)

    def test_without_fills_there_is_a_word_on_how_to_see_them(self, opened: Opener, full: Worker) -> None:
        assert "Switch on *Fills of bots*" in words(opened(view="fills"))


class TestTrades:
    def test_the_last_trades_are_listed(self, opened: Opener, full: Worker) -> None:
        rows = table(opened())

        assert len(rows) == 51
        assert rows[0] == ["time (UTC)", "side", "price", "size", "trade id"]
        assert rows[1] == ["2024-08-08 23:55:20.000", "▼ sell", "180", "0.5", "80"]

    def test_latencies_are_figures_and_a_histogram(self, opened: Opener, full: Worker) -> None:
        page = opened(view="latencies")

        assert not page.exception
        assert metrics(page)["Median"] == "20.0 ms"
        assert "Of the 80 newest stored trades" in words(page)
        assert "ids 1 to 80" in words(page)
        assert "Two clocks are compared" in words(page)

    def test_latencies_below_zero_are_told(self, opened: Opener, worker: Worker, database: DatabaseOperations) -> None:
        worker.stores(candle(1))
        database.raw_trades.insert_trades([trade(1, late_ms=-5.0), trade(2)])

        assert "1 are below 0" in words(opened(view="latencies"))

    def test_latencies_of_a_tape_are_none(self, opened: Opener, full: Worker) -> None:
        full.tells(tape="shifted")

        assert "these are no latencies" in words(opened(view="latencies"))

    def test_no_trades_say_why(self, opened: Opener, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        worker.stores(candle(1))

        assert "No single trade of OKX:BTC-USDT is stored" in words(opened())

    def test_trades_that_are_not_kept_are_told(self, opened: Opener, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TCPDASH_DATABASE__RAW_TRADES", "false")
        worker.stores(candle(1))

        assert "Single trades are not kept" in words(opened())


class TestCosts:
    def test_a_first_page_sends_five_statements_at_most(
        self, opened: Opener, full: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with all_statements(monkeypatch) as sent:
            page = opened()

        assert not page.exception
        assert len(sent()) <= 5, sent()

    @pytest.mark.parametrize("query", [
        {"range": "1 year"}, {"range": "all"}, {"range": "window", "between": WINDOW}, {"view": "latencies"},
        {"fills": "true", "bots": "trend"}, {"timeframe": "1h"},
    ])  # fmt: skip
    def test_so_does_each_selection_of_a_page_that_is_connected(
        self, opened: Opener, full: Worker, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
    ) -> None:
        import streamlit as st

        opened()
        st.cache_data.clear()
        with all_statements(monkeypatch) as sent:
            page = opened(**query)

        assert not page.exception
        assert len(sent()) <= 5, sent()

    def test_a_tick_of_a_page_with_everything_sends_none(
        self, opened: Opener, full: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = opened(fills="true", bots="trend", view="trades")
        with all_statements(monkeypatch) as sent:
            page.run()

        assert [
            each for each in sent() if "with recursive known" not in each
        ] == []  # a whole run asks for the symbols, a tick does not


def test_a_viewer_may_look_at_everything(opened: Opener, full: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "current_user", lambda: User(name="guest", role=Role.VIEWER))

    page = opened(fills="true", bots="trend", view="fills", range="window", between=WINDOW)

    assert not page.exception
    assert "fills" in names(page)


class TestLostStores:
    def test_a_window_stays_while_the_database_is_away(self, opened: Opener, full: Worker, postgres_server: Any) -> None:
        page = opened(range="window", between=WINDOW, fills="true", bots="trend", view="trades")
        postgres_server.stop()
        try:
            import streamlit as st

            st.cache_data.clear()
            page.run()

            assert not page.exception
            assert "The database cannot be used" in words(page)
            assert "In view: 28 proven complete" in words(page)
            assert "Trades are shown when the database is back" in words(page)
        finally:
            postgres_server.start()

        page.run()

        assert not page.warning
        assert not page.exception
        assert len(table(page)) == 51

    @pytest.mark.parametrize("view", ["trades", "latencies", "fills"])
    def test_without_redis_what_is_stored_is_shown(self, opened: Opener, full: Worker, redis_server: Any, view: str) -> None:
        redis_server.stop()
        try:
            page = opened(range="1 d", view=view, fills="true", bots="trend")

            assert not page.exception
            assert len(page.warning) == 1
            assert "Redis cannot be used" in page.warning[0].value
            assert names(page) >= {"closed", "live"}
        finally:
            redis_server.start()
