"""The overview: how everything is at a glance, and where there is more to see of it."""

import streamlit as st

from app import words
from app.data.overview import Now, Stored, now, stored
from app.stores import Lost
from app.views.banner import show_lost
from app.views.labels import LABELS
from app.views.overview import tables, tiles
from app.views.overview.flows import show_flows_tile
from app.views.overview.portfolio import show_portfolio
from app.views.sidebar import zone
from market.clock import now_us
from trading.bots.rescue import Judged, judged

TICK_SECONDS = 2.0
_SMALLER = (
    "<style>[data-testid='stMetricValue'] { font-size: 1.5rem } .stMain h3 { font-size: 1.25rem; padding: 0.25rem 0 }</style>"
)
_BEGIN = (
    "**Nothing runs, and nothing is stored yet.** `tcpdash demo` plays an invented market with two bots, without account or "
    "network; `tcpdash up --exchange okx --symbols BTC-USDT,ETH-USDT` follows a venue; `tcpdash bots start` starts the bots "
    "whose files are in config/bots. This page fills by itself."
)


@st.fragment(run_every=TICK_SECONDS)
def _show_top() -> None:
    lost: Lost = {}
    live, kept = now(lost), stored(lost)
    show_lost(lost)
    if live and kept and not (live.feeds or kept.bots or kept.lately.recent):
        st.info(_BEGIN)
    labels = {words.tape_label(symbol, feed) for symbol, feed in live.feeds.items()} if live else set()
    if labels - {None}:
        st.markdown(" ".join(LABELS[label] for label in sorted(filter(None, labels))))


@st.fragment(run_every=TICK_SECONDS)
def _show_tiles() -> None:
    at_us, live, kept = now_us(), now({}), stored({})
    columns = st.columns([2, 2, 2, 4])
    with columns[0]:
        tiles.show_feeds(live, at_us)
    with columns[1]:
        tiles.show_holes(kept)
    with columns[2]:
        tiles.show_bots(kept, _judged(kept, live).values())
    with columns[3]:
        tiles.show_money(kept, live, zone(at_us))


@st.fragment(run_every=TICK_SECONDS)
def _show_tables() -> None:
    at_us, live, kept = now_us(), now({}), stored({})
    left, right = st.columns(2)
    with left:
        tables.show_feed_table(live, at_us)
    with right:
        tables.show_bot_table(kept, live, _judged(kept, live))


@st.fragment(run_every=2 * TICK_SECONDS)
def _show_recent() -> None:
    tables.show_recent(stored({}), zone(now_us()))


def _judged(kept: Stored | None, live: Now | None) -> dict[str, Judged]:
    states = {symbol: str(feed["state"]) for symbol, feed in live.feeds.items()} if live else {}
    found = kept.bots if kept else []
    return {each.bot.id: judged(each.bot, owed_us=each.owed_us, feeds=states, now_us=each.at_us) for each in found}


st.html(_SMALLER)
st.header("Overview", anchor=False)
_show_top()
left, right = st.columns([10, 2])
with left:
    _show_tiles()
with right:
    show_flows_tile()
_show_tables()
left, right = st.columns(2)
with left:
    show_portfolio()
with right:
    _show_recent()
