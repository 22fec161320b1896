"""Bybit's REST protocol: envelope, limits and errors, against the source itself."""

import json

import pytest

from exchanges import Bybit, BybitLinear
from exchanges.rest import HistoryClient
from market.errors import VenueError
from market.timeframe import Timeframe
from market.window import Window
from replay import LocalExchange
from replay.answer import Answer, read_question
from replay.bars import Interval
from replay.bybit import opened
from replay.bybit_rest import answer
from replay.source import Market
from replay.synthetic import SyntheticMarket
from tests.replay.played import NOW, SYMBOL, drive

MINUTE = 60_000
MINUTE_NOW = NOW // 60_000_000 * MINUTE
CODECS = [Bybit(["BTC-USDT"]), BybitLinear(["BTC-USDT"])]
each_codec = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.category)


def ask(market: Market, target: str) -> Answer:
    return answer(read_question(f"/v5/market/{target}"), market)


def get(market: Market, target: str) -> dict:
    reply = ask(market, target)
    body = json.loads(reply.body)

    assert (reply.status, body["retCode"], body["retMsg"], body["time"]) == (200, 0, "OK", NOW // 1000)
    return body["result"]


def newest(market: Market, count: int) -> list:
    fills = market.source.fills(SYMBOL)
    return fills.newest(fills.at(NOW), count)


def test_the_clock_is_the_markets(market):
    assert get(market, "time") == {"timeSecond": str(NOW // 1_000_000), "timeNano": str(NOW * 1000)}
    assert CODECS[0].parse_server_time(ask(market, "time").body) == NOW


@each_codec
def test_the_codec_reads_the_symbols_with_their_steps(market, codec):
    found = codec.parse_instruments(ask(market, f"instruments-info?category={codec.category}&status=Trading&limit=1000").body)

    assert [(each.symbol, each.tick_size, each.lot_size, each.status) for each in found] == [
        (f"{codec.name}:BTC-USDT", "0.1", "0.00001", "live"), (f"{codec.name}:ETH-USDT", "0.01", "0.0001", "live"),
        (f"{codec.name}:SOL-USDT", "0.01", "0.001", "live"),
    ]  # fmt: skip


def test_other_categories_and_states_are_empty(market):
    assert [get(market, f"instruments-info?category={category}")["list"] for category in ("inverse", "option")] == [[], []]
    assert get(market, "instruments-info?category=linear&status=PreLaunch") == {
        "category": "linear", "list": [], "nextPageCursor": "",
    }  # fmt: skip
    assert [row["symbol"] for row in get(market, "instruments-info?category=spot&symbol=ETHUSDT")["list"]] == ["ETHUSDT"]


@pytest.mark.parametrize(
    ("query", "count"),
    [("category=spot", 60), ("category=spot&limit=1000", 60), ("category=spot&limit=7", 7), ("category=linear", 500),
     ("category=linear&limit=1000", 1000), ("category=linear&limit=9999", 1000)],
)  # fmt: skip
def test_newest_trades_come_newest_first_and_no_more_than_the_category_has(market, query, count):
    rows = get(market, f"recent-trade?{query}&symbol=BTCUSDT")["list"]

    assert [int(row["seq"]) for row in rows] == [fill.trade_id for fill in reversed(newest(market, count))]


@each_codec
def test_the_codec_reads_the_newest_page_as_the_source_has_it(market, codec):
    found, asked = drive(codec.newest_trades(codec.symbols[0], 0), market)

    assert len(asked) == 1
    assert [(each.trade_id, each.price, each.size, each.side, each.timestamp_us) for each in found] == [
        (fill.trade_id, fill.price, fill.size, fill.side, fill.timestamp_us) for fill in newest(market, codec.page)
    ]


@each_codec
def test_of_a_range_of_ids_the_codec_finds_what_the_newest_page_has(market, codec):
    last = newest(market, 1)[0].trade_id
    found, asked = drive(codec.trades(codec.symbols[0], last - 5000, last - 10, 0), market)

    assert len(asked) == 1
    assert [trade.trade_id for trade in found] == list(range(last - codec.page + 1, last - 9))


def test_nothing_later_than_now_is_told(market):
    assert all(int(row["time"]) * 1000 < NOW for row in get(market, "recent-trade?category=linear&symbol=BTCUSDT")["list"])


@each_codec
def test_the_codec_pages_candles_that_open_at_the_close_before_them(market, codec):
    window = Window(NOW - 40 * 3600 * 1_000_000, NOW)
    candles, asked = drive(codec.candles(codec.symbols[0], Timeframe.M1, window), market)
    first = candles[0].open_us
    bars = opened(market.source.bars(SYMBOL, Interval(60_000_000), first, MINUTE_NOW * 1000, NOW), market.source.fills(SYMBOL))

    assert (len(asked), len(candles)) == (3, 40 * 60 - 1)
    assert [(each.open_us, each.open, each.high, each.low, each.close, each.volume, each.quote_volume) for each in candles] == [
        (bar.open_us, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.quote_volume) for bar in bars
    ]
    assert [after.open for after in candles[1:]] == [before.close for before in candles[:-1]]


def test_the_newest_candle_is_forming_and_comes_first(market):
    rows = get(market, "kline?category=linear&symbol=BTCUSDT&interval=1&limit=3")["list"]

    assert [int(row[0]) for row in rows] == [MINUTE_NOW, MINUTE_NOW - MINUTE, MINUTE_NOW - 2 * MINUTE]


@pytest.mark.parametrize(
    ("query", "opens"),
    [
        (f"start={MINUTE_NOW - 5 * MINUTE}&end={MINUTE_NOW - 3 * MINUTE}", [-3, -4, -5]),
        (f"start={MINUTE_NOW - 5 * MINUTE}&end={MINUTE_NOW - 3 * MINUTE - 1}", [-4, -5]),
        (f"start={MINUTE_NOW - 5 * MINUTE + 1}&end={MINUTE_NOW - 3 * MINUTE}", [-3, -4]),
        (f"start={MINUTE_NOW - 5 * MINUTE}&limit=2", [-4, -5]),
        (f"end={MINUTE_NOW - 5 * MINUTE}&limit=2", [-5, -6]),
        (f"start={MINUTE_NOW - MINUTE}", [0, -1]),
        (f"start={MINUTE_NOW + MINUTE}&end={MINUTE_NOW + 9 * MINUTE}", []),
    ],
)
def test_both_ends_of_a_span_of_candles_are_inclusive(market, query, opens):
    rows = get(market, f"kline?category=spot&symbol=BTCUSDT&interval=1&{query}")["list"]

    assert [(int(row[0]) - MINUTE_NOW) // MINUTE for row in rows] == opens


def test_a_page_has_200_candles_unless_asked_and_1000_at_most(market):
    sizes = [len(get(market, f"kline?category=spot&symbol=BTCUSDT&interval=1{limit}")["list"]) for limit in ("", "&limit=5000")]

    assert sizes == [200, 1000]


@pytest.mark.parametrize("interval", ["3", "60", "240", "D", "W", "M"])
def test_every_interval_has_rows(market, interval):
    assert len(get(market, f"kline?category=linear&symbol=BTCUSDT&interval={interval}&limit=2")["list"]) == 2


def test_tickers_are_of_the_last_day(market):
    [ticker] = get(market, "tickers?category=spot&symbol=BTCUSDT")["list"]
    numbers = [float(ticker[name]) for name in ("lowPrice24h", "prevPrice24h", "highPrice24h")]

    assert float(ticker["lastPrice"]) == newest(market, 1)[0].price
    assert numbers == sorted(numbers)
    assert [row["symbol"] for row in get(market, "tickers?category=linear")["list"]] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert get(market, "tickers?category=inverse")["list"] == []


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("moods", 404, 10017),
        ("recent-trade", 200, 10001),
        ("recent-trade?category=moods&symbol=BTCUSDT", 200, 10001),
        ("recent-trade?category=spot", 200, 10001),
        ("recent-trade?category=spot&symbol=FOOBAR", 200, 10001),
        ("recent-trade?category=inverse&symbol=BTCUSDT", 200, 10001),
        ("recent-trade?category=spot&symbol=BTCUSDT&limit=x", 200, 10001),
        ("recent-trade?category=spot&symbol=BTCUSDT&limit=0", 200, 10001),
        ("kline?category=spot&symbol=BTCUSDT&interval=7", 200, 10001),
        ("kline?category=spot&symbol=BTCUSDT", 200, 10001),
        ("kline?category=spot&symbol=BTCUSDT&interval=1&start=-1", 200, 10001),
        ("instruments-info?category=spot&symbol=FOOBAR", 200, 10001),
        ("instruments-info", 200, 10001),
        ("tickers?category=spot&symbol=FOOBAR", 200, 10001),
    ],
)
def test_a_refusal_has_the_venues_code(market, target, status, code):
    reply = ask(market, target)
    body = json.loads(reply.body)

    assert (reply.status, body["retCode"], body["result"]) == (status, code, {})
    assert body["retMsg"]
    assert not CODECS[0].refusal(reply.status, {}, reply.body).transient


@each_codec
async def test_our_own_client_reads_history_from_the_port(codec):
    source = SyntheticMarket()
    async with LocalExchange(source, start_us=NOW) as exchange:
        exchange.pause()
        provider = type(codec)(codec.symbols, endpoints=exchange.endpoints)
        async with HistoryClient(provider) as client:
            time, trades = await client.server_time(), await client.newest_trades(provider.symbols[0])
            candles = await client.candles(provider.symbols[0], Timeframe.M5, Window(NOW - 3600 * 1_000_000, NOW))
            with pytest.raises(VenueError) as refused:
                await client.newest_trades(f"{provider.name}:FOO-USDT")
        fills = source.fills(SYMBOL)

        assert time == exchange.now_us
        assert [trade.trade_id for trade in trades] == [
            fill.trade_id for fill in fills.newest(fills.at(exchange.now_us), provider.page)
        ]
    assert len(candles) == 11
    assert not refused.value.transient
