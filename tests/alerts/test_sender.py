"""What waits is told once to each service, in few messages, and again where a service failed; with a real webhook."""

import logging
import threading

import pytest

from alerts.sender import DAY_US, LEASE_US, Sender, Sent, pause_us
from alerts.services import Services
from db.repositories.alerts import HOUR_US, Alert
from market.clock import now_us
from tests.alerts.conftest import SECRET, Time, Webhook

pytestmark = pytest.mark.postgres
KINDS = ("hole", "parked")


def note(database, *numbers: int, kind: str = "hole") -> None:
    found = [Alert(key=f"{kind}:{number}", kind=kind, title=f"{kind} {number}", text="", at_us=now_us()) for number in numbers]
    assert database.alerts.note(found, now_us=now_us()) == len(numbers)


def sender(database, *webhooks: Webhook, an_hour: int = 10, deadline_seconds: float = 20) -> Sender:
    return Sender(database, Services([one.url for one in webhooks], deadline_seconds=deadline_seconds), an_hour=an_hour)


def titles(webhook: Webhook) -> list[str]:
    return [title.removeprefix("TCPDashboard: ") for title, _ in webhook.taken]


def states(database) -> dict[str, str]:
    return {row.alert.key: row.state for row in database.alerts.list()}


def test_several_of_a_kind_are_one_message(database, webhook: Webhook, time: Time):
    note(database, 1, 2, 3)
    note(database, 1, kind="parked")

    assert sender(database, webhook).send(KINDS) == Sent(sent=4)
    assert titles(webhook) == ["3 holes cannot be recovered", "parked 1"]
    assert webhook.taken[0][1].count("\n- ") + 1 == 3
    assert set(states(database).values()) == {"sent"}


def test_what_was_sent_is_not_sent_again(database, webhook: Webhook, time: Time):
    note(database, 1)
    for _ in range(2):
        sender(database, webhook).send(KINDS)
        time.pass_(3_600)

    assert titles(webhook) == ["hole 1"]


def test_after_so_many_messages_in_an_hour_the_rest_comes_in_one(database, webhook: Webhook, time: Time):
    for number in range(8):
        note(database, number)
        sender(database, webhook, an_hour=3).send(KINDS)
        time.pass_(60)
    assert titles(webhook) == ["hole 0", "hole 1", "hole 2"]
    assert "is told together, by 13:02 UTC" in webhook.taken[-1][1]

    time.us += HOUR_US - 8 * 60_000_000
    sender(database, webhook, an_hour=3).send(KINDS)

    assert titles(webhook)[3:] == ["5 holes cannot be recovered"]


def test_after_a_500_it_is_tried_again_later_and_later(database, webhook: Webhook, time: Time):
    note(database, 1)
    webhook.statuses = [500, 503]
    one = sender(database, webhook)

    assert one.send(KINDS) == Sent(failed=1)
    assert one.send(KINDS) == Sent()
    assert [row.error for row in database.alerts.list()] == [
        "1 JSON: it answered 500 Internal Server Error: it has trouble of its own; it is tried again"
    ]
    time.pass_(15)
    assert one.send(KINDS) == Sent(failed=1)
    time.pass_(29)
    assert one.send(KINDS) == Sent()
    time.pass_(1)
    assert one.send(KINDS) == Sent(sent=1)
    (row,) = database.alerts.list()
    assert (titles(webhook), row.tries, row.error) == (["hole 1"], 2, None)


def test_a_server_that_is_gone_is_told_when_it_is_back(database, time: Time, webhook: Webhook):
    note(database, 1)
    gone = Sender(database, Services([f"json://127.0.0.1:1/{SECRET}"]), an_hour=1)

    assert gone.send(KINDS) == Sent(failed=1)
    note(database, 2)
    time.pass_(15)

    assert sender(database, webhook, an_hour=1).send(KINDS) == Sent(sent=2)
    assert titles(webhook) == ["2 holes cannot be recovered"]


def test_each_service_is_told_once_though_another_one_fails(database, webhook: Webhook, other: Webhook, time: Time):
    note(database, 1)
    other.statuses = [500]
    one = sender(database, webhook, other)

    assert one.send(KINDS) == Sent(failed=1)
    note(database, 2)
    time.pass_(15)

    assert one.send(KINDS) == Sent(sent=2)
    assert (titles(webhook), titles(other)) == (["hole 1", "hole 2"], ["2 holes cannot be recovered"])
    assert [row.told for row in database.alerts.list()] == [("1 JSON", "2 JSON")] * 2


def test_one_that_hangs_does_not_keep_the_other_from_being_told(database, webhook: Webhook, other: Webhook):
    note(database, 1)
    other.gate.clear()

    assert sender(database, webhook, other, deadline_seconds=0.5).send(KINDS) == Sent(failed=1)
    assert titles(webhook) == ["hole 1"]
    assert [(row.told, row.error) for row in database.alerts.list()] == [(("1 JSON",), "2 JSON: it did not answer in time")]


def test_what_cannot_be_sent_for_a_day_is_given_up_and_logged(database, webhook: Webhook, time: Time, caplog):
    note(database, 1)
    webhook.statuses = [500] * 100
    one = sender(database, webhook)
    end_us = time.us + DAY_US

    with caplog.at_level(logging.WARNING, "alerts.sender"):
        while time.us <= end_us:
            one.send(KINDS)
            time.pass_(1_800)
        sent = one.send(KINDS)

    assert (sent, webhook.asked) == (Sent(given_up=1), 49)
    assert states(database) == {"hole:1": "given-up"}
    assert caplog.messages[-1].startswith("alert given up key=hole:1 tries=49 error=1 JSON: it answered 500")
    assert SECRET not in caplog.text


def test_of_two_senders_at_once_one_sends(database, webhook: Webhook):
    note(database, *range(20))
    barrier, sent = threading.Barrier(4), []

    def send() -> None:
        one = sender(database, webhook)
        barrier.wait()
        sent.append(one.send(KINDS).sent)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(sent) == [0, 0, 0, 20]
    assert titles(webhook) == ["20 holes cannot be recovered"]


def test_what_a_sender_was_telling_when_it_died_is_told_by_another(database, webhook: Webhook, time: Time):
    note(database, 1)
    dead = sender(database, webhook)
    database.alerts.claim("hole", sender=dead._name, now_us=now_us(), lease_us=LEASE_US, an_hour=10)

    assert sender(database, webhook).send(KINDS) == Sent()
    time.us += LEASE_US
    assert sender(database, webhook).send(KINDS) == Sent(sent=1)
    assert titles(webhook) == ["hole 1"]


def test_no_address_comes_into_the_table(database, engine, webhook: Webhook, other: Webhook):
    note(database, 1)
    other.statuses = [404]
    sender(database, webhook, other).send(KINDS)

    with engine.connect() as connection:
        rows = str(connection.exec_driver_sql("select * from alerts").mappings().all())
    assert "2 JSON" in rows
    assert SECRET not in rows
    assert "127.0.0.1" not in rows


def test_pauses_double_up_to_half_an_hour():
    assert [pause_us(tries) // 1_000_000 for tries in (0, 1, 2, 6, 7, 8, 10_000)] == [15, 30, 60, 960, 1800, 1800, 1800]
