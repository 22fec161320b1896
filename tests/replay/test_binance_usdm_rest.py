"""The REST protocol of Binance's USD-M futures: rows, paging, weights and errors, against the source itself."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from exchanges import BinanceUsdm
from market.timeframe import DAY_US, Timeframe
from market.window import Window
from replay.answer import Question, read_question
from replay.binance_usdm_rest import answer, weight_of
from replay.routes import answer_to
from replay.routes import weight_of as weight_of_any
from replay.source import Market
from replay.tape import read_tape
from tests.replay.played import NOW, SYMBOL, drive
from tests.replay.tapes import START_MS, recorded, timed_lines
from tests.replay.tapes_usdm import usdm_aggregate, usdm_fill

BTC = "BINANCEUSDM:BTC-USDT"
NOW_MS = NOW // 1000
MINUTE = 60_000
THIS_MINUTE = NOW_MS // MINUTE * MINUTE


def get(market: Market, target: str):
    reply = answer(read_question(f"/fapi/v1/{target}"), market)

    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def end_of(path: Path, frames: list[str]) -> Market:
    path.write_bytes(timed_lines([(START_MS + number, frame) for number, frame in enumerate(frames)]))
    tape = read_tape(path)
    return Market(tape, tape.last_us)


def test_the_clock_is_the_markets(market):
    assert get(market, "time") == {"serverTime": NOW_MS}
    assert get(market, "ping") == {}
    assert answer_to(read_question("/fapi/v1/time"), market) == answer(read_question("/fapi/v1/time"), market)


def test_perpetuals_are_listed_with_their_steps(market):
    found = BinanceUsdm().parse_instruments(answer(read_question("/fapi/v1/exchangeInfo"), market).body)

    assert [(each.symbol, each.tick_size, each.lot_size, each.status) for each in found] == [
        (BTC, "0.1", "0.00001", "live"), ("BINANCEUSDM:ETH-USDT", "0.01", "0.0001", "live"),
        ("BINANCEUSDM:SOL-USDT", "0.01", "0.001", "live"),
    ]  # fmt: skip
    assert get(market, "exchangeInfo")["symbols"][0]["contractType"] == "PERPETUAL"


def test_the_codec_pages_aggregates_by_their_own_numbers(market):
    series = market.source.aggregates(SYMBOL)
    last = series.at(NOW)
    found, _ = drive(BinanceUsdm([BTC]).trades(BTC, last - 2999, last - 500, 0), market)
    expected = series.slice(last - 3000, last - 500)

    assert [trade.trade_id for trade in found] == list(range(last - 2999, last - 499))
    assert [(each.price, each.size, each.side, each.timestamp_us, each.count) for each in found] == [
        (each.price, each.size, each.side, each.timestamp_us, each.count) for each in expected
    ]


@pytest.mark.parametrize(("channel", "series"), [("aggTrade", "aggregates"), ("trade", "fills")])
def test_the_codec_reads_the_newest_page_of_either_channel(market, channel, series):
    found, _ = drive(BinanceUsdm([BTC], channel=channel).newest_trades(BTC, 0), market)
    last = getattr(market.source, series)(SYMBOL).at(NOW)

    assert [trade.trade_id for trade in found] == list(range(last - 999, last + 1))


def test_aggregates_are_paged_by_id_and_by_time(market):
    start = NOW_MS - 10 * MINUTE
    first = get(market, f"aggTrades?symbol=BTCUSDT&startTime={start}&limit=5")

    assert first[0]["T"] >= start
    assert get(market, f"aggTrades?symbol=BTCUSDT&fromId={first[2]['a']}&limit=3") == first[2:]
    assert get(market, f"aggTrades?symbol=BTCUSDT&startTime={first[1]['T']}&endTime={first[3]['T']}") == first[1:4]
    assert all(row["f"] == before["l"] + 1 for before, row in pairwise(first))
    assert set(first[0]) == {"a", "p", "q", "nq", "f", "l", "T", "m"}


def test_aggregates_older_than_two_days_are_gone(market):
    oldest = get(market, "aggTrades?symbol=BTCUSDT&fromId=1&limit=1")[0]
    series = market.source.aggregates(SYMBOL)
    old = series.at(NOW - 3 * DAY_US)

    assert oldest["a"] == series.at(NOW - 2 * DAY_US) + 1
    assert oldest["T"] >= NOW_MS - 2 * DAY_US // 1000
    assert drive(BinanceUsdm([BTC]).trades(BTC, old, old + 99, 0), market)[0] == []


def test_the_codec_pages_candles_that_are_the_markets_own(market):
    window = Window(NOW - 20 * 3600 * 1_000_000, NOW)
    candles, _ = drive(BinanceUsdm([BTC]).candles(BTC, Timeframe.M1, window), market)
    bars = market.source.minutes(SYMBOL, window.start_us + 30_000_000, NOW // 60_000_000 * 60_000_000)
    traded = [candle for candle in candles if candle.trades]

    assert len(candles) == 20 * 60 - 1
    assert [(each.open_us, each.close, each.volume, each.quote_volume, each.trades, each.taker_buy_volume) for each in traded] == [
        (bar.open_us, bar.close, bar.volume, bar.quote_volume, bar.trades, bar.taker_volume) for bar in bars
    ]


def test_a_page_of_klines_may_be_longer_than_on_spot(market):
    rows = get(market, "klines?symbol=BTCUSDT&interval=1m&limit=5000")

    assert (len(rows), rows[-1][0], rows[-1][6]) == (1500, THIS_MINUTE, THIS_MINUTE + MINUTE - 1)


def test_tickers_are_of_the_last_trade(market):
    [last] = get(market, "trades?symbol=BTCUSDT&limit=1")

    assert get(market, "ticker/price?symbol=BTCUSDT") == {"symbol": "BTCUSDT", "price": last["price"], "time": last["time"]}
    assert len(get(market, "ticker/price")) == len(get(market, "ticker/24hr")) == 3
    assert get(market, "ticker/24hr?symbol=BTCUSDT")["lastId"] == last["id"]


def test_what_is_no_market_trade_is_not_among_the_trades(tmp_path):
    kinds = {1: "MARKET", 2: "MARKET", 3: "INSURANCE_FUND", 4: "ADL"}
    market = end_of(tmp_path / "tape", [usdm_fill(number, START_MS + number, kind=kind) for number, kind in kinds.items()])

    assert [row["id"] for row in get(market, "trades?symbol=BTCUSDT&limit=2")] == [1, 2]
    assert get(market, "ticker/price?symbol=BTCUSDT")["time"] == START_MS + 2
    assert get(market, "trades?symbol=BTCUSDT")[0] | {"time": 0} == {
        "id": 1, "price": "28145.1", "qty": "0.002", "quoteQty": "56.2902", "time": 0, "isBuyerMaker": True, "isRPITrade": False,
    }  # fmt: skip
    assert [row["a"] for row in get(market, "aggTrades?symbol=BTCUSDT")] == [1, 2]
    assert get(market, "klines?symbol=BTCUSDT&interval=1m")[0][8] == 2


def test_recorded_aggregates_are_answered_with_the_numbers_they_have(tmp_path):
    frames = [usdm_aggregate(5, START_MS, (100, 102)), usdm_aggregate(6, START_MS + 1, (105, 105))]
    market = end_of(tmp_path / "tape", frames)
    rows = get(market, "aggTrades?symbol=BTCUSDT&fromId=5")

    assert [(row["a"], row["f"], row["l"], row["T"], row["p"], row["q"]) for row in rows] == [
        (5, 100, 102, START_MS, "28145.1", "0.004"), (6, 105, 105, START_MS + 1, "28145.1", "0.004"),
    ]  # fmt: skip
    assert [row["id"] for row in get(market, "trades?symbol=BTCUSDT")] == [100, 101, 102, 105]


def test_a_recorded_capture_is_answered_as_it_was_sent():
    tape = read_tape(recorded("binance/cf_binance_futures_20210722.jsonl.gz"))
    market = Market(tape, tape.last_us)
    sent = [json.loads(frame)["data"] for _, _, frame in tape.frames("BINANCEUSDM:CTK-USDT", "aggTrade", 0, 2**62)]
    rows = get(market, "aggTrades?symbol=CTKUSDT")
    codec = BinanceUsdm(["BINANCEUSDM:CTK-USDT"])
    asked, _ = drive(codec.trades("BINANCEUSDM:CTK-USDT", sent[3]["a"], sent[-1]["a"], 0), market)
    streamed = [codec.parse(frame, 0)[0] for _, _, frame in tape.frames("BINANCEUSDM:CTK-USDT", "aggTrade", 0, 2**62)]

    assert [[row[name] for name in "aflTm"] for row in rows] == [[row[name] for name in "aflTm"] for row in sent]
    assert [(float(row["p"]), float(row["q"])) for row in rows] == [(float(row["p"]), float(row["q"])) for row in sent]
    assert asked == streamed[3:]


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("moods", 404, -1000),
        ("trades", 400, -1102),
        ("trades?symbol=FOOBAR", 400, -1121),
        ("trades?symbol=BTCUSDT&limit=x", 400, -1100),
        ("trades?symbol=BTCUSDT&limit=0", 400, -1130),
        ("klines?symbol=BTCUSDT&interval=1s", 400, -1120),
        ("klines?symbol=BTCUSDT&interval=7m", 400, -1120),
        ("aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", 400, -1128),
        (f"aggTrades?symbol=BTCUSDT&startTime={NOW_MS - 61 * MINUTE}&endTime={NOW_MS}", 400, -1127),
        ("historicalTrades?symbol=BTCUSDT&fromId=1", 401, -2014),
        ("ticker/price?symbol=FOOBAR", 400, -1121),
    ],
)
def test_a_refusal_has_the_venues_code(market, target, status, code):
    reply = answer(read_question(f"/fapi/v1/{target}"), market)
    refusal = BinanceUsdm().refusal(reply.status, {}, reply.body)

    assert (reply.status, json.loads(reply.body)["code"]) == (status, code)
    assert refusal is not None
    assert not refusal.transient


@pytest.mark.parametrize(
    ("name", "limit", "weight"),
    [("aggTrades", "", 20), ("trades", "", 5), ("historicalTrades", "", 200), ("time", "", 1), ("moods", "", 1),
     ("klines", "99", 1), ("klines", "100", 2), ("klines", "", 5), ("klines", "1000", 5), ("klines", "1001", 10),
     ("klines", "9999", 10), ("klines", "0", 1)],
)  # fmt: skip
def test_a_request_has_a_weight(name, limit, weight):
    question = Question(f"/fapi/v1/{name}", {"limit": limit})

    assert weight_of(question) == weight_of_any(question) == weight


@pytest.mark.parametrize("minutes", [5, 300, 3000])
def test_the_codec_expects_the_weight_that_the_venue_takes(minutes):
    request = next(BinanceUsdm([BTC]).candles(BTC, Timeframe.M1, Window(0, minutes * 60_000_000)))

    assert weight_of(Question(request.path, dict(request.params))) == request.cost


@pytest.mark.parametrize("channel", BinanceUsdm.channels)
def test_the_codec_expects_the_weight_that_the_venue_takes_for_trades(channel):
    codec = BinanceUsdm([BTC], channel=channel)

    for pages in (codec.newest_trades(BTC, 0), codec.trades(BTC, 1, 9, 0)):
        request = next(pages)
        assert weight_of(Question(request.path, dict(request.params))) == request.cost
