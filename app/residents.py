"""Who follows feeds and who runs bots, on this machine and on others: rows of tables; pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from app import words
from app.glance import FEED_SIGNS
from app.words import NOTHING, Feed
from db.repositories.bot_sums import BotRunner

_FULL = 0.9
"""A queue that is fuller than this is about to make the socket wait."""


def worker_rows(feeds: Mapping[str, Feed], at_us: int, *, host: str, pids: Mapping[str, int]) -> pd.DataFrame:
    """Return a row for each worker and venue: where it runs, how many feeds are how, how far it is behind, what waits.

    Args:
        feeds: By symbol, as Redis has them.
        at_us: Now.
        host: Name of this machine.
        pids: Processes of this home.
    """
    by_worker: dict[tuple[str, str], list[tuple[str, Feed]]] = {}
    for symbol, feed in feeds.items():
        by_worker.setdefault((feed.get("worker") or NOTHING, feed["venue"]), []).append((symbol, feed))
    here = f"{host}-{pids.get('worker', '')}"
    return pd.DataFrame(
        [
            {"worker": name, "where": _where(name, here, host), "venue": venue, **_worker(of, at_us)}
            for (name, venue), of in sorted(by_worker.items())
        ]
    )


def runner_rows(found: Sequence[BotRunner], *, host: str, pids: Mapping[str, int]) -> pd.DataFrame:
    """Return a row for each runner: where it runs, its bots, its oldest heartbeat, and when the first lease ends."""
    here = f"{host}-{pids.get('bots', '')}"
    return pd.DataFrame(
        [
            {
                "runner": each.name,
                "where": _where(each.name, here, host),
                "bots": each.bots,
                "oldest heartbeat": NOTHING if each.heartbeat_us is None else f"{words.age(each.at_us - each.heartbeat_us)} ago",
                "first lease": _lease(each),
            }
            for each in found
        ]
    )


def _worker(of: list[tuple[str, Feed]], at_us: int) -> dict[str, object]:
    states = Counter(words.feed_state(feed, at_us)[0] for _, feed in of)
    newest = max((feed for _, feed in of), key=lambda feed: feed["received_us"] or 0)
    said = max(feed["at_us"] for _, feed in of)
    started = next((feed["started_us"] for _, feed in of if "started_us" in feed), None)
    return {
        "feeds": ", ".join(f"{FEED_SIGNS.get(state, '?')} {states[state]:,} {state}" for state in FEED_SIGNS if states[state]),
        "running for": NOTHING if started is None else words.age(at_us - started),
        "last word": f"{words.age(at_us - said)} ago",
        "newest trade": words.trade_age(newest, at_us),
        "waits for the database": _queue(newest),
        "refused frames": newest["quarantined"],
        "duplicates": newest["duplicates"],
    }


def _queue(feed: Feed) -> str:
    if "queue" not in feed:
        return NOTHING
    told = f"{feed['queue']:,} of {feed['queue_limit']:,}"
    return f"▲ {told}" if feed["queue"] > _FULL * feed["queue_limit"] else told


def _where(name: str, here: str, host: str) -> str:
    """Return where the process of a name runs: its host and its id, and what it is besides; hosts may have hyphens, too."""
    its_host = name.removesuffix("-manager").rpartition("-")[0]
    return "this home" if name == here else "this machine" if its_host == host else "elsewhere"


def _lease(each: BotRunner) -> str:
    if each.lease_until_us is None:
        return NOTHING
    left_us = each.lease_until_us - each.at_us
    return f"ends in {words.age(left_us)}" if left_us > 0 else f"✖ ended {words.age(-left_us)} ago"
