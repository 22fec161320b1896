"""An unmodified third-party client of USD-M futures, ccxt's binanceusdm, with nothing changed but its addresses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from market.timeframe import MINUTE_US
from replay import LocalExchange, Source, SyntheticMarket, read_tape
from replay.bars import Interval
from tests.replay.ccxt_client import START, closed_candles, ids_of, meant, rows, told, used, watch
from tests.replay.tapes import recorded

pro = pytest.importorskip("ccxt.pro")

PERPETUAL = "BTC/USDT:USDT"


@asynccontextmanager
async def client_of(exchange: LocalExchange, **options: Any) -> AsyncIterator[Any]:
    """Yield ccxt's client; only addresses are changed, and only USD-M symbols are asked for."""
    client = pro.binanceusdm({"enableRateLimit": False, "options": {"fetchMarkets": {"types": ["linear"]}, **options}})
    client.urls["api"]["fapiPublic"], client.urls["api"]["ws"]["linear"] = f"{exchange.rest_url}/fapi/v1", f"{exchange.ws_url}/ws"
    async with used(client):
        yield client


def btc(source: Source) -> str:
    return f"{source.venue}:BTC-USDT"


@pytest.fixture(params=["generated", "recorded"])
def source(request: pytest.FixtureRequest) -> Source:
    if request.param == "generated":
        return SyntheticMarket()
    return read_tape(recorded("binance/hft_usdm_btcusdt_20230404.gz"))


async def test_ccxt_loads_the_perpetuals(source):
    async with LocalExchange(source) as exchange, client_of(exchange) as client:
        markets = await client.load_markets()
        market, instrument = markets[PERPETUAL], source.instruments[btc(source)]

        pairs = [symbol.partition(":")[2].replace("-", "/") for symbol in source.symbols]
        assert list(markets) == [f"{pair}:{pair.partition('/')[2]}" for pair in pairs]
        assert (market["linear"], market["swap"], market["expiry"], market["contractSize"]) == (True, True, None, 1.0)
        assert [market["precision"][name] for name in ("price", "amount")] == [
            float(instrument.tick_size), float(instrument.lot_size),
        ]  # fmt: skip


@pytest.mark.parametrize(("name", "series"), [("trade", "fills"), ("aggTrade", "aggregates")])
async def test_ccxt_watches_every_trade_of_the_source(name, series, source):
    async with (
        LocalExchange(source, speed=30, start_us=START) as exchange,
        client_of(exchange, watchTrades={"name": name}) as client,
    ):
        trades = await watch(client, PERPETUAL, 200)
    found = getattr(source, series)(btc(source))
    begin = found.find(int(trades[0]["info"]["t" if name == "trade" else "a"]))

    assert told(trades) == meant(found.slice(begin, begin + len(trades)))


async def test_ccxt_fetches_the_aggregates_of_the_source(source):
    async with LocalExchange(source, speed=100, start_us=START) as exchange, client_of(exchange) as client:
        await watch(client, PERPETUAL, 200)
        exchange.pause()
        trades = await client.fetch_trades(PERPETUAL, limit=50)
        found = source.aggregates(btc(source))
        stop = found.at(exchange.now_us)
        numbers, expected = found.numbers(stop - 50, stop), found.slice(stop - 50, stop)
        since = await client.fetch_trades(PERPETUAL, since=trades[10]["timestamp"], limit=20)

    assert ids_of(trades) == list(numbers)
    assert told(trades) == meant(expected)
    assert since[0]["timestamp"] == trades[10]["timestamp"]


async def test_ccxt_fetches_the_candles_of_the_source(source):
    async with LocalExchange(source, speed=200, start_us=START) as exchange, client_of(exchange) as client:
        await watch(client, PERPETUAL, 1500)
        exchange.pause()
        candles = await client.fetch_ohlcv(PERPETUAL, "1m", limit=20)
        bars = source.bars(btc(source), Interval(MINUTE_US), 0 if source.first_us else START - 3600 * 10**6, 2**62, exchange.now_us)

    assert len(candles) == min(20, len(bars))
    assert candles == rows(bars[-20:])


async def test_ccxt_watches_candles():
    source = SyntheticMarket()
    async with LocalExchange(source, speed=30, start_us=START) as exchange, client_of(exchange) as client:
        closed = await closed_candles(client, PERPETUAL, 2)
        first, last = int(closed[0][0]) * 1000, int(closed[-1][0]) * 1000 + MINUTE_US
        bars = source.bars(btc(source), Interval(MINUTE_US), first, last, last)

    assert closed == rows(bars)


async def test_ccxt_reads_clock_and_ticker():
    source = SyntheticMarket()
    async with LocalExchange(source, start_us=START) as exchange, client_of(exchange) as client:
        exchange.pause()
        time, ticker = await client.fetch_time(), await client.fetch_ticker(PERPETUAL)
        fills = source.fills(btc(source))
        [last] = fills.newest(fills.at(exchange.now_us), 1)

        assert (time * 1000, ticker["last"]) == (exchange.now_us, last.price)


async def test_ccxt_is_told_of_a_symbol_that_does_not_exist():
    from ccxt import BadSymbol

    async with LocalExchange(SyntheticMarket()) as exchange, client_of(exchange) as client:
        await client.load_markets()
        with pytest.raises(BadSymbol):
            await client.fetch_trades("FOO/BAR:BAR")
