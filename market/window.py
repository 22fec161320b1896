"""A window: a half-open span of time."""

from collections.abc import Iterable, Iterator

import msgspec

from market.clock import isoformat


class Window(msgspec.Struct, frozen=True, gc=False, order=True):
    """The moments from `start_us` up to, but not including, `end_us`, UTC epoch microseconds."""

    start_us: int
    end_us: int

    def __post_init__(self) -> None:
        if self.end_us < self.start_us:
            raise ValueError(f"a window cannot end ({self.end_us}) before it starts ({self.start_us})")

    def __contains__(self, moment_us: int) -> bool:
        return self.start_us <= moment_us < self.end_us

    def __str__(self) -> str:
        return f"[{isoformat(self.start_us)}, {isoformat(self.end_us)})"

    @property
    def width_us(self) -> int:
        """Length in microseconds."""
        return self.end_us - self.start_us

    def overlaps(self, other: "Window") -> bool:
        """Return whether the two windows share a moment."""
        return self.start_us < other.end_us and other.start_us < self.end_us

    def split(self, width_us: int) -> Iterator["Window"]:
        """Yield this window in pieces of at most `width_us`, oldest first."""
        for start_us in range(self.start_us, self.end_us, width_us):
            yield Window(start_us, min(start_us + width_us, self.end_us))


def united(windows: Iterable[Window]) -> list[Window]:
    """Return the same moments as few windows that do not touch, oldest first."""
    found: list[Window] = []
    for window in sorted(windows):
        if found and window.start_us <= found[-1].end_us:
            found[-1] = Window(found[-1].start_us, max(found[-1].end_us, window.end_us))
        else:
            found.append(window)
    return found
