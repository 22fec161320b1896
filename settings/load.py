"""Reads the settings: file first, environment over it; what cannot be used is told in one sentence."""

import json
import os
import tomllib
import types
import typing
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from settings.tree import Settings

PREFIX = "TCPDASH_"
_ELSEWHERE = {"TCPDASH_CONFIG", "TCPDASH_DEBUG"}  # read before there are settings; TCPDASH_TEST_… are the tests' own


class BadSettings(ValueError):
    """Raised when the file or a variable cannot be used; its text is one sentence."""


def load_settings(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings.

    Args:
        path: The file; else TCPDASH_CONFIG, else config/tcpdash.toml below the current folder if there is one.
        environment: Instead of the process's own.

    Raises:
        BadSettings: If a key is unknown or a value cannot be used.
    """
    tree, sources = read_tree(path, os.environ if environment is None else environment)
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise BadSettings(_sentence(error, sources)) from None


def read_tree(path: Path | None, env: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the file and the variables say, not yet checked, and for each setting of a variable its name.

    Raises:
        BadSettings: If the file cannot be read, or a variable names no setting.
    """
    tree = _read_file(path, env)
    sources: dict[str, str] = {}
    for name in sorted(env):
        if name.startswith(PREFIX) and name not in _ELSEWHERE and not name.startswith("TCPDASH_TEST_"):
            keys = name[len(PREFIX) :].lower().split("__")
            _put(tree, keys, env[name], name)
            sources[".".join(keys)] = name
    return tree, sources


def file_of(path: Path | None, env: Mapping[str, str]) -> tuple[Path, bool]:
    """Return the file of the settings, and whether somebody named it: then it has to be there."""
    named = path or (Path(env["TCPDASH_CONFIG"]) if env.get("TCPDASH_CONFIG") else None)
    return named or Path("config/tcpdash.toml"), named is not None


def _read_file(path: Path | None, env: Mapping[str, str]) -> dict[str, Any]:
    file, is_named = file_of(path, env)
    if not is_named and not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadSettings(f"settings file {file} does not exist; give another with TCPDASH_CONFIG") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"settings file {file} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"settings file {file} is not TOML: {error}") from None


def _put(tree: dict[str, Any], keys: list[str], text: str, variable: str) -> None:
    kind: Any = Settings
    branch = tree
    for key in keys[:-1]:
        kind = _field(kind, key, variable)
        if not isinstance(branch.setdefault(key, {}), dict):
            raise BadSettings(f"{variable}: {key} is a value, not a section")
        branch = branch[key]
    branch[keys[-1]] = _value(_field(kind, keys[-1], variable), text)


def _field(kind: Any, key: str, variable: str) -> Any:
    origin = typing.get_origin(kind)
    if origin is dict:
        return typing.get_args(kind)[1]
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        raise BadSettings(f"{variable} names a setting inside of one that has no parts")
    if key not in kind.model_fields:
        raise BadSettings(f"{variable} names no setting; {_known(key, list(kind.model_fields))}")
    return kind.model_fields[key].annotation


def _value(kind: Any, text: str) -> Any:
    # Lists are written A,B; an empty text unsets what may be unset.
    if typing.get_origin(kind) is tuple:
        return _list(text)
    if typing.get_origin(kind) is types.UnionType and not text:
        return None
    return text


def _list(text: str) -> Any:
    try:
        return json.loads(text) if text.startswith("[") else [part.strip() for part in text.split(",") if part.strip()]
    except ValueError:
        return text  # no list, which is told with the name of the variable


def _known(key: str, known: list[str]) -> str:
    close = get_close_matches(key, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"


def _sentence(error: ValidationError, sources: Mapping[str, str]) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    kind: Any = Settings
    if first["type"] == "extra_forbidden":
        for part in first["loc"][:-1]:
            kind = _field(kind, str(part), where)
        return f"setting {where!r} does not exist; {_known(str(first['loc'][-1]), list(kind.model_fields))}"
    found = first.get("input")
    by = f" (from {sources[where]})" if where in sources else ""
    wrong = f"setting {where!r}{by}: {first['msg'].removeprefix('Value error, ')}"
    if isinstance(found, Mapping | BaseModel):  # a section, which may hold secrets
        return wrong
    return f"{wrong}; found {'***' if _is_secret(first['loc'], where, found) else repr(found)}"


def _is_secret(keys: tuple[int | str, ...], where: str, found: object) -> bool:
    kind: Any = Settings
    for key in keys:
        try:
            kind = _field(kind, str(key), where)
        except BadSettings:  # inside of a list or of one of several kinds
            break
    return isinstance(found, SecretStr) or "url" in where or "SecretStr" in str(kind)
