"""Bars for the tests of strategies, and Hypothesis strategies for hard ones."""

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from trading.parameters import Kind, Parameter
from trading.strategy import BaseStrategy

START = pd.Timestamp("2024-08-09T00:01:00Z")
MINUTE = 60_000_000
_JUMPS = (0.01, 0.1, 0.5, 0.999, 1.0, 1.001, 2.0, 10.0, 100.0)


def bars(closes: Any, *, volumes: Any = 1.0, steps: Any = 1, spread: float = 0.0) -> pd.DataFrame:
    """Return minute bars with these closes; `steps` are the minutes from one to the next."""
    close = np.asarray(closes, dtype=np.float64)
    opened = np.concatenate([close[:1], close[:-1]])
    minutes = np.cumsum(np.broadcast_to(steps, close.shape)) - np.broadcast_to(steps, close.shape)[:1].sum()
    index = pd.DatetimeIndex((minutes * MINUTE + START.value // 1000).astype("datetime64[us]"), name="timestamp").tz_localize("UTC")
    columns = {
        "open": opened,
        "high": np.maximum(opened, close) * (1 + spread),
        "low": np.minimum(opened, close) * (1 - spread),
        "close": close,
        "volume": np.broadcast_to(np.asarray(volumes, dtype=np.float64), close.shape),
    }
    return pd.DataFrame(columns, index=index)


def walk(length: int, *, seed: int = 1, volatility: float = 1e-3) -> pd.DataFrame:
    """Return bars of a random walk."""
    rng = np.random.default_rng(seed)
    return bars(60_000 * np.exp(np.cumsum(rng.normal(0, volatility, length))), volumes=rng.uniform(0, 5, length), spread=1e-4)


def _piece(kind: str, length: int, rng: np.random.Generator) -> np.ndarray:
    if kind == "flat":
        return np.zeros(length)
    if kind == "lattice":  # so few prices that averages are often the same
        return np.log(1.0 + 0.01 * np.abs(np.cumsum(rng.integers(-1, 2, length))))
    if kind == "ramp":
        return np.arange(length) * rng.choice([-1e-3, 1e-3, 1e-2])
    return np.cumsum(rng.normal(0, rng.choice([1e-6, 1e-3, 3e-2]), length))


@st.composite
def candle_frames(draw: st.DrawFn) -> pd.DataFrame:
    """Return bars that are flat, tiny, huge, on a lattice of few prices, with jumps and with gaps in time, in any order."""
    longest = draw(st.sampled_from([40, 90, 400]))
    pieces = draw(
        st.lists(
            st.tuples(st.sampled_from(["flat", "lattice", "ramp", "walk"]), st.integers(1, longest), st.sampled_from(_JUMPS)),
            min_size=1,
            max_size=6,
        )
    )
    if draw(st.sampled_from([False, False, False, True])):  # longer than any lookback that is drawn
        pieces.append(("walk", 900, 1.0))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    level, logs = 0.0, []
    for kind, length, jump in pieces:
        level = float(np.clip(level + np.log(jump), -5, 5))
        logs.append(level + _piece(kind, length, rng))
    scale = draw(st.sampled_from([1e-9, 1e-9 / 3, 0.1, 1.0, 61_000.0, 1e9]))
    closes = scale * np.exp(np.clip(np.concatenate(logs), -7, 7))
    if draw(st.booleans()):  # as a venue prints them
        closes = np.array([float(f"{close:.5g}") for close in closes])
    volumes = np.where(rng.random(len(closes)) < 0.2, 0.0, rng.uniform(0, 100, len(closes)))
    steps = rng.choice([1, 1, 1, 1, 2, 600], len(closes))
    return bars(closes, volumes=volumes, steps=steps, spread=draw(st.sampled_from([0.0, 1e-3])))


def _values(parameter: Parameter) -> st.SearchStrategy[Any]:
    if parameter.kind is Kind.FLAG:
        return st.booleans()
    if parameter.kind is Kind.CHOICE:
        return st.sampled_from(parameter.choices)
    low = 0 if parameter.low is None else parameter.low
    high = low + 12 if parameter.high is None else parameter.high
    if parameter.kind is Kind.WHOLE:
        return st.integers(int(low), int(min(high, low + 12)))
    usual = st.sampled_from([parameter.default, *parameter.sweep])  # of all that is allowed most never says anything
    return st.one_of(usual, usual, st.integers(1, 99).map(lambda part: low + (high - low) * part / 100))


@st.composite
def strategies(draw: st.DrawFn, kind: type[BaseStrategy]) -> BaseStrategy:
    """Return a strategy of a class with any parameters that it takes, of small numbers of bars."""
    chosen = {parameter.name: draw(_values(parameter)) for parameter in kind.declared()}
    for smaller, larger in kind({}).relations:
        if not chosen[smaller] < chosen[larger]:
            chosen[smaller], chosen[larger] = chosen[larger], chosen[smaller] + (chosen[larger] == chosen[smaller])
    return kind(chosen)
