"""The shuffled deck that is never laid out."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trading.backtest.sweep.permutation import shuffled


@given(st.integers(1, 3_000), st.integers(-(2**70), 2**70))
def test_each_number_comes_once(count, seed):
    assert sorted(shuffled(np.arange(count), count, seed).tolist()) == list(range(count))


@given(st.integers(1, 2**62), st.integers(0, 100), st.data())
def test_a_card_depends_on_the_seed_and_its_place_alone(count, seed, data):
    places = np.array(data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=5)))
    found = shuffled(places, count, seed)

    assert [int(shuffled(places[number : number + 1], count, seed)[0]) for number in range(len(places))] == found.tolist()
    assert ((found >= 0) & (found < count)).all()


def test_another_seed_is_another_order():
    orders = {tuple(shuffled(np.arange(50), 50, seed).tolist()) for seed in range(20)}

    assert len(orders) == 20


def test_the_deck_is_well_shuffled():
    found = shuffled(np.arange(10_000), 1_000_000, 7)

    assert abs(found.mean() / 1_000_000 - 0.5) < 0.01  # 3.5 deviations of a mean of 10,000
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 0.04
    assert np.histogram(found, bins=10, range=(0, 1_000_000))[0].min() > 850
