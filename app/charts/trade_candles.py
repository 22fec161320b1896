"""The candles around one trade: where it entered and left, and what the market did meanwhile."""

from typing import Any

import altair as alt
import pandas as pd

from app.charts.house import DOUBT, GAIN, LOSS, MAX_POINTS, PRICE_FORM, QUIET, amount_form, layered, number_axis, signed, time_axis
from app.charts.rows import chart_rows
from app.charts.zone import UTC, Zone
from market.timeframe import Timeframe

_SIDES = alt.Scale(domain=["long", "short"], range=["triangle-up", "triangle-down"])
_LEGEND = [
    "hollow: rises, filled: falls, thin line: nobody traded; grey band: no candle, violet band around one: trades are missing",
    (
        "\N{BLACK UP-POINTING TRIANGLE} long or \N{BLACK DOWN-POINTING TRIANGLE} short enters, a bar leaves; blue won, "
        "orange lost; the chosen one in rings"
    ),
]
_AIR, _MOST_TRADES = 40, 200


def window_around(trade: "pd.Series[Any]", width: Timeframe, wider: list[Timeframe]) -> tuple[Timeframe, int, int]:
    """Return which candles show a trade, and from when to when, UTC epoch microseconds, so that at most 2,000 are drawn.

    Args:
        trade: With entered_at and left_at, UTC.
        width: Of the candles that it was decided on.
        wider: Other widths, the narrowest first; the first that is narrow enough is taken where the trade lasted too long.
    """
    entered_us, left_us = (round(pd.Timestamp(str(trade[name])).timestamp() * 1_000_000) for name in ("entered_at", "left_at"))
    lasted = left_us - entered_us
    fitting = [each for each in (width, *wider) if each.width_us >= width.width_us]
    chosen = next((each for each in fitting if _bars(lasted, each) <= MAX_POINTS), fitting[-1])
    air_us = _air(lasted, chosen) * chosen.width_us
    return chosen, max(entered_us - air_us, 1), left_us + air_us


def trade_candles_chart(
    candles: pd.DataFrame, trades: pd.DataFrame, timeframe: Timeframe, *, symbol: str, title: str, zone: Zone = UTC
) -> alt.LayerChart:
    """Return the chart of candles with trades on them.

    Args:
        candles: As `get_candles` returns them, UTC; the newest 2,000 are drawn.
        trades: Those of the symbol that are marked; columns number, side, entered, left (moved into the zone), entry, exit (words),
            entry_price, exit_price, profit, return, reason and chosen (boolean: it has rings around its ends).
        timeframe: Width of the candles.
        symbol: `EXCHANGE:BASE-QUOTE`.
        title: Above the chart.
        zone: In which the chart is.
    """
    rows = chart_rows(candles, timeframe, zone=zone)
    name = f"price in {symbol.partition('-')[2].partition('-')[0]}"
    layers = [*_candles(alt.Chart(rows), name, zone), *_marks(trades.tail(_MOST_TRADES), name, zone)]
    return layered(alt.TitleParams(title, subtitle=_LEGEND, subtitleColor=QUIET), *layers, height=380)


def _candles(base: alt.Chart, name: str, zone: Zone) -> list[alt.Chart]:
    traded = base.transform_filter("datum.kind == 'traded'")
    direction = alt.when("datum.direction == 'up'").then(alt.value(GAIN)).otherwise(alt.value(LOSS))
    filled = alt.when("datum.direction == 'up'").then(alt.value(0.0)).otherwise(alt.value(0.8))
    told = [
        alt.Tooltip("label:N", title=f"close ({zone.name})"),
        *(alt.Tooltip(f"{each}:Q", format=PRICE_FORM) for each in ("open", "high", "low", "close", "volume")),
        alt.Tooltip("standing:N", title="complete"),
    ]
    begin, end = time_axis("begin", zone=zone), alt.X2("end")
    bands = base.transform_filter("datum.kind == 'hole' || datum.incomplete").mark_rect(opacity=0.22)
    return [
        bands.encode(begin, end, color=alt.when("datum.kind == 'hole'").then(alt.value(QUIET)).otherwise(alt.value(DOUBT))),
        *(
            traded.mark_rule(strokeWidth=1, opacity=0.7).encode(
                time_axis("middle", zone=zone), number_axis(start, name), alt.Y2(stop), color=direction
            )
            for start, stop in (("top", "high"), ("low", "bottom"))
        ),
        base.transform_filter("datum.kind == 'quiet'").mark_rule(color=QUIET).encode(begin, end, number_axis("close", name)),
        traded.mark_bar(strokeWidth=1, opacity=0.7).encode(
            time_axis("left", zone=zone), alt.X2("right"), number_axis("open", name), alt.Y2("close"), stroke=direction,
            fill=direction, fillOpacity=filled,
        ),
        base.transform_filter("isValid(datum.close)").mark_rect(opacity=0).encode(begin, end, tooltip=told),
    ]  # fmt: skip


def _marks(trades: pd.DataFrame, name: str, zone: Zone) -> list[alt.Chart]:
    base, form = alt.Chart(trades), amount_form(trades["profit"], sign="+")
    told = [
        alt.Tooltip("number:N", title="trade"), alt.Tooltip("side:N"), alt.Tooltip("entry:N", title=f"entered ({zone.name})"),
        alt.Tooltip("exit:N", title=f"left ({zone.name})"),
        *(alt.Tooltip(f"{each}:Q", title=each.replace("_", " "), format=",.8~g") for each in ("entry_price", "exit_price")),
        alt.Tooltip("profit:Q", format=form), alt.Tooltip("return:Q", format="+.2%"), alt.Tooltip("reason:N"),
    ]  # fmt: skip
    path = base.mark_rule(strokeWidth=2.5).encode(
        time_axis("entered", zone=zone), number_axis("entry_price", name), alt.X2("left"), alt.Y2("exit_price"),
        color=signed("profit"),
    )  # fmt: skip
    entry = base.mark_point(filled=True, size=110, opacity=1).encode(
        time_axis("entered", zone=zone), number_axis("entry_price", name), shape=alt.Shape("side:N", scale=_SIDES, legend=None),
        color=signed("profit"), tooltip=told,
    )  # fmt: skip
    leave = base.mark_point(shape="stroke", size=140, strokeWidth=3, angle=90, opacity=1).encode(
        time_axis("left", zone=zone), number_axis("exit_price", name), color=signed("profit"), tooltip=told
    )
    ring = base.transform_filter("datum.chosen").mark_point(shape="circle", size=420, strokeWidth=1.5, color=DOUBT, opacity=1)
    rings = [
        ring.encode(time_axis(moment, zone=zone), number_axis(price, name))
        for moment, price in (("entered", "entry_price"), ("left", "exit_price"))
    ]
    return [path, leave, *rings, entry]


def _bars(lasted_us: int, width: Timeframe) -> int:
    return lasted_us // width.width_us + 2 * _air(lasted_us, width) + 2


def _air(lasted_us: int, width: Timeframe) -> int:
    """Return how many bars are shown before and behind a trade."""
    return int(max(_AIR, lasted_us // width.width_us // 3))
