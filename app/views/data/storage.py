"""What is stored and how much room it takes: sizes, compression, what comes in a day, and how long it is kept."""

import pandas as pd
import streamlit as st

from app.data.connections import settings
from app.data.usage import Disk, disk, stored
from app.stores import Lost
from app.usage import Growth, growth, symbol_table, usage_table
from app.views.banner import show_lost
from app.views.sidebar import zone
from app.words import NOTHING, size
from db.usage import Usage
from market.clock import now_us

_KINDS = {"timescale": "TimescaleDB", "plain": "PostgreSQL without TimescaleDB: partitions by month, nothing is compressed"}


@st.fragment(run_every=15)
def show_storage() -> None:
    """Show all of it."""
    lost: Lost = {}
    found = stored(lost)
    show_lost(lost)
    if found is None:
        return
    room, daily = disk(), growth(found)
    _show_figures(found, daily, room)
    st.subheader("Tables", anchor=False)
    st.dataframe(usage_table(found.tables), hide_index=True, alt="Tables with sizes and rows, the largest first")
    st.caption(f"Storage: {_KINDS[found.storage]}. Rows are those of the last statistics of the server; sizes hold indexes, too.")
    st.subheader("Symbols", anchor=False)
    if found.symbols:
        table = symbol_table(found, zone=zone(now_us()))
        st.dataframe(table, hide_index=True, alt="Symbols, from when to when each is stored")
        st.caption("What comes in a day is the mean of the last seven UTC days that are over.")
    else:
        st.write("No candle is stored yet. `tcpdash demo` or `tcpdash up` follows some symbols, *Backfill* fetches the past.")
    _show_retention()


def _show_figures(found: Usage, daily: Growth, room: Disk | None) -> None:
    columns = st.columns(4)
    columns[0].metric("Database", size(found.bytes))
    columns[1].metric("Comes in a day", size(daily.whole) if daily.whole else NOTHING, help=_GROWS)
    columns[2].metric("Of that, trades", size(daily.trades) if daily.whole else NOTHING)
    columns[3].metric("Free on the disk", NOTHING if room is None else size(room.free), help=_FREE)
    if room is not None and daily.whole:
        days = room.free / daily.whole
        told = f"At this rate the disk is full in about {days:,.0f} days, before anything is compressed or dropped."
        (st.warning if days < 30 else st.caption)(told)


def _show_retention() -> None:
    kept = settings()
    st.subheader("How long it is kept", anchor=False)
    days = kept.database.raw_trades_days
    rows = [
        (
            "trades",
            f"{days:,} days at least; they go by the month" if kept.database.raw_trades else "not at all",
            "database.raw_trades_days",
        ),
        ("candles", "for ever", NOTHING),
        ("columnstore of TimescaleDB", f"after {kept.database.compress_after_days:,} days", "database.compress_after_days"),
        ("signals that were not acted on", f"{kept.bots.signals_days:,} days", "bots.signals_days"),
    ]
    table = pd.DataFrame(rows, columns=["what", "is kept, or done", "setting"])
    st.dataframe(table, hide_index=True, alt="How long each kind of data is kept, and the setting that says so")
    with st.expander("When the disk gets full"):
        st.markdown(_FULL)


_GROWS = "Minutes and trades that came in a day lately, by what a row of them takes up, rollups and indexes included."
_FREE = "On the disk of the home; unknown where the database runs on another computer."
_FULL = """
1. Trades take up most. Keep fewer: set `TCPDASH_DATABASE__RAW_TRADES_DAYS`, or none with `TCPDASH_DATABASE__RAW_TRADES=false`
   (candles stay proven, but holes can then be looked into less).
2. `tcpdash flows run maintain-storage` compresses and drops at once what is due; by itself that runs each night.
3. A database with TimescaleDB keeps what is older than a week several times smaller; the table above says how much.
4. Follow fewer symbols. What is stored of one stays until it is deleted.

While the disk is full nothing can be stored. Once there is room again the worker fetches the hole, as far back as its venue hands
out trades.
"""
