"""The trades of a run: what each won or lost, a list that is paged in SQL, and one of them on the candles around it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.charts.house import decimals_of
from app.charts.parts import hole_rows, minute
from app.charts.trade_candles import trade_candles_chart, window_around
from app.charts.trades import profit_chart
from app.charts.zone import Zone
from app.data.backtests import Run, candles, largest_trades, trade_page
from app.reports.figures import money, plural, quote_of, told_of
from app.stores import Lost
from app.views.banner import show_lost
from app.views.charts import show_chart
from app.views.choices import choose_number, choose_page
from app.views.pickers import TIMEFRAMES
from market.timeframe import Timeframe

_ROWS = 100
_MOST_DRAWN = 1_000
_SHOWN = (
    "number", "symbol", "side", "entered", "left", "bars", "size", "entry price", "exit price", "profit", "return", "fees",
    "reason", "hole",
)  # fmt: skip
_DIGITS = ("size", "entry price", "exit price", "fees")
_ALL_DIGITS = "%.10g"  # else a fee of 0.00001234 BTC is shown as 0.00001


def show_trades(run: Run, zone: Zone) -> None:
    """Show the trades of a run."""
    lost: Lost = {}
    largest = largest_trades(run.kept.id, most=_MOST_DRAWN, lost=lost)
    if largest is None:
        show_lost(lost)
        return
    if largest.empty:
        st.info("No trade was closed." if run.document.get("open") else "No trade was made.")
    else:
        _show_profits(run, largest, zone)
        _show_list(run, largest, zone)
    _show_open(run)


def _show_profits(run: Run, largest: pd.DataFrame, zone: Zone) -> None:
    count, quote = int(largest["count"].iloc[0]), quote_of(run.document)
    more = f" (the {len(largest):,} largest of {count:,})" if len(largest) < count else ""
    title = f"Profit of each trade{more}"
    chart = profit_chart(told_trades(largest, zone), hole_rows(run.document, zone=zone), quote=quote, title=title, zone=zone)
    # Of all trades: those that are drawn may all have won.
    win, loss = (told_of(run.document["metrics"], name, quote=quote) for name in ("largest_win", "largest_loss"))
    show_chart(chart, alternative=f"{title}: {plural(count, 'trade')}, largest win {win}, largest loss {loss}")


def _show_list(run: Run, largest: pd.DataFrame, zone: Zone) -> None:
    count = int(largest["count"].iloc[0])
    columns = st.columns([2, 2, 8], vertical_alignment="bottom")
    number = choose_number(
        "Trade on the candles",
        "trade",
        count,
        place=columns[0],
        placeholder="choose one",
        help="A row of the list chooses it, too.",
    )
    page = choose_page("trades", count, _ROWS, place=columns[1])
    rows = _rows(run, largest, offset=page * _ROWS, limit=_ROWS)
    if number is not None:
        _show_candles(run, _own(run, largest, rows, number), rows, zone)
    key, alternative = f"list {run.kept.id} {page}", f"Trades {rows['number'].min()} to {rows['number'].max()} of {count}"
    st.dataframe(
        _table(rows, zone), hide_index=True, on_select=lambda: _choose(key, rows), selection_mode="single-row", key=key,
        column_config=_formats(largest), alt=alternative,
    )  # fmt: skip


def _rows(run: Run, largest: pd.DataFrame, *, offset: int, limit: int) -> pd.DataFrame:
    """Return a part of the list: of what is here where that is all, else read for itself."""
    if len(largest) == int(largest["count"].iloc[0]):
        return largest.iloc[offset : offset + limit]
    lost: Lost = {}
    found = trade_page(run.kept.id, offset=offset, limit=limit, lost=lost)
    show_lost(lost)
    return largest.head(0) if found is None else found


def _formats(largest: pd.DataFrame) -> Any:
    """Return how columns of the list are shown; profits alike on each of its pages."""
    profit = f"%+.{decimals_of(largest['profit'])}f"
    return _columns({"return": "percent", "profit": profit, **dict.fromkeys(_DIGITS, _ALL_DIGITS)})


def _columns(formats: Mapping[str, str]) -> Any:
    return {name: st.column_config.NumberColumn(format=form) for name, form in formats.items()}


def _choose(key: str, rows: pd.DataFrame) -> None:
    chosen: Any = st.session_state[key].selection.rows
    if chosen and chosen[0] < len(rows):
        st.session_state["trade"] = int(rows["number"].iloc[chosen[0]])


def _own(run: Run, largest: pd.DataFrame, rows: pd.DataFrame, number: int) -> pd.DataFrame:
    """Return the chosen trade as a table of one row; it may be on another page."""
    own = rows[rows["number"] == number]
    return own if len(own) else _rows(run, largest, offset=number - 1, limit=1)


def _show_candles(run: Run, own: pd.DataFrame, rows: pd.DataFrame, zone: Zone) -> None:
    if own.empty:
        return
    one, lost = own.iloc[0], dict[str, str]()
    wider = [each for each in TIMEFRAMES if each.width_us > Timeframe(run.kept.timeframe).width_us]
    width, start_us, end_us = window_around(one, Timeframe(run.kept.timeframe), wider)
    symbol = str(one["symbol"])
    found = candles(symbol, width, start_us=start_us, end_us=end_us, lost=lost)
    show_lost(lost)
    if found is None:
        return
    if found.empty:
        st.info(f"The candles of {symbol} around trade {one['number']} are not stored any more.")
        return
    first, last = found["timestamp"].iloc[0], found["timestamp"].iloc[-1]
    near = rows[(rows["symbol"] == symbol) & (rows["entered_at"] >= first) & (rows["left_at"] <= last)]
    marked = pd.concat([near, own]).drop_duplicates("number").sort_values("number")
    marked = marked.assign(chosen=marked["number"] == one["number"])
    title = f"Trade {one['number']} on {width} candles of {symbol}"
    if width != Timeframe(run.kept.timeframe):
        title += f" (it lasted too long for those of {run.kept.timeframe})"
    chart = trade_candles_chart(found, told_trades(marked, zone), width, symbol=symbol, title=title, zone=zone)
    show_chart(chart, alternative=f"{title}: {one['side']}, profit {money(one['profit'], signed=True)}, left by {one['reason']}")


def told_trades(rows: pd.DataFrame, zone: Zone) -> pd.DataFrame:
    """Return trades of the store as `app.charts.parts.trade_rows` has them: moments in the zone, and words for tooltips."""
    entered, left = zone.moved(rows["entered_at"]), zone.moved(rows["left_at"])
    hole = rows["touches_hole"].map({True: "touches a hole", False: "no"})
    return rows.drop(columns=["entered_at", "left_at"]).assign(
        entered=entered, left=left, entry=minute(entered), exit=minute(left), hole=hole
    )


def _table(rows: pd.DataFrame, zone: Zone) -> pd.DataFrame:
    told = told_trades(rows, zone)
    moments = {name: zone.told_all(rows[f"{name}_at"]) for name in ("entered", "left")}
    told = told.assign(**moments, reason=rows["reason"].str.replace("-", " "))
    told["hole"] = rows["touches_hole"].map({True: "touches a hole", False: ""})
    return told.rename(columns={"entry_price": "entry price", "exit_price": "exit price"})[list(_SHOWN)]


def _show_open(run: Run) -> None:
    held = run.document.get("open") or []
    if held:
        st.write("Still open at the end: in the final value, and in no figure of trades.")
        formats = _columns(dict.fromkeys(("size", "entry_price", "price", "profit"), _ALL_DIGITS))
        st.dataframe(pd.DataFrame(held), hide_index=True, column_config=formats, alt="Positions that were open at the end")
