"""What the page of backtests reads: lists by what somebody looks for, parts of documents, and trades that weigh most."""

from dataclasses import replace

import msgspec
import pytest

from db.backtest_reads import Looked
from db.operations import DatabaseOperations
from db.stored_spans import Span
from market.errors import InputError
from market.timeframe import MINUTE_US, Timeframe
from tests.app.samples import START_US, candle
from tests.db.repositories.test_backtests import ID, NOTHING, OTHER, RUN, SYMBOLS, THIRD, some_trades, started

pytestmark = pytest.mark.postgres


@pytest.fixture
def three(database: DatabaseOperations) -> DatabaseOperations:
    for one in (
        RUN,
        replace(RUN, id=OTHER, kind="sweep", strategy="rsi", parameters={"mode": "50%_up"}, symbols=SYMBOLS[:1], flow_run="run-1"),
        replace(RUN, id=THIRD, timeframe="5m", flow_run="run-2"),
    ):
        database.backtests.begin(one)
    database.backtests.finish(ID, metrics={"sharpe_ratio": 1.0}, report={"curve": {"equity": [1.5]}, "counts": {"both": 1}})
    started(database.engine, ab="2024-01-01", ac="2024-01-02", cd="2024-01-03")
    return database


def test_a_page_has_the_newest_and_how_many_there_are_in_all(three):
    first, count = three.backtests.page(Looked(), newest=2)
    second, _ = three.backtests.page(Looked(), newest=2, offset=2)

    assert ([each.id for each in first], count) == ([THIRD, OTHER], 3)
    assert [(each.id, each.metrics, each.report) for each in second] == [(ID, {"sharpe_ratio": 1.0}, None)]
    assert three.backtests.page(Looked(), newest=2, offset=4) == ([], 0)


@pytest.mark.parametrize(
    ("looked", "found"),
    [
        (Looked(kind="sweep"), [OTHER]),
        (Looked(strategy="rsi", symbol=SYMBOLS[1]), []),
        (Looked(symbol=SYMBOLS[1]), [THIRD, ID]),
        (Looked(state="done"), [ID]),
        (Looked(text="RSI"), [OTHER]),
        (Looked(text="eth-eur 5M"), [THIRD]),
        (Looked(text="cd"), [THIRD]),
        (Looked(text="50%_u"), [OTHER]),
        (Looked(text="50_%"), []),
        (Looked(text="%"), [OTHER]),
        (Looked(text="'; drop table backtests; --"), []),
    ],
)
def test_a_page_has_what_somebody_looks_for(three, looked, found):
    assert [each.id for each in three.backtests.page(looked, newest=9)[0]] == found


def test_all_strategies_and_symbols_can_be_chosen_among(three):
    assert three.backtests.facets() == (["rsi", "sma-cross"], sorted(SYMBOLS))


def test_who_started_a_run_finds_what_it_began(three):
    assert three.backtests.of_flow_run("run-1").id == OTHER
    assert three.backtests.of_flow_run("run-3") is None
    three.backtests.begin(replace(RUN, id=OTHER, flow_run="run-3"))
    assert three.backtests.of_flow_run("run-3").id == OTHER
    assert three.backtests.of_flow_run("run-1") is None


def test_parts_of_documents_come_in_the_order_of_their_ids(three):
    found = three.backtests.several([THIRD[:6], ID, ID[:4], "beef"], parts=("counts", "curve", "windows"))

    assert [each.id for each in found] == [THIRD, ID]
    assert found[1].report == {"counts": {"both": 1}, "curve": {"equity": [1.5]}}
    assert found[1].coverage == RUN.coverage
    assert three.backtests.several([ID], parts=("counts",))[0].report == {"counts": {"both": 1}}
    assert three.backtests.several([]) == []


@pytest.mark.parametrize(("typed", "why"), [("ab", "not the begin of an id"), ("xyz!", "not the begin"), ("acac", "several")])
def test_what_is_no_begin_of_one_id_is_refused(three, typed, why):
    three.backtests.begin(replace(RUN, id="acac" + "00" * 14))
    three.backtests.begin(replace(RUN, id="acac" + "11" * 14))
    with pytest.raises(InputError, match=why):
        three.backtests.several([typed])


def test_trades_that_weigh_most_come_in_their_order(database):
    database.backtests.begin(RUN)
    database.backtests.finish(ID, **NOTHING, trades=some_trades(9, profit=[1.0, -9.0, 2.0, 8.0, 0.0, 0.5, -7.0, 3.0, 1.0]))

    largest = database.backtests.largest_trades(ID, most=3)

    assert largest["number"].tolist() == [2, 4, 7]
    assert largest["count"].tolist() == [9, 9, 9]
    assert database.backtests.largest_trades(OTHER, most=3).empty


def test_a_page_of_trades_has_the_same_rows_as_all_of_them(database):
    database.backtests.begin(RUN)
    database.backtests.finish(ID, **NOTHING, trades=some_trades(9))
    whole, _ = database.backtests.trades(ID)

    page = database.backtests.trade_page(ID, offset=2, limit=3)

    assert list(page.columns) == list(whole.columns)
    assert page.to_dict("records") == whole.iloc[2:5].to_dict("records")
    assert str(page["left_at"].dtype) == "datetime64[us, UTC]"
    assert database.backtests.trade_page(OTHER, offset=0, limit=3).empty


def test_what_is_stored_is_told_by_symbol_and_width(database):
    wide = msgspec.structs.replace(candle(600), timeframe=Timeframe.H1, timestamp_us=START_US - START_US % (60 * MINUTE_US))
    assert database.market_data.spans() == []
    database.market_data.upsert_candles([candle(1), candle(9), wide, candle(3, symbol=SYMBOLS[1])])

    assert database.market_data.spans() == [
        Span(symbol=symbol, timeframe=width, first_us=first, last_us=last)
        for symbol, width, first, last in (
            (SYMBOLS[1], Timeframe.M1, START_US + 3 * MINUTE_US, START_US + 3 * MINUTE_US),
            ("OKX:BTC-USDT", Timeframe.M1, START_US + MINUTE_US, START_US + 9 * MINUTE_US),
            ("OKX:BTC-USDT", Timeframe.H1, wide.timestamp_us, wide.timestamp_us),
        )
    ]
