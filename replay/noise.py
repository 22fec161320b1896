"""Numbers that look like chance and are a function of their place: hashes, and smooth noise over time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A, _MIX_B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def uniform(seeds: NDArray[np.uint64], places: NDArray[Any]) -> Floats:
    """Return numbers spread evenly over [0, 1), one for each seed and place (whole numbers of any sign); splitmix64."""
    with np.errstate(over="ignore"):
        mixed = places.astype(np.int64).astype(np.uint64) * _GOLDEN + seeds * _MIX_A
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_A
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_B
        mixed ^= mixed >> np.uint64(31)
    spread: Floats = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return spread


def smooth(seeds: Sequence[int], times: Floats, periods: Sequence[float]) -> Floats:
    """Return a row of noise in [-1, 1] for each seed: it turns about once in its period and has no corners; times must rise."""
    places = times / np.array(periods)[:, np.newaxis]
    cells = np.floor(places)
    firsts = cells[:, 0].astype(np.int64)
    lengths = cells[:, -1].astype(np.int64) + 2 - firsts
    # The heights of all rows stand behind one another, those of a row from its begin on: few calls cost less than many.
    begins = np.cumsum(lengths) - lengths
    shifts = firsts - begins
    heights = uniform(
        np.repeat(np.array([seed % 2**64 for seed in seeds], np.uint64), lengths),
        np.arange(lengths.sum()) + np.repeat(shifts, lengths),
    )
    index = cells.astype(np.int64) - shifts[:, np.newaxis]
    inside = places - cells
    weight = inside * inside * (3.0 - 2.0 * inside)
    left, right = heights[index], heights[index + 1]
    result: Floats = 2.0 * (left + (right - left) * weight) - 1.0
    return result


def trends(seed: int, times: Floats, period: float, strength: float, octaves: int) -> Floats:
    """Return the sum of smooth noises of 1, 4, 16, … periods, each twice as strong as the one before: like a random walk."""
    noises = smooth([seed + octave for octave in range(octaves)], times, [period * 4.0**octave for octave in range(octaves)])
    total = np.zeros_like(times)
    for octave, noise in enumerate(noises):
        total += strength * 2.0**octave * noise
    return total
