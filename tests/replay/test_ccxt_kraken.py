"""An unmodified third-party client of Kraken, ccxt, with nothing changed but its addresses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from market.timeframe import MINUTE_US
from replay import LocalExchange, Source, SyntheticMarket
from replay.bars import Interval
from replay.kraken import number_text, time_text
from replay.small import SmallMarket
from replay.tape import read_tape
from tests.replay.ccxt_client import START, closed_candles, ids_of, meant, rows, told, used, watch
from tests.replay.tapes import json_lines

pro = pytest.importorskip("ccxt.pro")


@asynccontextmanager
async def client_of(exchange: LocalExchange) -> AsyncIterator[Any]:
    """Yield ccxt's client of Kraken; only addresses are changed."""
    client = pro.kraken({"enableRateLimit": False})
    client.urls["api"]["public"] = exchange.rest_url
    client.urls["api"]["ws"]["publicV2"] = f"{exchange.ws_url}/v2"
    async with used(client):
        yield client


def btc(source: Source) -> str:
    return source.symbols[0]


def pair(source: Source) -> str:
    return btc(source).partition(":")[2].replace("-", "/")


@pytest.fixture(params=["generated", "small", "recorded"])
def source(request: pytest.FixtureRequest, tmp_path) -> Source:
    if request.param == "generated":
        return SyntheticMarket()
    small = SmallMarket("KRAKEN", ["BTC-USD", "ETH-BTC"], seconds=900, rate=2)
    return small if request.param == "small" else taped(small, tmp_path / "tape")


def taped(market: SmallMarket, path) -> Source:
    """Return a market as a tape of Kraken's frames of one trade each."""
    row = (
        '{{"channel":"trade","type":"update","data":[{{"symbol":"{}","side":"{}","price":{},"qty":{},"ord_type":"limit",'
        '"trade_id":{},"timestamp":"{}"}}]}}'
    )
    frames = [
        (each.timestamp_us // 1000, row.format(
            symbol.partition(":")[2].replace("-", "/"), each.side.value, number_text(each.price, 2), number_text(each.size),
            each.trade_id, time_text(each.timestamp_us),
        ))
        for symbol in market.symbols for each in market.trades(symbol)
    ]  # fmt: skip
    path.write_bytes(json_lines(sorted(frames, key=lambda frame: frame[0])))
    return read_tape(path)


async def test_ccxt_loads_the_markets(source):
    async with LocalExchange(source) as exchange, client_of(exchange) as client:
        markets = await client.load_markets()
        precision = markets[pair(source)]["precision"]
        instrument = source.instruments[btc(source)]

        assert sorted(markets) == sorted(symbol.partition(":")[2].replace("-", "/") for symbol in source.symbols)
        assert (precision["price"], precision["amount"]) == (float(instrument.tick_size), float(instrument.lot_size))
        assert all(market["active"] for market in markets.values())


async def test_ccxt_watches_every_trade_of_the_source(source):
    async with LocalExchange(source, speed=100, start_us=START) as exchange, client_of(exchange) as client:
        trades = await watch(client, pair(source), 200)
    fills = source.fills(btc(source))
    begin = fills.find(int(trades[0]["id"]))

    assert ids_of(trades) == [each.trade_id for each in fills.slice(begin, begin + len(trades))]
    assert told(trades) == meant(fills.slice(begin, begin + len(trades)))


async def test_ccxt_watches_trades_behind_a_snapshot(source):
    async with LocalExchange(source, speed=100, start_us=START) as exchange, client_of(exchange) as client:
        await watch(client, pair(source), 60)
        async with client_of(exchange) as second:
            trades = await second.watch_trades(pair(source), params={"snapshot": True})
            trades += await watch(second, pair(source), 20)
    ids = ids_of(trades)

    assert len(ids) >= 70
    assert ids == list(range(ids[0], ids[0] + len(ids)))


async def test_ccxt_fetches_the_trades_of_the_source(source):
    async with LocalExchange(source, speed=100, start_us=START) as exchange, client_of(exchange) as client:
        await watch(client, pair(source), 200)
        exchange.pause()
        trades = await client.fetch_trades(pair(source), limit=50)
        fills = source.fills(btc(source))
        expected = fills.newest(fills.at(exchange.now_us), 50)
        since = expected[20].timestamp_us // 1_000_000 * 1000
        later = await client.fetch_trades(pair(source), since=since)

    assert ids_of(trades) == [each.trade_id for each in expected]
    assert told(trades) == meant(expected)
    assert int(later[-1]["id"]) == expected[-1].trade_id
    assert later[0]["timestamp"] >= since


async def test_ccxt_fetches_the_candles_of_the_source(source):
    async with LocalExchange(source, speed=200, start_us=START) as exchange, client_of(exchange) as client:
        await watch(client, pair(source), 500)
        exchange.pause()
        candles = await client.fetch_ohlcv(pair(source), "1m", limit=20)
        bars = source.bars(btc(source), Interval(MINUTE_US), 0 if source.first_us else START - 3600 * 10**6, 2**62, exchange.now_us)

    assert len(candles) == min(20, len(bars))
    assert candles == rows(bars[-20:])


async def test_ccxt_watches_candles():
    source = SyntheticMarket()
    async with LocalExchange(source, speed=60, start_us=START) as exchange, client_of(exchange) as client:
        # Its newest candle would be the snapshot's oldest: ccxt takes the order for the opposite.
        closed = await closed_candles(client, "BTC/USDT", 3, params={"snapshot": False})
        first, last = int(closed[0][0]) * 1000, int(closed[-1][0]) * 1000 + MINUTE_US
        bars = [bar for bar in source.bars(btc(source), Interval(MINUTE_US), first, last, last) if bar.trades]

    assert closed == rows(bars)


async def test_ccxt_reads_clock_status_and_ticker():
    source = SyntheticMarket()
    async with LocalExchange(source, start_us=START) as exchange, client_of(exchange) as client:
        exchange.pause()
        time, status, ticker = await client.fetch_time(), await client.fetch_status(), await client.fetch_ticker("BTC/USDT")
        fills = source.fills(btc(source))
        [last] = fills.newest(fills.at(exchange.now_us), 1)

    assert time == exchange.now_us // 1_000_000 * 1000
    assert (status["status"], ticker["last"], ticker["bid"]) == ("ok", last.price, None)
    assert ticker["low"] <= ticker["vwap"] <= ticker["high"]


async def test_ccxt_is_told_of_a_symbol_that_does_not_exist():
    from ccxt import BadSymbol, ExchangeError

    async with LocalExchange(SyntheticMarket()) as exchange, client_of(exchange) as client:
        await client.load_markets()
        with pytest.raises(BadSymbol):
            await client.fetch_trades("FOO/BAR")
        with pytest.raises(ExchangeError, match="Unknown asset pair"):
            await client.public_get_trades({"pair": "FOOBAR"})
