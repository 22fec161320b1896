"""Kraken's REST protocol: envelope, cursors and errors, against the source itself and against our codec."""

import gzip
import json
from typing import Any

import pytest

from exchanges import Kraken
from exchanges.base import Instrument
from market.timeframe import Timeframe
from market.trade import Side
from market.window import Window
from replay.answer import read_question
from replay.kraken_rest import answer, pair_name
from replay.routes import answer_to
from replay.small import SmallMarket
from replay.source import Market
from tests.replay.played import NOW, SYMBOL, bare, drive
from tests.replay.tapes import recorded

MINUTE = 60_000_000


@pytest.fixture(scope="module")
def small() -> Market:
    """A market of Kraken's own, with old names in it, an hour old, seen shortly before its end."""
    source = SmallMarket("KRAKEN", ["BTC-USD", "DOGE-USD", "ETH-BTC"], seconds=3600, rate=2)
    return Market(source, source.last_us - 500_000)


def get(market: Market, target: str) -> Any:
    reply = answer(read_question(f"/0/public/{target}"), market)
    body = json.loads(reply.body)

    assert (reply.status, body["error"]) == (200, [])
    return body["result"]


def newest_id(market: Market) -> int:
    return market.source.fills(SYMBOL).at(NOW)


def test_the_clock_is_the_markets_in_whole_seconds(market):
    assert get(Market(market.source, NOW + 999_999), "Time") == {
        "unixtime": NOW // 1_000_000,
        "rfc1123": "Sun, 15 Jun 25 04:10:30 +0000",
    }


def test_the_exchange_is_online(market):
    assert get(market, "SystemStatus") == {"status": "online", "timestamp": "2025-06-15T04:10:30Z"}


def test_pairs_are_listed_under_the_old_names(small):
    rows = get(small, "AssetPairs")

    assert [(name, row["altname"], row["wsname"], row["base"], row["quote"]) for name, row in rows.items()] == [
        ("XXBTZUSD", "XBTUSD", "XBT/USD", "XXBT", "ZUSD"),
        ("XDGUSD", "XDGUSD", "XDG/USD", "XXDG", "ZUSD"),
        ("XETHXXBT", "ETHXBT", "ETH/XBT", "XETH", "XXBT"),
    ]
    assert {(row["pair_decimals"], row["lot_decimals"], row["tick_size"], row["status"]) for row in rows.values()} == {
        (2, 4, "0.01", "online")
    }


def test_the_codec_reads_the_list_of_pairs(small):
    body = answer(read_question("/0/public/AssetPairs"), small).body

    assert Kraken().parse_instruments(body) == [
        Instrument(symbol, "0.01", "0.0001", "live") for symbol in ("KRAKEN:BTC-USD", "KRAKEN:DOGE-USD", "KRAKEN:ETH-BTC")
    ]


def test_names_of_pairs_are_the_recorded_ones():
    listed = json.loads(gzip.decompress(recorded("../rest/kraken/cf_AssetPairs_20210417.jsonl.gz").read_bytes()))["body"]["result"]
    wanted = {name: row["wsname"].split("/") for name, row in listed.items() if "wsname" in row}
    wrong = {name for name, parts in wanted.items() if pair_name(*parts) != name}

    # Money against money, and a few pairs of old coins that came later.
    assert len(wanted) == 293
    assert wrong == {
        "LTCETH", "LTCGBP", "USDTZUSD", "XRPETH", "XRPGBP", "XXLMZAUD", "ZEURZUSD", "ZGBPZUSD", "ZUSDZCAD", "ZUSDZJPY",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["XXBTZUSD", "XBTUSD", "XBT/USD"])
def test_a_pair_may_be_asked_for_by_each_of_its_names(small, name):
    assert set(get(small, f"Trades?pair={name}")) == {"XXBTZUSD", "last"}
    assert list(get(small, f"AssetPairs?pair={name}")) == ["XXBTZUSD"]


def test_several_pairs_are_asked_for_with_commas(small):
    assert list(get(small, "AssetPairs?pair=ETHXBT,XBTUSD")) == ["XETHXXBT", "XXBTZUSD"]


def test_assets_are_listed(small):
    assert {name: row["altname"] for name, row in get(small, "Assets").items()} == {
        "XXBT": "XBT", "ZUSD": "USD", "XXDG": "XDG", "XETH": "ETH",
    }  # fmt: skip


def test_the_newest_trades_come_oldest_first(market):
    last = newest_id(market)
    rows = get(market, "Trades?pair=XBTUSDT")["XBTUSDT"]

    assert [row[6] for row in rows] == list(range(last - 999, last + 1))
    assert [len(get(market, f"Trades?pair=XBTUSDT&count={count}")["XBTUSDT"]) for count in (3, 9999)] == [3, 1000]


def test_a_row_is_the_fill_as_kraken_prints_it(market):
    result = get(market, "Trades?pair=XBTUSDT&count=1")
    [fill] = market.source.fills(SYMBOL).newest(newest_id(market), 1)

    assert result == {
        "XBTUSDT": [
            [
                f"{fill.price:.5f}", f"{fill.size:.8f}", fill.timestamp_us / 1e6, "b" if fill.side is Side.BUY else "s", "m", "",
                fill.trade_id,
            ]
        ],
        "last": str(fill.timestamp_us * 1000),
    }  # fmt: skip


def test_nothing_later_than_now_is_told(market):
    assert all(row[2] * 1e6 < NOW for row in get(market, "Trades?pair=XBTUSDT")["XBTUSDT"])


def test_the_cursor_is_exclusive_and_goes_on_where_the_page_ended(market):
    since = (NOW - 120_000_000) * 1000
    first = get(market, f"Trades?pair=XBTUSDT&since={since}&count=10")
    second = get(market, f"Trades?pair=XBTUSDT&since={first['last']}&count=10")
    fills = market.source.fills(SYMBOL)
    times = [fill.timestamp_us * 1000 for fill in fills.slice(fills.at(since // 1000), fills.at(NOW))]

    assert first["last"] == str(times[9])
    assert second["XBTUSDT"][0][2] == next(time for time in times if time > times[9]) / 1e9


def test_the_cursor_may_be_in_seconds_or_at_the_first_trade_ever(small):
    fills = small.source.fills("KRAKEN:BTC-USD")
    seconds = small.now_us // 1_000_000 - 600
    by_seconds = get(small, f"Trades?pair=XBTUSD&since={seconds}&count=2")["XXBTZUSD"]
    first = get(small, "Trades?pair=XBTUSD&since=0&count=1")["XXBTZUSD"]

    assert by_seconds[0][6] == fills.slice(fills.at(seconds * 1_000_000 + 1), 10**9)[0].trade_id
    assert first[0][6] == fills.slice(0, 1)[0].trade_id


def test_behind_the_newest_trade_there_is_nothing_and_the_cursor_stays(market):
    assert get(market, f"Trades?pair=XBTUSDT&since={NOW * 1000}") == {"XBTUSDT": [], "last": str(NOW * 1000)}


def test_the_codec_reads_the_newest_trades(market):
    found, _ = drive(Kraken().newest_trades("KRAKEN:BTC-USDT", 0), market)
    last = newest_id(market)

    assert [bare(trade) for trade in found] == [bare(trade) for trade in market.source.fills(SYMBOL).newest(last, 1000)]


@pytest.mark.parametrize("told", [True, False])
def test_the_codec_pages_a_range_of_ids(small, told):
    fills = small.source.fills("KRAKEN:BTC-USD")
    all_of_them = fills.slice(0, small.played(fills))
    wanted = all_of_them[300:5300]
    since = all_of_them[299].timestamp_us if told else None
    pages = Kraken().trades("KRAKEN:BTC-USD", wanted[0].trade_id, wanted[-1].trade_id, 0, since)
    found, asked = drive(pages, small)

    assert [bare(trade) for trade in found] == [bare(trade) for trade in wanted]
    assert len(asked) < 20


@pytest.mark.parametrize("told", [True, False])
def test_the_codec_finds_single_trades_wherever_they_are(market, told):
    fills, last = market.source.fills(SYMBOL), newest_id(market)
    for trade_id in (last, last - 1500, last - 40_000):
        [wanted] = fills.slice(fills.find(trade_id), fills.find(trade_id) + 1)
        since = wanted.timestamp_us if told else None
        found, asked = drive(Kraken().trades("KRAKEN:BTC-USDT", trade_id, trade_id, 0, since), market)

        assert [bare(trade) for trade in found] == [bare(wanted)]
        assert len(asked) <= (1 if told else 12)


def test_the_codec_reads_candles_that_are_the_markets_own(market):
    window = Window(NOW - 7 * 3600 * 1_000_000, NOW)
    candles, asked = drive(Kraken().candles("KRAKEN:BTC-USDT", Timeframe.M1, window), market)
    bars = market.source.minutes(SYMBOL, window.start_us + 30_000_000, NOW // MINUTE * MINUTE)
    traded = [candle for candle in candles if candle.volume]

    assert len(asked) == 1
    assert len(candles) == 7 * 60 - 1
    assert [(each.open_us, each.open, each.high, each.low, each.close, each.volume, each.trades) for each in traded] == [
        (bar.open_us, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trades) for bar in bars
    ]
    assert len(traded) < len(candles)


def test_older_candles_than_720_do_not_exist(market):
    candles, _ = drive(Kraken().candles("KRAKEN:BTC-USDT", Timeframe.M1, Window(NOW - 86_400_000_000, NOW)), market)

    assert len(candles) == 719


def test_the_last_row_is_forming_and_there_whatever_is_asked(market):
    minute = NOW // MINUTE * 60
    result = get(market, f"OHLC?pair=XBTUSDT&interval=1&since={minute + 600}")

    assert [row[0] for row in result["XBTUSDT"]] == [minute]
    assert result["last"] == minute - 60
    assert [row[0] for row in get(market, f"OHLC?pair=XBTUSDT&since={minute - 180}")["XBTUSDT"]] == [
        minute - 120,
        minute - 60,
        minute,
    ]


def test_an_empty_minute_repeats_the_close(market):
    rows = get(market, "OHLC?pair=XBTUSDT")["XBTUSDT"]
    place = next(place for place, row in enumerate(rows) if place and not row[7])
    close = rows[place - 1][4]

    assert rows[place][1:] == [close, close, close, close, "0.0", "0.00000000", 0]


def test_prices_of_a_bar_have_the_digits_of_the_pair(small):
    row = next(row for row in get(small, "OHLC?pair=XBTUSD")["XXBTZUSD"] if row[7])

    assert [len(text.partition(".")[2]) for text in row[1:7]] == [2, 2, 2, 2, 2, 8]


@pytest.mark.parametrize("interval", [1, 5, 15, 30, 60, 240, 1440, 10080, 21600])
def test_every_interval_has_rows(market, interval):
    since = NOW // 1_000_000 - 2 * interval * 60
    rows = get(market, f"OHLC?pair=XBTUSDT&interval={interval}&since={since}")["XBTUSDT"]

    assert len(rows) == 2
    assert {row[0] % (interval * 60) for row in rows} == {0}


def test_tickers_are_of_today_and_of_the_last_day(market):
    [ticker] = get(market, "Ticker?pair=XBTUSDT").values()
    [fill] = market.source.fills(SYMBOL).newest(newest_id(market), 1)

    assert ticker["c"] == [f"{fill.price:.1f}", f"{fill.size:.8f}"]
    assert float(ticker["v"][0]) < float(ticker["v"][1])
    assert float(ticker["l"][1]) <= float(ticker["o"]) <= float(ticker["h"][1])
    assert list(get(market, "Ticker")) == ["XBTUSDT", "ETHUSDT", "SOLUSDT"]


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("Moods", "EGeneral:Unknown method"), ("Trades", "EGeneral:Invalid arguments:pair"),
        ("OHLC", "EGeneral:Invalid arguments:pair"), ("Trades?pair=FOOBAR", "EQuery:Unknown asset pair"),
        ("Trades?pair=XBTUSDT,ETHUSDT", "EQuery:Unknown asset pair"), ("Ticker?pair=FOO", "EQuery:Unknown asset pair"),
        ("AssetPairs?pair=XBTUSDT,FOOBAR", "EQuery:Unknown asset pair"),
        ("Trades?pair=XBTUSDT&since=x", "EGeneral:Invalid arguments:since"),
        ("Trades?pair=XBTUSDT&since=1.5", "EGeneral:Invalid arguments:since"),
        ("Trades?pair=XBTUSDT&count=0", "EGeneral:Invalid arguments:count"),
        ("OHLC?pair=XBTUSDT&interval=7", "EGeneral:Invalid arguments:interval"),
        ("OHLC?pair=XBTUSDT&since=-1", "EGeneral:Invalid arguments:since"),
    ],
)  # fmt: skip
def test_a_refusal_comes_with_http_200_and_the_codec_takes_it_for_one(market, target, error):
    reply = answer(read_question(f"/0/public/{target}"), market)
    refusal = Kraken().refusal(reply.status, {}, reply.body)

    assert (reply.status, json.loads(reply.body)) == (200, {"error": [error]})
    assert refusal is not None
    assert (error in str(refusal), refusal.transient) == (True, False)


def test_absurd_cursors_are_answered(market):
    assert get(market, f"Trades?pair=XBTUSDT&since={10**20 - 1}")["XBTUSDT"] == []


def test_the_exchange_finds_krakens_paths(market):
    assert json.loads(answer_to(read_question("/0/public/Time"), market).body)["result"]["unixtime"] == NOW // 1_000_000
