"""The outbox: each happening is noted once, one sender has it at a time, and no kind is told too often; on both kinds of server."""

import threading
from dataclasses import replace

import pytest
import sqlalchemy as sa

from db.operations import DatabaseOperations
from db.repositories.alerts import HOUR_US, Alert
from market.clock import parse_time

pytestmark = pytest.mark.postgres
NOW_US, SECOND_US = parse_time("2026-03-01T12:00:00Z"), 1_000_000
GAP = Alert(key="gap:1", kind="hole", title="OKX:BTC-USDT: a hole cannot be recovered", text="5 trades", at_us=NOW_US - SECOND_US)
PARKED = Alert(key="bot:a:parked:7", kind="parked", title="bot a was parked", text="", at_us=NOW_US)
LEASE_US = 120 * SECOND_US
WAITING = sa.text("select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database())")


def holes(count: int, first: int = 1) -> list[Alert]:
    return [replace(GAP, key=f"gap:{number}") for number in range(first, first + count)]


def note(database, *alerts: Alert, at_us: int = NOW_US, **more) -> int:
    return database.alerts.note(alerts, now_us=at_us, **more)


def claim(database, kind: str = "hole", *, sender: str = "one", at_us: int = NOW_US, an_hour: int = 10):
    return database.alerts.claim(kind, sender=sender, now_us=at_us, lease_us=LEASE_US, an_hour=an_hour)


def keys(claimed) -> list[str]:
    return [row.alert.key for row in claimed.rows]


def send(database, at_us: int, *, an_hour: int = 10) -> None:
    """Tell all that waits."""
    for row in claim(database, at_us=at_us, an_hour=an_hour).rows:
        assert database.alerts.finish(row.id, sender="one", told=["1 JSON"], now_us=at_us)


class TestNoting:
    def test_what_is_noted_is_read_as_it_was(self, database):
        assert note(database, GAP, PARKED) == 2

        first, second = database.alerts.list()
        assert (first.alert, second.alert) == (GAP, PARKED)
        assert (first.state, first.noted_us, first.retry_us, first.told, first.tries, first.error) == (
            "waiting", NOW_US, NOW_US, (), 0, None,
        )  # fmt: skip
        assert (first.message_us, first.sent_us) == (None, None)

    def test_a_happening_is_noted_once_and_stays_as_it_was(self, database):
        note(database, GAP)

        assert note(database, replace(GAP, text="more"), PARKED, at_us=NOW_US + 1) == 1
        assert [row.alert for row in database.alerts.list()] == [GAP, PARKED]

    def test_what_is_known_uses_up_no_numbers(self, database):
        for alert in (GAP, GAP, GAP, PARKED):
            note(database, alert)

        first, second = (row.id for row in database.alerts.list())
        assert second == first + 1

    def test_old_happenings_are_noted_and_do_not_wait(self, database):
        assert note(database, GAP, PARKED, old_before_us=NOW_US) == 1

        assert [row.state for row in database.alerts.list()] == ["old", "waiting"]
        assert claim(database, "hole") is None

    def test_nothing_can_be_noted(self, database):
        assert note(database) == 0

    def test_a_state_that_there_is_not_is_refused(self, database, engine):
        note(database, GAP)
        with pytest.raises(sa.exc.IntegrityError, match="alerts_state"), engine.begin() as connection:
            connection.execute(sa.text("update alerts set state = 'lost'"))


class TestClaiming:
    def test_all_of_a_kind_are_claimed_together_oldest_first(self, database):
        note(database, *holes(3), PARKED)

        claimed = claim(database)

        assert (keys(claimed), claimed.left) == (["gap:1", "gap:2", "gap:3"], 9)

    def test_nothing_is_claimed_before_others_had_time_to_join(self, database):
        note(database, *holes(1), wait_us=3 * SECOND_US)
        note(database, *holes(1, 2), at_us=NOW_US + 2 * SECOND_US, wait_us=3 * SECOND_US)

        assert claim(database, at_us=NOW_US + 3 * SECOND_US - 1) is None
        assert keys(claim(database, at_us=NOW_US + 3 * SECOND_US)) == ["gap:1", "gap:2"]

    def test_what_one_has_claimed_no_other_has_until_the_lease_ends(self, database):
        note(database, GAP)
        claim(database, sender="one")

        assert claim(database, sender="two", at_us=NOW_US + LEASE_US - 1) is None
        assert keys(claim(database, sender="two", at_us=NOW_US + LEASE_US)) == ["gap:1"]

    def test_what_one_is_telling_does_not_join_what_another_claims(self, database):
        note(database, GAP)
        claim(database, sender="one")
        note(database, *holes(1, 2))

        assert keys(claim(database, sender="two")) == ["gap:2"]

    def test_who_lost_its_lease_notes_nothing(self, database):
        note(database, GAP)
        number = claim(database, sender="one").rows[0].id
        claim(database, sender="two", at_us=NOW_US + LEASE_US)

        assert not database.alerts.finish(number, sender="one", told=["1 JSON"], now_us=NOW_US)
        assert not database.alerts.again(number, sender="one", told=[], error="", retry_us=NOW_US)
        assert database.alerts.finish(number, sender="two", told=["1 JSON"], now_us=NOW_US)


class TestEnds:
    def test_what_all_took_is_sent(self, database):
        note(database, GAP)
        send(database, NOW_US + 1)

        (row,) = database.alerts.list(state="sent")
        assert (row.told, row.sent_us, row.message_us) == (("1 JSON",), NOW_US + 1, NOW_US + 1)
        assert claim(database, at_us=NOW_US + HOUR_US) is None

    def test_what_failed_waits_and_keeps_who_took_it(self, database):
        note(database, GAP)
        number = claim(database).rows[0].id

        assert database.alerts.again(number, sender="one", told=["2 JSON"], error="1 JSON: no", retry_us=NOW_US + 9)

        (row,) = database.alerts.list()
        assert (row.state, row.told, row.error, row.tries) == ("waiting", ("2 JSON",), "1 JSON: no", 1)
        assert claim(database, at_us=NOW_US + 8) is None
        assert claim(database, at_us=NOW_US + 9).rows[0].told == ("2 JSON",)

    def test_what_failed_before_does_not_join_others_before_its_time(self, database):
        note(database, GAP)
        database.alerts.again(claim(database).rows[0].id, sender="one", told=[], error="no", retry_us=NOW_US + 9)
        note(database, *holes(1, 2))

        assert keys(claim(database)) == ["gap:2"]

    def test_what_waits_for_too_long_is_given_up_unless_it_is_just_being_sent(self, database):
        note(database, GAP)
        note(database, *holes(1, 2), at_us=NOW_US + 5)
        claim(database, at_us=NOW_US)

        assert database.alerts.give_up(noted_before_us=NOW_US + 1, now_us=NOW_US + LEASE_US - 1) == []
        given_up = database.alerts.give_up(noted_before_us=NOW_US + 1, now_us=NOW_US + LEASE_US)
        assert [row.alert.key for row in given_up] == ["gap:1"]
        assert database.alerts.counts() == {"given-up": 1, "waiting": 1}

    def test_what_is_old_is_forgotten_unless_it_waits(self, database):
        note(database, GAP)
        send(database, NOW_US)
        note(database, PARKED)

        assert database.alerts.forget(NOW_US) == 0
        assert database.alerts.forget(NOW_US + 1) == 1
        assert [row.alert for row in database.alerts.list()] == [PARKED]


class TestTheHour:
    def test_after_so_many_messages_of_a_kind_the_rest_waits_and_is_one(self, database):
        for number in range(2):
            note(database, *holes(1, number + 1), at_us=NOW_US)
            send(database, NOW_US + number, an_hour=2)
        note(database, *holes(3, 10))

        assert claim(database, at_us=NOW_US + HOUR_US - 1, an_hour=2) is None
        assert keys(claim(database, at_us=NOW_US + HOUR_US, an_hour=2)) == ["gap:10", "gap:11", "gap:12"]

    def test_another_kind_has_an_hour_of_its_own(self, database):
        note(database, GAP, PARKED)
        send(database, NOW_US, an_hour=1)

        assert keys(claim(database, "parked", an_hour=1)) == [PARKED.key]

    def test_a_message_of_several_counts_once(self, database):
        note(database, *holes(5))
        send(database, NOW_US, an_hour=2)
        note(database, *holes(1, 9))

        assert claim(database, an_hour=2).left == 0

    def test_one_that_nobody_took_does_not_count(self, database):
        note(database, GAP)
        database.alerts.again(claim(database, an_hour=1).rows[0].id, sender="one", told=[], error="no", retry_us=NOW_US)

        assert claim(database, an_hour=1) is not None

    def test_one_that_is_under_way_counts(self, database):
        note(database, GAP)
        claim(database, an_hour=1)
        note(database, *holes(1, 2))

        assert claim(database, sender="two", an_hour=1) is None


class TestAtOnce:
    """With the embedded server only: that of TimescaleDB in the tests has one connection at a time."""

    @pytest.fixture
    def together(self, plain_engine) -> DatabaseOperations:
        return DatabaseOperations(plain_engine)

    def test_two_that_note_the_same_note_it_once(self, together):
        noted = []
        second = threading.Thread(target=lambda: noted.append(note(together, GAP)))

        with together.transaction() as store:
            store.alerts.note([GAP], now_us=NOW_US)
            second.start()
            with together.engine.connect() as connection:
                while second.is_alive() and not connection.scalar(WAITING):  # for this transaction
                    connection.rollback()
        second.join()

        assert (noted, len(together.alerts.list())) == ([0], 1)

    def test_who_claims_counts_the_message_that_another_is_just_claiming(self, together):
        note(together, GAP)
        claimed = []
        second = threading.Thread(target=lambda: claimed.append(claim(together, sender="two", an_hour=1)))

        with together.transaction() as store:
            store.alerts.claim("hole", sender="one", now_us=NOW_US, lease_us=LEASE_US, an_hour=1)
            note(together, *holes(1, 2))
            second.start()
            with together.engine.connect() as connection:
                while second.is_alive() and not connection.scalar(WAITING):
                    connection.rollback()
        second.join()

        assert claimed == [None]

    def test_each_alert_is_claimed_by_one_of_many(self, together):
        note(together, *holes(20))
        claimed, barrier = [], threading.Barrier(6)

        def take(name: str) -> None:
            barrier.wait()
            one = claim(together, sender=name, an_hour=1_000)
            claimed.extend(keys(one) if one is not None else [])

        threads = [threading.Thread(target=take, args=(f"sender {number}",)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(claimed) == sorted(alert.key for alert in holes(20))

    def test_rows_that_somebody_holds_are_left_out(self, together):
        note(together, *holes(2))
        with together.engine.begin() as connection:
            connection.execute(sa.text("select 1 from alerts where key = 'gap:1' for update"))

            assert keys(claim(together)) == ["gap:2"]


def test_alerts_are_listed_by_kind_and_state_the_newest_oldest_first(database):
    note(database, *holes(3), PARKED)

    assert [row.alert.key for row in database.alerts.list(kind="hole", newest=2)] == ["gap:2", "gap:3"]
    assert database.alerts.list(state="sent") == []
    assert (database.alerts.counts("parked"), database.alerts.counts()) == ({"waiting": 1}, {"waiting": 4})
