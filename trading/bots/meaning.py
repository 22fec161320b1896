"""What a bot's file means, beyond its form: symbols that go together, a strategy that there is, parameters that it takes."""

import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from operator import index
from typing import Any

from market.errors import InputError, SymbolError, did_you_mean
from market.symbol import Symbol
from trading.bots.problems import Problem, path_of, shown
from trading.bots.schema import expected_words, schema
from trading.bots.sections import LARGEST_BALANCE
from trading.parameters import Parameter, snake_case
from trading.registry import Registry
from trading.strategy import BaseStrategy

_SAID = re.compile(r"parameter (\w+) of [^:]*: expected (.+), found (.+)", re.DOTALL)


def problems_of(tree: Mapping[str, Any], registry: Registry, *, told: Collection[str]) -> list[Problem]:
    """Return what makes no sense in a file of which the form is known.

    Args:
        tree: What the file says.
        registry: The strategies that there are.
        told: Fields that something was said of already; they are not looked at.
    """
    problems: list[Problem] = []
    if "balance" in tree and "balance" not in told:
        problems += _of_balance(tree["balance"])
    if isinstance(tree.get("symbols"), list):
        problems += _of_symbols(tree["symbols"], told)
    if "strategy" in tree and "strategy" not in told:
        given = tree.get("parameters", {}) if "parameters" not in told else {}
        known = {name: value for name, value in given.items() if path_of(["parameters", name]) not in told}
        problems += _of_strategy(tree["strategy"], known, registry)
    return problems


def _of_balance(balance: Any) -> Iterator[Problem]:
    # The broker counts in floats, the ledger in decimals; both have to begin with the same.
    exact = Decimal(balance)
    if not 0 < exact < LARGEST_BALANCE or Decimal(repr(float(exact))) != exact:
        part = schema()["properties"]["balance"]
        yield Problem(field="balance", expected=expected_words(part), found=shown(balance))


def _of_symbols(symbols: list[Any], told: Collection[str]) -> Iterator[Problem]:
    first: Symbol | None = None
    places: dict[str, str] = {}
    for number, text in enumerate(symbols):
        field = path_of(["symbols", number])
        if field in told:
            continue
        try:
            symbol = Symbol.parse(text)
        except SymbolError:
            yield Problem(field=field, expected=expected_words(schema()["properties"]["symbols"]["items"]), found=shown(text))
            continue
        first = first or symbol
        if text in places:
            yield Problem(field=field, expected="each symbol once", found=f"{text!r} as in {places[text]}")
        elif symbol.quote != first.quote:
            expected = f"a symbol paid in {first.quote} as {first} is, since the symbols of a bot share its cash"
            yield Problem(field=field, expected=expected, found=shown(text))
        places.setdefault(text, field)


def _of_strategy(name: str, given: Mapping[str, Any], registry: Registry) -> list[Problem]:
    known = registry.names()
    if snake_case(name) not in known:
        hint = did_you_mean(snake_case(name), known) + "".join(f"; not read: {problem}" for problem in registry.problems)
        return [Problem(field="strategy", expected=f"one of {', '.join(known)}", found=shown(name), hint=hint)]
    kind = registry.get(name)
    try:
        lookback = index(kind(dict(given)).lookback)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's own code
        return list(_of_parameters(kind, given)) or [_blamed(error)]
    if lookback < 1:
        expected = "parameters with which the strategy looks back over a bar or more"
        return [Problem(field="parameters", expected=expected, found=f"those with which it looks back over {lookback}")]
    return []


def _of_parameters(kind: type[BaseStrategy], given: Mapping[str, Any]) -> Iterator[Problem]:
    """Return all that is wrong with parameters one by one; a strategy itself names but the first."""
    declared: dict[str, Parameter] = {}
    try:
        declared = {each.name: each for each in kind.declared()}
    except (Exception, SystemExit):  # noqa: BLE001 - a user's own code, of which the first error is told
        return
    for name, value in given.items():
        field = path_of(["parameters", name])
        if name not in declared:
            expected = f"one of the parameters {', '.join(declared)}" if declared else f"no parameters: {kind.name} has none"
            yield Problem(field=field, expected=expected, found="an unknown one", hint=did_you_mean(name, list(declared)))
            continue
        try:
            declared[name].checked(value, kind.name)
        except InputError:
            hint = did_you_mean(str(value), list(declared[name].choices))
            yield Problem(field=field, expected=declared[name].expected, found=shown(value), hint=hint)


def _blamed(error: BaseException) -> Problem:
    """Return what a strategy says that it was made with, as a problem of the parameter that it names, or of all."""
    said = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    match = _SAID.fullmatch(said) if isinstance(error, InputError) else None
    if match is None:
        return Problem(field="parameters", expected="parameters with which the strategy can be made", found=said)
    name, expected, found = match.groups()
    return Problem(field=path_of(["parameters", name]), expected=expected, found=found)
