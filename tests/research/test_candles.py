"""What a backtest takes from the store."""

from decimal import Decimal

import pytest

from db.repositories.symbols import ListedSymbol
from market.clock import parse_time
from market.errors import InputError, SymbolError
from market.timeframe import Timeframe
from research.candles import NothingStored, candles_of
from tests.research.stored import SYMBOL, fill
from trading.listings import listings_of
from trading.rules import Listing

pytestmark = pytest.mark.postgres


def _stored(said: str) -> str:
    return f"{said}; stored of it is 1m from 2024-08-05T00:01 to 2024-08-08T00:00"


def test_only_candles_that_lie_whole_in_the_window_are_taken(database):
    fill(database)
    start_us, end_us = parse_time("2024-08-05T00:30:00Z"), parse_time("2024-08-05T04:30:00Z")

    frame = candles_of(database, ["okx:btc-usdt"], Timeframe.H1, start_us=start_us, end_us=end_us)[SYMBOL]

    assert [f"{moment:%H:%M}" for moment in frame["timestamp"]] == ["02:00", "03:00", "04:00"]


def test_a_warm_up_is_taken_from_before_the_window_as_far_as_it_is_stored(database):
    fill(database)
    start_us, end_us = parse_time("2024-08-05T02:30:00Z"), parse_time("2024-08-05T04:30:00Z")

    taken = {
        bars: candles_of(database, [SYMBOL], Timeframe.H1, start_us=start_us, end_us=end_us, warm_up=bars)[SYMBOL]["timestamp"]
        for bars in (0, 2, 10**9)
    }

    assert {bars: f"{moments.iloc[0]:%H:%M}" for bars, moments in taken.items()} == {0: "04:00", 2: "02:00", 10**9: "01:00"}
    assert {bars: len(moments) for bars, moments in taken.items()} == {0: 1, 2: 3, 10**9: 4}


def test_a_warm_up_alone_is_not_enough(database):
    fill(database)

    with pytest.raises(NothingStored, match=_stored(r"no 1h candle of OKX:BTC-USDT from 2024-08-08T00:00:00Z")):
        candles_of(database, [SYMBOL], Timeframe.H1, start_us=parse_time("2024-08-08"), warm_up=10)


def test_without_a_window_all_of_each_symbol_is_taken_in_the_order_named(database):
    fill(database, SYMBOL, "OKX:ETH-USDT")

    frames = candles_of(database, ["OKX:ETH-USDT", SYMBOL], Timeframe.H4)

    assert {symbol: len(frame) for symbol, frame in frames.items()} == {"OKX:ETH-USDT": 18, SYMBOL: 18}
    assert list(frames) == ["OKX:ETH-USDT", SYMBOL]


def test_what_is_not_there_is_said_with_what_is(database):
    with pytest.raises(NothingStored, match="nothing is stored of OKX:BTC-USDT; stored is nothing yet; start with `tcpdash demo`"):
        candles_of(database, [SYMBOL], Timeframe.H1)
    fill(database)
    with pytest.raises(NothingStored, match=r"nothing is stored of OKX:BTC-USTD; did you mean 'OKX:BTC-USDT'\?"):
        candles_of(database, ["OKX:BTC-USTD"], Timeframe.H1)
    with pytest.raises(NothingStored, match=_stored(r"no 1h candle of OKX:BTC-USDT from 2025-01-01T00:00:00Z")):
        candles_of(database, [SYMBOL], Timeframe.H1, start_us=parse_time("2025-01-01"))
    with pytest.raises(NothingStored, match="no 1w candle"):
        candles_of(database, [SYMBOL], Timeframe.W1)


def test_symbols_are_different_ones_and_written_as_symbols(database):
    with pytest.raises(InputError, match="symbols have to be different ones"):
        candles_of(database, [SYMBOL, "okx:btc-usdt"], Timeframe.H1)
    with pytest.raises(SymbolError):
        candles_of(database, ["BTC-USDT"], Timeframe.H1)


def test_steps_are_those_of_the_venues_list(database):
    listed = ListedSymbol(
        symbol=SYMBOL, exchange="OKX", base="BTC", quote="USDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.00000001")
    )
    with database.transaction() as store:
        store.symbols.upsert([listed])

    assert listings_of(database, [SYMBOL, "OKX:ETH-USDT"]) == {SYMBOL: Listing(tick=0.1, lot=1e-8)}
