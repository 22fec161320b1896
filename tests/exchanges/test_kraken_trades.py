"""Kraken's trades over REST, which are paged by time, against answers made like the documented ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges.base import Request
from market.errors import WireError
from market.trade import Side, Trade
from tests.exchanges.kraken_pages import BTC, CODEC, NOW, START, TRADES, SmallPages, Venue, ask


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
