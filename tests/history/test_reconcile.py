"""Our minutes beside the venue's own: the same where they are the same, and noted where they are not."""

import msgspec
import pytest

from exchanges import OKX
from history.backfill import NativeVenue
from history.reconcile import own_symbols, reconcile
from market.errors import InputError
from market.timeframe import BASE, MINUTE_US
from streaming.pipeline import Pipeline
from tests.history.backfill.markets import at, exchange_of, past, trades_of

pytestmark = pytest.mark.postgres
SYMBOL = "OKX:BTC-USDT"
NOW = 200


async def compare(database, market, *, hours: float = 2.0):
    async with exchange_of(market, NOW) as exchange:
        venue = NativeVenue(OKX(["BTC-USDT"], endpoints=exchange.endpoints))
        [found] = await reconcile(database, venue, [SYMBOL], hours=hours)
    return found


def made_of_trades(market):
    """Return the minutes that a worker would have made, each proven whole."""
    pipeline = Pipeline([SYMBOL])
    candles = pipeline.take([trade for trade in trades_of(market, SYMBOL) if trade.timestamp_us < at(NOW)]).candles
    return [each for each in candles if each.complete]


async def test_minutes_made_of_trades_are_the_venues_own(database):
    market = past("OKX", minutes=NOW + 10)
    candles = made_of_trades(market)
    database.market_data.upsert_candles(candles)

    found = await compare(database, market)

    newest = candles[-1].timestamp_us
    within = [each for each in candles if found.start_us < each.timestamp_us <= found.end_us]
    assert (found.start_us, found.end_us) == (at(NOW - 121), at(NOW - 1))
    assert (found.compared, found.differing, found.match_rate) == (len(within), 0, 1.0)
    assert found.missing == (found.end_us - min(newest, found.end_us)) // MINUTE_US
    assert found.compared > 110
    assert database.backfills.conflicts(SYMBOL) == []


async def test_what_differs_is_counted_and_noted(database):
    market = past("OKX", minutes=NOW + 10)
    candles = made_of_trades(market)
    wrong = candles[-20]
    candles[-20] = msgspec.structs.replace(wrong, volume=wrong.volume + 1.0)
    database.market_data.upsert_candles(candles)

    found = await compare(database, market)

    [conflict] = database.backfills.conflicts(SYMBOL)
    assert (found.differing, round(found.match_rate * found.compared)) == (1, found.compared - 1)
    assert (conflict.timestamp_us, conflict.ours["volume"]) == (wrong.timestamp_us, wrong.volume + 1.0)
    assert conflict.theirs["volume"] == pytest.approx(wrong.volume)


async def test_unproven_minutes_are_counted_apart_and_absent_ones_are_missing(database):
    market = past("OKX", minutes=NOW + 10)
    candles = made_of_trades(market)
    whole = len([each for each in candles[:-15] if each.timestamp_us > at(NOW - 121)])
    unproven = [msgspec.structs.replace(each, complete=False, volume=each.volume + 1.0) for each in candles[-15:-10]]
    database.market_data.upsert_candles([*candles[:-15], *unproven])

    found = await compare(database, market)

    assert (found.compared, found.differing, found.unproven) == (whole, 0, 5)
    assert found.missing == 120 - whole - 5


async def test_the_venues_own_candles_are_not_compared_with_themselves(database):
    market = past("OKX", minutes=NOW + 10)
    async with exchange_of(market, NOW) as exchange:
        venue = NativeVenue(OKX(["BTC-USDT"], endpoints=exchange.endpoints))
        async with venue:
            from market.window import Window

            database.market_data.upsert_candles(
                await venue.candles(SYMBOL, BASE, Window(at(NOW - 100), at(NOW - 50)), lambda: None)
            )

    found = await compare(database, market)

    assert (found.compared, found.unproven, found.match_rate, found.missing) == (0, 0, None, 70)


async def test_only_symbols_made_of_trades_lately_are_looked_at(database):
    market = past("OKX", minutes=NOW + 10)
    candles = made_of_trades(market)
    database.market_data.upsert_candles(candles)
    database.market_data.upsert_candles([msgspec.structs.replace(candles[-1], symbol="OKX:ETH-USDT", origin="exchange")])

    assert own_symbols(database, 1.0, candles[-1].timestamp_us + 30 * MINUTE_US) == [SYMBOL]
    assert own_symbols(database, 1.0, candles[-1].timestamp_us + 90 * MINUTE_US) == []


async def test_no_time_at_all_is_refused(database):
    with pytest.raises(InputError, match="hours 0 is not above 0"):
        await compare(database, past("OKX", minutes=NOW + 10), hours=0.0)
