"""The tables of the overview: feeds and bots, the worst first, and what happened lately."""

import streamlit as st

from app.charts.zone import Zone
from app.data.overview import Now, Stored
from app.glance import Rows, bot_rows, feed_rows, recent_rows
from app.markdown import escaped
from trading.bots.rescue import Judged

_FEEDS, _BOTS, _ROW, _HEADER, _SHOWN = 30, 50, 28, 40, 9


def show_feed_table(now: Now | None, at_us: int) -> None:
    """Show the feeds."""
    rows = feed_rows(now.feeds, at_us, most=_FEEDS, carried=_carried()) if now and now.feeds else None
    _head("Feeds", rows)
    if now is None:
        st.write("How feeds are doing cannot be known while Redis is away.")
    elif rows is not None:
        _show(rows, "Feeds by venue, the worst first", "symbol", "symbol=([^&]*)")
    else:
        st.write(
            "No feed is followed at the moment. `tcpdash up --exchange okx --symbols BTC-USDT` follows one, `tcpdash demo` some "
            "of an invented market."
        )


def show_bot_table(stored: Stored | None, now: Now | None, judged: dict[str, Judged]) -> None:
    """Show the bots."""
    rows = (
        bot_rows(stored.bots, judged, now.bots if now else {}, most=_BOTS, carried=_carried()) if stored and stored.bots else None
    )
    _head("Bots", rows)
    if stored is None:
        st.write("How bots are doing cannot be known while the database is away.")
    elif rows is not None:
        _show(rows, "Bots, the worst first, with equity and what they won today", "bot", "bot=([^&]*)")
    else:
        st.write(
            "There are no bots yet. Each is a file in config/bots, which `tcpdash bots schema` describes; `tcpdash bots start ID` "
            "starts one, as does the page of bots."
        )


def show_recent(stored: Stored | None, zone: Zone) -> None:
    """Show what happened lately."""
    st.subheader("Lately", anchor=False)
    if stored is None:
        st.write("What happened lately cannot be read while the database is away.")
    elif stored.lately.recent:
        rows = recent_rows(stored.lately.recent, zone, carried=_carried())
        config = {
            "when": st.column_config.TextColumn(f"when ({zone.name})", width=115),
            "what": st.column_config.TextColumn("what", width=105),
            "of": st.column_config.TextColumn("of", width=145),
            "more": st.column_config.LinkColumn("more", display_text=r"^\./(\w+)", width=60),
        }
        st.dataframe(
            rows, hide_index=True, column_config=config, row_height=_ROW, height=_height(len(rows), _SHOWN),
            alt="Events of bots, alerts, holes, feeds and wishes, newest first",
        )  # fmt: skip
    else:
        st.write("Nothing happened yet.")


def _head(title: str, rows: Rows | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader(title, anchor=False, width="content")
        if rows is not None:
            st.caption(escaped(f"{rows.counts}; {rows.more}" if rows.more else rows.counts), width="stretch")


def _show(rows: Rows, alt: str, key: str, display: str) -> None:
    config = {
        key: st.column_config.LinkColumn(key, display_text=display, width="medium"),
        **{name: st.column_config.TextColumn(name, alignment="right") for name in ("price", "last trade", "equity", "today")},
    }
    height = _height(len(rows.table), _SHOWN)
    st.dataframe(rows.table, hide_index=True, column_config=config, row_height=_ROW, height=height, alt=alt)


def _height(rows: int, most: int) -> int:
    return _HEADER + _ROW * min(rows, most)


def _carried() -> dict[str, str]:
    """Return what a link of a table takes along: it opens a page of its own, which has another session."""
    return {name: st.query_params[name] for name in ("tz",) if name in st.query_params}
