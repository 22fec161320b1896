"""How functions over arrays are compiled: by numba, once a machine."""

from collections.abc import Callable
from typing import Literal, TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function, *, error_model: Literal["python", "numpy"] = "python") -> _Function:
    """Return a function compiled on its first call; the machine code is kept beside its file, or in the user's cache folder.

    Where neither can be written to it is compiled in each process anew.

    Args:
        function: Of arrays and numbers.
        error_model: `python` raises where something is divided by 0, `numpy` gives infinity or NaN.
    """
    try:
        return cast("_Function", njit(cache=True, nogil=True, error_model=error_model)(function))
    except RuntimeError:  # no place for the cache; what cannot be compiled is said on the first call only
        return cast("_Function", njit(nogil=True, error_model=error_model)(function))
