"""Numbers that look like chance and are a function of their place: hashes, and smooth noise over time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A, _MIX_B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def uniform(seed: int, places: NDArray[Any]) -> Floats:
    """Return numbers spread evenly over [0, 1), one for each place (whole numbers of any sign); splitmix64."""
    with np.errstate(over="ignore"):
        mixed = places.astype(np.int64).astype(np.uint64) * _GOLDEN + np.uint64(seed % 2**64) * _MIX_A
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_A
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_B
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def smooth(seed: int, times: Floats, period: float) -> Floats:
    """Return noise in [-1, 1] that turns about once a period and has no corners; times must rise."""
    places = times / period
    cells = np.floor(places)
    first = int(cells[0])
    heights = uniform(seed, np.arange(first, int(cells[-1]) + 2))
    index = cells.astype(np.int64) - first
    inside = places - cells
    weight = inside * inside * (3.0 - 2.0 * inside)
    left, right = heights[index], heights[index + 1]
    result: Floats = 2.0 * (left + (right - left) * weight) - 1.0
    return result


def trends(seed: int, times: Floats, period: float, strength: float, octaves: int) -> Floats:
    """Return the sum of smooth noises of 1, 4, 16, … periods, each twice as strong as the one before: like a random walk."""
    total = np.zeros_like(times)
    for octave in range(octaves):
        total += strength * 2.0**octave * smooth(seed + octave, times, period * 4.0**octave)
    return total
