"""docker-compose.yml as Docker reads it: variables filled in, for the tests that run its processes without Docker."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?:(:\?|:-)([^}]*))?\}")


class Refused(Exception):
    """Raised where Docker would start nothing: a variable is missing; its text is the one in the file."""


def filled(text: str, environment: Mapping[str, str]) -> str:
    """Return a text of the file with its variables."""

    def value(found: re.Match[str]) -> str:
        name, sign, words = found.groups()
        if name is None:
            return "$"
        if environment.get(name):
            return environment[name]
        if sign == ":-":
            return str(words)
        raise Refused(words if sign else f"{name} has no default")

    return _VARIABLE.sub(value, text)


def text() -> str:
    """Return the file as it is."""
    return (ROOT / "docker-compose.yml").read_text()


def compose(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the file as Docker sees it.

    Raises:
        Refused: If a variable is missing.
    """

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [walk(entry) for entry in value]
        return filled(value, environment) if isinstance(value, str) else value

    found: dict[str, Any] = walk(yaml.safe_load(text()))
    return found
