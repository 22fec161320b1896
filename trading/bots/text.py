"""The text of a bot's file: JSON as the standard has it, with the place of each thing that is not."""

import json
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from trading.bots.problems import Problem, path_of, shown

MOST_BYTES = 262_144
"""A larger file is none of a bot."""
_LARGEST_WHOLE = 2**63 - 1
_EXACT = 2.0**53

Path = tuple[str | int, ...]


class _Object(dict[str, Any]):
    """An object of the file, with the names that are in it more than once."""

    twice: Sequence[str] = ()


class _NoNumber(str):
    """What stands where a number should, and is none."""

    __slots__ = ()


def read_text(data: bytes) -> tuple[dict[str, Any], list[Problem]]:
    """Return what a file says, and what of it cannot be; that is left out of what is returned.

    Numbers come as `int` or `float`, the balance as it was written, as `Decimal`; 5.0 is 5.

    Args:
        data: The file; a mark of its byte order is passed over.
    """
    try:
        tree = _parsed(data)
    except _Refused as refused:
        return {}, [refused.problem]
    if not isinstance(tree, _Object):
        return {}, [Problem(field="", expected="an object, { … }", found=shown(tree))]
    problems: list[Problem] = []
    return _plain(tree, (), problems), problems


class _Refused(Exception):
    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected)
        self.problem = Problem(field="", expected=expected, found=found)


def _parsed(data: bytes) -> Any:
    if len(data) > MOST_BYTES:
        raise _Refused(f"a file of {MOST_BYTES} bytes at most", "a larger one")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _Refused("text in UTF-8", f"byte {data[error.start]:#04x} in line {line}, which is none") from None
    if not text.strip():
        raise _Refused("an object, { … }", "an empty file")
    try:
        return json.loads(text, object_pairs_hook=_object, parse_float=_number, parse_constant=_NoNumber)
    except json.JSONDecodeError as error:
        raise _Refused(
            "JSON", f"what is none in line {error.lineno}, column {error.colno}: {error.msg.removesuffix(' at')}"
        ) from None
    except RecursionError:
        raise _Refused("JSON", "lists or objects inside each other too often to be read") from None
    except ValueError:  # Python reads no whole number of more than 4300 digits
        raise _Refused("JSON", "a number of thousands of digits") from None


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        found.twice = sorted({name for name in names if names.count(name) > 1})
    return found


def _number(text: str) -> Decimal | _NoNumber:
    try:
        return Decimal(text)
    except InvalidOperation:
        return _NoNumber(text)


def _plain(value: Any, path: Path, problems: list[Problem]) -> Any:
    """Return a value without what is wrong in it, of which the problems are told."""
    if isinstance(value, _Object):
        return _fields(value, path, problems)
    if isinstance(value, list):
        return [_plain(each, (*path, number), problems) for number, each in enumerate(value)]
    expected = _wrong(value, path)
    if expected:
        problems.append(
            Problem(field=path_of(path), expected=expected, found=str(value) if isinstance(value, _NoNumber) else shown(value))
        )
        return None
    if isinstance(value, Decimal) and path != ("balance",):
        number = float(value)
        return int(number) if abs(number) <= _EXACT and number == int(number) else number
    return value


def _fields(value: _Object, path: Path, problems: list[Problem]) -> dict[str, Any]:
    twice = [path_of([*path, name]) for name in value.twice]
    problems += [Problem(field=field, expected="each field once", found="it more than once") for field in twice]
    found = {}
    for name, each in value.items():
        if _strange(name):
            problems.append(Problem(field=path_of(path), expected="names of fields that can be printed", found=shown(name)))
        else:
            found[name] = _plain(each, (*path, name), problems)
    return found


def _wrong(value: Any, path: Path) -> str:
    """Return what was expected where a single value cannot be kept; nothing where it can."""
    if isinstance(value, _NoNumber):
        return "a number"
    if isinstance(value, str) and _strange(value):
        return "a text without control characters"
    if isinstance(value, Decimal) and path != ("balance",) and not isfinite(float(value)):
        return "a number that is not so large"
    if isinstance(value, int) and abs(value) > _LARGEST_WHOLE:
        return "a number that is not so large"
    return ""


def _strange(text: str) -> bool:
    """Return whether a text holds control characters, or halves of characters that no UTF-8 can say."""
    return any(each < " " or each == "\x7f" or "\ud800" <= each <= "\udfff" for each in text)
