"""The JSON schema of a bot's file, and what a file does not keep of it, in words."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from market.errors import did_you_mean
from trading.bots.problems import Problem, path_of, shown
from trading.bots.sections import LARGEST_BALANCE, BotConfig

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BALANCE: dict[str, Any] = {
    "type": ["number", "string"],
    "exclusiveMinimum": 0,
    "exclusiveMaximum": LARGEST_BALANCE,
    "pattern": r"^(?=[0-9.]*[1-9])[0-9]{1,15}(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,2})?$",
    "x-expected": "a number above 0 and below 1e15 that has 15 digits at most",
}
_KINDS = {"boolean": "true or false", "string": "a text", "object": "an object", "array": "a list"}


def schema() -> dict[str, Any]:
    """Return the JSON schema of a bot's file, with what each field means, its bounds, its default and examples.

    `x-expected` says in words what a pattern is for.
    """
    found = msgspec.json.schema(BotConfig)
    parts = found["$defs"]
    whole = parts.pop("BotConfig")
    del whole["properties"]["balance"]["format"]
    whole["properties"]["balance"] |= _BALANCE
    for name, part in parts.items():
        part["title"] = name.strip("_")
    return {"$schema": _DIALECT, **whole, "$defs": parts}


def problems_in(tree: Mapping[str, Any]) -> list[Problem]:
    """Return all that a file does not keep of the schema."""
    found = [problem for error in _validator().iter_errors(tree) for problem in _said(error)]
    return list(dict.fromkeys(found))  # each field that is missing is an error of its own, and names all of them


def expected_words(part: Mapping[str, Any]) -> str:
    """Return what a part of the schema takes, in words: `a number from 0 to 0.999`."""
    part = _behind(part)
    if "x-expected" in part:
        return str(part["x-expected"])
    if "enum" in part:
        return ("one of " if len(part["enum"]) > 1 else "") + ", ".join(map(str, part["enum"]))
    if "anyOf" in part:
        return " or ".join(expected_words(each) for each in part["anyOf"])
    kind = part["type"]
    if kind == "null":
        return "null"
    if kind in ("number", "integer"):
        return _number_words(part)
    words = _KINDS[kind]
    if kind == "object":
        return f"{words} with {', '.join(part['properties'])}"
    if kind == "string" and "maxLength" in part:
        words += f" of {part['maxLength']} characters at most"
    return words + (" that is not empty" if part.get("minLength") else "")


def _number_words(part: Mapping[str, Any]) -> str:
    words = "a whole number" if part["type"] == "integer" else "a number"
    low = f" above {part['exclusiveMinimum']:g}," if "exclusiveMinimum" in part else f" from {part['minimum']:g}"
    return f"{words}{low}{' up' if low.endswith(',') else ''} to {part['maximum']:g}"


@cache
def _parts() -> dict[str, Any]:
    return schema()


@cache
def _validator() -> "Draft202012Validator":
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - a sixth of a second that only who reads files needs

    return Draft202012Validator(_parts())


def _behind(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part that a reference means."""
    reference = part.get("$ref")
    found: Mapping[str, Any] = part if reference is None else _parts()["$defs"][reference.rpartition("/")[2]]
    return found


def _said(error: "ValidationError") -> Iterator[Problem]:
    path, part = list(error.absolute_path), error.schema
    if error.validator == "uniqueItems":
        return  # the one that comes again is named elsewhere
    if error.validator == "required":
        yield from _missing(path, error.instance, part)
    elif error.validator == "additionalProperties":
        yield from _unknown(path, error.instance, list(part["properties"]))
    elif error.validator == "anyOf" and isinstance(error.instance, dict):
        yield from (problem for inner in error.context if _of_object(inner) for problem in _said(inner))
    else:
        words = part.get("enum", []) if isinstance(error.instance, str) else []
        hint = did_you_mean(str(error.instance), list(words))
        yield Problem(field=path_of(path), expected=expected_words(part), found=shown(error.instance), hint=hint)


def _of_object(error: "ValidationError") -> bool:
    """Return whether an error says more of an object than that it is not null."""
    return error.validator != "type" or bool(error.relative_path)


def _missing(path: list[str | int], instance: Mapping[str, Any], part: Mapping[str, Any]) -> Iterator[Problem]:
    for name in part["required"]:
        if name not in instance:
            yield Problem(field=path_of([*path, name]), expected=expected_words(part["properties"][name]), found="nothing")


def _unknown(path: list[str | int], instance: Mapping[str, Any], known: list[str]) -> Iterator[Problem]:
    for name in instance:
        if name not in known:
            hint = did_you_mean(name, known)
            yield Problem(
                field=path_of([*path, name]), expected=f"one of the fields {', '.join(known)}", found="an unknown one", hint=hint
            )
