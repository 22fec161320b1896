"""An unmodified third-party client of Bybit, ccxt, with nothing changed but its addresses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from exchanges.bybit_wire import trade_number
from market.timeframe import MINUTE_US
from replay import LocalExchange, Source, SyntheticMarket, read_tape
from replay.bars import Interval
from replay.bybit import opened
from tests.replay.ccxt_client import START, closed_candles, rows, used, watch
from tests.replay.tapes import recorded

pro = pytest.importorskip("ccxt.pro")

CAPTURE = "bybit/cf_bybit_v5_20260809_BTC_SOL.jsonl.gz"
SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"


@asynccontextmanager
async def client_of(exchange: LocalExchange) -> AsyncIterator[Any]:
    """Yield ccxt's client; only its addresses are changed."""
    client = pro.bybit({"enableRateLimit": False})
    client.urls["api"]["public"] = exchange.rest_url
    client.urls["api"]["ws"]["public"] = {category: f"{exchange.ws_url}/v5/public/{category}" for category in ("spot", "linear")}
    async with used(client):
        yield client


def source_of(kind: str, symbol: str) -> Source:
    if kind == "generated":
        return SyntheticMarket()
    return read_tape(recorded(CAPTURE), venue="BYBIT" if symbol == SPOT else "BYBITLINEAR")


def btc(source: Source) -> str:
    return f"{source.venue}:BTC-USDT"


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
async def test_ccxt_loads_the_markets_of_a_tape(symbol):
    source = source_of("recorded", symbol)
    async with LocalExchange(source) as exchange, client_of(exchange) as client:
        markets = await client.load_markets()
        precision, instrument = markets[symbol]["precision"], source.instruments[btc(source)]

        assert len(markets) == len(source.symbols)
        assert (precision["price"], precision["amount"]) == (float(instrument.tick_size), float(instrument.lot_size))


async def test_ccxt_loads_both_categories_of_the_generated_market():
    async with LocalExchange(SyntheticMarket()) as exchange, client_of(exchange) as client:
        markets = await client.load_markets()

        assert set(markets) == {f"{base}/USDT{settled}" for base in ("BTC", "ETH", "SOL") for settled in ("", ":USDT")}


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
@pytest.mark.parametrize(("kind", "speed", "count"), [("generated", 30, 200), ("recorded", 20, 11)])
async def test_ccxt_watches_every_trade_of_the_source(kind, speed, count, symbol):
    source = source_of(kind, symbol)
    async with LocalExchange(source, speed=speed, start_us=START) as exchange, client_of(exchange) as client:
        trades = await watch(client, symbol, count)
    fills = source.fills(btc(source))
    first_id = trade_number(trades[0]["id"])
    near = fills.at(trades[0]["timestamp"] * 1000)
    begin = next(n for n in range(near, near + 50) if fills.slice(n, n + 1)[0].trade_id == first_id)

    assert [(trade_number(each["id"]), each["timestamp"], each["price"], each["amount"], each["side"]) for each in trades] == [
        (each.trade_id, each.timestamp_us // 1000, each.price, each.size, each.side.value)
        for each in fills.slice(begin, begin + len(trades))
    ]


@pytest.mark.parametrize(("symbol", "limit"), [(SPOT, 60), (LINEAR, 200)])
async def test_ccxt_fetches_the_newest_trades_of_the_source(symbol, limit):
    source = SyntheticMarket()
    async with LocalExchange(source, start_us=START) as exchange, client_of(exchange) as client:
        exchange.pause()
        trades = await client.fetch_trades(symbol, limit=limit)
        fills = source.fills(btc(source))
        expected = fills.newest(fills.at(exchange.now_us), limit)

    found = [(trade_number(each["id"]), each["timestamp"], each["price"], each["amount"], each["side"]) for each in trades]
    assert sorted(found) == [
        (each.trade_id, each.timestamp_us // 1000, each.price, each.size, each.side.value) for each in expected
    ]
    assert [each[1] for each in found] == sorted(each[1] for each in found)


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
async def test_ccxt_fetches_the_candles_of_the_source(symbol):
    source = SyntheticMarket()
    async with LocalExchange(source, start_us=START) as exchange, client_of(exchange) as client:
        exchange.pause()
        candles = await client.fetch_ohlcv(symbol, "1m", limit=20)
        first = candles[0][0] * 1000
        bars = source.bars(btc(source), Interval(MINUTE_US), first, exchange.now_us, exchange.now_us)

    assert len(candles) == 20
    assert candles == rows(opened(bars, source.fills(btc(source))))


async def test_ccxt_watches_candles():
    source = SyntheticMarket()
    async with LocalExchange(source, speed=30, start_us=START) as exchange, client_of(exchange) as client:
        closed = await closed_candles(client, LINEAR, 2)
        first, last = int(closed[0][0]) * 1000, int(closed[-1][0]) * 1000 + MINUTE_US
        bars = opened(source.bars(btc(source), Interval(MINUTE_US), first, last, last), source.fills(btc(source)))

    assert closed == rows(bars)


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
async def test_ccxt_reads_clock_and_ticker(symbol):
    source = SyntheticMarket()
    async with LocalExchange(source, start_us=START) as exchange, client_of(exchange) as client:
        exchange.pause()
        time, ticker = await client.fetch_time(), await client.fetch_ticker(symbol)
        fills = source.fills(btc(source))
        [last] = fills.newest(fills.at(exchange.now_us), 1)

        assert (time, ticker["last"]) == (exchange.now_us // 1000, last.price)


async def test_ccxt_is_told_of_a_symbol_that_does_not_exist():
    from ccxt import BadSymbol

    async with LocalExchange(SyntheticMarket()) as exchange, client_of(exchange) as client:
        await client.load_markets()
        with pytest.raises(BadSymbol):
            await client.fetch_trades("FOO/BAR")
