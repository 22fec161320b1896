"""When silence is suspicious, how often is asked, and what a symbol's state is; on a clock of the test's own."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.vigil import Vigil


def liquid(until: float = 100.0, pause: float = 0.2) -> Vigil:
    vigil = Vigil()
    vigil.connected(0.0)
    now = 0.0
    while now < until:
        vigil.heard(1, now)
        now += pause
    return vigil


def test_a_new_line_is_looked_at_soon():
    vigil = Vigil()

    vigil.connected(10.0)

    assert [vigil.should_look(now) for now in (10.0, 12.9, 13.0)] == [False, False, True]


def test_a_liquid_symbol_is_suspicious_after_a_few_seconds_and_a_quiet_one_after_a_minute():
    assert liquid().patience == 4.0
    assert liquid(until=10_000.0, pause=300.0).patience == 60.0
    assert liquid(until=1_000.0, pause=2.0).patience == pytest.approx(16.0)


def test_silence_of_a_liquid_symbol_is_noticed_and_the_answer_says_what_it_is():
    vigil = liquid()

    assert not vigil.should_look(103.0)
    assert vigil.should_look(104.0)
    vigil.confirmed(104.1)
    assert vigil.state(104.2) == ("quiet", "")
    vigil.lost("trades up to 9 did not come", 106.0)
    assert vigil.state(106.0) == ("stale", "trades up to 9 did not come")
    vigil.heard(1, 107.0)
    assert vigil.state(107.0) == ("live", "")


def test_questions_about_a_quiet_symbol_become_rarer_up_to_four_times_the_patience():
    vigil, now, asked = liquid(), 100.0, []
    while now < 200.0:
        now += 0.1
        if vigil.should_look(now):
            asked.append(now)
            vigil.confirmed(now)

    waits = [round(b - a) for a, b in itertools.pairwise(asked)]
    assert waits[:2] == [8, 16]
    assert set(waits[2:]) == {16}


def test_a_venue_that_does_not_answer_makes_a_silent_symbol_stale():
    vigil = liquid()

    vigil.unanswered(104.0)
    early = vigil.state(105.0)
    vigil.unanswered(108.0)
    vigil.unanswered(111.0)

    assert early[0] == "live"
    assert vigil.state(111.0)[0] == "stale"
    assert "does not answer" in vigil.state(111.0)[1]


def test_a_symbol_without_any_trade_is_quiet():
    vigil = Vigil()
    vigil.connected(0.0)

    assert vigil.state(5.0) == ("quiet", "subscribed, no trade yet")


def test_a_line_is_renewed_for_the_same_symbol_after_ever_longer_waits():
    vigil = liquid()

    renewed = [now for now in range(200) if vigil.should_renew(float(now))]

    assert renewed == [0, 15, 45, 105]


@given(st.lists(st.tuples(st.floats(0.0, 400.0), st.integers(1, 5000)), max_size=50))
def test_patience_stays_within_its_bounds_whatever_the_rhythm(rhythm):
    vigil, now = Vigil(others=10), 0.0
    for pause, count in rhythm:
        now += pause
        vigil.heard(count, now)

    assert 4.0 <= vigil.patience <= 60.0


def test_what_is_owed_is_not_forgotten_by_an_answer_but_by_a_trade_or_a_new_line_that_owes_nothing_for_a_while():
    vigil = liquid()
    vigil.lost("trades up to 9 did not come", 104.0)

    vigil.confirmed(108.0)
    still = vigil.state(108.0)[0]
    vigil.renewed(110.0)
    vigil.confirmed(112.0)
    soon = vigil.state(112.0)[0]
    vigil.confirmed(127.0)

    assert (still, soon) == ("stale", "stale")
    assert vigil.state(127.0)[0] == "quiet"


def test_many_quiet_symbols_share_the_venues_limits():
    vigil = Vigil(others=300)
    vigil.connected(0.0)
    asked, now = 0, 0.0
    while now < 3600.0:
        now += 1.0
        if vigil.should_look(now):
            asked += 1
            vigil.confirmed(now)

    assert 300 * asked / 3600.0 < 1.0


def test_hours_of_silence_and_of_no_answer_are_no_trouble():
    vigil = Vigil()
    vigil.connected(0.0)
    for number in range(20_000):
        vigil.confirmed(float(number))
    for number in range(20_000):
        vigil.unanswered(float(20_000 + number))

    assert not vigil.should_look(40_000.0)
