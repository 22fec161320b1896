"""What holds for every registered strategy, whatever the market does."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.bars import candle_frames, strategies
from trading.registry import Registry

NAMES = Registry().names()
EXAMPLES = settings(max_examples=500)


def _rows(data: pd.DataFrame, whole: np.ndarray, some: list[int]) -> list[int]:
    """Return the last row, some rows, and those around changes of the target."""
    changed = (np.flatnonzero(np.diff(np.nan_to_num(whole, nan=9.0))) + 1).tolist()
    return sorted({len(data) - 1, *[row % len(data) for row in some], *changed[:10], *[row - 1 for row in changed[:10]]})


@pytest.mark.parametrize("name", NAMES)
@EXAMPLES
@given(data=st.data(), frame=candle_frames(), some=st.lists(st.integers(0, 1000), max_size=8))
def test_the_past_does_not_depend_on_the_future(name: str, data: st.DataObject, frame: pd.DataFrame, some: list[int]):
    strategy = data.draw(strategies(Registry().get(name)))
    whole = strategy.targets(frame)

    for row in _rows(frame, whole, some):
        np.testing.assert_array_equal(strategy.targets(frame.iloc[: row + 1]), whole[: row + 1])


@pytest.mark.parametrize("name", NAMES)
@EXAMPLES
@given(data=st.data(), frame=candle_frames(), some=st.lists(st.integers(0, 1000), max_size=8))
def test_the_bot_decides_as_the_backtest_did(name: str, data: st.DataObject, frame: pd.DataFrame, some: list[int]):
    strategy = data.draw(strategies(Registry().get(name)))
    whole = strategy.targets(frame)

    for row in _rows(frame, whole, some):
        signal = strategy.process_data(frame.iloc[max(0, row + 1 - strategy.lookback) : row + 1])
        np.testing.assert_equal(signal.target, whole[row])


@pytest.mark.parametrize("name", [name for name in NAMES if name != "buy_and_hold"])
def test_in_what_is_tried_positions_change_also_behind_the_lookback(name: str):
    changed = []

    @settings(max_examples=100, derandomize=True, database=None)
    @given(data=st.data(), frame=candle_frames())
    def draw(data: st.DataObject, frame: pd.DataFrame):
        strategy = data.draw(strategies(Registry().get(name)))
        targets = strategy.targets(frame)
        wanted = targets[~np.isnan(targets)]
        behind = np.nan_to_num(targets[strategy.lookback :], nan=9.0)
        changed.append(((np.diff(wanted) != 0).any(), (np.diff(behind) != 0).any()))

    draw()
    positions, behind_the_lookback = np.mean(changed, axis=0)

    assert positions > 0.1  # what Hypothesis draws depends on which modules are loaded
    assert behind_the_lookback > 0.1


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=50)
@given(data=st.data(), frame=candle_frames())
def test_targets_and_indicators_are_as_long_as_the_data(name: str, data: st.DataObject, frame: pd.DataFrame):
    strategy = data.draw(strategies(Registry().get(name)))
    targets = strategy.targets(frame)

    assert targets.shape == (len(frame),)
    assert set(np.unique(targets[~np.isnan(targets)])) <= {-1.0, 0.0, 1.0}
    for series in strategy.get_indicators().values():
        assert series.index.equals(frame.index)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=50)
@given(data=st.data(), frame=candle_frames())
def test_nobody_is_short_who_was_not_asked_to_be(name: str, data: st.DataObject, frame: pd.DataFrame):
    strategy = data.draw(strategies(Registry().get(name)))
    targets = strategy.targets(frame)

    assert strategy.parameters.get("short") or not (targets < 0).any()
