"""The page of the market against real servers, without a browser."""

import re
from datetime import timedelta

import pytest

from app.charts.live_candles import ZOOM
from app.data import live
from app.ranges import Shown
from app.views import market_pickers
from market.timeframe import MINUTE_US, Timeframe
from tests.app.pages import Opener, Worker, chart_spec, metrics, statements, words
from tests.app.samples import SYMBOL, candle

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
SYNTHETIC = "SYNTHETIC:BTC-USDT"


def test_empty_store_says_what_to_do(opened: Opener) -> None:
    page = opened()

    assert not page.exception
    assert "Nothing is stored yet" in page.info[0].value
    assert "tcpdash demo" in page.info[0].value
    assert "tcpdash up" in page.info[0].value
    assert not page.warning


def test_page_fills_when_the_first_data_comes(opened: Opener, worker: Worker) -> None:
    page = opened()

    worker.tells()
    page.run()

    assert page.selectbox(key="symbol").value == SYMBOL


def test_stored_and_forming_candles_are_shown(opened: Opener, worker: Worker) -> None:
    worker.stores(candle(1), candle(2, complete=False), candle(3), candle(6))
    worker.publishes(candle(7, final=False))
    worker.tells()

    page = opened()

    assert not page.exception
    assert metrics(page) == {
        "Last price": "102.5",
        "Age of the last trade": metrics(page)["Age of the last trade"],
        "Feed": "live",
        "Trades in view": "35",
        "Proven complete": "50 %",
    }
    assert metrics(page)["Age of the last trade"].endswith(" s")
    assert "3 proven complete, 1 not complete, 2 missing" in words(page)
    assert chart_spec(page)["title"] == "OKX:BTC-USDT 1m"
    assert not page.warning


def test_selection_is_taken_from_the_address(opened: Opener, worker: Worker) -> None:
    worker.stores(*(candle(minute) for minute in range(1, 11)), *(candle(minute, symbol=SYNTHETIC) for minute in range(1, 11)))

    page = opened(symbol=SYNTHETIC, timeframe="5m", bars="60")

    assert page.selectbox(key="symbol").value == SYNTHETIC
    assert page.segmented_control(key="timeframe").value == "5m"
    assert page.segmented_control(key="bars").value == "60"
    assert metrics(page)["Trades in view"] == "42"


def test_nonsense_in_the_address_is_ignored(opened: Opener, worker: Worker) -> None:
    worker.stores(candle(1))

    page = opened(symbol="nonsense", timeframe="7m", bars="-1")

    assert not page.exception
    assert page.selectbox(key="symbol").value == SYMBOL
    assert page.segmented_control(key="timeframe").value == "1m"


def test_another_timeframe_can_be_picked(opened: Opener, worker: Worker) -> None:
    worker.stores(*(candle(minute) for minute in range(1, 11)))

    page = opened().segmented_control(key="timeframe").set_value("5m").run()

    assert not page.exception
    assert chart_spec(page)["title"] == "OKX:BTC-USDT 5m"


@pytest.mark.parametrize(("symbol", "tape"), [(SYNTHETIC, "synthetic"), (SYNTHETIC, ""), (SYMBOL, "synthetic")])
def test_synthetic_prices_are_labelled_in_the_page_and_in_the_chart(opened: Opener, worker: Worker, symbol: str, tape: str) -> None:
    worker.publishes(candle(1, symbol=symbol, final=False))
    worker.tells(symbol, tape=tape)

    page = opened()

    assert f"{symbol} :orange-badge[:material/science: SYNTHETIC]" in words(page)
    assert chart_spec(page)["title"] == f"{symbol} 1m · SYNTHETIC"


@pytest.mark.parametrize("tape", ["shifted", "recorded"])
def test_replayed_prices_are_labelled(opened: Opener, worker: Worker, tape: str) -> None:
    worker.publishes(candle(1, final=False))
    worker.tells(tape=tape)

    page = opened()

    assert "REPLAY]" in words(page)
    assert chart_spec(page)["title"] == "OKX:BTC-USDT 1m · REPLAY"


def test_clocks_are_not_looked_through_for_emoji(opened: Opener, worker: Worker) -> None:
    worker.publishes(candle(1, final=False))
    worker.tells(reason="at 10:24:38", state="down")

    page = opened()

    assert re.search(r":(?!material/)[\w+-]+:", words(page)) is None  # for this Streamlit loads the list of all emoji


def test_live_prices_carry_no_label(opened: Opener, worker: Worker) -> None:
    worker.publishes(candle(1, final=False))
    worker.tells()

    page = opened()

    assert "badge" not in words(page)


def test_feed_that_is_down_says_why(opened: Opener, worker: Worker) -> None:
    worker.tells(state="down", reason="the connection was refused")

    page = opened()

    assert metrics(page)["Feed"] == "down"
    assert "the connection was refused" in words(page)
    assert "No 1m candle" in words(page)


def test_a_venue_whose_ids_prove_nothing_is_told(opened: Opener, worker: Worker) -> None:
    worker.stores(candle(1, complete=None), candle(2, complete=None))
    worker.publishes(candle(3, complete=None, final=False))
    worker.tells(venue="BYBIT", provable=False)

    page = opened()

    assert not page.exception
    assert metrics(page)["Proven complete"] == "unprovable"
    assert "Completeness is unprovable here: the trade ids of BYBIT do not count up" in words(page)
    assert "0 proven complete, 0 not complete, 2 unprovable, 0 missing" in words(page)


def test_a_venue_whose_ids_prove_everything_is_not_doubted(opened: Opener, worker: Worker) -> None:
    worker.stores(candle(1), candle(2))
    worker.tells()

    page = opened()

    assert metrics(page)["Proven complete"] == "100 %"
    assert "unprovable" not in words(page)


@pytest.mark.parametrize("state", ["quiet", "stale", "healing"])
def test_states_of_a_feed_are_told(opened: Opener, worker: Worker, state: str) -> None:
    worker.publishes(candle(1, final=False))
    worker.tells(state=state, reason="trades up to 7 did not come", open_holes=2)

    page = opened()

    assert not page.exception
    assert metrics(page)["Feed"] == state
    assert {"quiet": "nobody trades", "stale": "trades up to 7 did not come", "healing": "2 to go"}[state] in words(page)


def test_a_candle_that_closes_leaves_the_chart_as_it_is_but_for_its_rows(opened: Opener, worker: Worker) -> None:
    worker.stores(candle(1), candle(2))
    worker.publishes(candle(3, final=False))
    worker.tells()
    page = opened()
    before = page.get("vega_lite_chart")[0].proto

    worker.publishes(candle(3))
    page.run()
    worker.publishes(candle(4, final=False))
    page.run()
    after = page.get("vega_lite_chart")[0].proto

    assert [len(each.data.data) for each in before.datasets] != [len(each.data.data) for each in after.datasets]
    assert (before.id, before.spec, before.alt) == (after.id, after.spec, after.alt)  # else the browser makes the chart anew


def test_a_chart_that_moves_is_made_anew_now_and_then_and_not_while_it_is_zoomed(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, object] = {}
    monkeypatch.setattr(market_pickers.st, "session_state", state)
    shown = Shown(timeframe=Timeframe.M1, bars=60)
    last_us, next_us = 720_000 * MINUTE_US - MINUTE_US, 720_000 * MINUTE_US
    first = market_pickers.chart_key(SYMBOL, shown, last_us)
    market_pickers.note_chart(first, timedelta(0))

    assert market_pickers.chart_key(SYMBOL, shown, last_us - MINUTE_US) == first
    assert market_pickers.chart_key(SYMBOL, shown, next_us) != first
    state[first] = {"selection": {ZOOM: {"begin": [1.0, 2.0]}}}
    assert market_pickers.chart_key(SYMBOL, shown, next_us) == first
    assert market_pickers.chart_key(SYMBOL, Shown(timeframe=Timeframe.M1, bars=600), last_us) != first
    state[first] = {"selection": {ZOOM: {}}}
    assert market_pickers.chart_key(SYMBOL, shown, next_us) != first


def test_ticks_ask_the_database_nothing(opened: Opener, worker: Worker) -> None:
    worker.stores(candle(1))
    worker.publishes(candle(2, final=False))
    worker.tells()
    opened()

    with statements() as sent:
        for tick in range(5):
            worker.publishes(candle(2, close=100.0 + tick, final=False))
            view = live.live_view(SYMBOL, Timeframe.M1, 120)

    assert view.candles["close"].iloc[-1] == 104.0
    assert sent == []
