"""A look finds, notes and sends; two looks tell one happening once, and nothing old is told in a flood."""

import logging
import threading

import pytest

from alerts.loop import OLD_US, Alerts, Looked
from alerts.sender import Sent
from db.engine import create_engine
from db.operations import DatabaseOperations
from market.errors import InputError, StoreUnreachable
from tests.alerts import happened
from tests.alerts.conftest import NOW_US, SECRET, Time, Webhook
from tests.alerts.happened import MINUTE_US, SYMBOL

pytestmark = pytest.mark.postgres


def titles(webhook: Webhook) -> list[str]:
    return [title.removeprefix("TCPDashboard: ") for title, _ in webhook.taken]


def test_a_happening_is_told_a_few_seconds_later(database, webhook: Webhook, time: Time):
    alerts = Alerts(database, [webhook.url])
    happened.bot_event(database, "parked", "it crashed 3 times")

    assert alerts.look() == Looked(noted=1)
    time.pass_(2)
    happened.bot_event(database, "parked", bot="b", at_us=time.us)
    assert alerts.look() == Looked(noted=1)
    time.pass_(1)
    assert alerts.look() == Looked(sent=Sent(sent=2))

    assert titles(webhook) == ["2 bots were parked"]


def test_each_kind_is_found_and_told(database, webhook: Webhook, time: Time):
    for kind in ("parked", "stop-hit", "daily-loss"):
        happened.bot_event(database, kind)
    happened.ended_gap(database)
    happened.check(database, "whole")
    happened.feed(database, "stale", since_us=NOW_US - MINUTE_US)
    alerts = Alerts(database, [webhook.url])

    alerts.look()
    time.pass_(3)
    alerts.look()

    assert titles(webhook) == [
        "bot a was parked", "bot a hit a stop", "bot a reached the daily loss", f"{SYMBOL}: the feed is stale",
        f"{SYMBOL}: a hole cannot be recovered", f"{SYMBOL}: 1m candles failed a check",
    ]  # fmt: skip


def test_one_happening_is_told_once_by_several_processes_and_after_restarts(database, webhook: Webhook, time: Time):
    happened.feed(database, "down", since_us=NOW_US - MINUTE_US)
    happened.ended_gap(database)
    for _ in range(3):
        for alerts in (Alerts(database, [webhook.url]), Alerts(database, [webhook.url])):
            alerts.look()
            time.pass_(5)

    assert titles(webhook) == [f"{SYMBOL}: the feed is down", f"{SYMBOL}: a hole cannot be recovered"]


def test_what_is_older_than_an_hour_when_it_is_found_is_noted_and_not_sent(database, webhook: Webhook, time: Time):
    happened.bot_event(database, "parked", at_us=NOW_US - OLD_US - 1)
    happened.bot_event(database, "parked", at_us=NOW_US - OLD_US)
    happened.bot_event(database, "parked", at_us=NOW_US - 25 * OLD_US)
    happened.feed(database, "down", since_us=NOW_US - 1_000 * OLD_US)
    alerts = Alerts(database, [webhook.url])

    assert alerts.look().noted == 1
    assert [row.state for row in database.alerts.list()] == ["old", "waiting"]


def test_what_commits_late_is_found_too(database, webhook: Webhook, time: Time):
    alerts = Alerts(database, [webhook.url])
    alerts.look()
    time.pass_(5)
    happened.bot_event(database, "parked", at_us=NOW_US - 9 * MINUTE_US)

    assert alerts.look().noted == 1


def test_a_feed_is_told_though_its_minute_is_long(database, webhook: Webhook, time: Time):
    alerts = Alerts(database, [webhook.url], feed_seconds=1_800)
    happened.feed(database, "down", since_us=NOW_US)
    noted = [time.pass_(300) or alerts.look().noted for _ in range(8)]

    assert noted == [0, 0, 0, 0, 0, 1, 0, 0]


def test_only_the_kinds_of_the_settings_are_told(database, webhook: Webhook, time: Time):
    happened.bot_event(database, "parked")
    happened.ended_gap(database)

    assert Alerts(database, [webhook.url], kinds=["hole"]).look().noted == 1


def test_a_kind_that_is_none_is_refused(database):
    with pytest.raises(InputError, match=r"alerts.kinds: 'holes' is not one of parked, .*; did you mean 'hole'\?"):
        Alerts(database, [], kinds=["holes"])


def test_an_address_that_is_none_is_refused_at_once(database):
    with pytest.raises(InputError, match="address 1 is none that Apprise can use") as error:
        Alerts(database, [f"nothing://{SECRET}"])

    assert SECRET not in str(error.value)


def test_without_an_address_nothing_is_done(database, time: Time):
    happened.bot_event(database, "parked")
    alerts = Alerts(database, [])

    assert alerts.look() == Looked()
    alerts.watch(threading.Event())
    assert database.alerts.list() == []


class Turns(threading.Event):
    """Says after some waits that it is set."""

    def __init__(self, turns: int, each) -> None:
        super().__init__()
        self._turns, self._each = turns, each

    def wait(self, timeout: float | None = None) -> bool:
        self._turns -= 1
        self._each()
        if self._turns == 0:
            self.set()
        return self.is_set()


def test_a_watch_goes_on_until_it_is_stopped(database, webhook: Webhook, time: Time):
    happened.bot_event(database, "parked")

    Alerts(database, [webhook.url]).watch(Turns(3, lambda: time.pass_(3)))

    assert titles(webhook) == ["bot a was parked"]


def test_a_watch_waits_for_a_database_that_is_away_and_says_so_once(webhook: Webhook, caplog):
    away = DatabaseOperations(create_engine("postgresql+psycopg2://app@127.0.0.1:1/app"))
    alerts = Alerts(away, [webhook.url])

    with pytest.raises(StoreUnreachable):
        alerts.look()
    with caplog.at_level(logging.INFO, "alerts"):
        alerts.watch(Turns(3, lambda: None))

    assert [message.split(" error=")[0] for message in caplog.messages] == ["alerts wait for the database"]
