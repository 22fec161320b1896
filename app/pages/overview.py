"""The overview: how everything is at a glance, and where there is more to see of it."""

import streamlit as st

from app import words
from app.data.overview import STORED_SECONDS, Now, Stored, now, stored
from app.stores import Lost
from app.views.banner import show_lost
from app.views.labels import LABELS
from app.views.overview import tables, tiles
from app.views.overview.portfolio import show_portfolio
from app.views.painting import let_paint
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
def _show_live() -> None:
    lost: Lost = {}
    at_us, live, kept = now_us(), now(lost), stored(lost)
    known = _judged(kept, live)
    show_lost(lost)
    if live and kept and not (live.feeds or kept.bots or kept.lately.recent):
        st.info(_BEGIN)
    labels = {words.tape_label(symbol, feed) for symbol, feed in live.feeds.items()} if live else set()
    if labels - {None}:
        st.markdown(" ".join(LABELS[label] for label in sorted(filter(None, labels))))
    tiles.show_tiles(live, kept, known.values(), at_us, zone(at_us))
    let_paint("tables of the overview")
    left, right = st.columns(2)
    with left:
        tables.show_feed_table(live, at_us)
    with right:
        tables.show_bot_table(kept, live, known)


@st.fragment(run_every=STORED_SECONDS)
def _show_stored() -> None:
    kept = stored({})
    left, right = st.columns(2)
    with left:
        show_portfolio(kept)
    with right:
        tables.show_recent(kept, zone(now_us()))


def _judged(kept: Stored | None, live: Now | None) -> dict[str, Judged]:
    states = {symbol: str(feed["state"]) for symbol, feed in live.feeds.items()} if live else {}
    found = kept.bots if kept else []
    return {each.bot.id: judged(each.bot, owed_us=each.owed_us, feeds=states, now_us=each.at_us) for each in found}


st.html(_SMALLER)
st.header("Overview", anchor=False)
_show_live()
_show_stored()
