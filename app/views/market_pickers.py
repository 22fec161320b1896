"""What is picked on the page of the market: symbol, timeframe, range, and moving about in time; all of it stands in the URL."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from app import ranges
from app.charts.live_candles import ZOOM
from app.data.candles import all_us
from app.data.live import KnownSymbols
from app.ranges import Shown
from app.views.pickers import BARS, TIMEFRAMES, pick_one, pick_symbol
from app.views.sidebar import zone
from market.clock import now_us
from market.timeframe import DAY_US, Timeframe

CHART = "candles"
"""Key of the chart."""

BETWEEN = "between"
"""What the URL calls a window, in the words of `app.ranges`, by the clock of the time zone of the screen."""

_SHOWN, _THERE, _WRITTEN, _ENDS = "market_shown", "market_chart", "market_written", ("market_from", "market_to")
_ANEW = 120
_FOLDS = "market_folds"
"""Which ends clocks show for the second time, and what they show: fields have no place for it."""
_END_WIDTH = 240


def pick_market(known: KnownSymbols) -> tuple[str | None, Timeframe, str]:
    """Return what the row above all picks: the symbol, None when there is none, the timeframe, and the name of the range."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        symbol = pick_symbol(known)
        timeframe = Timeframe(pick_one("Timeframe", "timeframe", [str(timeframe) for timeframe in TIMEFRAMES], "1m"))
        picked = pick_one("Range", "range", ranges.RANGES, ranges.LIVE, help=_RANGES_MEAN)
    return symbol, timeframe, picked


def pick_span(symbol: str, timeframe: Timeframe, picked: str) -> Shown:
    """Return how much time a range shows, beside the buttons that move it: how many candles, or from when to when."""
    if picked == ranges.WINDOW:
        return _pick_window(timeframe)
    if picked == ranges.LIVE:
        return Shown(timeframe=timeframe, bars=int(pick_one("Candles in view", "bars", BARS, "120")))
    if picked == ranges.ALL:
        begin_us, end_us = all_us(symbol, {}) or (now_us() - DAY_US, now_us())
        return ranges.since(timeframe, begin_us, end_us, "All")
    return ranges.newest(timeframe, ranges.QUICK[picked], picked)


def show_moves() -> None:
    """Show the buttons that move the chart in time, which the keyboard reaches, too."""
    buttons: list[tuple[str, str, Callable[[int, int], tuple[int, int]], str]] = [
        ("Earlier", ":material/chevron_left:", lambda start, end: ranges.moved(start, end, -0.5), "Half of what is shown earlier"),
        ("Later", ":material/chevron_right:", lambda start, end: ranges.moved(start, end, 0.5), "Half of what is shown later"),
        ("In", ":material/zoom_in:", _zoomed_in, "Half as much time in finer candles; or what the mouse zoomed to"),
        ("Out", ":material/zoom_out:", lambda start, end: ranges.scaled(start, end, 2.0), "Twice as much time"),
    ]
    for name, icon, move, means in buttons:
        st.button(name, icon=icon, help=means, key=f"market_{name}", on_click=_move, args=(move,))
    if st.session_state.get("range") != ranges.LIVE:
        st.button("Live", icon=":material/sensors:", help="The newest candles", key="market_Live", on_click=_go_live)


def note_shown(start_us: int, end_us: int) -> None:
    """Note which time the chart shows, for the buttons that move it."""
    st.session_state[_SHOWN] = (start_us, end_us)


def shown_span() -> tuple[int, int] | None:
    """Return which time the chart shows, UTC epoch microseconds; None before it was drawn."""
    span: tuple[int, int] | None = st.session_state.get(_SHOWN)
    return span


def chart_key(symbol: str, shown: Shown, newest_us: int) -> str:
    """Return the key of a chart: what the mouse zoomed to counts for the range that it is of.

    A chart that moves is made anew after each 120 candles, unless somebody has zoomed in it: a browser keeps each label that was
    ever on an axis (vega-dataflow forgets them by ten thousands), among what each tick leaves behind, and gives back no memory
    around one; and a page may be open for weeks.

    Args:
        symbol: `EXCHANGE:BASE-QUOTE`.
        shown: The range.
        newest_us: Close of the newest candle, UTC epoch microseconds.
    """
    about = f"{CHART} {symbol} {shown.timeframe} {shown.bars} {shown.start_us} {shown.end_us} "
    there, _ = st.session_state.get(_THERE, ("", timedelta(0)))
    if there.startswith(about) and _zoomed_to(there):
        return str(there)
    return f"{about}{newest_us // (_ANEW * shown.timeframe.width_us) if shown.moves else 0}"


def note_chart(key: str, offset: timedelta) -> None:
    """Note which chart is there, and how far its clock is from UTC."""
    st.session_state[_THERE] = (key, offset)


def _pick_window(timeframe: Timeframe) -> Shown:
    """Return the window that is picked; both its ends are one parameter of the URL, so that one step back is one window back."""
    start_us, end_us = st.session_state.get(_SHOWN, (now_us() - DAY_US, now_us()))
    name = zone(end_us).name
    _follow_url([ranges.on_the_wall(moment_us, name) for moment_us in (start_us, end_us)], name)
    for label, key in zip(("From", "To"), _ENDS, strict=True):
        st.datetime_input(
            f"{label} ({name})", None, ranges.EARLIEST, ranges.LATEST, key=key, on_change=_write_url, step=timedelta(minutes=1),
            format="YYYY-MM-DD", width=_END_WIDTH,
        )  # fmt: skip
    picked = [
        default_us if found is None else ranges.moment_of(found, name)
        for found, default_us in zip(_ends(), (start_us, end_us), strict=True)
    ]
    return ranges.window(timeframe, *picked)


def _follow_url(default: Sequence[datetime], name: str) -> None:
    """Take over what the URL says, where that is not what the page wrote there: after a link, a reload, the back button."""
    said = st.query_params.get(BETWEEN)
    known = all(key in st.session_state for key in _ENDS)
    if known and said == st.session_state.get(_WRITTEN):
        return
    named = ranges.window_named(said, name)
    found = named or (None if known and said is None else default)
    if found is not None:
        _put_ends(*found)
    st.session_state[_WRITTEN] = said
    if named is None:
        _write_url()


def _put_ends(*ends: datetime) -> None:
    st.session_state.update({key: end.replace(fold=0) for key, end in zip(_ENDS, ends, strict=True)})
    st.session_state[_FOLDS] = {key: end for key, end in zip(_ENDS, ends, strict=True) if end.fold}


def _ends() -> list[datetime | None]:
    """Return what the fields have, each with its `fold` as long as nobody changed it."""
    folds, fields = st.session_state.get(_FOLDS, {}), {key: st.session_state.get(key) for key in _ENDS}
    return [folds[key] if key in folds and folds[key] == found else found for key, found in fields.items()]


def _write_url() -> None:
    start, end = _ends()
    if start is not None and end is not None:
        said = ranges.window_words((start, end), zone(now_us()).name)
        if st.query_params.get(BETWEEN) != said:
            st.query_params[BETWEEN] = said
        st.session_state[_WRITTEN] = said


def _zoomed_in(start_us: int, end_us: int) -> tuple[int, int]:
    key, offset = st.session_state.get(_THERE, ("", timedelta(0)))
    zoomed = _zoomed_to(key)
    if not zoomed:
        return ranges.scaled(start_us, end_us, 0.5)
    by_us = round(offset.total_seconds() * 1e6)
    first_us, last_us = (round(each * 1_000) - by_us for each in (min(zoomed), max(zoomed)))
    return ranges.scaled(first_us, last_us, 1.0)


def _zoomed_to(key: str) -> Any:
    """Return the two ends that the mouse zoomed to in a chart, milliseconds of its clock; nothing where it did not."""
    state: Any = st.session_state.get(key) or {}
    return (state.get("selection") or {}).get(ZOOM, {}).get("begin")


def _move(move: Callable[[int, int], tuple[int, int]]) -> None:
    if _SHOWN not in st.session_state:
        return
    start_us, end_us = move(*st.session_state[_SHOWN])
    name = zone(end_us).name
    st.session_state["range"] = ranges.WINDOW
    _put_ends(*(ranges.on_the_wall(moment_us, name) for moment_us in (start_us, end_us)))
    _write_url()


def _go_live() -> None:
    st.session_state["range"] = ranges.LIVE


_RANGES_MEAN = (
    "`live`: so many of the newest candles. `6 h` to `all`: so much time up to the newest candle; these move, too. `window`: from "
    "one moment to another. At most 2,000 candles are drawn: of more time wider ones."
)
