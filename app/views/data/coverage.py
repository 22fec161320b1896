"""The calendar of coverage: symbols by day, and the minutes and holes of one day."""

import pandas as pd
import streamlit as st

from app.charts.coverage import CELL, CELLS, calendar_spec, minutes_spec
from app.charts.sketches import calendar_sketch
from app.charts.zone import Zone
from app.coverage import LEGEND, day_rows, minute_rows, summary, week_rows
from app.data.coverage import Day, day, days, stored_symbols
from app.data.live import feed_of
from app.stores import Lost
from app.views.banner import show_lost
from app.views.choices import choose, choose_day, choose_from, choose_page, day_named, go_button
from app.views.data.holes import hole_rows
from app.views.data.market import link_to_candles
from app.views.first_sight import first_chart
from app.views.painting import let_paint
from app.views.sidebar import zone
from app.words import tape_label
from market.clock import isoformat, now_us, to_datetime
from market.timeframe import DAY_US
from market.window import Window

SPANS = {"month": 31, "quarter": 92, "year": 366}
_ROWS = 20  # of symbols at once: with the days of a quarter 1,840 cells
_BY_WEEK = 120
_CHART = "calendar"
_NONE = (
    "No minute of these symbols counts in this time: none is stored, or none was over three minutes ago. What comes appears by "
    "itself; or choose another time."
)
_NOTHING_YET = (
    "No minute of this day is expected yet: it lies before the first that is stored, or behind the last. A minute counts three "
    "minutes after it is over."
)


@st.fragment(run_every=15)
def show_coverage() -> None:
    """Show the calendar, and the day that is chosen."""
    lost: Lost = {}
    symbols = stored_symbols(lost)
    if not symbols:
        show_lost(lost)
        if not lost:
            st.info(
                "Nothing is stored yet. Start `tcpdash demo` (an invented market), follow a venue with `tcpdash up --exchange okx "
                "--symbols BTC-USDT`, or fetch the past below *Backfill*. This page fills by itself."
            )
        return
    window, shown = _pick(symbols)
    found = days(tuple(shown), window.start_us, window.end_us, lost)
    show_lost(lost)
    if found is None:
        return
    _show_calendar(found, shown, window)
    let_paint("day of the calendar", times=2)
    symbol, day_us = _pick_day(shown, window)
    _show_day(symbol, day_us, found)


def _pick(symbols: list[str]) -> tuple[Window, list[str]]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        span = choose("Time", "span", list(SPANS), "quarter")
        today_us = _day_of(now_us())
        until_us = choose_day("Up to (UTC)", "until", first_us=today_us - 3_660 * DAY_US, last_us=today_us)
        page = choose_page("symbols_page", len(symbols), _ROWS)
    window = Window(until_us + DAY_US - SPANS[span] * DAY_US, until_us + DAY_US)
    return window, symbols[page * _ROWS : (page + 1) * _ROWS]


def _pick_day(symbols: list[str], window: Window) -> tuple[str, int]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        symbol = choose_from("Symbol of the day", "symbol", symbols, symbols[0], width=360)
        first_us, last_us = window.start_us, _day_of(window.end_us - 1)
        day_us = choose_day("Day (UTC)", "day", first_us=first_us, last_us=last_us, help="A click on a cell chooses both, too.")
    return symbol, day_us


def _show_calendar(found: pd.DataFrame, symbols: list[str], window: Window) -> None:
    if found.empty:
        st.info(_NONE)
        return
    dates = pd.date_range(to_datetime(window.start_us), to_datetime(window.end_us - 1), freq="D")
    by = "week" if len(dates) > _BY_WEEK else "day"
    if by == "week":
        dates = dates[dates.day_of_week == 0].insert(0, dates[0] - pd.Timedelta(dates[0].weekday(), unit="D")).unique()
    cells = week_rows(found) if by == "week" else day_rows(found)
    told = f"Coverage of {len(symbols)} symbols by {by}: {summary(day_rows(found)['state'].tolist())} days"
    names, over = tuple(symbols), tuple(f"{each:%Y-%m-%d}" for each in dates)
    at = first_chart("calendar", lambda width, theme: calendar_sketch(cells, names, over, width=width, theme=theme), alt=told)
    at.vega_lite_chart(
        None,
        {**calendar_spec(names, over, by=by), "datasets": {CELLS: cells}},
        key=_CHART,
        on_select=_take,
        selection_mode=CELL,
        alt=told,
    )
    st.caption(f"{LEGEND}. A cell is the worst of its {by}. Days are those of UTC, as in `tcpdash coverage`.")


def _take() -> None:
    """Choose the symbol and the day of the cell that was clicked."""
    picked = st.session_state[_CHART]["selection"].get(CELL) or []
    named = day_named(picked[0].get("day")) if picked else None
    if named is not None:
        st.session_state["symbol"], st.session_state["day"] = picked[0].get("symbol"), named


def _show_day(symbol: str, day_us: int, found: pd.DataFrame) -> None:
    named, lost = isoformat(day_us)[:10], Lost()
    label = tape_label(symbol, feed_of(symbol, {}))  # that Redis is away is told above already
    st.subheader(f"{symbol} on {named} (UTC)" + (f" :orange-badge[{label}]" if label else ""), anchor=False)
    rows = found[(found["symbol"] == symbol) & (found["day"] == to_datetime(day_us))]
    one = day(symbol, day_us, lost)
    show_lost(lost)
    if one is None:
        return
    if rows.empty:
        st.write(_NOTHING_YET)
    else:
        window = Window(int(rows["start_us"].iloc[0]), int(rows["end_us"].iloc[0]))
        _show_minutes(symbol, named, one, window, here=zone(day_us))
    with st.container(horizontal=True):
        if not rows.empty:
            link_to_candles(symbol, "These candles", start_us=window.start_us, end_us=window.end_us)
        go_button("Its holes", "holes", icon=":material/troubleshoot:", symbols=symbol)
        go_button("Fetch what is missing", "backfill", icon=":material/download:", fill=symbol, start=named)
    if one.holes:
        st.dataframe(hole_rows(one.holes, zone(day_us)), hide_index=True, alt=f"Holes of {symbol} on {named}")


def _show_minutes(symbol: str, named: str, one: Day, window: Window, *, here: Zone) -> None:
    cells = minute_rows(one.minutes, window, zone=here)
    told = summary(cells["state"].tolist())
    holes = f"{one.total:,} hole{'' if one.total == 1 else 's'} in the ledger"
    holes += f", the newest {len(one.holes):,} of them below" if len(one.holes) < one.total else ""
    st.write(f"{told.capitalize() if told else 'No'} minutes, {holes}.")
    spec = {**minutes_spec(tuple(dict.fromkeys(cells["hour"])), zone=here), "datasets": {CELLS: cells}}
    st.vega_lite_chart(None, spec, alt=f"Minutes of {symbol} on {named}: {told}")


def _day_of(moment_us: int) -> int:
    return moment_us - moment_us % DAY_US
