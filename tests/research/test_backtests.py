"""Backtests of stored candles: run, kept, and shown again as they were."""

from dataclasses import replace

import pytest

from market.clock import parse_time
from market.timeframe import Timeframe
from research.backtests import document_of, encoded, keep, prepared, run_backtest, stored_of
from tests.research.stored import DAY, SYMBOL, fill
from trading.backtest.backtest import Backtest
from trading.backtest.coverage import HolesError
from trading.backtest.document import document
from trading.registry import Registry
from trading.rules import Listing, Rules

pytestmark = pytest.mark.postgres
CROSS = Registry().create("sma_cross", {"fast": 5, "slow": 20})


def test_what_is_kept_comes_back_to_the_last_byte(database):
    fill(database, SYMBOL, "OKX:ETH-USDT")
    test = Backtest(CROSS, Timeframe.M5, rules=Rules(stop_loss=0.01, size=0.5), listings={SYMBOL: Listing(tick=0.1)})
    told = document(run_backtest(database, test, [SYMBOL, "OKX:ETH-USDT"]), resamples=50, seed=3)
    assert len(told["trades"]) > 20
    assert {trade["symbol"] for trade in told["trades"]} == {SYMBOL, "OKX:ETH-USDT"}

    keep(database, told)
    found = database.backtests.find(told["id"][:8])

    assert encoded(document_of(database, found)) == encoded(told)
    assert (found.state, found.kind, found.total_return) == ("done", "backtest", told["total_return"])


def test_a_warm_up_is_loaded_kept_and_told_again(database):
    fill(database)
    cross = Backtest(CROSS, Timeframe.M15, start_us=parse_time("2024-08-06T00:05"), warm_up=20, inside=Timeframe.M1)
    told = document(run_backtest(database, cross, [SYMBOL]))

    keep(database, told)
    found = database.backtests.find(told["id"])

    assert encoded(document_of(database, found)) == encoded(told)
    assert (told["warm_up"], told["start"], found.settings["warm_up"]) == (20, "2024-08-06T00:15:00Z", 20)
    assert told["coverage"][0]["expected"] == told["counts"]["taken_apart"] == 2 * 96 - 1
    whole = run_backtest(database, replace(cross, start_us=None, warm_up=0), [SYMBOL])
    assert run_backtest(database, cross, [SYMBOL]).targets.tolist() == whole.targets[97:].tolist()


def test_a_run_without_a_warm_up_says_nothing_of_one(database):
    fill(database)
    told = document(run_backtest(database, Backtest(CROSS, Timeframe.M15), [SYMBOL]))

    assert "warm_up" not in told
    assert "warm_up" not in stored_of(told).settings


def test_the_same_run_is_kept_once(database):
    fill(database)
    for _ in range(2):
        keep(database, document(run_backtest(database, Backtest(CROSS, Timeframe.M15), [SYMBOL])))

    assert len(database.backtests.list()) == 1


def test_a_run_without_trades_is_kept_too(database):
    fill(database)
    hold = Registry().create("buy_and_hold")
    told = document(run_backtest(database, Backtest(hold, Timeframe.H1), [SYMBOL]))

    keep(database, told)

    assert told["trades"] == []
    assert encoded(document_of(database, database.backtests.find(told["id"]))) == encoded(told)


def test_a_minute_that_is_missing_makes_its_hour_a_hole(database):
    fill(database, without=[100])

    with pytest.raises(HolesError, match=r"2024-08-05T01:00:00Z to 2024-08-05T02:00:00Z \(1\)"):
        run_backtest(database, Backtest(CROSS, Timeframe.H1), [SYMBOL])
    found = run_backtest(database, Backtest(CROSS, Timeframe.H1, allow_holes=True), [SYMBOL])

    assert (len(found.market), found.coverage[0].incomplete + found.coverage[0].missing) == (71, 1)


def test_steps_that_are_given_count_before_the_venues_own(database):
    from decimal import Decimal

    from db.repositories.symbols import ListedSymbol

    fill(database)
    with database.transaction() as store:
        listed = ListedSymbol(symbol=SYMBOL, exchange="OKX", base="BTC", quote="USDT", tick_size=Decimal("0.1"), lot_size=None)
        store.symbols.upsert([listed])

    without, _ = prepared(database, Backtest(CROSS, Timeframe.H1), [SYMBOL])
    given, _ = prepared(database, Backtest(CROSS, Timeframe.H1, listings={SYMBOL: Listing(lot=1.0)}), [SYMBOL])

    assert (without.listings, given.listings) == ({SYMBOL: Listing(tick=0.1)}, {SYMBOL: Listing(lot=1.0)})


def test_a_symbol_whose_newest_candle_is_still_to_come_ends_the_window_and_is_no_hole(database):
    fill(database, SYMBOL)
    fill(database, "OKX:ETH-USDT", without=range(3 * DAY - 15, 3 * DAY))

    found = run_backtest(database, Backtest(CROSS, Timeframe.M15), [SYMBOL, "OKX:ETH-USDT"])

    assert {each.expected for each in found.coverage} == {3 * DAY // 15 - 1}
    with pytest.raises(HolesError, match="OKX:ETH-USDT lacks 15 of 4,320"):
        run_backtest(database, Backtest(CROSS, Timeframe.M1), [SYMBOL, "OKX:ETH-USDT"])
