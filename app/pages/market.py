"""The page of the market: one symbol, its candles as they form, and how far they can be trusted."""

import streamlit as st

from app import words
from app.charts.candles import candle_spec
from app.charts.rows import chart_rows
from app.data.live import LiveView, known_symbols, live_view
from app.views.banner import show_lost
from app.views.pickers import pick
from market.timeframe import Timeframe

TICK_SECONDS = 1.0
_LABELS = {
    "SYNTHETIC": ":orange-badge[:material/science: SYNTHETIC] :small[an invented market: no venue ever printed these prices]",
    "REPLAY": ":violet-badge[:material/replay: REPLAY] :small[a tape is played: these trades are not happening now]",
}
_LEGEND = (
    ":blue[**▯**] hollow: rises · :orange[**▮**] filled: falls · dashed: forming · :gray[**─**] thin line: nobody traded · "
    ":violet[**▼**] violet band: not complete, trades are missing · grey band, *no data*: no candle, and none is invented"
)


@st.fragment(run_every=TICK_SECONDS)
def _show(symbol: str, timeframe: Timeframe, bars: int, *, lost_before: bool) -> None:
    view = live_view(symbol, timeframe, bars)
    if lost_before and not view.lost:
        st.rerun()  # the pickers were made without what was away
    label = words.tape_label(symbol, view.feed)
    st.subheader(f"{symbol} {_LABELS[label]}" if label else symbol, anchor=False)
    show_lost(view.lost)
    _show_metrics(symbol, view, timeframe)
    if view.candles.empty:
        st.info(f"No {timeframe} candle of {symbol} is stored or forming yet; the first one shows with the first trade.")
        return
    about = f"{symbol} {timeframe}" + (f" · {label}" if label else "")
    rows, spec = chart_rows(view.candles, timeframe), candle_spec(symbol, about)
    st.vega_lite_chart(rows, spec, key="candles", alt=f"Candles and volume of {about}")
    st.caption(_LEGEND)


def _show_metrics(symbol: str, view: LiveView, timeframe: Timeframe) -> None:
    state, sentence = words.feed_state(view.feed, view.at_us, told="redis" not in view.lost)
    whole = words.completeness(view.candles, timeframe)
    columns = st.columns(5)
    columns[0].metric("Last price", words.price(view.price))
    columns[1].metric("Age of the last trade", words.trade_age(view.feed, view.at_us), help=words.AGE_MEANS)
    columns[2].metric("Feed", state, help=sentence)
    columns[3].metric("Trades in view", f"{view.candles['trades'].sum():,}")
    columns[4].metric("Proven complete", whole.share, help=words.COMPLETE_MEANS)
    st.caption(f"{sentence} In view: {whole}.")
    doubt = words.doubt(symbol, view.feed, whole)
    if doubt:
        st.caption(f":orange-badge[:material/help: {words.UNPROVABLE}] {doubt}")


@st.fragment(run_every=2 * TICK_SECONDS)
def _wait_for_data() -> None:
    known = known_symbols()
    if known.symbols:
        st.rerun()
    show_lost(known.lost)
    if not known.lost:
        st.info(
            "Nothing is stored yet, and nothing is followed. Start `tcpdash demo` (an invented market, without account or "
            "network), or `tcpdash up --exchange okx --symbols BTC-USDT,ETH-USDT`. This page fills by itself."
        )


known = known_symbols()
symbol, timeframe, bars = pick(known)
if symbol is None:
    _wait_for_data()
else:
    _show(symbol, timeframe, bars, lost_before=bool(known.lost))
