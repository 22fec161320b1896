"""Wishes: recorded with the clock of the database, in the transaction that carries them out."""

import pytest

from db import DatabaseOperations
from db.repositories.wishes import Wish

pytestmark = pytest.mark.postgres


def test_a_wish_is_kept_with_who_and_when(database: DatabaseOperations) -> None:
    number = database.wishes.add(Wish(by="ann", action="start bot", subject="btc-trend", details={"from_now": True}))

    (kept,) = database.wishes.list()

    assert (kept.id, kept.by, kept.action, kept.subject, kept.details) == (
        number,
        "ann",
        "start bot",
        "btc-trend",
        {"from_now": True},
    )
    assert abs(kept.at_us - database.bots.clock_us()) < 60_000_000


def test_the_newest_are_listed_oldest_first(database: DatabaseOperations) -> None:
    for name in ("a", "b", "c"):
        database.wishes.add(Wish(by="ann", action="stop bot", subject=name))

    assert [wish.subject for wish in database.wishes.list(newest=2)] == ["b", "c"]
    assert [wish.subject for wish in database.wishes.list(subject="a")] == ["a"]


def test_an_older_page_ends_before_the_number_with_which_the_newer_one_begins(database: DatabaseOperations) -> None:
    numbers = [database.wishes.add(Wish(by="ann", action="stop bot", subject=name)) for name in ("a", "b", "c", "d")]

    assert [wish.subject for wish in database.wishes.list(newest=2, before=numbers[2])] == ["a", "b"]
    assert database.wishes.list(newest=2, before=numbers[0]) == []


def test_a_wish_that_fails_is_not_recorded(database: DatabaseOperations) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as store:
        store.wishes.add(Wish(by="ann", action="stop bot", subject="a"))
        1 / 0  # noqa: B018

    assert database.wishes.list() == []


def test_what_is_known_at_the_end_is_told_of_one_wish_only(database: DatabaseOperations) -> None:
    with database.transaction() as store:
        first = store.wishes.add(Wish(by="ann", action="start check", subject="a", details={"run": "r"}))
        store.wishes.add(Wish(by="ann", action="start check", subject="b"))
        store.wishes.forget(store.wishes.add(Wish(by="ada", action="stop bot", subject="b")))
        store.wishes.tell(first, {"run": "r", "outcome": "not answered in time"})

    assert [wish.details for wish in database.wishes.list()] == [{"run": "r", "outcome": "not answered in time"}, {}]
