"""Holes of symbols that nobody follows any more are healed from what is stored, through real sockets and servers."""

import asyncio

import msgspec
import pytest

from exchanges import Binance
from exchanges.rest import HistoryClient
from market.timeframe import BASE
from replay import LocalExchange
from replay.small import SmallMarket
from streaming.persistence import Persistence
from streaming.pipeline import Pipeline
from streaming.reads import Reads
from streaming.store import StoreSink
from streaming.sweep import sweep

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("keep_trades", [True, False])
async def test_what_a_worker_left_open_is_healed_without_it(database, keep_trades: bool):
    market = SmallMarket("BINANCE", ["BTC-USDT"], seconds=240.0, rate=2.0, seed=3)
    [symbol] = market.symbols
    trades = list(market.trades(symbol))
    async with LocalExchange(market, speed=1e6) as exchange:
        provider = Binance([symbol], endpoints=exchange.endpoints)
        store = Persistence(database.transaction, provider, keep_trades=keep_trades)
        received = [trade for number, trade in enumerate(trades) if not 100 <= number < 130 and number != 400]
        pipeline = Pipeline([symbol])
        for start in range(0, len(received), 50):
            store.write(pipeline.take(received[start : start + 50]))
        exchange._core._clock.release(hold_seconds=0.0)
        while not exchange.ended.is_set():
            await asyncio.sleep(0.01)

        async with HistoryClient(provider) as history:
            left = await sweep(provider, history, Reads(store), StoreSink(store.write, linger=0.0))

    straight = Pipeline([symbol]).take(trades).candles
    stored = list(database.market_data.get_series(symbol, BASE).candles())
    assert left == {symbol: 0}
    assert {gap.state for gap in database.gaps.list(symbol)} == {"filled"}
    plain = [msgspec.structs.replace(each, revision=0, origin="live") for each in stored]
    assert plain == [msgspec.structs.replace(each, revision=0, origin="live") for each in straight]
    if keep_trades:
        assert database.raw_trades.contiguity(symbol).missing == 0
