"""An unmodified third-party client, ccxt, with nothing changed but its addresses."""

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

VENUES = ("okx", "binance")


@asynccontextmanager
async def client_of(venue: str, exchange: LocalExchange, **options: Any) -> AsyncIterator[Any]:
    """Yield ccxt's client of a venue; only addresses are changed, and Binance is asked for spot symbols only."""
    client = getattr(pro, venue)({"enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot"]}, **options}})
    if venue == "okx":
        client.urls["api"]["rest"], client.urls["api"]["ws"] = exchange.rest_url, f"{exchange.ws_url}/ws/v5"
    else:
        client.urls["api"]["public"], client.urls["api"]["ws"]["spot"] = f"{exchange.rest_url}/api/v3", f"{exchange.ws_url}/ws"
    async with used(client):
        yield client


def btc(source: Source) -> str:
    return f"{source.venue}:BTC-USDT"


@pytest.fixture(params=["generated", "recorded"])
def source(request: pytest.FixtureRequest) -> Source:
    if request.param == "generated":
        return SyntheticMarket()
    return read_tape(recorded("binance/hft_spot_btcusdt_20240808.gz"))


@pytest.mark.parametrize("venue", VENUES)
async def test_ccxt_loads_the_markets(venue, source):
    async with LocalExchange(source) as exchange, client_of(venue, exchange) as client:
        markets = await client.load_markets()
        precision = markets["BTC/USDT"]["precision"]
        instrument = source.instruments[btc(source)]

        assert list(markets) == [symbol.partition(":")[2].replace("-", "/") for symbol in source.symbols]
        assert (precision["price"], precision["amount"]) == (float(instrument.tick_size), float(instrument.lot_size))


@pytest.mark.parametrize(
    ("venue", "options", "series"),
    [
        ("okx", {}, "aggregates"),
        ("binance", {}, "fills"),
        ("binance", {"watchTrades": {"name": "aggTrade"}}, "aggregates"),
    ],
)
async def test_ccxt_watches_every_trade_of_the_source(venue, options, series, source):
    async with LocalExchange(source, speed=30, start_us=START) as exchange, client_of(venue, exchange, **options) as client:
        trades = await watch(client, "BTC/USDT", 200)
    found = getattr(source, series)(btc(source))
    info = trades[0]["info"]
    last_id = int(info["tradeId"] if venue == "okx" else info.get("l", info.get("t")))
    near = found.at(trades[0]["timestamp"] * 1000)
    begin = next(n for n in range(near, near + 50) if found.slice(n, n + 1)[0].trade_id == last_id)

    assert told(trades) == meant(found.slice(begin, begin + len(trades)))


@pytest.mark.parametrize(("venue", "series"), [("okx", "fills"), ("binance", "aggregates")])
async def test_ccxt_fetches_the_trades_of_the_source(venue, series, source):
    async with LocalExchange(source, speed=100, start_us=START) as exchange, client_of(venue, exchange) as client:
        await watch(client, "BTC/USDT", 200)
        exchange.pause()
        trades = await client.fetch_trades("BTC/USDT", limit=50)
        found = getattr(source, series)(btc(source))
        stop = found.at(exchange.now_us)
        numbers, expected = found.numbers(stop - 50, stop), found.slice(stop - 50, stop)

    assert ids_of(trades) == list(numbers)
    assert told(trades) == meant(expected)


@pytest.mark.parametrize("venue", VENUES)
async def test_ccxt_fetches_the_candles_of_the_source(venue, source):
    async with LocalExchange(source, speed=200, start_us=START) as exchange, client_of(venue, exchange) as client:
        await watch(client, "BTC/USDT", 2000)
        exchange.pause()
        candles = await client.fetch_ohlcv("BTC/USDT", "1m", limit=20)
        bars = source.bars(btc(source), Interval(MINUTE_US), 0 if source.first_us else START - 3600 * 10**6, 2**62, exchange.now_us)

    assert len(candles) == min(20, len(bars))
    assert candles == rows(bars[-20:])


@pytest.mark.parametrize("venue", VENUES)
async def test_ccxt_watches_candles(venue):
    source = SyntheticMarket()
    async with LocalExchange(source, speed=30, start_us=START) as exchange, client_of(venue, exchange) as client:
        closed = await closed_candles(client, "BTC/USDT", 2)
        first, last = int(closed[0][0]) * 1000, int(closed[-1][0]) * 1000 + MINUTE_US
        bars = source.bars(btc(source), Interval(MINUTE_US), first, last, last)

    assert closed == rows(bars)


@pytest.mark.parametrize("venue", VENUES)
async def test_ccxt_reads_clock_and_ticker(venue):
    source = SyntheticMarket()
    async with LocalExchange(source, start_us=START) as exchange, client_of(venue, exchange) as client:
        exchange.pause()
        time, ticker = await client.fetch_time(), await client.fetch_ticker("BTC/USDT")
        fills = source.fills(btc(source))
        [last] = fills.newest(fills.at(exchange.now_us), 1)

        assert (time * 1000, ticker["last"]) == (exchange.now_us, last.price)


@pytest.mark.parametrize("venue", VENUES)
async def test_ccxt_is_told_of_a_symbol_that_does_not_exist(venue):
    from ccxt import BadSymbol

    async with LocalExchange(SyntheticMarket()) as exchange, client_of(venue, exchange) as client:
        await client.load_markets()
        with pytest.raises(BadSymbol):
            await client.fetch_trades("FOO/BAR")
