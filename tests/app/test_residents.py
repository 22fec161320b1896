"""Who follows feeds and runs bots, here and elsewhere."""

import pytest

from app.residents import runner_rows, worker_rows
from db.repositories.bot_sums import BotRunner
from tests.app.samples import START_US, feed

AT_US = START_US + 10**10
HERE = {"host": "box", "pids": {"worker": 7, "bots": 8}}


def told(symbol: str, **changes) -> dict:
    of_worker = {"worker": "box-7", "started_us": AT_US - 3_600_000_000 * 5, "queue": 70, "queue_limit": 100}
    return feed(AT_US, symbol=symbol, **{"venue": symbol.partition(":")[0], **of_worker, **changes})


def test_each_worker_is_a_row_with_where_it_runs_what_waits_and_how_far_it_is_behind():
    feeds = {
        "OKX:A-B": told("OKX:A-B", quarantined=3, at_us=AT_US - 500_000),
        "OKX:C-B": told("OKX:C-B", state="stale", trade_us=None, received_us=None, at_us=AT_US - 500_000),
        "BYBIT:A-B": told("BYBIT:A-B", worker="box-9", queue=95),
        "KRAKEN:A-B": told("KRAKEN:A-B", worker="far-7"),
    }

    rows = worker_rows(feeds, AT_US, **HERE).set_index("venue")

    assert rows["where"].to_dict() == {"OKX": "this home", "BYBIT": "this machine", "KRAKEN": "elsewhere"}
    assert rows.loc["OKX", "feeds"] == "▲ 1 stale, ● 1 live"
    assert rows.loc["OKX", ["running for", "last word", "newest trade"]].tolist() == ["5 h", "0.5 s ago", "0.4 s"]
    assert rows["waits for the database"].to_dict() == {"OKX": "70 of 100", "BYBIT": "▲ 95 of 100", "KRAKEN": "70 of 100"}
    assert rows.loc["OKX", "refused frames"] == 3


@pytest.mark.parametrize(
    ("name", "where"),
    [("box-7", "this home"), ("box-991", "this machine"), ("box-991-manager", "this machine"), ("box-2-991", "elsewhere")],
)
def test_a_host_is_told_from_one_whose_name_begins_the_same(name: str, where: str):
    assert worker_rows({"OKX:A-B": told("OKX:A-B", worker=name)}, AT_US, **HERE).loc[0, "where"] == where


def test_a_worker_of_before_that_does_not_say_who_it_is_is_told_as_far_as_it_can_be():
    rows = worker_rows({"OKX:A-B": feed(AT_US)}, AT_US, **HERE)

    assert rows.loc[0, ["worker", "running for", "waits for the database"]].tolist() == ["–", "–", "–"]


def test_each_runner_is_a_row_with_its_oldest_heartbeat_and_first_lease():
    found = [
        BotRunner(name="box-8", bots=3, heartbeat_us=AT_US - 2_000_000, lease_until_us=AT_US + 9_000_000, at_us=AT_US),
        BotRunner(name="far-1", bots=1, heartbeat_us=None, lease_until_us=AT_US - 60_000_000, at_us=AT_US),
        BotRunner(name="mine", bots=1, heartbeat_us=None, lease_until_us=None, at_us=AT_US),
    ]

    rows = runner_rows(found, **HERE)

    assert rows["where"].tolist() == ["this home", "elsewhere", "elsewhere"]
    assert rows["oldest heartbeat"].tolist() == ["2.0 s ago", "–", "–"]
    assert rows["first lease"].tolist() == ["ends in 9.0 s", "✖ ended 60 s ago", "–"]
