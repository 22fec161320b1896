"""Functions are compiled, and kept where there is a place for it."""

from typing import Any

from trading.compiled import compiled


def test_a_function_that_cannot_be_kept_anywhere_is_compiled_all_the_same():
    names: dict[str, Any] = {}
    exec(compile("def halved(number):\n    return number / 2\n", "/nowhere/that/can/be/written.py", "exec"), names)

    assert compiled(names["halved"])(3.0) == 1.5
