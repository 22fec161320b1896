"""Binance's REST protocol: rows, paging and errors, against the source itself."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges import Binance
from market.timeframe import Timeframe
from market.window import Window
from replay.answer import Question, read_question
from replay.binance_rest import answer, weight_of
from replay.routes import answer_to
from replay.source import Market
from replay.synthetic import OPENED_US, SyntheticMarket
from tests.replay.played import NOW, SYMBOL, drive

NOW_MS = NOW // 1000
MINUTE = 60_000
THIS_MINUTE = NOW_MS // MINUTE * MINUTE


def get(market: Market, target: str):
    reply = answer(read_question(f"/api/v3/{target}"), market)

    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def newest_id(market: Market) -> int:
    return market.source.fills(SYMBOL).at(NOW)


def test_the_clock_is_the_markets(market):
    assert get(market, "time") == {"serverTime": NOW_MS}
    assert get(market, "ping") == {}


def test_symbols_are_listed_with_their_filters(market):
    found = Binance().parse_instruments(answer(read_question("/api/v3/exchangeInfo"), market).body)

    assert [(each.symbol, each.tick_size, each.lot_size, each.status) for each in found] == [
        ("BINANCE:BTC-USDT", "0.1", "0.00001", "live"), ("BINANCE:ETH-USDT", "0.01", "0.0001", "live"),
        ("BINANCE:SOL-USDT", "0.01", "0.001", "live"),
    ]  # fmt: skip


def test_symbols_can_be_chosen(market):
    queries = ["symbol=ETHUSDT", "symbols=%5B%22ETHUSDT%22%2C%22BTCUSDT%22%5D"]

    assert [[row["symbol"] for row in get(market, f"exchangeInfo?{query}")["symbols"]] for query in queries] == [
        ["ETHUSDT"], ["ETHUSDT", "BTCUSDT"],
    ]  # fmt: skip


def test_newest_trades_come_oldest_first(market):
    last = newest_id(market)

    assert [row["id"] for row in get(market, "trades?symbol=BTCUSDT&limit=3")] == [last - 2, last - 1, last]
    assert [len(get(market, f"trades?symbol=BTCUSDT{query}")) for query in ("", "&limit=5000")] == [500, 1000]


def test_historical_trades_begin_with_an_id(market):
    last = newest_id(market)

    assert [row["id"] for row in get(market, f"historicalTrades?symbol=BTCUSDT&fromId={last - 9}&limit=3")] == [
        last - 9,
        last - 8,
        last - 7,
    ]
    assert [row["id"] for row in get(market, f"historicalTrades?symbol=BTCUSDT&fromId={last - 1}")] == [last - 1, last]
    assert get(market, f"historicalTrades?symbol=BTCUSDT&fromId={last + 1}") == []
    assert get(market, "historicalTrades?symbol=BTCUSDT&limit=1")[0]["id"] == last


def test_a_row_is_the_fill(market):
    [row] = get(market, "trades?symbol=BTCUSDT&limit=1")
    [fill] = market.source.fills(SYMBOL).newest(newest_id(market), 1)

    assert (float(row["price"]), float(row["qty"]), row["isBuyerMaker"], row["time"] * 1000) == (
        fill.price, fill.size, fill.side == "sell", fill.timestamp_us,
    )  # fmt: skip


def test_the_codec_pages_a_range_of_ids(market):
    last = newest_id(market)
    found, _ = drive(Binance(["BINANCE:BTC-USDT"]).trades("BINANCE:BTC-USDT", last - 2999, last - 500, 0), market)

    assert [trade.trade_id for trade in found] == list(range(last - 2999, last - 499))


def test_the_codec_pages_candles_that_are_the_markets_own(market):
    window = Window(NOW - 20 * 3600 * 1_000_000, NOW)
    candles, _ = drive(Binance(["BINANCE:BTC-USDT"]).candles("BINANCE:BTC-USDT", Timeframe.M1, window), market)
    bars = market.source.minutes(SYMBOL, window.start_us + 30_000_000, NOW // 60_000_000 * 60_000_000)
    traded = [candle for candle in candles if candle.trades]

    assert len(candles) == 20 * 60 - 1
    assert [(each.open_us, each.close, each.volume, each.quote_volume, each.trades, each.taker_buy_volume) for each in traded] == [
        (bar.open_us, bar.close, bar.volume, bar.quote_volume, bar.trades, bar.taker_volume) for bar in bars
    ]


def test_aggregates_are_paged_by_id_and_by_time(market):
    start = NOW_MS - 10 * MINUTE
    first = get(market, f"aggTrades?symbol=BTCUSDT&startTime={start}&limit=5")
    again = get(market, f"aggTrades?symbol=BTCUSDT&fromId={first[2]['a']}&limit=3")
    until = get(market, f"aggTrades?symbol=BTCUSDT&endTime={first[-1]['T']}&limit=5")

    assert first[0]["T"] >= start
    assert again == first[2:]
    assert until == first
    assert get(market, f"aggTrades?symbol=BTCUSDT&startTime={first[1]['T']}&endTime={first[3]['T']}") == first[1:4]


def test_aggregate_ranges_touch(market):
    rows = get(market, "aggTrades?symbol=BTCUSDT")

    assert all(row["f"] == before["l"] + 1 and row["a"] == before["a"] + 1 for before, row in pairwise(rows))
    assert rows[-1]["l"] == newest_id(market)


@pytest.mark.parametrize(
    ("query", "opens"),
    [
        ("limit=2", [-1, 0]),
        (f"startTime={THIS_MINUTE - 5 * MINUTE}&limit=2", [-5, -4]),
        (f"startTime={THIS_MINUTE - 5 * MINUTE + 1}&limit=2", [-4, -3]),
        (f"endTime={THIS_MINUTE - 5 * MINUTE}&limit=2", [-6, -5]),
        (f"endTime={THIS_MINUTE - 5 * MINUTE - 1}&limit=2", [-7, -6]),
        (f"startTime={THIS_MINUTE - 5 * MINUTE}&endTime={THIS_MINUTE - 3 * MINUTE}", [-5, -4, -3]),
        (f"startTime={THIS_MINUTE - MINUTE}", [-1, 0]),
        (f"startTime={THIS_MINUTE + MINUTE}", []),
        (f"endTime={10**19}&limit=1", [0]),
        (f"startTime={10**19}", []),
        ("endTime=1000", []),
    ],
)
def test_klines_are_paged_by_their_open(market, query, opens):
    rows = get(market, f"klines?symbol=BTCUSDT&interval=1m&{query}")

    assert [(row[0] - THIS_MINUTE) // MINUTE for row in rows] == opens
    assert all(row[6] == row[0] + MINUTE - 1 for row in rows)


@pytest.mark.parametrize("interval", ["1s", "3m", "1h", "8h", "1d", "3d", "1w", "1M"])
def test_every_interval_has_rows_and_the_last_is_forming(market, interval):
    rows = get(market, f"klines?symbol=BTCUSDT&interval={interval}&limit=2")

    assert [row[6] >= NOW_MS for row in rows] == [False, True]


def test_tickers_are_of_the_last_trade(market):
    [last] = get(market, "trades?symbol=BTCUSDT&limit=1")

    assert get(market, "ticker/price?symbol=BTCUSDT") == {"symbol": "BTCUSDT", "price": last["price"]}
    assert len(get(market, "ticker/price")) == 3
    assert get(market, "ticker/24hr?symbol=BTCUSDT")["lastId"] == last["id"]


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("moods", 404, -1000),
        ("trades", 400, -1102),
        ("trades?symbol=FOOBAR", 400, -1121),
        ("trades?symbol=btcusdt", 400, -1121),
        ("trades?symbol=BTCUSDT&limit=x", 400, -1100),
        ("trades?symbol=BTCUSDT&limit=0", 400, -1130),
        ("klines?symbol=BTCUSDT", 400, -1102),
        ("klines?symbol=BTCUSDT&interval=7m", 400, -1120),
        ("aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", 400, -1128),
        ("exchangeInfo?symbol=FOOBAR", 400, -1121),
        ("exchangeInfo?symbols=moods", 400, -1100),
    ],
)
def test_a_refusal_has_the_venues_code(market, target, status, code):
    reply = answer(read_question(f"/api/v3/{target}"), market)

    assert (reply.status, json.loads(reply.body)["code"]) == (status, code)
    assert Binance().refusal(reply.status, {}, reply.body) is not None


def test_a_request_has_a_weight():
    weights = {path: weight_of(Question(f"/api/v3/{path}", {})) for path in ("historicalTrades", "aggTrades", "time", "moods")}

    assert weights == {"historicalTrades": 25, "aggTrades": 4, "time": 1, "moods": 1}


WORDS = st.sampled_from(
    ["", "0", "1", "-1", "x", "1e5", "999", str(NOW_MS), str(10**19), "9" * 20, "9" * 40, "²", "1m", "1M", "1Mutc", "null"]
)
NAMES = st.sampled_from(
    ["limit", "after", "before", "type", "bar", "startTime", "endTime", "fromId", "interval", "symbols", "instType"],
)  # fmt: skip
PATHS = st.sampled_from(
    ["/api/v3/klines", "/api/v3/aggTrades", "/api/v3/historicalTrades", "/api/v3/exchangeInfo", "/api/v3/ticker/24hr", "/",
     "/api/v5/market/history-trades", "/api/v5/market/candles", "/api/v5/market/history-candles", "/api/v5/public/instruments"],
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(path=PATHS, params=st.dictionaries(NAMES, WORDS))
def test_any_question_has_an_answer_in_json(path, params):
    market = Market(SHARED, OPENED_US + 9 * 86_400_000_000 + 12_345_000)
    reply = answer_to(Question(path, {"symbol": "BTCUSDT", "instId": "BTC-USDT", "interval": "1m"} | params), market)

    assert reply.status in {200, 400, 404}
    assert json.loads(reply.body) is not None


SHARED = SyntheticMarket()


def test_klines_for_charts_are_the_same_klines(market):
    query = "symbol=BTCUSDT&interval=1m&limit=7"

    assert get(market, f"uiKlines?{query}") == get(market, f"klines?{query}")


def test_the_average_price_is_that_of_the_newest_five_minutes(market):
    rows = get(market, "klines?symbol=BTCUSDT&interval=1m&limit=5")
    newest = get(market, "trades?symbol=BTCUSDT&limit=1")[0]
    found = get(market, "avgPrice?symbol=BTCUSDT")

    assert (found["mins"], found["closeTime"]) == (5, newest["time"])
    assert float(found["price"]) == pytest.approx(sum(float(row[7]) for row in rows) / sum(float(row[5]) for row in rows))


def test_the_system_works(market):
    assert json.loads(answer_to(read_question("/sapi/v1/system/status"), market).body) == {"status": 0, "msg": "normal"}
