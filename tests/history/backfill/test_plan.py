"""Pages hold exactly what is missing, the newest first, as few as can be."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from history.backfill.plan import Page, candles_in, pages_of, whole_spans
from market.timeframe import Timeframe
from market.window import Window

sets = st.sets(st.integers(0, 200), max_size=120)
sizes = st.integers(1, 30)


def windows(minutes: set[int]) -> list[Window]:
    found: list[Window] = []
    for minute in sorted(minutes):
        if found and found[-1].end_us == minute:
            found[-1] = Window(found[-1].start_us, minute + 1)
        else:
            found.append(Window(minute, minute + 1))
    return found


@given(missing=sets, size=sizes)
def test_each_missing_candle_is_on_one_page_and_is_counted_there(missing, size):
    pages = pages_of(windows(missing), 1, size)

    for page in pages:
        assert page.missing == len([minute for minute in missing if minute in page.window]) > 0
        assert {page.window.start_us, page.window.end_us - 1} <= missing
        assert page.window.width_us <= size
    assert sum(page.missing for page in pages) == len(missing)


@given(missing=sets, size=sizes)
def test_pages_go_from_the_newest_to_the_oldest_and_share_nothing(missing, size):
    pages = pages_of(windows(missing), 1, size)

    assert all(later.window.start_us >= earlier.window.end_us for later, earlier in pairwise(pages))


@given(missing=sets, size=sizes)
def test_no_page_could_take_the_candle_before_it(missing, size):
    pages = pages_of(windows(missing), 1, size)

    for later, earlier in pairwise(pages):
        assert later.window.end_us - (earlier.window.end_us - 1) > size


def test_small_holes_near_each_other_share_a_page():
    holes = [Window(0, 3), Window(10, 12), Window(95, 100), Window(150, 151)]

    assert pages_of(holes, 1, 100) == [Page(Window(95, 151), 6), Page(Window(0, 12), 5)]


def test_what_is_longer_than_a_page_is_split_at_its_end():
    assert pages_of([Window(0, 250)], 1, 100) == [Page(Window(150, 250), 100), Page(Window(50, 150), 100), Page(Window(0, 50), 50)]


def test_only_candles_that_lie_whole_between_two_moments_count():
    minute = 60_000_000

    assert whole_spans(Timeframe.M1, 1, 3 * minute + 1) == Window(minute, 3 * minute)
    assert whole_spans(Timeframe.M1, minute, 2 * minute) == Window(minute, 2 * minute)
    assert whole_spans(Timeframe.M1, minute + 1, 2 * minute - 1) == Window(2 * minute, 2 * minute)
    assert candles_in([Window(0, minute), Window(5 * minute, 7 * minute)], Timeframe.M1) == 3
