"""Indicators of a strategy on the chart of the market: asked elsewhere, the last ones drawn until newer ones are there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.charts.lines import Places, last_values, line_rows, places
from app.charts.zone import Zone
from app.data import candles as reads
from app.markdown import escaped
from app.strategy_desk import Found
from market.timeframe import Timeframe
from trading.bots.hosts import Answer
from trading.frames import Floats, Integers, timestamps_us

_DRAWN = "market_lines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Lines on a chart.

    Attributes:
        where: Their names by place; empty where there are none.
        rows: See `app.charts.lines.line_rows`.
        said: What there is to say of them.
    """

    where: Places = ()
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    said: str = ""


def asked_lines(
    symbol: str, timeframe: Timeframe, closed: pd.DataFrame, *, strategy: str, parameters: Mapping[str, Any], version: int,
    screen: Zone,
) -> Lines:  # fmt: skip
    """Return the lines of a strategy over candles that are over, or those drawn before while it is asked about newer ones."""
    recipe = (symbol, timeframe, strategy, repr(sorted(parameters.items())), str(screen))
    found = reads.indicators(symbol, timeframe, closed, strategy=strategy, parameters=parameters, version=version)
    drawn: tuple[object, Found | None, Lines] = st.session_state.get(_DRAWN, (None, None, Lines()))
    kept_recipe, kept_found, kept = drawn
    if found is None:
        return kept if kept_recipe == recipe else Lines(said=f"Indicators of {escaped(strategy)} are being computed.")
    if kept_recipe == recipe and kept_found is found:
        return kept
    made = _made(found, timeframe, closed, strategy, screen)
    st.session_state[_DRAWN] = (recipe, found, made)
    return made


def _made(found: Found, timeframe: Timeframe, closed: pd.DataFrame, strategy: str, screen: Zone) -> Lines:
    name = escaped(strategy)
    if found.answer is None or found.problem:
        why = found.problem or "no candle that is over is stored yet"
        return Lines(said=f":material/error: No indicators of {name}: {escaped(why)}")
    series = _of_drawn(found.answer, found.labels_us, timestamps_us(closed))
    where = places(series, closed)
    if not any(where):
        few = f" It needs {found.answer.lookback:,} candles before the first value." if found.answer.series else ""
        return Lines(said=f"{name} shows no indicators here.{few}")
    said = (
        f"Indicators of {name}: {escaped(last_values(series, where))} at the close of the newest candle that is over. "
        f"A value needs {found.answer.lookback:,} candles; earlier ones are left out."
    )
    return Lines(where=where, rows=line_rows(series, closed["timestamp"], where, timeframe, zone=screen), said=said)


def _of_drawn(answer: Answer, labels_us: Integers, drawn_us: Integers) -> dict[str, Floats]:
    """Return each series at the candles that are drawn, NaN where it does not know one yet."""
    places_of = np.minimum(np.searchsorted(labels_us, drawn_us), len(labels_us) - 1)
    known = labels_us[places_of] == drawn_us
    return {
        name: np.where(known, series[places_of], np.nan) for name, series in answer.series.items() if len(series) == len(labels_us)
    }
