"""OKX's REST protocol: envelopes, paging and errors, against the source itself."""

import json

import pytest

from exchanges import OKX, Synthetic
from market.timeframe import Timeframe
from market.window import Window
from replay.answer import read_question
from replay.okx_rest import answer
from replay.source import Market
from tests.replay.played import NOW, SYMBOL, drive

MINUTE = 60_000


def get(market: Market, target: str) -> list:
    reply = answer(read_question(f"/api/v5/{target}"), market)
    body = json.loads(reply.body)

    assert (reply.status, body["code"], body["msg"]) == (200, "0", "")
    return body["data"]


def refusal(market: Market, target: str) -> tuple[int, str]:
    reply = answer(read_question(f"/api/v5/{target}"), market)
    body = json.loads(reply.body)

    assert body["data"] == []
    assert body["msg"]
    return reply.status, body["code"]


def ids(rows: list[dict]) -> list[int]:
    return [int(row["tradeId"]) for row in rows]


def newest_id(market: Market) -> int:
    return market.source.fills(SYMBOL).at(NOW)


def test_the_clock_is_the_markets(market):
    assert get(market, "public/time") == [{"ts": str(NOW // 1000)}]


def test_spot_symbols_are_listed_and_other_kinds_are_empty(market):
    rows = get(market, "public/instruments?instType=SPOT")

    assert [(row["instId"], row["tickSz"], row["lotSz"], row["state"]) for row in rows] == [
        ("BTC-USDT", "0.1", "0.00001", "live"), ("ETH-USDT", "0.01", "0.0001", "live"), ("SOL-USDT", "0.01", "0.001", "live"),
    ]  # fmt: skip
    assert [get(market, f"public/instruments?instType={kind}&uly=BTC-USD") for kind in ("SWAP", "FUTURES", "OPTION")] == [
        [],
        [],
        [],
    ]


def test_newest_trades_come_newest_first(market):
    last = newest_id(market)

    assert ids(get(market, "market/trades?instId=BTC-USDT&limit=3")) == [last, last - 1, last - 2]
    assert len(get(market, "market/trades?instId=BTC-USDT")) == 100
    assert len(get(market, "market/trades?instId=BTC-USDT&limit=9999")) == 500


def test_a_row_is_the_fill(market):
    [row] = get(market, "market/trades?instId=BTC-USDT&limit=1")
    [fill] = market.source.fills(SYMBOL).newest(newest_id(market), 1)

    assert (float(row["px"]), float(row["sz"]), row["side"], int(row["ts"]) * 1000) == (
        fill.price, fill.size, fill.side.value, fill.timestamp_us,
    )  # fmt: skip


def test_nothing_later_than_now_is_told(market):
    assert all(int(row["ts"]) * 1000 < NOW for row in get(market, "market/trades?instId=BTC-USDT&limit=500"))


@pytest.mark.parametrize(
    ("query", "first", "count"),
    [
        ("", 0, 100), ("after=-50", -51, 100), ("after=-50&limit=7", -51, 7), ("before=-5", 0, 5), ("before=-500", 0, 100),
        ("after=-50&before=-60", -51, 9), ("after=-50&before=-500", -51, 100), ("after=-50&before=-40", 0, 0),
        ("limit=500", 0, 100),
    ],
)  # fmt: skip
def test_history_is_paged_by_id_and_both_ends_are_exclusive(market, query, first, count):
    last = newest_id(market)
    for word in ("after", "before"):
        query = "&".join(f"{word}={last + int(part.split('=')[1])}" if part.startswith(word) else part for part in query.split("&"))
    rows = get(market, f"market/history-trades?instId=BTC-USDT&{query}")

    assert ids(rows) == list(range(last + first, last + first - count, -1))


def test_history_is_paged_by_time(market):
    moment = NOW - 120_000_000
    rows = get(market, f"market/history-trades?instId=BTC-USDT&type=2&after={moment // 1000}&limit=5")

    assert ids(rows)[0] == market.source.fills(SYMBOL).at(moment)
    assert len(rows) == 5


def test_the_codec_pages_a_range_of_ids(market):
    last = newest_id(market)
    pages = Synthetic([SYMBOL]).trades(SYMBOL, last - 499, last - 100, 0)
    found, _ = drive(pages, market)

    assert [trade.trade_id for trade in found] == list(range(last - 499, last - 99))


def test_the_codec_pages_candles_that_are_the_markets_own(market):
    window = Window(NOW - 7 * 3600 * 1_000_000, NOW)
    candles, _ = drive(Synthetic([SYMBOL]).candles(SYMBOL, Timeframe.M1, window), market)
    bars = market.source.minutes(SYMBOL, window.start_us + 30_000_000, NOW // 60_000_000 * 60_000_000)
    traded = [candle for candle in candles if candle.volume]

    assert len(candles) == 7 * 60 - 1
    assert [(each.open_us, each.open, each.high, each.low, each.close, each.volume) for each in traded] == [
        (bar.open_us, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars
    ]


def test_the_newest_candle_is_forming(market):
    rows = get(market, "market/candles?instId=BTC-USDT&bar=1m&limit=3")

    assert [(int(row[0]) * 1000 - NOW, row[8]) for row in rows] == [(-30_000_000, "0"), (-90_000_000, "1"), (-150_000_000, "1")]


def test_history_candles_are_closed(market):
    rows = get(market, "market/history-candles?instId=BTC-USDT&bar=1m&limit=2")

    assert [(int(row[0]) * 1000 - NOW, row[8]) for row in rows] == [(-90_000_000, "1"), (-150_000_000, "1")]


def test_candles_are_paged_by_their_open(market):
    minute = NOW // 60_000_000 * MINUTE
    queries = {
        f"after={minute}": [minute - number * MINUTE for number in range(1, 101)],
        f"after={minute}&limit=2": [minute - MINUTE, minute - 2 * MINUTE],
        f"before={minute - 2 * MINUTE}": [minute, minute - MINUTE],
        f"before={minute - 9 * MINUTE}&after={minute - 6 * MINUTE}": [minute - 7 * MINUTE, minute - 8 * MINUTE],
        f"before={minute - 500 * MINUTE}&limit=2": [minute, minute - MINUTE],
        "limit=9999": [minute - number * MINUTE for number in range(300)],
    }

    assert {query: [int(row[0]) for row in get(market, f"market/candles?instId=BTC-USDT&{query}")] for query in queries} == queries


def test_recent_candles_reach_back_1440_bars(market):
    minute = NOW // 60_000_000 * MINUTE
    query = f"instId=BTC-USDT&after={minute - 1430 * MINUTE}"

    assert len(get(market, f"market/candles?{query}")) == 9
    assert len(get(market, f"market/history-candles?{query}")) == 100


@pytest.mark.parametrize("bar", ["1s", "3m", "1H", "4H", "6H", "1D", "1Dutc", "1Wutc", "1Mutc"])
def test_every_bar_has_rows(market, bar):
    rows = get(market, f"market/candles?instId=BTC-USDT&bar={bar}&limit=2")

    assert len(rows) == 2
    assert [row[8] for row in rows] == ["0", "1"]


def test_tickers_are_of_the_last_day(market):
    [ticker] = get(market, "market/ticker?instId=BTC-USDT")
    [last] = get(market, "market/trades?instId=BTC-USDT&limit=1")

    assert (ticker["last"], ticker["lastSz"], ticker["ts"]) == (last["px"], last["sz"], str(NOW // 1000))
    assert float(ticker["low24h"]) <= float(ticker["open24h"]) <= float(ticker["high24h"])
    assert [row["instId"] for row in get(market, "market/tickers?instType=SPOT")] == ["BTC-USDT", "ETH-USDT", "SOL-USDT"]


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("market/moods", 404, "404"),
        ("market/trades", 400, "50014"),
        ("market/trades?instId=FOO-BAR", 200, "51001"),
        ("market/trades?instId=BTC-USDT&limit=x", 400, "51000"),
        ("market/trades?instId=BTC-USDT&limit=0", 400, "51000"),
        ("market/history-trades?instId=BTC-USDT&type=2&before=1", 400, "50039"),
        ("market/history-trades?instId=BTC-USDT&type=3", 400, "51000"),
        ("market/history-trades?instId=BTC-USDT&after=-1", 400, "51000"),
        ("market/candles?instId=BTC-USDT&bar=7m", 400, "51000"),
        ("public/instruments", 400, "50014"),
        ("public/instruments?instType=MOODS", 400, "51000"),
        ("public/instruments?instType=SPOT&instId=FOO-BAR", 200, "51001"),
    ],
)
def test_a_refusal_has_the_venues_code(market, target, status, code):
    assert refusal(market, target) == (status, code)


def test_the_codec_takes_a_refusal_for_one(market):
    reply = answer(read_question("/api/v5/market/trades?instId=FOO-BAR"), market)

    assert "51001" in str(OKX().refusal(reply.status, {}, reply.body))
