"""Runs of wins and losses."""

import numpy as np
import pytest

from tests.trading.backtest.metrics.worked import run_of, trips_of
from trading.backtest.metrics import measure
from trading.backtest.metrics.extremes import longest_run


@pytest.mark.parametrize(
    ("marks", "length"), [("", 0), ("-", 0), ("x", 1), ("xx-xxx-x", 3), ("xxxx", 4), ("-xx", 2), ("xx-", 2), ("x-x-x", 1)]
)
def test_the_longest_unbroken_run_is_found(marks: str, length: int):
    assert longest_run(np.array([mark == "x" for mark in marks], np.bool_)) == length


def test_breaking_even_ends_both_streaks():
    metrics = measure(run_of(110, trips=trips_of(1, 1, 0, 1, -1, -1, -1, 0, -1)))

    assert (metrics["longest_winning_streak"], metrics["longest_losing_streak"]) == (2, 3)
