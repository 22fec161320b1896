import numpy as np
import pytest

from trading.backtest.block_length import block_length


def follows_itself(share: float, bars: int, seed: int = 1) -> np.ndarray:
    """Return a series in which each number holds so large a share of the one before."""
    chance = np.random.default_rng(seed).normal(size=bars)
    series = chance.copy()
    for bar in range(1, bars):
        series[bar] += share * series[bar - 1]
    return series


def waves(shares: tuple[float, ...], bars: int) -> np.ndarray:
    """Return a series in which each number holds these shares of the numbers before it."""
    steps = np.arange(bars)
    return sum(share * np.sin((steps - lag) ** 2 / 7) for lag, share in enumerate(shares))


# arch 8.0.0, optimal_block_length(series)["stationary"].
@pytest.mark.parametrize(
    ("series", "length"),
    [(waves((1, 0.5, 0.2), 400), 5.82695039), (np.sin(np.arange(200) / 9) + np.cos(np.arange(200) ** 2 / 7), 15.71190476)],
    ids=["short", "long"],
)
def test_a_length_is_that_of_the_library_arch(series: np.ndarray, length: float):
    assert block_length(series) == pytest.approx(length, abs=1e-8)


def test_a_length_by_hand():
    # The mean is 0; autocovariances times 9: 8, -7, 6, -5, 4, ...; the band is 2 sqrt(log10(9) / 9) = 0.65, so that lag 3 (5/8) is
    # the first quiet one and the window reaches to 6: weights 1 1 1 2/3 1/3 0. g(0) = (8 - 26/3) / 9, G = (-26/3) / 9, their
    # ratio 13, (13^2 * 9)^(1/3) = 11.5; a third of 9 bars is the most.
    assert block_length(np.array([1.0, -1, 1, -1, 1, -1, 1, -1, 0])) == 3.0


def test_what_depends_on_itself_for_longer_has_longer_blocks():
    lengths = [block_length(follows_itself(share, 5000)) for share in (0.0, 0.3, 0.6, 0.9, 0.97)]

    assert lengths == sorted(lengths)
    assert lengths[0] < 3
    assert lengths[-1] > 50


@pytest.mark.parametrize("values", [[], [1.0] * 8, [0.0] * 100, [5.0] * 100, [0.0] * 50 + [1e-200] * 50, list(range(8))])
def test_what_shows_no_dependence_has_blocks_of_one(values: list[float]):
    assert block_length(np.array(values, dtype=np.float64)) == 1.0


@pytest.mark.parametrize("bars", [9, 30, 1000])
def test_blocks_are_no_longer_than_they_may_be(bars: int):
    assert 1.0 <= block_length(np.arange(bars, dtype=np.float64)) <= np.ceil(min(3 * np.sqrt(bars), bars / 3))
