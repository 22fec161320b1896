"""A hint to the processor's cache for compiled loops: what lies ahead in an array will be read, at a row that is not known yet."""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic

_declared: Any = cgutils.get_or_insert_function  # numba has no types of its own
_READ, _KEEP, _DATA = 0, 3, 1  # see llvm.prefetch in LLVM's language reference

AHEAD = 64
"""So many bars ahead: where the next fill is nobody knows, and without a hint it waits for the memory, half of a whole run."""


def _prefetch(typing_context: Any, array: Any, place: Any) -> Any:  # noqa: ARG001 - numba's form
    """Ask for a place in a contiguous array; one beyond its end asks for nothing that is used, and is no error."""

    def made(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        whole = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, whole, whole, whole])
        builder.call(_declared(builder.module, kind, "llvm.prefetch.p0"), [pointer, whole(_READ), whole(_KEEP), whole(_DATA)])
        return context.get_dummy_value()

    return types.void(array, types.intp), made


prefetch: Any = intrinsic(_prefetch)
