"""What is added up of an equity curve is what its metrics are made of, also where the account is ruined."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.markets import market_from
from trading.backtest.curve import begun, grown, put
from trading.backtest.metrics import Run, facts_of
from trading.backtest.simulate import simulate
from trading.rules import Rules


def added_up(equity: list[float], balance: float) -> dict[str, float]:
    """Return sums of the powers of returns, of the squares below 0, and the deepest fall."""
    curve, sums = begun(balance), np.zeros(9)
    for value in equity:
        curve = grown(curve, value)
    put(sums, curve, len(equity), 0)
    return dict(zip(("first", "second", "third", "fourth", "below", "drawdown"), sums[1:7].tolist(), strict=True))


def measured(equity: list[float], balance: float) -> dict[str, float]:
    """Return the same of the run as metrics see it."""
    facts = facts_of(Run(balance=balance, equity=np.array(equity), bar_seconds=60))
    powers = [float((facts.returns**power).sum()) for power in (1, 2, 3, 4)]
    below = float((np.minimum(facts.returns, 0) ** 2).sum())
    return dict(zip(("first", "second", "third", "fourth", "below", "drawdown"), [*powers, below, facts.falls.depth], strict=True))


@given(st.lists(st.integers(-20, 60).map(lambda value: value / 4), min_size=1, max_size=30))
def test_sums_are_those_of_the_returns_that_metrics_see(equity: list[float]):
    assert added_up(equity, 10.0) == pytest.approx(measured(equity, 10.0), rel=1e-12, abs=1e-12)


def test_who_is_ruined_earns_nothing_afterwards():
    # 100, 50 and -50: returns of -0.5 and -2; from -50 to -100 is no gain of 100 %, and 200 at the end is nobody's.
    sums = added_up([50.0, -50.0, -100.0, 0.0, 0.0, 200.0, 100.0], 100.0)

    assert sums == pytest.approx(
        {"first": -2.5, "second": 4.25, "third": -8.125, "fourth": 16.0625, "below": 4.25, "drawdown": 2.0}
    )


@pytest.mark.parametrize("rules", [Rules(short=True), Rules(short=True, time_exit=100)], ids=["plain", "long way"])
def test_a_ruined_account_sums_up_to_what_its_equity_says(rules: Rules):
    market = market_from([(price, price, price, price, 10.0) for price in (100.0, 100.0, 150.0, 210.0, 300.0, 280.0, 90.0, 80.0)])
    targets = np.full((len(market), 1), np.nan)
    targets[0] = -1.0

    found = simulate(market, targets, rules)

    expected = measured(found.equity.tolist(), 10_000.0)
    assert found.equity.min() < 0
    assert {name: asdict(found.sums)[name] for name in expected} == pytest.approx(expected)
