"""Kraken's REST codec: documented answers, and paging by time against a venue of a few lines."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges import Kraken
from exchanges.base import Instrument, Request
from market.candle import Candle, Origin
from market.errors import InputError, VenueError, WireError
from market.timeframe import Timeframe
from market.window import Window
from tests.exchanges.kraken_pages import BARS, BTC, CODEC, NOW, TRADES, ask


def test_the_clock_shows_whole_seconds():
    body = b'{"error":[],"result":{"unixtime":1688669448,"rfc1123":"Thu, 06 Jul 23 18:50:48 +0000"}}'

    assert CODEC.parse_server_time(body) == 1688669448000000
    assert CODEC.server_time() == Request("/0/public/Time")


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"error":[]}', b'{"result":{}}', b'{"result":{"unixtime":-1}}', b'{"result":{"unixtime":1e30}}']
)
def test_an_answer_without_a_clock_is_refused(body):
    with pytest.raises(WireError):
        CODEC.parse_server_time(body)


def test_instruments_have_our_names():
    pair = {"pair_decimals": 1, "lot_decimals": 8, "wsname": "XBT/USD", "tick_size": "0.10", "status": "online"}
    pairs = {
        "XXBTZUSD": pair, "XXBTZUSD.d": {"pair_decimals": 1, "lot_decimals": 8},
        "XDGUSD": pair | {"wsname": "XDG/USD", "pair_decimals": 7, "tick_size": "", "status": "cancel_only"},
        "ETHXBT": pair | {"wsname": "ETH/XBT", "pair_decimals": 5, "lot_decimals": 0, "tick_size": "0.00001"},
        "BAD": pair | {"wsname": "-/-"},
    }  # fmt: skip

    assert CODEC.parse_instruments(json.dumps({"error": [], "result": pairs}).encode()) == [
        Instrument("KRAKEN:BTC-USD", "0.1", "0.00000001", "live"),
        Instrument("KRAKEN:DOGE-USD", "0.0000001", "0.00000001", "cancel_only"),
        Instrument("KRAKEN:ETH-BTC", "0.00001", "1", "live"),
    ]
    assert CODEC.instruments() == Request("/0/public/AssetPairs")


@pytest.mark.parametrize(("symbol", "name"), [("BTC-USD", "XBTUSD"), ("DOGE-BTC", "XDGXBT"), ("ETH2.S-ETH", "ETH2.SETH")])
def test_pairs_are_asked_for_by_their_rest_name(symbol, name):
    request = next(CODEC.newest_trades(f"KRAKEN:{symbol}", NOW))

    assert (dict(request.params)["pair"], request.budget) == (name, f"trades:{name}")
    assert request.budget.partition(":")[0] in Kraken.budgets


def test_less_than_a_call_a_second_is_spent():
    assert all(budget.burst <= 1 and budget.per_second < 1 for budget in Kraken.budgets.values())


def test_candles_are_labelled_by_their_close_and_the_forming_one_is_left_out():
    start = 1688671200_000_000
    pages = CODEC.candles(BTC, Timeframe.M1, Window(start, start + 3 * 60_000_000))
    request = next(CODEC.candles(BTC, Timeframe.M1, Window(start, start + 3 * 60_000_000)))

    assert request == Request(
        "/0/public/OHLC", (("pair", "XBTUSD"), ("interval", "1"), ("since", "1688671140")), budget="trades:XBTUSD"
    )
    rows = [(30306.1, 30306.2, 30305.7, 30305.7, 3.39243896, 23), (30305.7, 30305.7, 30305.7, 30305.7, 0.0, 0)]
    assert ask(pages, BARS) == [
        Candle(
            BTC, Timeframe.M1, start + place * 60_000_000, *prices, quote_volume=None, trades=count, taker_buy_volume=None,
            origin=Origin.EXCHANGE,
        )
        for place, (*prices, count) in enumerate(rows, 1)
    ]  # fmt: skip


def test_candles_outside_the_window_are_left_out():
    start = 1688671200_000_000
    window = Window(start + 60_000_000, start + 120_000_000)

    assert [candle.open_us for candle in ask(CODEC.candles(BTC, Timeframe.M1, window), BARS)] == [start + 60_000_000]
    assert ask(CODEC.candles(BTC, Timeframe.M1, Window(start + 1, start + 119_000_000)), BARS) == []


def test_candles_older_than_the_venue_keeps_are_absent():
    assert ask(CODEC.candles(BTC, Timeframe.M1, Window(0, 60_000_000)), BARS) == []


@pytest.mark.parametrize(
    ("timeframe", "minutes"), [("1m", "1"), ("5m", "5"), ("15m", "15"), ("30m", "30"), ("1h", "60"), ("4h", "240"), ("1d", "1440")]
)
def test_intervals_are_minutes(timeframe, minutes):
    request = next(CODEC.candles(BTC, Timeframe(timeframe), Window(0, 86_400_000_000)))

    assert dict(request.params)["interval"] == minutes


@pytest.mark.parametrize("timeframe", ["1s", "30s", "12h", "1w"])
def test_candles_that_the_venue_does_not_have_are_refused(timeframe):
    with pytest.raises(InputError, match=rf"no {timeframe} candles .*; it has 1m, 5m, 15m, 30m, 1h, 4h, 1d"):
        next(CODEC.candles(BTC, Timeframe(timeframe), Window(0, 60_000_000)))


@pytest.mark.parametrize(
    "changes", [(b'"30306.1"', b'"0"'), (b"1688671200", b"-60"), (b",23]", b",-1]"), (b",23]", b"]"), (b'"XXBTZUSD"', b'"last"')]
)
def test_a_bad_bar_is_refused(changes):
    with pytest.raises(WireError):
        ask(CODEC.candles(BTC, Timeframe.M1, Window(0, NOW)), BARS.replace(*changes))


def refused(*words: str, status: int = 200, **headers: str) -> VenueError | None:
    return CODEC.refusal(status, headers, json.dumps({"error": list(words)}).encode())


@pytest.mark.parametrize(
    ("word", "transient"),
    [
        ("EAPI:Rate limit exceeded", True), ("EService:Throttled:1688669448", True), ("EService: Throttled: 1688669448", True),
        ("EService:Busy", True), ("EService:Unavailable", True), ("EService:Timeout", True), ("EGeneral:Temporary lockout", True),
        ("EGeneral:Internal error", True), ("EGeneral:Too many requests", True), ("EQuery:Unknown asset pair", False),
        ("EGeneral:Invalid arguments", False), ("EGeneral:Unknown method", False), ("EGeneral:Permission denied", False),
    ],
)  # fmt: skip
def test_an_error_comes_with_http_200_and_says_whether_to_try_again(word, transient):
    refusal = refused(word)

    assert refusal is not None
    assert (refusal.transient, word in str(refusal)) == (transient, True)


def test_a_good_answer_is_no_refusal():
    assert CODEC.refusal(200, {}, TRADES) is None
    assert refused() is None


def test_a_warning_beside_a_result_is_no_refusal():
    assert refused("WGeneral:Deprecated") is None


@pytest.mark.parametrize(("status", "transient"), [(429, True), (502, True), (403, False), (404, False)])
def test_a_bad_status_is_a_refusal_whatever_the_body(status, transient):
    refusals = [CODEC.refusal(status, {}, body) for body in (b"", b"<html>", b"[]", b'{"error":7}', b'{"error":[]}')]

    assert [refusal.transient for refusal in refusals if refusal] == [transient] * 5


@pytest.mark.parametrize(
    ("word", "date", "seconds"),
    [
        ("EService:Throttled:1688669448", "Thu, 06 Jul 2023 18:50:41 GMT", 7.0),
        ("EService: Throttled: 1688669448", "Thu, 06 Jul 2023 18:50:41 GMT", 7.0),
        ("EService:Throttled:1688669448", "Thu, 06 Jul 2023 18:50:49 GMT", None),
        ("EService:Throttled:1688669448", "Wed, 05 Jul 2023 18:50:41 GMT", None),
        ("EService:Throttled:1688669448", "", None),
        ("EService:Throttled:1688669448", "yesterday", None),
        ("EService:Throttled:soon", "Thu, 06 Jul 2023 18:50:41 GMT", None),
        ("EAPI:Rate limit exceeded", "Thu, 06 Jul 2023 18:50:41 GMT", None),
    ],
)
def test_a_throttled_client_is_told_how_long_to_wait(word, date, seconds):
    refusal = refused(word, date=date)

    assert refusal is not None
    assert refusal.retry_after_seconds == seconds


def test_the_wait_in_the_header_counts_first():
    refusal = refused("EService:Throttled:1688669448", status=429, **{"retry-after": "3", "date": "Thu, 06 Jul 2023 18:50:41 GMT"})

    assert refusal is not None
    assert (refusal.retry_after_seconds, refusal.transient) == (3.0, True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["1.5", "b", "17"]),
    lambda inner: (
        st.lists(inner, max_size=8) | st.dictionaries(st.sampled_from(["error", "result", "last", "X", "unixtime"]), inner)
    ),
    max_leaves=14,
)


@given(value=JSON)
def test_any_answer_is_read_or_refused(value):
    body = json.dumps(value).encode()
    for read in (
        CODEC.parse_server_time,
        CODEC.parse_instruments,
        lambda body: ask(CODEC.newest_trades(BTC, NOW), body),
        lambda body: ask(CODEC.candles(BTC, Timeframe.M1, Window(0, NOW)), body),
    ):
        with suppress(WireError):
            read(body)
    CODEC.refusal(200, {}, body)
