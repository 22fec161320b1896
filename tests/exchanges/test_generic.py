"""ccxt's exchanges through the one adapter: against the local exchange, and against what Bitstamp once answered."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from exchanges.generic import GenericVenue
from market.candle import Candle, Origin
from market.errors import InputError, VenueError, VenueUnreachable, WireError
from market.timeframe import MINUTE_US, Timeframe
from market.window import Window
from replay.answer import json_answer
from tests.history.backfill.markets import Refusing, at, bars_of, exchange_of, past

pytest.importorskip("ccxt")

M1 = Timeframe.M1
RECORDED = Path(__file__).parents[3] / "shared" / "data" / "rest" / "other" / "gct_bitstamp_history.jsonl.gz"
VENUES = {"okx": "rest", "binance": "public", "coinbaseexchange": "public", "kraken": "public"}


def config(venue: str, url: str) -> dict[str, Any]:
    """Return what points ccxt to the local exchange, without its own slowness."""
    path = {"binance": "/api/v3"}.get(venue, "")
    return {
        "urls": {"api": {VENUES[venue]: url + path}}, "rateLimit": 1,
        "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False},
    }  # fmt: skip


async def candles_of(venue: GenericVenue, symbol: str, window: Window, timeframe: Timeframe = M1) -> list[Candle]:
    return await venue.candles(symbol, timeframe, window, lambda: None)


@pytest.mark.parametrize("venue", VENUES)
async def test_candles_are_those_of_the_exchange_in_any_number_of_pages(venue):
    native = {"coinbaseexchange": "COINBASE"}.get(venue, venue.upper())
    pair = "BTC-USDT" if venue in {"okx", "binance"} else "BTC-USD"
    market, asked = past(native, minutes=500, symbols=(pair,)), []
    window = Window(at(7), at(470))
    async with exchange_of(market, 480) as exchange, GenericVenue(venue, config(venue, exchange.rest_url)) as client:
        listed = await client.instruments()
        client.candle_page = 200
        found = await client.candles(f"{venue.upper()}:{pair}", M1, window, lambda: asked.append(1))
    bars = [bar for bar in bars_of(market, f"{native}:{pair}", 7, 470) if bar.trades or venue != "coinbaseexchange"]

    assert [each.symbol for each in listed] == [f"{venue.upper()}:{pair}"]
    assert [(each.open_us, each.open, each.high, each.low, each.close, each.volume) for each in found] == [
        (bar.open_us, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars
    ]
    assert {(each.symbol, each.origin, each.complete) for each in found} == {(f"{venue.upper()}:{pair}", Origin.EXCHANGE, True)}
    assert len(asked) >= (1 if venue == "kraken" else 3)


async def test_the_clock_is_that_of_the_exchange():
    async with exchange_of(past("OKX", minutes=10), 5) as exchange, GenericVenue("okx", config("okx", exchange.rest_url)) as client:
        assert await client.server_time() == at(5)


async def test_a_window_without_a_candle_is_empty():
    async with (
        exchange_of(past("BINANCE", minutes=10), 5) as exchange,
        GenericVenue("Binance", config("binance", exchange.rest_url)) as client,
    ):
        assert await candles_of(client, "BINANCE:BTC-USDT", Window(at(-100), at(-50))) == []
        assert await candles_of(client, "BINANCE:BTC-USDT", Window(at(3), at(3))) == []


async def test_a_limit_may_be_tried_again_and_a_bad_symbol_may_not():
    limited = Refusing(json_answer({"code": "50011", "msg": "Too Many Requests", "data": []}, 429), path="candles")
    async with (
        exchange_of(past("OKX", minutes=10), 5, limited) as exchange,
        GenericVenue("okx", config("okx", exchange.rest_url)) as client,
    ):
        with pytest.raises(VenueError, match="OKX refused: RateLimitExceeded") as passing:
            await candles_of(client, "OKX:BTC-USDT", Window(at(0), at(4)))
        with pytest.raises(VenueError, match="OKX refused: BadSymbol") as lasting:
            await candles_of(client, "OKX:FOO-USDT", Window(at(0), at(4)))

    assert (passing.value.transient, lasting.value.transient) == (True, False)


async def test_nobody_there_is_said():
    async with GenericVenue("okx", config("okx", "http://127.0.0.1:1")) as client:
        with pytest.raises(VenueUnreachable, match="OKX cannot be reached") as refused:
            await client.instruments()

    assert refused.value.transient


def test_what_ccxt_does_not_know_is_refused_with_what_is_near():
    with pytest.raises(InputError, match=r"exchange 'BITSTMP' is none that ccxt knows; did you mean 'bitstamp'\?"):
        GenericVenue("BITSTMP")


async def test_a_width_that_the_exchange_lacks_is_refused_with_those_it_has():
    async with GenericVenue("bitstamp") as client:
        with pytest.raises(InputError, match="BITSTAMP has no 15s candles; it has 1m, 3m, 5m"):
            await candles_of(client, "BITSTAMP:BTC-USD", Window(0, 0), Timeframe.S15)


# -- recorded ------------------------------------------------------------------------------------------------------------

MARKETS = [
    {
        "name": "BTC/USD", "market_symbol": "btcusd", "base_currency": "BTC", "base_decimals": 8, "counter_currency": "USD",
        "counter_decimals": 0, "minimum_order_value": "10", "trading": "Enabled", "instant_order_counter_decimals": 2,
        "instant_and_market_orders": "Enabled", "description": "Bitcoin / U.S. dollar", "market_type": "SPOT",
    }
]  # fmt: skip


@asynccontextmanager
async def answering(bodies: dict[str, Any]) -> AsyncIterator[tuple[str, list[str]]]:
    """Yield the address of a server that answers each path with one body, and the targets it was asked for."""
    targets: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        targets.append(target)
        body = json.dumps(next(value for path, value in bodies.items() if path in target)).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", targets


def recorded(step: str) -> list[dict[str, str]]:
    if not RECORDED.exists():
        pytest.skip(f"the recorded data is not at {RECORDED}")
    lines = [json.loads(line) for line in gzip.decompress(RECORDED.read_bytes()).splitlines()]
    rows: list[dict[str, str]] = next(line for line in lines if f"step={step}" in line["query"])["body"]["data"]["ohlc"]
    return rows


def body_of(rows: list[dict[str, str]]) -> dict[str, Any]:
    return {"data": {"pair": "BTC/USD", "ohlc": rows}}


@asynccontextmanager
async def bitstamp(rows: list[dict[str, str]]) -> AsyncIterator[tuple[GenericVenue, list[str]]]:
    async with (
        answering({"ohlc": body_of(rows), "/v2/": MARKETS}) as (url, targets),
        GenericVenue("bitstamp", {"urls": {"api": {"public": url}}, "rateLimit": 1}) as client,
    ):
        yield client, targets


@pytest.mark.parametrize(("step", "timeframe"), [("60", M1), ("86400", Timeframe.D1)])
async def test_what_bitstamp_answered_becomes_candles(step, timeframe):
    rows = recorded(step)
    first, last = (int(row["timestamp"]) * 1_000_000 for row in (rows[0], rows[-1]))
    async with bitstamp(rows) as (client, targets):
        listed = await client.instruments()
        found = await candles_of(client, "BITSTAMP:BTC-USD", Window(first, last + timeframe.width_us), timeframe)

    assert [each.symbol for each in listed] == ["BITSTAMP:BTC-USD"]
    assert [
        (each.open_us, each.open, each.high, each.low, each.close, each.volume, each.timestamp_us) for each in found
    ] == [
        (
            int(row["timestamp"]) * 1_000_000, *(float(row[name]) for name in ("open", "high", "low", "close", "volume")),
            int(row["timestamp"]) * 1_000_000 + timeframe.width_us,
        )
        for row in {row["timestamp"]: row for row in rows}.values()  # one day is in the recording twice
    ]  # fmt: skip
    assert f"start={first // 1_000_000}" in targets[-1]


@pytest.mark.parametrize(
    "changed",
    [{"low": "0"}, {"high": "1"}, {"volume": "-1"}, {"close": "nan"}, {"open": None}],
    ids=lambda change: next(iter(change)),
)
async def test_a_row_that_is_no_candle_is_refused(changed):
    rows = recorded("60")
    async with bitstamp([rows[0] | changed]) as (client, _):
        with pytest.raises(WireError):
            await candles_of(client, "BITSTAMP:BTC-USD", Window(0, 2**50))


async def test_days_that_begin_elsewhere_are_refused():
    rows = [row | {"timestamp": str(int(row["timestamp"]) + 8 * 3600)} for row in recorded("86400")]
    async with bitstamp(rows) as (client, _):
        with pytest.raises(InputError, match="the 1d candles of BITSTAMP begin at other times than ours; take narrower ones"):
            await candles_of(client, "BITSTAMP:BTC-USD", Window(0, 2**50), Timeframe.D1)


async def test_an_exchange_that_answers_with_its_newest_rows_whatever_is_asked_proves_nothing():
    async with bitstamp(recorded("60")) as (client, targets):
        found = await candles_of(client, "BITSTAMP:BTC-USD", Window(at(0) - 10**15, at(0) - 10**15 + 100 * MINUTE_US))

    assert found == []
    assert not client.proves_absence
    assert len(targets) <= 5
