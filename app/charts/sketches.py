"""Charts as plain SVG, made here within milliseconds: what a browser shows until it has loaded and run what draws the real ones.

They are no second house style: the same rows, colours and forms, in about the same places, and nothing that answers to a mouse.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.charts.candles import DOWN, UP, Part
from app.charts.coverage import AS_IT_SHOULD_BE, CALM, COLOURS, ROW, STRONG
from app.charts.house import DOUBT, QUIET
from market.clock import from_datetime

Numbers = NDArray[np.floating[Any]]

_INK = {"light": "#333333", "dark": "#f2f1ef"}
_TOP, _BELOW, _RIGHT = 40, 46, 78  # around the candles: a title, the times, the prices
_LETTER, _LABELS_BELOW = 7.4, 76
_TIMES, _PRICES, _LEAST = 8, 7, 1e-12
_GRID = "stroke='currentColor'"
_LOOKS = {"up": (UP, 0, 0.15), "down": (DOWN, 1, 0.8)}  # how far bodies and volumes are filled
_PRICED = ("high", "low", "close", "top", "bottom")
_TWO_DAYS = 2 * 86_400_000_000


def candle_sketch(rows: pd.DataFrame, *, title: str, size: tuple[int, int], parts: Sequence[Part], theme: str) -> str:
    """Return candles and volume as SVG.

    Args:
        rows: As `app.charts.rows.chart_rows` returns them, with the row that says how much time is shown.
        title: Above the chart.
        size: Width and height of all of it, pixels.
        parts: Where prices and volumes are, of the height.
        theme: `light` or `dark`.
    """
    (width, height), right, tall = size, size[0] - _RIGHT, size[1] - _TOP - _BELOW
    prices, volumes = ((_TOP + top * tall, _TOP + bottom * tall) for top, bottom in parts[:2])
    kinds, incomplete = rows["kind"].astype("object").to_numpy(), rows["incomplete"].to_numpy(dtype="bool")
    numbers: Numbers = rows[list(_PRICED)].to_numpy(dtype="float64")
    ticks = _ticks(float(np.nanmin(numbers)), float(np.nanmax(numbers)), _PRICES)
    frame = rows[kinds == "frame"].iloc[0]
    span_us = [from_datetime(frame[name].to_pydatetime()) for name in ("begin", "end")]
    place = _Place(span_us, right, (ticks[0], ticks[-1]), prices)
    drawn = [_text(0, 13, title, "font-size='16' font-weight='600'"), *_times(span_us, right, height - _BELOW + 20)]
    for tick, y in zip(ticks, place.up(np.array(ticks)), strict=True):
        drawn += [_path([f"M0 {y:.1f}H{right}"], f"{_GRID} stroke-opacity='.12'"), _text(right + 16, y + 4, f"{tick:,.12g}")]
    begin, end, left, last, middle = (place.across(rows[name]) for name in ("begin", "end", "left", "right", "middle"))
    for shade, here in ((QUIET, kinds == "hole"), (DOUBT, incomplete)):
        drawn.append(_bars(begin[here], end[here], _TOP, _TOP + tall, f"fill='{shade}' fill-opacity='.22'"))
    bars = _Bars(left, last, middle, dict(zip(_PRICED, place.up(numbers).T, strict=True)), _shares(rows["volume"]), volumes)
    directions = rows["direction"].astype("object").to_numpy()
    for direction in _LOOKS:
        drawn += bars.drawn((kinds == "traded") & (directions == direction), direction)
    flat = zip(*(each[kinds == "quiet"] for each in (begin, end, bars.prices["close"])), strict=True)
    return _svg(width, height, [*drawn, _path((f"M{x:.1f} {y:.1f}H{to:.1f}" for x, to, y in flat), f"stroke='{QUIET}'")], theme)


def calendar_sketch(cells: pd.DataFrame, symbols: Sequence[str], columns: Sequence[str], *, width: int, theme: str) -> str:
    """Return the calendar of coverage as SVG; arguments as of `app.charts.coverage.calendar_chart`."""
    begin = min(_LETTER * max(map(len, symbols)) + 12, width / 2)  # in a narrow window, too
    step, tall = (width - begin) / len(columns), ROW * len(symbols)
    rows, places = {name: row for row, name in enumerate(symbols)}, {name: place for place, name in enumerate(columns)}
    left = begin + cells["column"].map(places).to_numpy(dtype="float64") * step
    top = cells["symbol"].map(rows).to_numpy(dtype="float64") * ROW + ROW * 0.06
    drawn = [_text(begin - 8, (row + 0.65) * ROW, name, "text-anchor='end'") for name, row in rows.items()]
    for state, colour in COLOURS.items():
        here = (cells["state"] == state).to_numpy()
        strength = CALM if state in AS_IT_SHOULD_BE else STRONG
        look = f"fill='{colour}' fill-opacity='{strength}'"
        drawn.append(_bars(left[here], left[here] + 0.94 * step, top[here], top[here] + 0.88 * ROW, look))
    named = range(0, len(columns) - 2, max(1, len(columns) // 14))
    drawn += [_text(begin + place * step, tall + 18, f"{pd.Timestamp(columns[place]):%d %b}") for place in named]
    return _svg(width, tall + _LABELS_BELOW, drawn, theme)


class _Place:
    """Where moments and prices are, in pixels."""

    def __init__(self, span_us: Sequence[int], right: float, prices: tuple[float, float], pixels: tuple[float, float]) -> None:
        self._span_us, self._right, self._prices, self._pixels = span_us, right, prices, pixels

    def across(self, moments: "pd.Series[pd.Timestamp]") -> Numbers:
        begin_us, end_us = self._span_us
        at_us: Numbers = moments.dt.as_unit("us").astype("int64").to_numpy().astype("float64")
        return (at_us - begin_us) / (end_us - begin_us) * self._right

    def up(self, prices: Numbers) -> Numbers:
        (low, high), (top, bottom) = self._prices, self._pixels
        return bottom - (prices - low) / (high - low) * (bottom - top)


@dataclass(frozen=True, slots=True)
class _Bars:
    """All candles, in pixels: their sides, their prices by name, their share of the highest volume, and where volumes are."""

    left: Numbers
    right: Numbers
    middle: Numbers
    prices: Mapping[str, Numbers]
    shares: Numbers
    volumes: tuple[float, float]

    def drawn(self, here: NDArray[np.bool_], direction: str) -> list[str]:
        """Return wicks, bodies and volumes of some of them."""
        colour, inside, pale = _LOOKS[direction]
        left, right, middle, shares = (each[here] for each in (self.left, self.right, self.middle, self.shares))
        high, top, bottom, low = (self.prices[name][here] for name in ("high", "top", "bottom", "low"))
        wicks, (roof, floor) = zip(middle, high, top, bottom, low, strict=True), self.volumes
        look = f"stroke='{colour}' fill='{colour}' fill-opacity="
        return [
            _path((f"M{x:.1f} {a:.1f}V{b:.1f}M{x:.1f} {c:.1f}V{d:.1f}" for x, a, b, c, d in wicks), f"stroke='{colour}'"),
            _bars(left, right, top, bottom, f"{look}'{inside}'"),
            _bars(left, right, floor - shares * (floor - roof), floor, f"{look}'{pale}'"),
        ]


def _shares(volumes: "pd.Series[float]") -> Numbers:
    found: Numbers = volumes.to_numpy(dtype="float64")
    return found / max(float(np.nanmax(found)), _LEAST)


def _times(span_us: Sequence[int], right: float, y: float) -> list[str]:
    begin_us, end_us = span_us
    form = "%H:%M" if end_us - begin_us <= _TWO_DAYS else "%d %b"
    moments = pd.to_datetime(np.linspace(begin_us, end_us, _TIMES + 1)[:-1].astype("int64"), unit="us")
    return [_text(place * right / _TIMES, y, f"{moment:{form}}") for place, moment in enumerate(moments)]


def _ticks(low: float, high: float, count: int) -> list[float]:
    """Return about so many round numbers, two or more, from one not above the lowest to one not below the highest."""
    span, most = high - low, max(abs(low), abs(high), _LEAST)
    rough = (span if span > most * _LEAST else most) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
    first = math.floor(low / step)
    return [number * step for number in range(first, max(math.ceil(high / step), first + 1) + 1)]


def _bars(left: Numbers, right: Numbers, top: Numbers | float, bottom: Numbers | float, look: str) -> str:
    sides = np.broadcast_arrays(left, right, top, bottom)
    return _path((f"M{a:.1f} {c:.1f}H{b:.1f}V{d:.1f}H{a:.1f}Z" for a, b, c, d in zip(*sides, strict=True)), look)


def _path(lines: Iterable[str], look: str) -> str:
    return f"<path d='{''.join(lines)}' {look}/>"


def _text(x: float, y: float, text: str, look: str = "") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' fill='currentColor' {look}>{escape(text)}</text>"


def _svg(width: int, height: int, drawn: Iterable[str], theme: str) -> str:
    look = f"fill='none' color='{_INK[theme]}' font-family='Source Sans, sans-serif' font-size='12' stroke-width='1.2'"
    box = f"width='{width}' height='{height}' viewBox='0 0 {width} {height}'"
    return f"<svg xmlns='http://www.w3.org/2000/svg' {box} {look}>{''.join(drawn)}</svg>"
