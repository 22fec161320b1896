"""The settings one by one: what each is, where it comes from, and what it means; without secrets."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from settings.load import file_of, load_settings, read_tree
from settings.tree import Settings

NOT_SET = "not set"
_LOGIN = re.compile(r"(?<=://)[^/?#\s]*@")
# No part of a name is looked through twice: strangers write some of these texts, and the time grows as the text does.
_OPTION = re.compile(r"(?i)([?&](?=[^?=&#\s]*(?:password|passwd|pwd|token|secret|key|auth))[^?=&#\s]*+[^=&#\s]{0,64}=)[^&#\s]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting as a process has it.

    Attributes:
        name: `database.url`.
        value: As text; of a secret only whether it is set, of an address no login.
        source: `default`, the file, or the variable it comes from.
        description: What it is, with its unit.
        pending: What it will be after a restart, where the file or the variable says something else by now; else None.
    """

    name: str
    value: str
    source: str
    description: str
    pending: str | None = None


def explain(settings: Settings, path: Path | None = None, environment: Mapping[str, str] | None = None) -> list[Setting]:
    """Return all settings in the order of their declaration.

    Args:
        settings: As the process has them.
        path: The file that `load_settings` was given.
        environment: Likewise.

    Raises:
        BadSettings: If what file and variables say by now cannot be used.
    """
    env = os.environ if environment is None else environment
    file = file_of(path, env)[0]
    tree, _ = read_tree(path, {name: text for name, text in env.items() if name == "TCPDASH_CONFIG"})
    _, variables = read_tree(path, env)
    now = {name: value for name, value, _ in _each(load_settings(path, env))}
    found = []
    for name, value, description in _each(settings):
        source = variables.get(name) or (str(file) if _is_in(tree, name) else "default")
        changed = name not in now or now[name] != value
        pending = (_told(now[name], again=True) if name in now else NOT_SET) if changed else None
        found.append(Setting(name=name, value=_told(value), source=source, description=description, pending=pending))
    return found


def secrets_of(settings: Settings) -> list[str]:
    """Return the texts that nobody may read, the longest first: secret settings as a whole, the passwords in them, and tokens.

    What has fewer than four letters is left out: it would be found in everything.
    """
    found = [(name, text) for name, value, _ in _each(settings) for text in _secrets(value)]
    passwords = [login[:-1].partition(":")[2] for _, text in found for login in _LOGIN.findall(text)]
    # In the addresses of services that alerts go to any part may be the token.
    tokens = [part for name, text in found if name == "alerts.urls" for part in re.split(r"[/:@?&=,]+", text) if len(part) >= 8]
    return sorted({text for text in (*(text for _, text in found), *passwords, *tokens) if len(text) >= 4}, key=len, reverse=True)


def without_logins(text: str) -> str:
    """Return a text in which addresses have neither logins nor options that look like secrets."""
    return _OPTION.sub(r"\1***", _LOGIN.sub("***@", text))


def _each(section: BaseModel, within: str = "") -> Iterator[tuple[str, Any, str]]:
    for key, field in type(section).model_fields.items():
        name, value = f"{within}{key}", getattr(section, key)
        if isinstance(value, BaseModel):
            yield from _each(value, f"{name}.")
        elif isinstance(value, dict):
            for one, part in value.items():
                yield from _each(part, f"{name}.{one}.")
        else:
            yield name, value, field.description or ""


def _is_in(tree: Mapping[str, Any], name: str) -> bool:
    branch: Any = tree
    for key in name.split("."):
        # Names of venues are taken over in lower case.
        lowered = {str(each).lower(): part for each, part in branch.items()} if isinstance(branch, Mapping) else {}
        if key not in lowered:
            return False
        branch = lowered[key]
    return True


def _secrets(value: Any) -> list[str]:
    values = value if isinstance(value, tuple) else (value,)
    return [each.get_secret_value() for each in values if isinstance(each, SecretStr)]


def _told(value: Any, *, again: bool = False) -> str:
    """Return a value for everybody to read; of a secret whether it is set, or that it is another one."""
    secrets = _secrets(value)
    if secrets:
        told = "set" if not isinstance(value, tuple) else f"{len(secrets)} set"
        return f"{told}, another one" if again else told
    if value is None or value == ():
        return NOT_SET
    return without_logins(", ".join(map(str, value)) if isinstance(value, tuple) else str(value))
