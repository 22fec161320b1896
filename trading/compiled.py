"""How functions over arrays are compiled: by numba, once a machine."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """Return a function compiled on its first call; the machine code is kept beside its file and loaded the next time."""
    return cast("_Function", njit(cache=True)(function))
