"""The text of a bot's file: what is written by the form, in the way in which people write such files; pure."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

_LONGEST_LINE = 110

Tree = dict[str, Any]


def text_of(tree: Tree) -> str:
    """Return what a file says that has these fields, in their order: a line for each, of long ones a line for each of theirs."""
    if not tree:
        return "{}\n"
    return "{\n" + ",\n".join(_field(name, value, "  ") for name, value in tree.items()) + "\n}\n"


def tree_of(text: str) -> Tree | None:
    """Return the fields of a text that is a JSON object, in their order; None where it is none, or one that text cannot keep."""
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def number_of(text: str) -> Any:
    """Return the number that a person typed; the text itself where it is none, or has more digits than a number keeps."""
    typed = text.strip()
    try:
        exact = Decimal(typed)
        found = int(typed) if typed.lstrip("+-").isdigit() else float(typed)
    except (ValueError, InvalidOperation):
        return typed
    return found if exact.is_finite() and Decimal(repr(found)) == exact else typed


def shown(value: Any) -> str:
    """Return a value as it stands in a field of text: as in the file, texts without their quotes."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def at(tree: Tree, path: tuple[str, ...], otherwise: Any = None) -> Any:
    """Return the value at a path, or another where there is none."""
    found: Any = tree
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return otherwise
        found = found[name]
    return found


def put(tree: Tree, path: tuple[str, ...], value: Any) -> Tree:
    """Return fields with another value at a path, in their order; what is new comes last."""
    name, *rest = path
    if not rest:
        return {**tree, name: value}
    inner = tree.get(name)
    return {**tree, name: put(inner if isinstance(inner, dict) else {}, tuple(rest), value)}


def without(tree: Tree, path: tuple[str, ...]) -> Tree:
    """Return fields without one of them; a section that is left without any goes, too."""
    name, *rest = path
    if not rest:
        return {key: value for key, value in tree.items() if key != name}
    inner = tree.get(name)
    if not isinstance(inner, dict):
        return tree
    left = without(inner, tuple(rest))
    return {**tree, name: left} if left else without(tree, (name,))


def cloned(tree: Tree, bot: str) -> Tree:
    """Return the fields of another bot that does the same: it has another id, and a name that says whose it is."""
    name = tree.get("name")
    named = {"name": f"{name} (copy)"} if isinstance(name, str) and 0 < len(name) <= 90 else {}
    return {**tree, "id": bot, **named}


def _field(name: str, value: Any, indent: str) -> str:
    line = f"{indent}{json.dumps(name, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
    if len(line) <= _LONGEST_LINE or not value or not isinstance(value, dict | list):
        return line
    more = indent + "  "
    if isinstance(value, dict):
        inside = ",\n".join(_field(key, each, more) for key, each in value.items())
        return f"{indent}{json.dumps(name, ensure_ascii=False)}: {{\n{inside}\n{indent}}}"
    inside = ",\n".join(f"{more}{json.dumps(each, ensure_ascii=False)}" for each in value)
    return f"{indent}{json.dumps(name, ensure_ascii=False)}: [\n{inside}\n{indent}]"


def _once(pairs: list[tuple[str, Any]]) -> Tree:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field comes more than once")
    return found
