"""How the database and Redis are."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app import words
from app.data.system import RedisCondition, database_condition, redis_condition
from app.stores import Lost
from app.views.banner import show_lost
from db import schema
from db.condition import Condition
from market.timeframe import SECOND_US


@st.fragment(run_every=5)
def show_stores() -> None:
    """Show both stores; the database is asked every ten seconds at most."""
    lost: Lost = {}
    database, redis = database_condition(lost), redis_condition(lost)
    show_lost(lost)
    st.subheader("Database", anchor=False)
    if database is None:
        st.write("It cannot be used at the moment.")
    else:
        _show_database(database)
    st.subheader("Redis", anchor=False)
    if redis is None:
        st.write("It does not answer.")
    else:
        _show_redis(redis)


def _show_database(found: Condition) -> None:
    st.write(
        f"PostgreSQL {found.version}, storage {found.storage}, schema {schema.head()}, {words.size(found.bytes)} in all; "
        f"up for {_age(found.up_seconds)}"
    )
    _metrics(
        {
            "Connections": (f"{found.connections:,}", f"To this database; the server allows {found.most_connections:,} in all."),
            "Carried out now": (f"{found.active:,}", f"Statements; {found.waiting:,} wait for a lock."),
            "Cache hits": (_percent(found.cache_hits), "Pages that were in the server's memory, since its statistics began."),
            "Oldest transaction": (_age(found.oldest_seconds), "Of this database, that of the page left out."),
            "Longest statement": (_age(found.slowest_seconds), "Of those that are carried out now."),
            "Taken back": (
                f"{found.rollbacks:,}",
                f"Transactions, of {found.commits + found.rollbacks:,}; {found.deadlocks:,} of them waited for each other.",
            ),
        }
    )
    rows = [
        {"table": name, "rows (about)": f"{rows:,}", "size": words.size(size)}
        for name, (size, rows) in sorted(found.tables.items(), key=lambda one: -one[1][0])
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Tables, their rows and sizes", height=320)


def _show_redis(found: RedisCondition) -> None:
    info = found.info
    name = "Valkey" if "valkey_version" in info else "Redis"
    st.write(
        f"{name} {info.get('valkey_version') or info.get('redis_version', '?')}, answers within {found.answer_ms:.1f} ms; "
        f"up for {_age(info.get('uptime_in_seconds'))}"
    )
    most = info.get("maxmemory") or 0
    policy = info.get("maxmemory_policy", "unknown")
    _metrics(
        {
            "Memory": (words.size(info.get("used_memory", 0)), f"Of {words.size(most)} at most." if most else "Without a limit."),
            "Keys": (f"{info['keys']:,}", "In the database in use."),
            "Clients": (_count(info, "connected_clients"), f"{_count(info, 'blocked_clients')} of them wait."),
            "Commands a second": (_count(info, "instantaneous_ops_per_sec"), "At this moment."),
            "Evicted keys": (_count(info, "evicted_keys"), f"Thrown away for lack of memory since the start; policy: {policy}."),
            "Refused": (_count(info, "rejected_connections"), "Connections beyond what the server allows, since the start."),
        }
    )


def _metrics(found: Mapping[str, tuple[str, str]]) -> None:
    for column, (label, (value, means)) in zip(st.columns(len(found)), found.items(), strict=True):
        column.metric(label, value, help=means)


def _age(seconds: float | None) -> str:
    return words.NOTHING if seconds is None else words.age(round(seconds * SECOND_US))


def _percent(fraction: float | None) -> str:
    return words.NOTHING if fraction is None else f"{int(fraction * 1000) / 10:g} %"


def _count(info: Mapping[str, object], name: str) -> str:
    found = info.get(name)
    return f"{found:,}" if isinstance(found, int) else words.NOTHING
