"""How long a venue asks to be left alone: a number, a date in any of its three forms, or nothing that can be used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.refusals import http_refusal, retry_after_seconds, seconds_until

ASKED = "Sun, 06 Nov 1994 08:49:30 GMT"


@pytest.mark.parametrize(
    "until", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "7", "7.0"]
)
def test_a_wait_is_a_number_or_a_date_in_any_form_of_the_standard(until: str):
    assert retry_after_seconds({"retry-after": until, "date": ASKED}) == 7.0


def test_a_moment_that_has_passed_is_no_negative_wait():
    assert retry_after_seconds({"retry-after": "Sun, 06 Nov 1994 08:49:00 GMT", "date": ASKED}) == 0.0


@pytest.mark.parametrize("headers", [{}, {"date": "soon"}])
def test_a_date_beside_no_date_of_the_answer_says_nothing(headers: dict[str, str]):
    assert retry_after_seconds({"retry-after": ASKED, **headers}) is None


@pytest.mark.parametrize("text", ["", "soon", "²", "-1", "1e3", "nan", "inf", "0x10", "06 Nov 1994 08:49:37 +9999999999999"])
def test_what_is_neither_says_nothing(text: str):
    assert retry_after_seconds({"retry-after": text, "date": ASKED}) is None


def test_a_refusal_carries_the_wait_of_its_date():
    refusal = http_refusal("OKX", 503, {"retry-after": "Sun, 06 Nov 1994 08:51:30 GMT", "date": ASKED}, "")

    assert (refusal.transient, refusal.retry_after_seconds) == (True, 120.0)


def test_a_moment_of_the_venue_is_counted_from_the_date_of_its_answer():
    assert seconds_until(784_111_777_500_000, {"date": "Sun, 06 Nov 1994 08:49:37 GMT"}) == 0.5


PARTS = ["Sun", "Sunday", ", ", " ", "06", "Nov", "-", "1994", "94", "0", "08:49:37", ":", "GMT", "+99999999", "-0000", "99999"]


@given(
    st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PARTS), max_size=9).map("".join)),
    st.one_of(st.just(ASKED), st.lists(st.sampled_from(PARTS), max_size=9).map(" ".join)),
)
def test_whatever_stands_there_it_is_a_wait_or_none(until: str, date: str):
    seconds = retry_after_seconds({"retry-after": until, "date": date})

    assert seconds is None or seconds >= 0.0
