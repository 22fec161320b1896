"""At which moments what is killed: every pair of runner, worker, Redis and PostgreSQL, in an order that a seed decides."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from random import Random

KINDS = ("runner", "worker", "redis", "postgres")
_LEAST_SECONDS, _MOST_SECONDS = 1.0, 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Two deaths.

    Attributes:
        pause_seconds: What is waited for before.
        first: Who dies first, as one of `KINDS`.
        second: Who dies then.
        apart: `together`; `recovering` for the second while the first is still down or starts; `again` for the same one, as soon
            as it runs again.
        seconds: How long after the first, or after it runs again.
        runner: Which of the two runners, 0 or 1.
    """

    pause_seconds: float
    first: str
    second: str
    apart: str
    seconds: float
    runner: int

    @property
    def name(self) -> str:
        """How it is counted."""
        return f"{self.first} again" if self.apart == "again" else f"{'+'.join(sorted((self.first, self.second)))} {self.apart}"


def moments(seed: int, many: int) -> Iterator[Moment]:
    """Yield the moments of a run; every sixteen in a row have each pair together and apart, and each one twice."""
    chance = Random(f"moments {seed}")
    pairs = [(first, second, apart) for first, second in combinations(KINDS, 2) for apart in ("together", "recovering")]
    kinds = [*pairs, *((one, one, "again") for one in KINDS)]
    # Runs of different seeds begin at different places of the same row, so that several short runs have all of it.
    row: list[tuple[str, str, str]] = []
    for number in range(many):
        if not row:
            order = Random(f"row {(seed * many + number) // len(kinds)}")
            row = order.sample(kinds, len(kinds))
            row = row[(seed * many) % len(kinds) :] if number == 0 else row
        first, second, apart = row.pop(0)
        first, second = (second, first) if chance.random() < 0.5 else (first, second)
        yield Moment(
            pause_seconds=chance.uniform(_LEAST_SECONDS, _MOST_SECONDS), first=first, second=second, apart=apart,
            seconds=0.0 if apart == "together" else chance.uniform(0.05, 2.0), runner=chance.randrange(2),
        )  # fmt: skip
