"""`python -m simulation.chaos.wrong_clock SECONDS bots run …`: `tcpdash` on a machine whose clock is wrong by so many seconds."""

import sys
import time

from market.clock import using


class WrongClock:
    """A wall clock that is wrong; what only measures is not.

    Args:
        seconds: By how much, below 0 for one that is slow.
    """

    def __init__(self, seconds: int) -> None:
        self._wrong_us = seconds * 1_000_000

    def now_us(self) -> int:
        return time.time_ns() // 1_000 + self._wrong_us

    def monotonic(self) -> float:
        return time.monotonic()


if __name__ == "__main__":
    with using(WrongClock(int(sys.argv.pop(1)))):
        from cli.main import main

        main()
