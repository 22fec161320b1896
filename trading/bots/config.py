"""The configuration of a bot: read from its file, with all that is wrong told at once."""

from hashlib import sha256
from typing import Any

import msgspec

from market.errors import InputError
from trading.bots.meaning import problems_of
from trading.bots.problems import ConfigError, Problem
from trading.bots.schema import problems_in, schema
from trading.bots.sections import (
    BotConfig,
    Fees,
    Limits,
    Orders,
    Protections_,
    Sizing_,
    Slippage_,
    Stops,
)
from trading.bots.text import read_text
from trading.registry import Registry

__all__ = [
    "BotConfig",
    "ConfigError",
    "Fees",
    "Limits",
    "Orders",
    "Problem",
    "Protections_",
    "Sizing_",
    "Slippage_",
    "Stops",
    "as_dict",
    "digest",
    "from_dict",
    "read_config",
    "schema",
]


def read_config(data: bytes, registry: Registry, *, file: str) -> BotConfig:
    """Return what a bot's file says.

    Args:
        data: The file, JSON in UTF-8.
        registry: The strategies that there are.
        file: Its path, for what is said of it.

    Raises:
        ConfigError: If anything is wrong with it; it tells all of it at once.
    """
    tree, problems = read_text(data)
    if not tree and problems:
        raise ConfigError(file, problems)
    told = {problem.field for problem in problems}
    problems += [problem for problem in problems_in(tree) if problem.field not in told]
    problems += problems_of(tree, registry, told={problem.field for problem in problems})
    if problems:
        raise ConfigError(file, problems, id=None if "id" in told else _id_of(tree))
    config = from_dict(tree)
    config.rules()  # its bounds are those of the schema
    return config


def as_dict(config: BotConfig) -> dict[str, Any]:
    """Return a configuration as JSON can say it; the balance is a text, so that it stays exact."""
    return {**msgspec.to_builtins(config), "balance": format(config.balance, "f")}


def from_dict(values: dict[str, Any]) -> BotConfig:
    """Return the configuration that `as_dict` was given, or one that was stored.

    Raises:
        InputError: If it is none.
    """
    try:
        return msgspec.convert(values, BotConfig)
    except msgspec.ValidationError as error:
        raise InputError(f"the configuration of a bot cannot be used: {error}") from error


def digest(config: BotConfig) -> str:
    """Return what two configurations have in common if and only if they say the same, 64 hexadecimal digits."""
    values = as_dict(config)
    if "." in values["balance"]:
        values["balance"] = values["balance"].rstrip("0").rstrip(".")
    return sha256(msgspec.json.encode(values, order="sorted")).hexdigest()


def _id_of(tree: dict[str, Any]) -> str | None:
    """Return which bot a file means to be that cannot be used."""
    named = tree.get("id")
    return named if isinstance(named, str) and not any(each.field == "id" for each in problems_in({"id": named})) else None
