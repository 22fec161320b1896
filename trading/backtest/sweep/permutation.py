"""A shuffled deck that is never laid out: the card at a place is computed from the seed and the place alone."""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Words = NDArray[np.uint64]

_ROUNDS = 6


def shuffled(places: Integers, count: int, seed: int) -> Integers:
    """Return which of the numbers below `count` stand at some places of a shuffled row of them, shape (places,).

    All places together hold each number once. A Feistel network permutes the numbers of twice as many bits as its halves have, and
    is applied again to what falls outside (cycle walking: Black and Rogaway 2002, Ciphers with Arbitrary Finite Domains).

    Args:
        places: Each from 0 to count - 1.
        count: At most 2 ** 62.
        seed: Any whole number.
    """
    half = np.uint64(max((max(count - 1, 1).bit_length() + 1) // 2, 1))
    keys = [np.uint64(_key(seed, number)) for number in range(_ROUNDS)]
    out = np.asarray(places, np.int64).astype(np.uint64)
    outside = np.ones(len(out), bool)
    while outside.any():
        out[outside] = _permuted(out[outside], half, keys)
        outside = out >= np.uint64(count)
    return out.astype(np.int64)


def _permuted(words: Words, half: np.uint64, keys: list[np.uint64]) -> Words:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = words >> half, words & mask
    for key in keys:
        left, right = right, left ^ (_mixed(right ^ key) & mask)
    return (left << half) | right


def _mixed(words: Words) -> Words:
    """Return words whose every bit depends on all bits (the finisher of SplitMix64: Steele, Lea and Flood 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _key(seed: int, number: int) -> int:
    return int.from_bytes(blake2b(f"{seed}/{number}".encode(), digest_size=8).digest(), "little")
