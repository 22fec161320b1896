"""`tcpdash alerts`: services are tried, and what was told is listed; no address is shown."""

import json
import logging

import pytest

from db.repositories.alerts import Alert
from market.clock import now_us, parse_time
from tests.alerts.conftest import SECRET, Webhook, a_webhook
from tests.cli.command import Command

pytestmark = pytest.mark.postgres
AT_US, MINUTE_US = parse_time("2026-03-01T12:00:00Z"), 60_000_000
PARKED = Alert(key="bot:a:parked:7", kind="parked", title="bot a was parked", text="it crashed 3 times", at_us=AT_US)
HOLE = Alert(key="gap:1", kind="hole", title="OKX:BTC-USDT: a hole cannot be recovered", text="", at_us=AT_US + MINUTE_US)
OLD = Alert(key="gap:0", kind="hole", title="OKX:ETH-USDT: a hole cannot be recovered", text="5 trades", at_us=AT_US - 1)


@pytest.fixture
def webhook():
    with a_webhook() as one:
        yield one


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch, webhook: Webhook) -> None:
    monkeypatch.setenv("TCPDASH_ALERTS__URLS", f"{webhook.url}, json://127.0.0.1:1/{SECRET}")


@pytest.fixture
def outbox(database) -> None:
    """Have an alert that is sent, one that failed and one that was old."""
    database.alerts.note([OLD, PARKED, HOLE], now_us=AT_US + MINUTE_US, old_before_us=AT_US)
    database.alerts.finish(claim(database, "parked"), sender="x", told=["1 JSON"], now_us=AT_US + 2 * MINUTE_US)
    database.alerts.again(
        claim(database, "hole"), sender="x", told=["2 Slack"], error="1 JSON: it answered 500", retry_us=AT_US + 3 * MINUTE_US
    )


def claim(database, kind: str) -> int:
    (row,) = database.alerts.claim(kind, sender="x", now_us=AT_US + 2 * MINUTE_US, lease_us=1, an_hour=1).rows
    return row.id


class TestTest:
    def test_each_service_says_whether_it_worked(self, tcpdash: Command, services, webhook: Webhook, caplog):
        with caplog.at_level(logging.DEBUG):
            done = tcpdash("alerts", "test")

        assert (done.code, done.err) == (1, "")
        assert done.out == "1 JSON: sent\n2 JSON: it could not be reached, or refused the login\n"
        assert [title for title, _ in webhook.taken] == ["TCPDashboard: a test"]
        assert SECRET not in caplog.text

    def test_it_succeeds_where_all_took_it(self, tcpdash: Command, webhook: Webhook, monkeypatch):
        monkeypatch.setenv("TCPDASH_ALERTS__URLS", webhook.url)

        assert tcpdash.out("alerts", "test") == "1 JSON: sent\n"

    def test_as_json(self, tcpdash: Command, services):
        assert json.loads(tcpdash("alerts", "test", "--json").out) == [
            {"service": "1 JSON", "sent": True, "error": None},
            {"service": "2 JSON", "sent": False, "error": "it could not be reached, or refused the login"},
        ]

    def test_without_an_address_it_says_where_one_goes(self, tcpdash: Command):
        done = tcpdash("alerts", "test")

        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("tcpdash: no service is told of anything; set alerts.urls in config/tcpdash.toml, or TCPDASH_")

    @pytest.mark.parametrize(
        ("urls", "sentence"),
        [
            (SECRET, "setting 'alerts.urls' (from TCPDASH_ALERTS__URLS): expected addresses like tgram://TOKEN/CHAT"),
            (f"json://a, {SECRET}", "number 2 is none; found ***"),
            (f'["json://{SECRET}"', "setting 'alerts.urls' (from TCPDASH_ALERTS__URLS): Input should be a valid tuple; found ***"),
            (f"json://a, bogus://{SECRET}", "alerts.urls: address 2 is none that Apprise can use; expected one like tgram://"),
        ],
    )
    def test_an_address_that_is_none_is_told_in_a_sentence_without_it(self, tcpdash: Command, monkeypatch, urls, sentence):
        monkeypatch.setenv("TCPDASH_ALERTS__URLS", urls)

        done = tcpdash("alerts", "test")

        assert (done.code, done.out) == (2, "")
        assert sentence in done.err
        assert SECRET not in done.err
        assert "Traceback" not in done.err


@pytest.mark.usefixtures("outbox")
class TestList:
    def test_each_alert_is_a_line_and_the_last_line_counts_them(self, tcpdash: Command):
        lines = [" ".join(line.split()) for line in tcpdash.out("alerts", "list").splitlines()]

        assert lines == [
            "happened (UTC) kind state sent (UTC) tries what",
            "2026-03-01 11:59:59 hole old - 0 OKX:ETH-USDT: a hole cannot be recovered: 5 trades",
            "2026-03-01 12:00:00 parked sent 2026-03-01 12:02:00 0 bot a was parked: it crashed 3 times",
            "2026-03-01 12:01:00 hole waiting - 1 OKX:BTC-USDT: a hole cannot be recovered (failed: 1 JSON: it answered 500)",
            "",
            "1 waiting, 1 sent, 1 old",
        ]

    def test_what_is_left_out_is_told(self, tcpdash: Command):
        assert tcpdash.out("alerts", "list", "--limit", "1").splitlines()[-1] == "1 shown; 1 waiting, 1 sent, 1 old"
        assert tcpdash.out("alerts", "list", "--kind", "parked").splitlines()[-1] == "1 sent"
        assert tcpdash.out("alerts", "list", "--state", "given-up") == "0 shown; 1 waiting, 1 sent, 1 old\n"

    def test_json_has_all(self, tcpdash: Command):
        rows = json.loads(tcpdash.out("alerts", "list", "--json", "--kind", "hole"))

        assert rows[1] == {
            "key": "gap:1",
            "kind": "hole",
            "title": HOLE.title,
            "text": "",
            "happened_at": "2026-03-01T12:01:00Z",
            "noted_at": "2026-03-01T12:01:00Z",
            "state": "waiting",
            "told": ["2 Slack"],
            "tries": 1,
            "error": "1 JSON: it answered 500",
            "retry_at": "2026-03-01T12:03:00Z",
            "sent_at": None,
        }
        assert (rows[0]["state"], rows[0]["retry_at"]) == ("old", None)

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (
                ["--kind", "holes"],
                "--kind 'holes' is not one of parked, stop-hit, daily-loss, feed, hole, quality; did you mean 'hole'?",
            ),
            (["--state", "send"], "--state 'send' is not one of waiting, sent, given-up, old; did you mean 'sent'?"),
            (["--limit", "0"], "greater than or equal to 1"),
        ],
    )
    def test_wrong_usage_is_told_in_a_sentence(self, tcpdash: Command, words: list[str], sentence: str):
        done = tcpdash("alerts", "list", *words)

        assert done.code == 2
        assert sentence in done.err


def test_without_alerts_it_says_when_there_are_some(tcpdash: Command):
    assert tcpdash.out("alerts", "list").startswith("no alerts are noted; they are while bots or flows run")
    assert tcpdash.out("alerts", "list", "--json") == "[]\n"


def test_the_time_of_the_test_is_now(tcpdash: Command, webhook: Webhook, monkeypatch):
    monkeypatch.setenv("TCPDASH_ALERTS__URLS", webhook.url)
    before_us = now_us() - 1_000_000
    tcpdash("alerts", "test")

    told = webhook.taken[0][1].rpartition(" at ")[2].removesuffix(" UTC.\n").split(" UTC")[0]
    assert before_us <= parse_time(told) <= now_us()
