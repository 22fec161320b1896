"""Coinbase's REST protocol: cursors, candles without empty spans, and errors, against the source itself."""

import json
from typing import Any

import pytest

from exchanges import Coinbase
from market.clock import isoformat, parse_time
from market.timeframe import Timeframe
from market.window import Window
from replay.answer import Answer, read_question
from replay.coinbase_rest import answer, is_rest_path
from replay.source import Market
from replay.synthetic import SyntheticMarket
from tests.replay.played import NOW, SYMBOL, drive

SECOND = NOW // 1_000_000
MINUTE = SECOND // 60 * 60
CODEC = Coinbase(["BTC-USDT"])


def ask(market: Market, target: str) -> Answer:
    return answer(read_question(target), market)


def get(market: Market, target: str) -> Any:
    reply = ask(market, target)

    assert reply.status == 200
    return json.loads(reply.body)


def newest_id(market: Market) -> int:
    return market.source.fills(SYMBOL).at(NOW)


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["trade_id"] for row in rows]


def test_paths_are_told_from_those_of_other_venues():
    ours = ["/time", "/products", "/products/BTC-USD", "/products/BTC-USD/trades", "/currencies"]

    assert [path for path in [*ours, "/productsX", "/api/v3/time", "/", "/timer", "/0/public/Time"] if is_rest_path(path)] == ours


def test_the_clock_is_the_markets(market):
    clock = get(market, "/time")

    assert clock == {"iso": "2025-06-15T04:10:30.000Z", "epoch": 1749960630.0}
    assert CODEC.parse_server_time(ask(market, "/time").body) == NOW


def test_products_are_listed_and_can_be_asked_for_alone(market):
    listed = CODEC.parse_instruments(ask(market, "/products").body)

    assert [(each.symbol, each.tick_size, each.lot_size, each.status) for each in listed] == [
        ("COINBASE:BTC-USDT", "0.1", "0.00001", "live"), ("COINBASE:ETH-USDT", "0.01", "0.0001", "live"),
        ("COINBASE:SOL-USDT", "0.01", "0.001", "live"),
    ]  # fmt: skip
    assert get(market, "/products/ETH-USDT") == get(market, "/products")[1]


def test_newest_trades_come_newest_first_and_a_thousand_at_most(market):
    last = newest_id(market)

    assert ids(get(market, "/products/BTC-USDT/trades?limit=3")) == [last, last - 1, last - 2]
    assert ids(get(market, "/products/BTC-USDT/trades?limit=9999")) == list(range(last, last - 1000, -1))
    assert len(get(market, "/products/BTC-USDT/trades")) == 1000


def test_a_row_is_the_fill_with_the_makers_side(market):
    fills = market.source.fills(SYMBOL).newest(newest_id(market), 50)[::-1]
    rows = get(market, "/products/BTC-USDT/trades?limit=50")

    assert [(float(row["price"]), float(row["size"]), row["side"]) for row in rows] == [
        (fill.price, fill.size, "buy" if fill.side == "sell" else "sell") for fill in fills
    ]
    assert {row["side"] for row in rows} == {"buy", "sell"}
    assert all(parse_time(row["time"]) == fill.timestamp_us for row, fill in zip(rows, fills, strict=True))


@pytest.mark.parametrize(
    ("query", "first", "count"),
    [
        ("after=-50", -51, 1000), ("after=-50&limit=7", -51, 7), ("before=-5", 0, 5), ("before=-500&limit=100", 0, 100),
        ("after=-50&before=-60", -51, 9), ("after=-50&before=-500&limit=100", -51, 100), ("after=-50&before=-40", 0, 0),
        ("after=+99&limit=2", 0, 2), ("before=+1", 0, 0),
    ],
)  # fmt: skip
def test_trades_are_paged_by_id_and_both_cursors_are_exclusive(market, query, first, count):
    last = newest_id(market)
    moved = "&".join(
        part if name == "limit" else f"{name}={last + int(number)}"
        for part in query.split("&")
        for name, _, number in [part.partition("=")]
    )

    assert ids(get(market, f"/products/BTC-USDT/trades?{moved}")) == list(range(last + first, last + first - count, -1))


def test_a_page_tells_its_cursors_in_headers(market):
    last = newest_id(market)
    page, none = (ask(market, f"/products/BTC-USDT/trades?limit=3&before={last - number}") for number in (9, 0))

    assert page.headers == {"CB-BEFORE": str(last), "CB-AFTER": str(last - 2)}
    assert (none.headers, json.loads(none.body)) == ({}, [])


def test_the_codec_pages_a_range_of_ids(market):
    last = newest_id(market)
    found, _ = drive(CODEC.trades("COINBASE:BTC-USDT", last - 2499, last - 100, 0), market)

    assert [trade.trade_id for trade in found] == list(range(last - 2499, last - 99))


def test_nothing_later_than_now_is_told(market):
    found, _ = drive(CODEC.newest_trades("COINBASE:BTC-USDT", 0), market)

    assert found[-1].trade_id == newest_id(market)
    assert all(trade.timestamp_us < NOW for trade in found)


def test_the_codec_pages_candles_that_are_the_markets_own(market):
    window = Window(NOW - 12 * 3600 * 1_000_000, NOW)
    candles, _ = drive(CODEC.candles("COINBASE:BTC-USDT", Timeframe.M1, window), market)
    bars = market.source.minutes(SYMBOL, window.start_us + 30_000_000, MINUTE * 1_000_000)

    assert len(candles) < 12 * 60 - 1  # some minutes are empty
    assert [(each.open_us, each.open, each.high, each.low, each.close, each.volume) for each in candles] == [
        (bar.open_us, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars
    ]


def test_a_candle_is_a_row_of_numbers_with_the_low_first_and_an_empty_minute_has_none(market):
    start = MINUTE - 200 * 60
    bars = market.source.minutes(SYMBOL, start * 1_000_000, MINUTE * 1_000_000)
    rows = get(market, f"/products/BTC-USDT/candles?granularity=60&start={start}&end={MINUTE - 60}")

    assert len(bars) < 200
    assert rows == [[bar.open_us // 1_000_000, bar.low, bar.high, bar.open, bar.close, bar.volume] for bar in reversed(bars)]


def test_both_ends_are_inclusive_and_the_newest_row_is_forming(market):
    times = [
        row[0] for row in get(market, f"/products/BTC-USDT/candles?granularity=300&start={MINUTE // 300 * 300 - 600}&end={SECOND}")
    ]
    iso = "&".join(f"{name}={isoformat(second * 1_000_000)}" for name, second in (("start", times[-1]), ("end", times[0])))

    assert times == [MINUTE // 300 * 300 - 300 * number for number in range(3)]
    assert [row[0] for row in get(market, f"/products/BTC-USDT/candles?granularity=300&{iso}")] == times


def test_without_a_range_the_newest_spans_are_told(market):
    rows = get(market, "/products/BTC-USDT/candles?granularity=3600")

    assert rows[0][0] == SECOND // 3600 * 3600
    assert len(rows) == 300
    assert get(market, f"/products/BTC-USDT/candles?granularity=3600&start={SECOND - 7200}") == rows


@pytest.mark.parametrize("granularity", [60, 300, 900, 3600, 21600, 86400])
def test_every_granularity_has_rows(market, granularity):
    rows = get(market, f"/products/BTC-USDT/candles?granularity={granularity}&start={SECOND - 2 * granularity}&end={SECOND}")

    assert rows
    assert all(row[0] % granularity == 0 for row in rows)


def test_300_spans_may_be_asked_for_and_no_more(market):
    start = MINUTE - 300 * 60
    enough, more = (ask(market, f"/products/BTC-USDT/candles?granularity=60&start={start}&end={MINUTE + n}") for n in (0, 1))

    assert enough.status == 200
    assert (more.status, json.loads(more.body)) == (
        400, {"message": "granularity too small for the requested time range. Count of aggregations requested exceeds 300"},
    )  # fmt: skip


def test_a_ticker_is_of_the_last_trade_and_the_last_day(market):
    ticker = get(market, "/products/BTC-USDT/ticker")
    [last] = get(market, "/products/BTC-USDT/trades?limit=1")
    day = sum(bar.volume for bar in market.source.minutes(SYMBOL, NOW - 86_400_000_000 - 30_000_000, NOW))

    assert {name: ticker[name] for name in ("trade_id", "price", "size", "time")} == {
        name: last[name] for name in ("trade_id", "price", "size", "time")
    }
    assert float(ticker["volume"]) == pytest.approx(day, rel=0.01)


@pytest.mark.parametrize(
    ("target", "status", "message"),
    [
        ("/products/FOO-BAR", 404, "NotFound"),
        ("/products/FOO-BAR/trades", 404, "NotFound"),
        ("/products/BTC-USDT/moods", 404, "NotFound"),
        ("/products/BTC-USDT/trades?limit=0", 400, "Invalid limit"),
        ("/products/BTC-USDT/trades?limit=x", 400, "Invalid limit"),
        ("/products/BTC-USDT/trades?after=-1", 400, "Invalid after"),
        ("/products/BTC-USDT/candles?granularity=61", 400, "Unsupported granularity"),
        ("/products/BTC-USDT/candles?granularity=60&start=soon&end=5", 400, "Invalid start"),
        ("/products/BTC-USDT/candles?granularity=60&start=5&end=²", 400, "Invalid end"),
    ],
)
def test_a_refusal_has_the_venues_words(market, target, status, message):
    reply = ask(market, target)

    assert (reply.status, json.loads(reply.body)) == (status, {"message": message})
    assert not CODEC.refusal(reply.status, {}, reply.body).transient


@pytest.mark.parametrize("what", ["trades", "candles"])
def test_before_the_first_trade_there_are_no_rows(what):
    assert get(Market(SyntheticMarket(), 0), f"/products/BTC-USDT/{what}") == []


def test_before_the_first_trade_there_is_no_ticker():
    assert ask(Market(SyntheticMarket(), 0), "/products/BTC-USDT/ticker").status == 404
