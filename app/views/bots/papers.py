"""What a bot wrote, a page at a time: trades, orders, signals with their candles, events."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.bots.seen import Seen
from app.bots.tables import event_table, order_table, signal_table, trade_table
from app.charts.bots import SIGNAL_LEGEND, signal_chart
from app.charts.zone import Zone
from app.data.bots import MOST_PAGES, PAGE_ROWS, candles_around, is_newer, one, page_of
from app.stores import Lost
from app.views.banner import show_lost
from app.views.bots.picker import page_number, turn_to
from app.views.choices import choose, choose_flag, choose_from
from app.views.sidebar import zone
from db.bot_rows import SignalRow
from db.repositories.bot_pages import Kind
from market.clock import now_us
from market.timeframe import parse_timeframe

WAIT_SECONDS = 2.0

_TABLES: dict[Kind, Callable[[Sequence[Any], Zone], pd.DataFrame]] = {
    "trades": trade_table,
    "orders": order_table,
    "signals": signal_table,
    "events": event_table,
}
_ABOUT: dict[Kind, str] = {
    "trades": "Virtual executions; P&L is what the closed part of a position gained before fees. *(caught up)*: newer candles were "
    "there already.",
    "orders": "Orders, with what is filled of them; those that are working stand in the summary, too.",
    "signals": "What the strategy said after each candle, what it saw, and what came of it. Signals of which no order came are "
    "forgotten after some months.",
    "events": "What happened to the bot, who wished it, and what was done about it; of all its accounts.",
}
_NONE: dict[Kind, str] = {
    "trades": "It has not traded yet. Signals say what its strategy thinks, and why nothing came of it.",
    "orders": "It has made no order yet. Signals say what its strategy thinks, and why nothing came of it.",
    "signals": "Its strategy has said nothing yet: the first signal comes with the first candle that closes while the bot runs.",
    "events": "Nothing is noted of it.",
}


def show_papers(kind: Kind, bot: Seen) -> None:
    """Show a page of what a bot wrote."""
    lost: Lost = {}
    run = bot.line.bot.run
    if run > 1 and kind != "events":
        accounts = [str(number) for number in range(run, 0, -1)]
        means = "A reset ends one account and begins another."
        run = int(choose_from("Account", "account", accounts, accounts[0], drop=["page"], help=means))
    acted = kind == "signals" and choose_flag("Only those that an order came of", "acted", drop=["page"])
    number = page_number(MOST_PAGES)
    page = page_of(kind, bot.id, number, lost, run=run, acted=acted)
    if page is None:
        _wait_for_the_database(kind, bot.id, number, run, acted=acted)
        return
    if not page.rows:
        none = _NONE[kind] if not acted else "No order came of its signals yet."
        st.info(none if number == 1 else "There is nothing on this page; the first one has the newest.")
    place = zone(now_us())
    if kind == "signals" and page.rows:
        _show_on_candles(bot, page.rows)
    if page.rows:
        st.caption(_ABOUT[kind])
        table = _TABLES[kind](page.rows, place)
        st.dataframe(
            table, hide_index=True, alt=f"{kind.capitalize()} of {bot.id}, newest first", height=35 * min(len(table) + 1, 18) + 3
        )
    if number == 1 and run == bot.line.bot.run:
        _look_for_newer(kind, bot.id, run, acted=acted, shown=page.rows[:1])
    _show_turner(kind, number, len(page.rows), more=page.more, place=place)


@st.fragment(run_every=WAIT_SECONDS)
def _wait_for_the_database(kind: Kind, bot_id: str, number: int, run: int, *, acted: bool) -> None:
    lost: Lost = {}
    if page_of(kind, bot_id, number, lost, run=run, acted=acted) is not None:
        st.rerun()
    show_lost(lost)


@st.fragment(run_every=WAIT_SECONDS)
def _look_for_newer(kind: Kind, bot_id: str, run: int, *, acted: bool, shown: Sequence[Any]) -> None:
    """Fill an empty page by itself; a table that somebody may be reading is left to them."""
    lost: Lost = {}
    bot = one(bot_id, lost)
    if bot is not None and is_newer(kind, bot, shown, lost, run=run, acted=acted):
        if not shown:
            st.rerun()
        st.caption(f":material/update: There are newer {kind} than these: press *Newest*.")
    show_lost(lost)


def _show_turner(kind: Kind, number: int, count: int, *, more: bool, place: Zone) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Newer", icon=":material/chevron_left:", on_click=turn_to, args=(number - 1,), disabled=number == 1)
        st.button("Older", icon=":material/chevron_right:", on_click=turn_to, args=(number + 1,), disabled=not more)
        st.button("Newest", icon=":material/refresh:", on_click=turn_to, args=(1,), help="Read the first page again.")
        begin = (number - 1) * PAGE_ROWS
        rows = f"{kind} {begin + 1:,} to {begin + count:,}, the newest first; " if count else ""
        st.caption(f"Page {number:,}: {rows}times in {place.name}.")


def _show_on_candles(bot: Seen, rows: Sequence[SignalRow]) -> None:
    symbols = list(dict.fromkeys(row.symbol for row in rows))
    symbol = symbols[0]
    if len(symbols) > 1:
        symbol = choose("Drawn", "drawn", symbols, symbol)
    own = [row for row in rows if row.symbol == symbol]
    lost: Lost = {}
    timeframe = str(bot.config.get("timeframe", "1h"))
    candles = candles_around(symbol, timeframe, [row.timestamp_us for row in own], lost)
    if candles is None:
        return
    if candles.empty:
        st.caption(f"The candles of {symbol} behind these signals are not stored any more.")
        return
    place = zone(own[0].timestamp_us)
    about = f"{symbol} {timeframe}: what {bot.id} said" + (f" · {bot.label}" if bot.label else "")
    chart = signal_chart(candles, parse_timeframe(timeframe), own, symbol=symbol, zone=place, title=about)
    st.altair_chart(chart, alt=f"Candles of {symbol} with the signals of this page; the table has them all")
    st.caption(SIGNAL_LEGEND)
