"""Curves of several runs on one chart, each begun at 100, told apart by colour, dashes and name."""

from collections.abc import Mapping
from types import MappingProxyType

import altair as alt
import pandas as pd

from app.charts.house import found_by_mouse, layered, number_axis, thin, time_axis
from app.charts.zone import UTC, Zone

COLOURS = ("#3a86c8", "#d9622b", "#2a9d8f", "#b455a0", "#c39a00", "#8a8f98")
"""Told apart with colour blindness together with the dashes, on white as on black."""

_DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [10, 4], [4, 1])
_EACH = 1_000

_NO_BALANCES: Mapping[str, float] = MappingProxyType({})


def compared_chart(
    curves: dict[str, pd.DataFrame],
    *,
    balances: Mapping[str, float] = _NO_BALANCES,
    title: str = "Equity, each begun at 100",
    zone: Zone = UTC,
) -> alt.LayerChart:
    """Return the chart of the equity of some runs, at most six.

    Args:
        curves: By the name of the run, columns timestamp (moved into the zone) and equity; see `app.charts.parts.curve_rows`.
        balances: What each run began with, by its name; the first equity of its curve where it is not there.
        title: Above the chart.
        zone: In which the curves are.
    """
    names = list(curves)[: len(COLOURS)]
    parts = [_rebased(curves[name], name, balance=balances.get(name)) for name in names]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"timestamp": [], "value": [], "run": []})
    legend = alt.Legend(orient="top", title=None, symbolStrokeWidth=2, symbolSize=300, labelLimit=400, columns=2)
    lines = (
        alt.Chart(rows)
        .mark_line(strokeWidth=1.6)
        .encode(
            time_axis(zone=zone),
            number_axis("value", "equity, 100 at the begin", form=",~r"),
            color=alt.Color("run:N", scale=alt.Scale(domain=names, range=list(COLOURS[: len(names)])), legend=legend),
            strokeDash=alt.StrokeDash("run:N", scale=alt.Scale(domain=names, range=list(_DASHES[: len(names)])), legend=legend),
        )
    )
    return layered(title, _mouse(parts, names, zone), lines, height=340)


def _rebased(curve: pd.DataFrame, name: str, *, balance: float | None = None) -> pd.DataFrame:
    whole = curve.dropna(subset=["equity"])
    first = balance or (float(whole["equity"].iloc[0]) if len(whole) else 1.0) or 1.0
    rows = thin(whole, _EACH)
    return pd.DataFrame({"timestamp": rows["timestamp"], "value": rows["equity"] / first * 100, "run": name})


def _mouse(parts: list[pd.DataFrame], names: list[str], zone: Zone) -> alt.Chart:
    """One tooltip for all: each run at its newest value up to there."""
    wide = pd.DataFrame({"timestamp": pd.Series(dtype="datetime64[us, UTC]")})
    for number, part in enumerate(parts):
        own = part[["timestamp", "value"]].rename(columns={"value": f"run{number}"})
        wide = wide.merge(own, on="timestamp", how="outer")
    wide = wide.sort_values("timestamp", ignore_index=True).ffill()
    return found_by_mouse(
        wide, [alt.Tooltip(f"run{number}:Q", title=name, format=",.2f") for number, name in enumerate(names)], zone=zone
    )
