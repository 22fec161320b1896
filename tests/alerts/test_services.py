"""Services are told all at once, one that hangs keeps nobody waiting for long, and no address is ever shown."""

import logging
import subprocess
import sys
import threading

import pytest

from alerts.messages import Message
from alerts.services import Services
from market.errors import InputError
from tests.alerts.conftest import SECRET, Webhook

HELLO = Message("title", "text")


def test_a_service_is_named_by_its_place_and_what_it_is(webhook: Webhook):
    services = Services([webhook.url, f"tgram://123456789:{SECRET}/chat", webhook.url])

    assert services.names == ("1 JSON", "2 Telegram", "3 JSON")


def test_all_are_told_and_what_failed_is_said(webhook: Webhook, other: Webhook):
    other.statuses = [500]

    failed = Services([webhook.url, other.url]).tell({"1 JSON": HELLO, "2 JSON": HELLO})

    assert webhook.taken == [("title", "text")]
    assert failed == {"2 JSON": "it answered 500 Internal Server Error: it has trouble of its own; it is tried again"}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "it answered 401 Unauthorized: check the token or the password"),
        (404, "it answered 404 Not Found: check the address: what it names is not there"),
        (429, "it answered 429 Too Many Requests: it was sent too much"),
        (418, "it answered 418 I'm a Teapot"),
        (599, "it answered 599: it has trouble of its own; it is tried again"),
    ],
)
def test_a_status_is_told_with_the_likely_fix(webhook: Webhook, status: int, words: str):
    webhook.statuses = [status]

    assert Services([webhook.url]).tell({"1 JSON": HELLO}) == {"1 JSON": words}


def test_a_service_that_is_not_there_could_not_be_reached():
    services = Services([f"json://127.0.0.1:1/{SECRET}"])

    assert services.tell({"1 JSON": HELLO}) == {"1 JSON": "it could not be reached, or refused the login"}


def test_one_that_hangs_fails_at_the_deadline_and_is_left_alone_until_it_is_done(webhook: Webhook, other: Webhook):
    other.gate.clear()
    services = Services([webhook.url, f"{other.url}?rto=20"], deadline_seconds=1.0)

    assert services.tell({"1 JSON": HELLO, "2 JSON": HELLO}) == {"2 JSON": "it did not answer in time"}
    assert services.tell({"1 JSON": HELLO, "2 JSON": HELLO}) == {"2 JSON": "it still hangs on the message before"}
    assert (len(webhook.taken), other.asked) == (2, 1)
    assert [thread.daemon for thread in threading.enumerate() if thread.name == "alert"] == [True]  # no exit waits for it


@pytest.mark.parametrize("url", [f"bogus://{SECRET}", f"https://example.com/{SECRET}", f"tgram://{SECRET}", SECRET])
def test_an_address_that_is_none_is_told_without_showing_it(url: str, webhook: Webhook, caplog, capfd):
    with caplog.at_level(logging.DEBUG), pytest.raises(InputError, match="address 2 is none that Apprise can use") as error:
        Services([webhook.url, url])

    assert SECRET not in str(error.value) + caplog.text + "".join(capfd.readouterr())


def test_no_log_has_an_address_even_where_all_is_logged(webhook: Webhook, caplog, capfd):
    webhook.statuses = [500, 200]
    with caplog.at_level(logging.DEBUG):
        services = Services([webhook.url, f"json://user:{SECRET}@127.0.0.1:1/"])
        failures = [services.tell(dict.fromkeys(services.names, HELLO)) for _ in range(2)]

    assert [len(each) for each in failures] == [2, 1]
    assert SECRET not in str(failures) + caplog.text + "".join(capfd.readouterr())


def test_apprise_is_not_imported_without_an_address():
    script = "import sys, alerts.loop, alerts.services as s; s.Services([]); print('apprise' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
