"""What happened since a moment is read from the rows of those who noted it; on both kinds of server."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from db.bot_rows import EventRow
from db.repositories.alerts import Alert
from db.repositories.feeds import Feed
from db.repositories.happenings import Recent
from db.repositories.wishes import Wish
from tests.alerts import happened
from tests.alerts.conftest import NOW_US

pytestmark = pytest.mark.postgres


def test_events_of_some_kinds_come_oldest_first_those_without_a_bot_too(database):
    later = happened.bot_event(database, "parked", "late", at_us=NOW_US + 1)
    sooner = happened.bot_event(database, "daily-loss", "all", bot=None)
    happened.bot_event(database, "parked", at_us=NOW_US - 1)
    happened.bot_event(database, "started")

    assert database.happenings.bot_events(["parked", "daily-loss"], NOW_US) == [
        EventRow(id=sooner, bot=None, epoch=1, at_us=NOW_US, kind="daily-loss", text="all"),
        EventRow(id=later, bot="a", epoch=1, at_us=NOW_US + 1, kind="parked", text="late"),
    ]


def test_holes_come_by_number_in_the_order_in_which_they_ended(database):
    later, sooner = happened.ended_gap(database, at_us=NOW_US + 1), happened.ended_gap(database, number=1)
    happened.ended_gap(database, "filled", number=2)
    happened.ended_gap(database, number=3, at_us=NOW_US - 1)

    found = database.happenings.unrecoverable_gaps(NOW_US)

    assert list(found) == [sooner, later]
    assert found[later] == replace(happened.GAP, state="unrecoverable", recovered=2, missing=((7, 9),))
    assert found[later].closed_us == NOW_US + 1


def test_checks_that_failed_or_broke_off_come_with_their_results(database):
    broken, failed = happened.check(database, error="full", at_us=NOW_US + 1), happened.check(database, "whole")
    happened.check(database)
    happened.check(database, "whole", at_us=NOW_US - 1)

    found = database.happenings.failed_checks(NOW_US)

    assert [run.id for run in found] == [failed, broken]
    assert [result.rule for result in found[0].results] == ["whole", "prices"]
    assert (found[1].error, found[1].success) == ("full", None)


def test_the_newest_of_all_kinds_come_together_with_the_counts_of_holes(database):
    happened.ended_gap(database, "filled", at_us=NOW_US)
    for text in ("first", "second", "x" * 600):
        happened.bot_event(database, "waiting", text, at_us=NOW_US + 1)
    happened.bot_event(database, "leased")
    database.alerts.note([Alert(key="k", kind="hole", title="a hole", text="", at_us=1)], now_us=NOW_US + 2)
    database.feeds.set(Feed("OKX:A-B", "down", "no line", NOW_US + 3))
    wish = database.wishes.add(Wish(by="ann", action="stop bot", subject="a"))

    lately = database.happenings.lately(2)

    found = [(each.source, each.subject, each.kind, each.text[:10]) for each in lately.recent]
    assert found == [
        ("wish", "a", "stop bot", "ann"), ("feed", "OKX:A-B", "down", "no line"), ("alert", None, "waiting", "a hole"),
        ("bot", "a", "waiting", "x" * 10), ("bot", "a", "waiting", "second"), ("hole", happened.GAP.symbol, "filled", "disconnect"),
    ]  # fmt: skip
    assert len(lately.recent[3].text) == 500
    assert lately.recent[0].id == wish
    assert lately.recent[1] == Recent(source="feed", id=None, at_us=NOW_US + 3, subject="OKX:A-B", kind="down", text="no line")
    assert lately.holes == {"filled": 1}


def test_an_old_hole_that_ended_lately_is_among_the_newest_once(database):
    for number in range(4):
        database.gaps.open(replace(happened.GAP, first_id=100 + number, last_id=100 + number))
    with database.engine.connect() as connection:
        first = connection.execute(sa.text("select min(id) from gaps")).scalar_one()  # the server may be one for many tests
    assert database.gaps.progress(replace(happened.GAP, first_id=100, last_id=100, state="filled", recovered=1, missing=()))
    assert database.gaps.progress(replace(happened.GAP, first_id=103, last_id=103, state="filled", recovered=1, missing=()))

    recent = database.happenings.lately(3).recent

    assert [(each.id, each.kind) for each in recent] == [(first + 3, "filled"), (first, "filled"), (first + 2, "open")]


def test_nothing_happened_in_an_empty_store(database):
    lately = database.happenings.lately(5)

    assert (lately.recent, lately.holes) == ([], {})
