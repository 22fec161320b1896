"""A clock that tests move by hand, in place of the machine's."""

from collections.abc import Iterator
from contextlib import contextmanager

from market import clock

WALL_US = 1_800_000_000_000_000


class Hands:
    """Both clocks of `market.clock`; they stand still until they are moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return 1000.0 + self.seconds

    def now_us(self) -> int:
        return WALL_US + round(self.seconds * 1_000_000)


@contextmanager
def hands() -> Iterator[Hands]:
    """Let the time of this process stand still until it is moved."""
    source = Hands()
    with clock.using(source):
        yield source
