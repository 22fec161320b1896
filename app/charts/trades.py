"""Trades: what each of them won or lost, and where they lie on the price."""

import altair as alt
import pandas as pd

from app.charts.house import (
    DOUBT,
    MAX_POINTS,
    QUIET,
    amount_form,
    hole_bands,
    layered,
    number_axis,
    signed,
    split_at_holes,
    thin,
    time_axis,
)
from app.charts.zone import UTC, Zone

_LEGEND = (
    "\N{BLACK UP-POINTING TRIANGLE} long, \N{BLACK DOWN-POINTING TRIANGLE} short; blue won, orange lost; in a ring: touches a hole"
)
_SIDES = alt.Scale(domain=["long", "short"], range=["triangle-up", "triangle-down"])


def profit_chart(
    trades: pd.DataFrame, holes: pd.DataFrame, *, quote: str, title: str = "Profit of each trade", most: int = MAX_POINTS,
    zone: Zone = UTC,
) -> alt.LayerChart:  # fmt: skip
    """Return the chart of profits after fees, each at the time at which its trade ended.

    Args:
        trades: See `app.charts.parts.trade_rows`.
        holes: See `app.charts.parts.hole_rows`.
        quote: Currency of the account.
        title: Above the chart; it says so when not all are drawn.
        most: So many trades are drawn, those with the largest profits and losses.
        zone: In which the rows are.
    """
    shown, more = _largest(trades, most)
    base = alt.Chart(shown)
    y = number_axis("profit", f"profit in {quote}" if quote else "profit", form=",~r", zero=True)
    stems = base.mark_rule(opacity=0.5).encode(time_axis("left", zone=zone), y, alt.Y2Datum(0), color=signed("profit"))
    shape = alt.Shape("side:N", scale=_SIDES, legend=None)
    heads = base.mark_point(filled=True, size=36, opacity=0.9).encode(
        time_axis("left", zone=zone), y, shape=shape, color=signed("profit"), tooltip=_told(shown, zone)
    )
    return layered(_titled(title + more), *hole_bands(holes, zone=zone), stems, *_doubts(base, "left", "profit", zone), heads)


def trade_marks_chart(
    prices: pd.DataFrame | None, trades: pd.DataFrame, holes: pd.DataFrame, *, symbol: str, title: str, most: int = MAX_POINTS,
    zone: Zone = UTC,
) -> alt.LayerChart:  # fmt: skip
    """Return where the trades of one symbol lie: a line from each entry to its exit, on the price.

    Args:
        prices: Columns timestamp and close; only the trades are drawn if None.
        trades: Those of the symbol; see `app.charts.parts.trade_rows`.
        holes: See `app.charts.parts.hole_rows`.
        symbol: `EXCHANGE:BASE-QUOTE`, for the name of the axis.
        title: Above the chart; it says so when not all are drawn.
        most: So many trades are drawn, those with the largest profits and losses.
        zone: In which the rows are.
    """
    shown, more = _largest(trades, most)
    name = f"price in {symbol.partition('-')[2].partition('-')[0]}"
    base = alt.Chart(shown)
    paths = base.mark_rule(strokeWidth=2, opacity=0.8).encode(
        time_axis("entered", zone=zone),
        number_axis("entry_price", name),
        alt.X2("left"),
        alt.Y2("exit_price"),
        color=signed("profit"),
    )
    entries = base.mark_point(filled=True, size=42, opacity=1).encode(
        time_axis("entered", zone=zone),
        number_axis("entry_price", name),
        shape=alt.Shape("side:N", scale=_SIDES, legend=None),
        color=signed("profit"),
        tooltip=_told(shown, zone),
    )
    exits = base.mark_point(shape="stroke", size=60, strokeWidth=2, angle=90).encode(
        time_axis("left", zone=zone), number_axis("exit_price", name), color=signed("profit"), tooltip=_told(shown, zone)
    )
    lines = [] if prices is None else [_price(split_at_holes(thin(prices), holes), name, zone)]
    marks = (paths, *_doubts(base, "left", "exit_price", zone), exits, entries)
    return layered(_titled(title + more), *hole_bands(holes, zone=zone), *lines, *marks, height=340)


def _price(prices: pd.DataFrame, name: str, zone: Zone) -> alt.Chart:
    line: alt.Chart = (
        alt.Chart(prices).mark_line(strokeWidth=1, color=QUIET).encode(time_axis(zone=zone), number_axis("close", name))
    )
    return line


def _doubts(base: alt.Chart, x: str, y: str, zone: Zone) -> list[alt.Chart]:
    """A ring around what touches a hole."""
    ring = base.transform_filter("datum.touches_hole").mark_point(shape="circle", size=160, color=DOUBT, strokeWidth=2, opacity=1)
    return [ring.encode(time_axis(x, zone=zone), alt.Y(f"{y}:Q"))]


def _largest(trades: pd.DataFrame, most: int) -> tuple[pd.DataFrame, str]:
    if len(trades) <= most:
        return trades, ""
    kept = trades.loc[trades["profit"].abs().nlargest(most).index].sort_index()
    return kept, f" (the {most:,} largest of {len(trades):,})"


def _titled(title: str) -> alt.TitleParams:
    # A legend would show shapes in the colour of one of both outcomes.
    return alt.TitleParams(title, subtitle=_LEGEND, subtitleColor=QUIET)


def _told(trades: pd.DataFrame, zone: Zone) -> list[alt.Tooltip]:
    words = {
        "number": "trade",
        "symbol": "symbol",
        "side": "side",
        "entry": f"entered ({zone.name})",
        "exit": f"left ({zone.name})",
    }
    prices = [alt.Tooltip(f"{name}:Q", title=name.replace("_", " "), format=",.8~g") for name in ("entry_price", "exit_price")]
    gains = [alt.Tooltip("profit:Q", format=amount_form(trades["profit"], sign="+")), alt.Tooltip("return:Q", format="+.2%")]
    ends = [alt.Tooltip("reason:N"), alt.Tooltip("hole:N", title="hole")]
    return [*(alt.Tooltip(f"{name}:N", title=title) for name, title in words.items()), *prices, *gains, *ends]
