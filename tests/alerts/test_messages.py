"""One happening is told as it is, several as a list that fits into every chat."""

from hypothesis import given
from hypothesis import strategies as st

from alerts.messages import LONGEST_BODY, message
from db.repositories.alerts import Alert
from tests.alerts.conftest import NOW_US

PARKED = Alert(key="k", kind="parked", title="bot a was parked", text="it crashed 3 times", at_us=NOW_US)


def test_one_is_told_as_it_is():
    assert message([PARKED], now_us=NOW_US, left=3) == (
        "TCPDashboard: bot a was parked",
        "it crashed 3 times\n2026-03-01 12:00:00 UTC",
    )


def test_several_are_a_list():
    title, body = message([PARKED, PARKED], now_us=NOW_US, left=3)

    assert title == "TCPDashboard: 2 bots were parked"
    assert body.splitlines() == ["- 2026-03-01 12:00:00 UTC bot a was parked: it crashed 3 times"] * 2


def test_the_last_message_of_the_hour_says_when_the_next_one_comes():
    body = message([PARKED], now_us=NOW_US, left=0).body

    assert body.endswith("what follows of this kind is told together, by 13:00 UTC.")


def test_what_does_not_fit_is_counted():
    lines = message([PARKED] * 500, now_us=NOW_US, left=1).body.splitlines()

    assert lines[-1] == f"and {500 - (len(lines) - 1)} more; `tcpdash alerts list` has all"
    assert len(lines) > 10


@given(st.lists(st.text(max_size=3_000), min_size=1, max_size=60), st.integers(0, 2))
def test_a_message_always_fits(texts: list[str], left: int):
    alerts = [Alert(key="k", kind="hole", title=text[:2_000] or "t", text=text, at_us=NOW_US) for text in texts]

    assert len(message(alerts, now_us=NOW_US, left=left).body) <= LONGEST_BODY
