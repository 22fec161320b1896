"""The generated market, made once, and as it is at one moment."""

import pytest

from replay.source import Market
from replay.synthetic import SyntheticMarket
from tests.replay.played import NOW


@pytest.fixture(scope="session")
def source() -> SyntheticMarket:
    """Return the generated market."""
    return SyntheticMarket()


@pytest.fixture(scope="session")
def market(source: SyntheticMarket) -> Market:
    """Return the generated market at NOW."""
    return Market(source, NOW)
