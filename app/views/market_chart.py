"""The live part of the page of the market: how the feed is, and the chart with what is drawn over it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

from app import words
from app.charts.fills import fill_rows
from app.charts.lines import Places
from app.charts.live_candles import CLOSED, FILLS, LINES, LIVE, MANY, ZOOM, heights, live_spec
from app.charts.rows import Ends, chart_rows, newest_row, slim_rows
from app.charts.sketches import candle_sketch
from app.charts.zone import Zone
from app.data import candles as reads
from app.data.live import LiveView, feed_of, live_view
from app.markdown import escaped
from app.ranges import Shown
from app.stores import Lost
from app.views.banner import show_lost
from app.views.first_sight import first_chart
from app.views.labels import LABELS
from app.views.market_lines import Lines, asked_lines
from app.views.market_pickers import chart_key, note_chart, note_shown
from app.views.sidebar import zone
from market.clock import from_datetime, now_us
from market.timeframe import Timeframe

_NO_CANDLES = pd.DataFrame(
    {name: pd.Series(dtype="float64") for name in ("trades", "revision")}
    | {
        "timestamp": pd.Series(dtype="datetime64[us, UTC]"),
        "complete": pd.Series(dtype="boolean"),
        "final": pd.Series(dtype="bool"),
    }
)

_SEEN = "market_seen"

TICK_SECONDS, SLOW_TICK_SECONDS = 1.0, 2.0
_METRIC_WIDTH = 165
_SKETCHED = 240
"""Of so many bars there is a picture first: of more it would take the time that it saves."""
_LEGEND = (
    ":blue[**▯**] hollow: rises · :orange[**▮**] filled: falls · dashed: forming · :gray[**─**] thin line: nobody traded · "
    ":violet[**▼**] violet band: not complete, trades are missing · grey band, “no data”: no candle, and none is invented. "
    "Turn the wheel over the chart to zoom, drag to pan, double-click for all of it; the buttons above do the same."
)
_FILLS_MEAN = " · :blue[**▲**] a bot bought · :orange[**▼**] a bot sold, ringed in yellow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlays:
    """What is drawn over the candles.

    Attributes:
        strategy: Whose indicators; empty for none.
        parameters: Of that strategy.
        bots: Whose fills; None for none.
    """

    strategy: str = ""
    parameters: Mapping[str, Any]
    bots: tuple[str, ...] | None = None


def show_market(symbol: str, shown: Shown, overlays: Overlays, *, lost_before: bool) -> None:
    """Show how the feed is, and the chart, both again and again."""
    seconds = TICK_SECONDS if shown.bars <= MANY else SLOW_TICK_SECONDS
    st.fragment(_show, run_every=seconds)(symbol, shown, overlays, lost_before=lost_before)


def _show(symbol: str, shown: Shown, overlays: Overlays, *, lost_before: bool) -> None:
    view = _live_view(symbol, shown) if shown.moves else _past_view(symbol, shown)
    if lost_before and not view.lost:
        st.rerun()  # the pickers were made without what was away
    show_lost(view.lost)
    label = words.tape_label(symbol, view.feed)
    whole = words.completeness(view.candles, shown.timeframe, view.expected_us)
    _show_head(f"{symbol} {LABELS[label]}" if label else symbol, view, shown, whole)
    if shown.said:
        st.caption(f":material/zoom_out_map: {shown.said}")
    if view.candles.empty:
        st.info(_nothing(symbol, shown, view.lost))
    else:
        about = f"{symbol} {shown.timeframe}" + (f" · {label}" if label else "")
        _show_chart(symbol, shown, overlays, view, about=about)
    _show_trust(symbol, view, whole)


def _show_chart(symbol: str, shown: Shown, overlays: Overlays, view: LiveView, *, about: str) -> None:
    begin_us, end_us = _span(view.candles, shown)
    screen = zone(end_us)
    note_shown(begin_us, end_us)
    data = {
        CLOSED: _closed_rows(symbol, shown, view, screen),
        LIVE: slim_rows(newest_row(view.candles, shown.timeframe, zone=screen)),
    }
    lines = _lines(symbol, shown, overlays, view, screen)
    if lines.where:
        data[LINES] = lines.rows
    if overlays.bots is not None:
        found = reads.fills(symbol, overlays.bots, begin_us, end_us, view.lost)
        data[FILLS] = fill_rows(found.fills, zone=screen)
    key = chart_key(symbol, shown, end_us)
    note_chart(key, screen.offset)
    _draw(symbol, shown, data, lines.where, screen, about=about, key=key)
    st.caption(_LEGEND + (_FILLS_MEAN if FILLS in data else ""))
    if lines.said:
        st.caption(lines.said)


def _draw(symbol: str, shown: Shown, data: dict[str, pd.DataFrame], where: Places, screen: Zone, *, about: str, key: str) -> None:
    drawn = ["Candles and volume", *(["indicators"] if where else []), *(["fills of bots"] if FILLS in data else [])]
    # Without anything that changes as candles close: Streamlit puts it into the specification, and makes another chart of another.
    alt = f"{', '.join(drawn)} of {about}, {shown.bars:,} candles wide, times in {screen}"
    # A selection that is asked for is kept when rows are exchanged; Streamlit forgets others, and the zoom with them.
    at = st if shown.bars > _SKETCHED else first_chart("market", partial(_sketch, data, len(where[1:]), about), alt=alt)
    spec = live_spec(symbol, about, zone=screen, lines=where, fills=FILLS in data, many=shown.bars > MANY)
    at.vega_lite_chart(None, {**spec, "datasets": data}, key=key, on_select="rerun", selection_mode=[ZOOM], alt=alt)


def _sketch(data: dict[str, pd.DataFrame], panels: int, title: str, width: int, theme: str) -> str:
    height, parts = heights(panels)
    rows = pd.concat([data[CLOSED], data[LIVE]], ignore_index=True)
    return candle_sketch(rows, title=title, size=(width, height), parts=parts, theme=theme)


def _lines(symbol: str, shown: Shown, overlays: Overlays, view: LiveView, screen: Zone) -> Lines:
    closed = view.candles[view.candles["final"].astype("bool")]
    if not overlays.strategy:
        return Lines()
    if closed.empty:
        return Lines(
            said=f"Indicators of {escaped(overlays.strategy)}: they begin with the first {shown.timeframe} candle that closes."
        )
    return asked_lines(
        symbol,
        shown.timeframe,
        closed,
        strategy=overlays.strategy,
        parameters=overlays.parameters,
        version=view.version,
        screen=screen,
    )


def _closed_rows(symbol: str, shown: Shown, view: LiveView, screen: Zone) -> pd.DataFrame:
    """Return the rows that a tick does not change, made anew only when a candle closes or is read again."""
    first, last = view.candles["timestamp"].iloc[0], view.candles["timestamp"].iloc[-1]
    key = (
        symbol,
        str(shown),
        str(screen),
        len(view.candles),
        first.value,
        last.value,
        view.version,
        bool(view.candles["final"].iloc[-1]),
        view.expected_us,
    )
    cover_us = None if shown.start_us is None else (shown.start_us, shown.end_us)
    return _made_rows(key, view.candles, shown.timeframe, screen, cover_us, view.expected_us)


@st.cache_resource(max_entries=64, show_spinner=False)
def _made_rows(
    key: object, _candles: pd.DataFrame, _timeframe: Timeframe, _zone: Zone, _cover_us: Any, _expected_us: Ends | None
) -> pd.DataFrame:
    del key
    rows = chart_rows(_candles, _timeframe, zone=_zone, cover_us=_cover_us, expected_us=_expected_us)
    return slim_rows(rows[~rows["last"].astype("bool")].reset_index(drop=True))


def _live_view(symbol: str, shown: Shown) -> LiveView:
    view = live_view(symbol, shown.timeframe, shown.bars)
    return replace(view, expected_us=reads.expected_lately_us(symbol, shown, view.candles, view.lost))


def _past_view(symbol: str, shown: Shown) -> LiveView:
    lost: Lost = {}
    feed, found = feed_of(symbol, lost), reads.window_candles(symbol, shown, lost)
    if found is None:  # what was seen stays while the database is away
        seen, kept = st.session_state.get(_SEEN, (None, _NO_CANDLES))
        found = kept if seen == (symbol, shown) else _NO_CANDLES
    else:
        st.session_state[_SEEN] = ((symbol, shown), found)
    expected_us = reads.expected_in_window_us(symbol, shown, followed=words.is_of_now(feed), lost=lost)
    return LiveView(candles=found, feed=feed, at_us=now_us(), lost=lost, version=_version(found), expected_us=expected_us)


def _version(candles: pd.DataFrame) -> int:
    """Return what is another number when the candles say something else."""
    return crc32(pd.util.hash_pandas_object(candles, index=False).to_numpy().tobytes())


def _span(candles: pd.DataFrame, shown: Shown) -> tuple[int, int]:
    if shown.start_us is not None and shown.end_us is not None:
        return shown.start_us, shown.end_us
    first, last = (from_datetime(candles["timestamp"].iloc[place].to_pydatetime()) for place in (0, -1))
    return first - shown.timeframe.width_us, last


def _nothing(symbol: str, shown: Shown, lost: Lost) -> str:
    if "database" in lost:
        return "Candles are shown when the database is back."
    if shown.moves:
        return f"No {shown.timeframe} candle of {symbol} is stored or forming yet; the first one shows with the first trade."
    return (
        f"No {shown.timeframe} candle of {symbol} is stored in this window; `tcpdash backfill {symbol}` fetches what the venue has."
    )


def _show_head(title: str, view: LiveView, shown: Shown, whole: words.Completeness) -> None:
    """Show what is looked at and how it is now, in one row where there is room: the chart has to begin high."""
    state, sentence = _feed_state(view)
    known = shown.moves or (view.feed is not None and view.feed["price"] is not None)  # a price of the past is not the last one
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(title, anchor=False)
        st.metric("Last price", words.price(view.price if known else None), width=_METRIC_WIDTH)
        st.metric("Age of the last trade", words.trade_age(view.feed, view.at_us), help=words.AGE_MEANS, width=_METRIC_WIDTH)
        st.metric("Feed", state, help=sentence, width=_METRIC_WIDTH)
        st.metric("Trades in view", words.trade_count(view.candles["trades"]), width=_METRIC_WIDTH)
        st.metric("Proven complete", whole.share, help=words.COMPLETE_MEANS, width=_METRIC_WIDTH)


def _show_trust(symbol: str, view: LiveView, whole: words.Completeness) -> None:
    st.caption(f"{_feed_state(view)[1]} In view: {whole}.")
    doubt = words.doubt(symbol, view.feed, whole)
    if doubt:
        st.caption(f":orange-badge[:material/help: {words.UNPROVABLE}] {doubt}")


def _feed_state(view: LiveView) -> tuple[str, str]:
    """Return the state of the feed in a word, and the sentence behind it as Markdown that shows what it says.

    Streamlit would look for an emoji in `10:24:38`, and load the list of all of them before it shows anything.
    """
    state, sentence = words.feed_state(view.feed, view.at_us, told="redis" not in view.lost, zone=zone(view.at_us))
    return state, escaped(sentence.replace("`", ""))
