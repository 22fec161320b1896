"""Kraken's REST codec: documented answers, and paging by time against a venue of a few lines."""

import json
from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges import Kraken
from exchanges.base import Instrument, Request
from market.candle import Candle, Origin
from market.clock import parse_time
from market.errors import InputError, VenueError, WireError
from market.timeframe import Timeframe
from market.trade import Side, Trade
from market.window import Window

BTC = "KRAKEN:BTC-USD"
CODEC = Kraken([BTC])
NOW = 1_800_000_000_000_000
START = parse_time("2025-11-10T17:00:00")

TRADES = (
    b'{"error":[],"result":{"XXBTZUSD":[["30243.40000","0.34507674",1688669597.8277369,"b","m","",61044952],'
    b'["30243.30000","0.00376960",1688669598.2804112,"s","l","",61044953]],"last":"1688669598280411200"}}'
)
BARS = (
    b'{"error":[],"result":{"XXBTZUSD":[[1688671200,"30306.1","30306.2","30305.7","30305.7","30306.1","3.39243896",23],'
    b'[1688671260,"30305.7","30305.7","30305.7","30305.7","0.0","0.00000000",0],'
    b'[1688671320,"30300.3","30300.4","30291.4","30291.4","30294.7","2.13024789",25]],"last":1688671260}}'
)


class Venue:
    """A book with ids from 1 and times in nanoseconds, asked as Kraken is: behind a time, so many rows, oldest first."""

    def __init__(self, times_ns: Sequence[int], missing: frozenset[int] = frozenset()) -> None:
        self.rows = [(number, ns) for number, ns in enumerate(times_ns, 1) if number not in missing]
        self.asked: list[Request] = []

    def answer(self, request: Request) -> bytes:
        self.asked.append(request)
        params = dict(request.params)
        count, since = int(params["count"]), params.get("since")
        rows = self.rows[-count:] if since is None else [row for row in self.rows if row[1] > int(since)][:count]
        last = str(rows[-1][1]) if rows else since or "0"
        listed = [["1.5", "0.25", ns / 1e9, "b", "l", "", number] for number, ns in rows]
        return json.dumps({"error": [], "result": {"XXBTZUSD": listed, "last": last}}).encode()

    def ids(self, pages: Generator[Request, bytes, list[Trade]]) -> list[int]:
        return [trade.trade_id for trade in run(pages, self.answer)]

    def moment(self, trade_id: int) -> int:
        return next(ns for number, ns in self.rows if number >= trade_id) // 1000


class SmallPages(Kraken):
    page = 5


def run(pages: Generator[Request, bytes, Any], answer: Any) -> Any:
    """Return what a paging generator makes of the answers; it must come to an end."""
    request = next(pages)
    for _ in range(500):
        try:
            request = pages.send(answer(request))
        except StopIteration as done:
            return done.value
    raise AssertionError("the pages never end")


def ask(pages: Generator[Request, bytes, Any], body: bytes) -> Any:
    return run(pages, lambda _: body)


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


def test_the_newest_trades_are_read():
    pages = CODEC.newest_trades(BTC, NOW)

    assert ask(pages, TRADES) == [
        Trade(BTC, 61044952, 30243.4, 0.34507674, Side.BUY, 1688669597827736, NOW),
        Trade(BTC, 61044953, 30243.3, 0.0037696, Side.SELL, 1688669598280411, NOW),
    ]


def test_the_newest_page_is_asked_for_without_a_time():
    assert next(CODEC.newest_trades(BTC, NOW)) == Request(
        "/0/public/Trades", (("pair", "XBTUSD"), ("count", "1000")), budget="trades:XBTUSD"
    )


@pytest.mark.parametrize(
    "changes",
    [
        (b'"30243.40000"', b'"nan"'), (b'"30243.40000"', b'"0"'), (b'"0.34507674"', b'"-1"'), (b'"b"', b'"x"'),
        (b"61044952", b"-1"),
        (b"1688669597.8277369", b"-1.5"), (b"1688669597.8277369", b"1e300"), (b',"",61044952', b',""'),
        (b'"XXBTZUSD":', b'"last":'),
        (b',"last":"1688669598280411200"', b""), (b'"1688669598280411200"', b'"soon"'), (b',"last"', b',"XETHZUSD":[],"last"'),
        (b'"result"', b'"results"'),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(changes):
    with pytest.raises(WireError):
        ask(CODEC.newest_trades(BTC, NOW), TRADES.replace(*changes))


def test_a_column_that_the_venue_adds_is_no_trouble():
    assert len(ask(CODEC.newest_trades(BTC, NOW), TRADES.replace(b",61044952]", b',61044952,"news"]'))) == 2


def test_a_range_of_ids_is_paged_by_time_and_the_cursor_goes_back_as_it_came():
    venue = Venue([START * 1000 + number * 1_000_000_123 for number in range(20)])
    ids = venue.ids(SmallPages([BTC]).trades(BTC, 3, 14, NOW, venue.moment(3)))
    cursors = [dict(request.params)["since"] for request in venue.asked]

    assert ids == list(range(3, 15))
    assert cursors[0] == str((venue.moment(3) - 1_000_000) * 1000)
    assert cursors[1:] == [str(venue.rows[place - 1][1]) for place in (6, 11)]


def test_trades_of_one_moment_on_both_sides_of_a_border_are_all_found():
    times = [START * 1000 + number * 10**9 for number in range(4)]
    venue = Venue([*times, *[times[-1] + 1] * 3, *[times[-1] + 10**9 * number for number in range(1, 6)]])
    ids = venue.ids(SmallPages([BTC]).trades(BTC, 1, 11, NOW, START))

    assert ids == list(range(1, 12))


def test_trades_of_one_moment_behind_the_last_border_are_found():
    venue = Venue([(START + number) * 1000 for number in (0, 2, 4, 6, 8, 8)])

    assert venue.ids(SmallPages([BTC]).trades(BTC, 1, 9, NOW, START)) == [1, 2, 3, 4, 5, 6]


def test_more_trades_of_one_moment_than_a_page_holds_do_not_keep_it_for_ever():
    venue = Venue([START * 1000] * 12 + [START * 1000 + 10**9])

    assert venue.ids(SmallPages([BTC]).trades(BTC, 1, 13, NOW, START)) == [1, 2, 3, 4, 5, 13]


def test_ids_that_the_venue_does_not_have_are_absent():
    venue = Venue([START * 1000 + number * 10**9 for number in range(20)], missing=frozenset({5, 6, 12}))
    ids = venue.ids(SmallPages([BTC]).trades(BTC, 4, 13, NOW, START))

    assert ids == [4, 7, 8, 9, 10, 11, 13]


def test_the_end_of_the_book_ends_the_pages():
    venue = Venue([START * 1000 + number * 10**9 for number in range(7)])

    assert venue.ids(SmallPages([BTC]).trades(BTC, 5, 99, NOW, venue.moment(5))) == [5, 6, 7]
    assert venue.ids(SmallPages([BTC]).trades(BTC, 50, 99, NOW, START + 10**9)) == []


def test_a_venue_that_repeats_itself_ends_the_pages():
    assert [trade.trade_id for trade in ask(CODEC.trades(BTC, 61044952, 61044990, NOW), TRADES)] == [61044952, 61044953]


def test_a_range_that_is_none_asks_nothing():
    with pytest.raises(StopIteration) as done:
        next(CODEC.trades(BTC, 9, 8, NOW))

    assert done.value.value == []


def test_a_moment_behind_the_first_trade_is_corrected():
    venue = Venue([START * 1000 + number * 10**9 for number in range(60)])

    assert venue.ids(SmallPages([BTC]).trades(BTC, 10, 12, NOW, venue.moment(40))) == [10, 11, 12]


def test_without_a_moment_an_old_trade_is_found_in_few_steps():
    venue = Venue([START * 1000 + number * 10**8 for number in range(200_000)])
    ids = venue.ids(CODEC.trades(BTC, 20_000, 20_009, NOW))

    assert ids == list(range(20_000, 20_010))
    assert len(venue.asked) <= 6


def test_without_a_moment_the_newest_trades_cost_one_question():
    venue = Venue([START * 1000 + number * 10**8 for number in range(3000)])

    assert venue.ids(CODEC.trades(BTC, 2500, 2600, NOW)) == list(range(2500, 2601))
    assert len(venue.asked) == 1


def test_a_market_that_was_slow_once_is_searched_in_bounds():
    years, busy = [number * 86_400 * 10**9 for number in range(3000)], [number * 10**7 for number in range(20_000)]
    venue = Venue([START * 1000 + ns for ns in years] + [START * 1000 + years[-1] + ns for ns in busy])
    ids = venue.ids(CODEC.trades(BTC, 10, 12, NOW))

    assert ids == [10, 11, 12]
    assert len(venue.asked) < 30


def test_ids_before_the_first_trade_ever_are_absent():
    venue = Venue([START * 1000 + number * 10**9 for number in range(30)], missing=frozenset(range(1, 11)))

    assert venue.ids(SmallPages([BTC]).trades(BTC, 1, 13, NOW)) == [11, 12, 13]


@settings(max_examples=200)
@given(
    steps=st.lists(st.sampled_from([0, 0, 1, 999, 1000, 10**6, 10**9, 7 * 10**9]), min_size=1, max_size=60),
    missing=st.sets(st.integers(1, 60), max_size=8),
    first=st.integers(0, 62),
    length=st.integers(0, 40),
    told=st.booleans(),
)
def test_every_id_in_range_is_found_once_and_in_order(steps, missing, first, length, told):
    times, together = [START * 1000], 0
    for step in steps:
        together = 0 if step >= 1000 else together + 1
        times.append(times[-1] + (step if together < 3 else 10**6))  # a page holds all trades of one microsecond
        together = together if together < 3 else 0
    venue = Venue(times, frozenset(missing))
    known = [number for number, _ in venue.rows]
    since = venue.moment(first) if told and first <= max(known, default=-1) else None
    ids = venue.ids(SmallPages([BTC]).trades(BTC, first, first + length, NOW, since))

    assert ids == [number for number in known if first <= number <= first + length]


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
