"""Each source finds what happened in real rows, says it in words, and gives it the same key each time."""

import pytest

from alerts.kinds import KINDS
from alerts.sources import find
from db.repositories.alerts import Alert
from tests.alerts import happened
from tests.alerts.conftest import NOW_US
from tests.alerts.happened import MINUTE_US, SYMBOL

pytestmark = pytest.mark.postgres
SPAN = "2026-03-01 11:58:00 UTC to 2026-03-01 11:59:00 UTC"


def found(database, *, kinds=KINDS, since_us: int = NOW_US - 60 * MINUTE_US, now_us: int = NOW_US) -> list[Alert]:
    with database.transaction() as store:
        return find(store, kinds, since_us=since_us, now_us=now_us, feed_seconds=60)


def test_where_nothing_happened_nothing_is_found(database):
    assert found(database) == []


@pytest.mark.parametrize(
    ("kind", "title"),
    [("parked", "bot a was parked"), ("stop-hit", "bot a hit a stop"), ("daily-loss", "bot a reached the daily loss")],
)
def test_bots(database, kind: str, title: str):
    number = happened.bot_event(database, kind, "what\nhappened")
    happened.bot_event(database, "started")

    assert found(database) == [
        Alert(key=f"bot:a:{kind}:{number}", kind=kind, title=title, text="what happened", at_us=NOW_US),
    ]


def test_what_concerns_all_bots_is_told_so(database):
    number = happened.bot_event(database, "daily-loss", "6 % of all", bot=None)

    (alert,) = found(database)
    assert (alert.key, alert.title) == (f"bot::daily-loss:{number}", "all bots together reached the daily loss")


def test_a_hole_that_cannot_be_recovered(database):
    number = happened.ended_gap(database)
    happened.ended_gap(database, "filled", number=1)

    text = f"3 trades are missing for good, from {SPAN} (60.0 s); cause: disconnect"
    assert found(database) == [
        Alert(key=f"gap:{number}", kind="hole", title=f"{SYMBOL}: a hole cannot be recovered", text=text, at_us=NOW_US)
    ]


def test_a_check_that_failed_names_its_rules(database):
    number = happened.check(database, "no holes", "whole")
    happened.check(database)
    happened.check(database, "far moves", severity="warning")

    assert found(database) == [
        Alert(
            key=f"quality:{number}", kind="quality", title=f"{SYMBOL}: 1m candles failed a check",
            text=f"no holes (3), whole (3); from {SPAN}", at_us=NOW_US,
        )
    ]  # fmt: skip


def test_of_many_rules_some_are_named(database):
    happened.check(database, *(f"rule {number}" for number in range(1, 8)))

    assert found(database)[0].text.startswith("rule 1 (3), rule 2 (3), rule 3 (3), rule 4 (3), rule 5 (3), 2 more; from")


def test_a_check_that_broke_off_says_why(database):
    happened.check(database, error="the disk is full")

    (alert,) = found(database)
    assert (alert.title, alert.text) == (f"{SYMBOL}: 1m candles could not be checked", "the check broke off: the disk is full")


@pytest.mark.parametrize("state", ["stale", "down"])
def test_a_feed_is_told_after_a_minute(database, state: str):
    happened.feed(database, state, since_us=NOW_US - MINUTE_US)

    text = "no answer; since 2026-03-01 11:59:00 UTC"
    assert found(database, now_us=NOW_US - 1) == []
    assert found(database) == [
        Alert(
            key=f"feed:{SYMBOL}:{NOW_US - MINUTE_US}", kind="feed", title=f"{SYMBOL}: the feed is {state}", text=text,
            at_us=NOW_US - MINUTE_US,
        )
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["live", "quiet", "healing"])
def test_a_feed_that_does_well_is_not_told(database, state: str):
    happened.feed(database, state, since_us=NOW_US - 10 * MINUTE_US)

    assert found(database) == []


def test_a_feed_that_nobody_follows_for_weeks_is_not_told(database):
    happened.feed(database, "down", since_us=NOW_US - 60 * MINUTE_US - 1)

    assert found(database) == []


def test_only_what_happened_since_a_moment_is_found(database):
    for at_us in (NOW_US - 2, NOW_US - 1):
        happened.bot_event(database, "parked", at_us=at_us)
        happened.check(database, "whole", at_us=at_us)
        happened.ended_gap(database, number=NOW_US - at_us, at_us=at_us)

    assert {alert.at_us for alert in found(database, since_us=NOW_US - 1)} == {NOW_US - 1}
    assert len(found(database, since_us=NOW_US - 1)) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_kinds_that_are_wanted_are_found(database, kind: str):
    for event in ("parked", "stop-hit", "daily-loss"):
        happened.bot_event(database, event)
    happened.check(database, "whole")
    happened.ended_gap(database)
    happened.feed(database, "down", since_us=NOW_US - MINUTE_US)

    assert [alert.kind for alert in found(database, kinds=[kind])] == [kind]


def test_a_long_text_is_cut(database):
    happened.bot_event(database, "parked", "x" * 5_000)

    assert found(database)[0].text == "x" * 999 + "…"
