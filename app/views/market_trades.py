"""Below the chart of the market: the last trades, the spread of their latencies, and the fills of bots in view."""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from numpy.typing import NDArray

from app import words
from app.charts.fills import fill_table
from app.charts.latency import Latencies, figures, latencies_ms, latency_chart, latency_rows
from app.charts.zone import Zone
from app.data import candles as reads
from app.data.connections import settings
from app.data.live import feed_of
from app.stores import Lost
from app.views.html import html_table
from app.views.market_pickers import shown_span
from app.views.pickers import pick_one
from app.views.sidebar import zone
from market.symbol import Symbol

TRADES, LATENCIES, FILLS = "trades", "latencies", "fills"
_MOST = 50
_SECONDS = 5.0

Columns = Mapping[str, NDArray[Any]]


def show_below(symbol: str, bots: tuple[str, ...] | None) -> None:
    """Show the part that is picked; only that one is read."""
    picked = pick_one("Below the chart", "view", (TRADES, LATENCIES, FILLS), TRADES)
    if picked == FILLS:
        st.fragment(_show_fills, run_every=_SECONDS)(symbol, bots)
    else:
        st.fragment(_show_trades if picked == TRADES else _show_latencies, run_every=_SECONDS)(symbol)


def _show_trades(symbol: str) -> None:
    lost: Lost = {}
    found = reads.newest_trades(symbol, lost)
    st.subheader("Last trades", anchor=False)
    if _is_told_why_not(symbol, found, lost) or found is None:
        return
    newest_us, traded = int(found["timestamp"][0]), Symbol.parse(symbol)
    screen = zone(newest_us)
    st.html(trade_table(found, screen, name=f"The last {_MOST} stored trades of {symbol}"))
    st.caption(
        f"The newest stored trades, newest first, read when a minute closes; times in {screen.name}, prices in {traded.quote}, "
        f"sizes in {traded.base}. The side is the taker's. `tcpdash trades {symbol}` lists more."
    )


def _show_latencies(symbol: str) -> None:
    lost: Lost = {}
    found, feed = reads.newest_trades(symbol, lost), feed_of(symbol, lost)
    st.subheader("Latencies", anchor=False)
    if _is_told_why_not(symbol, found, lost) or found is None:
        return
    if words.tape_label(symbol, feed):
        st.info(
            "A tape is played: its trades carry the times of another day or of another speed, so these are no latencies of a line."
        )
    latencies = latencies_ms(found["timestamp"], found["received_at"])
    figured = figures(latencies)
    assert figured is not None, "there are trades"
    columns = st.columns(4)
    for column, (name, value) in zip(columns, _told(figured).items(), strict=True):
        column.metric(name, value)
    chart = latency_chart(latency_rows(latencies), figured, title=f"{symbol}: from the venue's clock to ours")
    st.altair_chart(chart, alt=f"Histogram of the latencies of the newest {figured.count:,} stored trades of {symbol}")
    first_us, last_us = int(found["timestamp"][-1]), int(found["timestamp"][0])
    screen = zone(last_us)
    st.caption(
        f"Of the {figured.count:,} newest stored trades, {screen.told(first_us)} to {screen.told(last_us)} {screen.name}, ids "
        f"{int(found['trade_id'][-1])} to {int(found['trade_id'][0])}: when one was received less when it happened by the venue. "
        f"Two clocks are compared: {_signs(figured.negative)} Trades that were fetched later, to fill a hole, count as late."
    )


def _show_fills(symbol: str, bots: tuple[str, ...] | None) -> None:
    lost: Lost = {}
    st.subheader("Fills of bots in view", anchor=False)
    span = shown_span()
    if bots is None or span is None:
        st.info("No fills are drawn. Switch on *Fills of bots* above the chart, and choose bots that trade this symbol.")
        return
    found = reads.fills(symbol, bots, *span, lost)
    if "database" in lost:
        st.info("Fills are shown when the database is back.")
        return
    if not found.fills:
        st.info(f"The chosen bots have no fill of {symbol} in view." if bots else "No bot is chosen above the chart.")
        return
    table = fill_table(found.fills, zone=zone(found.fills[-1][1].timestamp_us))
    st.dataframe(table, hide_index=True, alt=f"Fills of {symbol} by {', '.join(bots)}")
    st.caption(
        f"Newest first, at most {reads.MOST_FILLS}. `tcpdash bots show BOT` shows the account, `tcpdash bots explain BOT` says why."
    )


def trade_table(found: Columns, screen: Zone, *, name: str) -> str:
    """Return a table with one row for each of the newest trades, newest first, as HTML.

    It is drawn in the browser's own way: what Streamlit draws its tables with weighs as much as all that draws the chart, and
    would be read and run before the chart is there.
    """
    newest = {name: column[:_MOST].tolist() for name, column in found.items()}
    rows = zip(*(newest[name] for name in ("timestamp", "taker_buy", "price", "size", "trade_id")), strict=True)
    told = [
        (
            screen.told(at_us, "%Y-%m-%d %H:%M:%S.%f")[:-3],
            "▲ buy" if buys else "▼ sell",
            words.price(price),
            words.price(size),
            str(trade_id),
        )
        for at_us, buys, price, size, trade_id in rows
    ]
    return html_table((f"time ({screen.name})", "side", "price", "size", "trade id"), told, name=name)


def _is_told_why_not(symbol: str, found: Columns | None, lost: Lost) -> bool:
    """Say why there are no trades, if there are none."""
    if "database" in lost or found is None:
        st.info("Trades are shown when the database is back.")
    elif len(found["timestamp"]):
        return False
    elif not settings().database.raw_trades:
        st.info("Single trades are not kept: `database.raw_trades` is off in the settings. Candles are.")
    else:
        st.info(
            f"No single trade of {symbol} is stored: its candles were imported, or its trades are older than the "
            f"{settings().database.raw_trades_days} days for which they are kept. `tcpdash up` follows a symbol live."
        )
    return True


def _told(found: Latencies) -> dict[str, str]:
    return {
        "Median": f"{found.median:,.1f} ms", "95 % within": f"{found.p95:,.1f} ms", "99 % within": f"{found.p99:,.1f} ms",
        "Longest": f"{found.high:,.1f} ms",
    }  # fmt: skip


def _signs(negative: int) -> str:
    if not negative:
        return "what this computer's is ahead or behind is in each number."
    return f"{negative:,} are below 0, since this computer's is behind the venue's."
