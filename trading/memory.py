"""A bounded memory of indicators: inside it the same one of the same array is computed once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from trading.frames import Floats

_ENTRIES = 10_000  # of small arrays there are never more, whatever their bytes


class _Memory:
    """Results by function, parameters and the place of the arrays in memory; the longest unused goes first.

    The arrays are held as long as their results are, so that no other array comes to their place.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit, self._held = limit_bytes, 0
        self._results: OrderedDict[Hashable, tuple[tuple[Floats, ...], tuple[Floats, ...]]] = OrderedDict()

    def recall(self, key: Hashable, arrays: tuple[Floats, ...], compute: Callable[[], tuple[Floats, ...]]) -> tuple[Floats, ...]:
        full = (key, *[(array.__array_interface__["data"][0], len(array)) for array in arrays])
        known = self._results.get(full)
        if known is not None:
            self._results.move_to_end(full)
            return known[1]
        found = compute()
        for array in found:
            array.setflags(write=False)
        self._results[full] = arrays, found
        self._held += _bytes(found)
        while self._results and (self._held > self._limit or len(self._results) > _ENTRIES):
            _, (_, forgotten) = self._results.popitem(last=False)
            self._held -= _bytes(forgotten)
        return found


_memory: ContextVar[_Memory | None] = ContextVar("indicators", default=None)


@contextmanager
def remembered(limit_bytes: int = 512 * 2**20) -> Iterator[None]:
    """Compute the same indicator of the same array with the same parameters once inside this block.

    Arrays are told apart by where they are in memory: whoever changes one in place inside the block gets what it was. Blocks
    inside one another share the outer memory; other threads have none.

    Args:
        limit_bytes: Size of the results that are kept; beyond it the longest unused is forgotten.
    """
    if _memory.get() is not None:
        yield
        return
    token = _memory.set(_Memory(limit_bytes))
    try:
        yield
    finally:
        _memory.reset(token)


def remember_from_now_on(limit_bytes: int = 512 * 2**20) -> None:
    """Do as `remembered` does in all that is still to come in this context: for a worker that does one job."""
    _memory.set(_Memory(limit_bytes))


def recalled(key: Hashable, arrays: tuple[Floats, ...], compute: Callable[[], tuple[Floats, ...]]) -> tuple[Floats, ...]:
    """Return what `compute` makes of contiguous arrays, of the memory where there is one."""
    memory = _memory.get()
    return compute() if memory is None else memory.recall(key, arrays, compute)


def _bytes(arrays: tuple[Floats, ...]) -> int:
    return sum(array.nbytes for array in arrays)
