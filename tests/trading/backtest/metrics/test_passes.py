"""The compiled passes against plain ones that are slow and plain to see."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.backtest.metrics.passes import (
    Falls,
    Spread,
    Walk,
    drawdowns_of,
    ends_of_days,
    position_of,
    returns_of,
    spread_of,
    together,
)

curves = st.lists(st.integers(-20, 200).map(lambda cents: cents / 10), max_size=40).map(lambda values: np.array(values, np.float64))


def plain_falls(equity: list[float], balance: float) -> Falls:
    """Work the falls out one by one, peak to recovery or to the end."""
    curve = [balance, *equity]
    falls, start = [], 0
    for i in range(1, len(curve)):
        if curve[i] >= curve[start]:
            falls.append((start, i, True))
            start = i
    falls.append((start, len(curve) - 1, False))
    falls = [fall for fall in falls if any(curve[i] < curve[fall[0]] for i in range(fall[0], fall[1] + 1))]
    peaks = [max(curve[: i + 1]) for i in range(len(curve))]
    depths = [(peak - value) / peak for peak, value in zip(peaks, curve, strict=True)]
    bottoms = [max(depths[start : end + 1]) for start, end, _ in falls]
    lengths = [end - start for start, end, _ in falls]
    recovery = -1
    if falls:
        start, end, recovered = falls[bottoms.index(max(bottoms))]
        recovery = end - depths.index(max(bottoms), start) if recovered else -1
    return Falls(
        depth=max(depths), depth_value=max(peak - value for peak, value in zip(peaks, curve, strict=True)), depths=sum(bottoms),
        lengths=sum(lengths), number=len(falls), longest=max(lengths, default=0), under=sum(depth > 0 for depth in depths),
        squares=sum(depth**2 for depth in depths), now=depths[-1], recovery=recovery,
    )  # fmt: skip


@given(curves, st.integers(1, 200))
def test_falls_are_those_of_the_plain_way(equity: np.ndarray, balance: int):
    np.testing.assert_allclose(drawdowns_of(equity, balance / 10), plain_falls(list(equity), balance / 10), rtol=1e-12, atol=0)


@given(curves.filter(len), st.integers(1, 200))
def test_returns_lead_from_the_balance_to_the_equity_until_all_is_lost(equity: np.ndarray, balance: int):
    returns = np.empty(len(equity))

    walk = Walk(*returns_of(equity, balance / 10, returns))

    alive = walk.ruined + 1
    np.testing.assert_allclose(balance / 10 * np.cumprod(1 + returns[:alive]), equity[:alive], rtol=1e-12, atol=1e-12)
    assert (equity[: walk.ruined] > 0).all()
    assert (returns[alive:] == 0).all()
    assert (walk.total, walk.squares) == (pytest.approx(returns.sum()), pytest.approx((returns**2).sum()))
    assert (walk.best, walk.worst, walk.level) == (returns.max(), returns.min(), pytest.approx(equity.mean()))


@given(curves.filter(len), st.floats(-1, 1))
def test_moments_are_those_of_numpy(values: np.ndarray, target: float):
    spread = Spread(*spread_of(values, values.mean(), target))

    apart = values - values.mean()
    over = values - target
    expected = [(apart**2).mean(), (apart**3).mean(), (apart**4).mean(), (np.minimum(over, 0) ** 2).sum()]
    np.testing.assert_allclose(spread[:4], expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(spread[4:], [over[over > 0].sum(), -over[over < 0].sum()], rtol=1e-12, atol=1e-12)


@given(curves.filter(lambda values: len(values) > 1), st.randoms())
def test_two_series_vary_together_as_numpy_says(first: np.ndarray, random):
    second = np.array(random.sample(list(first), len(first)))

    both = together(first, second, first.mean(), second.mean())

    matrix = np.cov(first, second, bias=True)
    expected = [matrix[0, 1], matrix[0, 0], matrix[1, 1], (first - second).var()]
    np.testing.assert_allclose(both, expected, rtol=1e-9, atol=1e-9)


@given(curves)
def test_positions_are_added_up(exposure: np.ndarray):
    expected = [(exposure != 0).sum(), np.abs(exposure).sum(), exposure.sum(), np.abs(exposure).max(initial=0)]

    np.testing.assert_allclose(position_of(exposure), expected, rtol=1e-12, atol=1e-12)


@given(st.lists(st.integers(-50, 50), unique=True).map(sorted))
def test_a_close_at_midnight_ends_its_day(moments: list[int]):
    ends = np.empty(len(moments), np.int64)

    count = ends_of_days(np.array(moments, np.int64), 10, ends)

    last = {(moment - 1) // 10: bar for bar, moment in enumerate(moments)}
    assert ends[:count].tolist() == list(last.values())
