"""An unmodified third-party client, ccxt, on the local exchange's Coinbase: nothing is changed but its addresses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from market.timeframe import MINUTE_US
from replay import LocalExchange, Source, SyntheticMarket, read_tape
from replay.bars import Interval
from tests.replay.ccxt_client import START, ids_of, meant, rows, told, used, watch
from tests.replay.tapes import recorded

ccxt = pytest.importorskip("ccxt")
pro = pytest.importorskip("ccxt.pro")


@asynccontextmanager
async def client_of(exchange: LocalExchange) -> AsyncIterator[Any]:
    client = pro.coinbaseexchange({"enableRateLimit": False})
    client.urls["api"]["public"], client.urls["api"]["ws"] = exchange.rest_url, exchange.ws_url
    async with used(client):
        yield client


@pytest.fixture(params=["generated", "matches", "market_trades"])
def source(request: pytest.FixtureRequest) -> Source:
    if request.param == "generated":
        return SyntheticMarket()
    name = "exchange_20210417" if request.param == "matches" else "advanced_20260809"
    return read_tape(recorded(f"coinbase/cf_coinbase_{name}_part1.jsonl.gz"))


def busiest(source: Source) -> str:
    return max(source.symbols[:2] + source.symbols[-1:], key=lambda symbol: source.fills(symbol).at(source.last_us or START))


def slashed(symbol: str) -> str:
    return symbol.partition(":")[2].replace("-", "/")


async def test_ccxt_loads_the_markets(source):
    async with LocalExchange(source) as exchange, client_of(exchange) as client:
        markets = await client.load_markets()

    assert sorted(markets) == sorted(slashed(symbol) for symbol in source.symbols)
    for symbol, instrument in source.instruments.items():
        precision = markets[slashed(symbol)]["precision"]
        assert (precision["price"], precision["amount"]) == (float(instrument.tick_size), float(instrument.lot_size))


async def test_ccxt_watches_every_trade_of_the_source(source):
    symbol = busiest(source)
    async with LocalExchange(source, speed=30, start_us=START) as exchange, client_of(exchange) as client:
        trades = await watch(client, slashed(symbol), 12)
    fills = source.fills(symbol)
    begin = fills.find(int(trades[0]["id"]))

    assert ids_of(trades) == [each.trade_id for each in fills.slice(begin, begin + len(trades))]
    assert told(trades) == meant(fills.slice(begin, begin + len(trades)))


async def test_ccxt_fetches_the_trades_of_the_source_and_pages_downwards(source):
    symbol = busiest(source)
    async with LocalExchange(source, speed=100, start_us=START) as exchange, client_of(exchange) as client:
        await watch(client, slashed(symbol), 8)
        exchange.pause()
        newest = await client.fetch_trades(slashed(symbol), limit=5)
        older = await client.fetch_trades(slashed(symbol), limit=3, params={"after": newest[0]["id"]})
        fills = source.fills(symbol)
        stop = fills.at(exchange.now_us)

    assert ids_of(older + newest) == [each.trade_id for each in fills.slice(stop - 8, stop)]
    assert told(older + newest) == meant(fills.slice(stop - 8, stop))


async def test_ccxt_fetches_the_candles_of_the_source(source):
    symbol = busiest(source)
    begin = source.fills(symbol).slice(0, 1)[0].timestamp_us if source.first_us else START - 400 * MINUTE_US
    since = begin // MINUTE_US * MINUTE_US
    async with LocalExchange(source, speed=100, start_us=START) as exchange, client_of(exchange) as client:
        await watch(client, slashed(symbol), 8)
        exchange.pause()
        asked = await client.fetch_ohlcv(slashed(symbol), "1m", since=since // 1000)
        newest = await client.fetch_ohlcv(slashed(symbol), "5m")
        end = min(exchange.now_us, since + 300 * MINUTE_US - 1)
        minutes = source.bars(symbol, Interval(MINUTE_US), since, end, exchange.now_us)
        fives = source.bars(symbol, Interval(5 * MINUTE_US), exchange.now_us - 1499 * MINUTE_US, exchange.now_us, exchange.now_us)

    assert asked == rows([bar for bar in minutes if bar.trades])
    assert newest == rows([bar for bar in fives if bar.trades])[-len(newest) :]
    assert newest


async def test_ccxt_reads_clock_and_ticker():
    source = SyntheticMarket()
    async with LocalExchange(source, start_us=START) as exchange, client_of(exchange) as client:
        exchange.pause()
        time, ticker = await client.fetch_time(), await client.fetch_ticker("BTC/USDT")
        fills = source.fills("SYNTHETIC:BTC-USDT")
        [last] = fills.newest(fills.at(exchange.now_us), 1)

        assert (time, ticker["last"]) == (exchange.now_us // 1000, last.price)


@pytest.mark.parametrize("symbol", ["FOO/BAR"])
async def test_ccxt_takes_a_refusal_for_one(symbol):
    async with LocalExchange(SyntheticMarket(), start_us=START) as exchange, client_of(exchange) as client:
        await client.load_markets()
        client.markets[symbol] = client.markets["BTC/USDT"] | {"id": "FOO-BAR", "symbol": symbol}
        with pytest.raises(ccxt.ExchangeError, match="NotFound"):
            await client.fetch_trades(symbol)
        with pytest.raises(ccxt.ExchangeError, match="FOO-BAR is not a valid product"):
            await client.watch_trades(symbol)
