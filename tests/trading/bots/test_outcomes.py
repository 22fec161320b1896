from math import nan

import pytest

from tests.trading.accounts import flat, run
from trading.bots.outcomes import HALTED, WANTED_ALREADY, makes_larger, why_nothing


@pytest.mark.parametrize(
    ("target", "scale", "told"),
    [
        (nan, None, "nothing is wanted"),
        (1.0, None, WANTED_ALREADY),
        (0.5, None, HALTED),
        (0.5, nan, "the volatility is not known yet, and so no size"),
        (0.0, nan, HALTED),
    ],
)
def test_each_reason_has_its_words(target, scale, told):
    broker = run([flat(10.0), flat(10.0)], [1.0, nan])

    assert why_nothing(broker, broker.positions[0], target, scale) == told


def test_a_short_target_is_none_where_nothing_is_sold_short():
    broker = run([flat(10.0)], [nan])

    assert why_nothing(broker, broker.positions[0], -1.0, None) == WANTED_ALREADY
    assert not makes_larger(broker, broker.positions[0], -1.0)


def test_a_cooldown_and_a_pause_after_stops_are_named():
    cooling = run([flat(10.0)] * 3, [1.0, 0.0, nan], cooldown_bars=5)
    stopped = run(
        [flat(10.0), flat(10.0), flat(1.0)], [1.0, nan, nan], stop_loss=0.5, guard_stops=1, guard_within_bars=9, guard_pause_bars=9
    )

    assert why_nothing(cooling, cooling.positions[0], 1.0, None) == (
        "no new position for 4 more candles after the last one (cooldown_bars)"
    )
    assert why_nothing(stopped, stopped.positions[0], 0.5, None) == "no new position after so many stops (guard_stops)"


@pytest.mark.parametrize(("target", "larger"), [(1.0, False), (0.75, True), (0.25, False), (-0.25, True), (0.0, False)])
def test_a_smaller_position_of_the_same_side_is_not_larger(target, larger):
    broker = run([flat(10.0), flat(10.0)], [0.5, nan], short=True)

    assert makes_larger(broker, broker.positions[0], target) is (larger or target == 1.0)
