"""The verbs around strategies: which there are, what one does, whether it cheats, and a new one of one's own."""

import re
from collections.abc import Sequence
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from cli.options import Json, load
from cli.strategy_check import Name, Params, blaming, check, known_strategies, print_json, read_parameters
from market.errors import InputError

if TYPE_CHECKING:
    from trading.parameters import Parameter
    from trading.strategy import BaseStrategy

commands = typer.Typer(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)

EXAMPLE = Path(__file__).with_name("strategy_example.txt")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@commands.callback()
def default(context: typer.Context, *, json: Json = False) -> None:
    """Strategies: which there are, what one does, whether it looks into the future; without a command they are listed.

    For example:

      tcpdash strategies

      tcpdash strategies show sma_cross

      tcpdash strategies new my_idea

      tcpdash strategies check my_idea --param fast=5 --symbol OKX:BTC-USDT --timeframe 1h
    """
    if context.invoked_subcommand is None:
        list_strategies(json=json)


@commands.command("list")
def list_strategies(*, json: Json = False) -> None:
    """List the strategies that come with the program and those of your own folder, and which of its files cannot be read.

    For example: tcpdash strategies list --json
    """
    registry = known_strategies()
    found = [registry.get(name) for name in registry.names()]
    if json:
        print_json(
            {
                "strategies": [{"name": each.name, "from": _origin(each), "about": _about(each)[0]} for each in found],
                "problems": [
                    {"file": str(problem.path), "line": problem.line, "message": str(problem)} for problem in registry.problems
                ],
            }
        )
        return
    from cli.table import print_table

    print_table(("name", "from", "rule"), [(each.name, _origin(each), _about(each)[0]) for each in found])
    for problem in registry.problems:
        click.echo(f"not read: {problem}")


@commands.command("show")
def show(name: Name, *, params: Params = None, json: Json = False) -> None:
    """Print the rule of a strategy, its source, its parameters, and how many bars decide one target.

    For example: tcpdash strategies show donchian-breakout
    """
    kind = known_strategies().get(name)
    with blaming(kind):
        strategy = kind(read_parameters(params))
        lookback = strategy.lookback
    about, source = _about(kind)[1:]
    if json:
        print_json(
            {
                "name": kind.name, "from": _origin(kind), "about": about, "source": source or None, "lookback": lookback,
                "parameters": [_fields(each, strategy) for each in kind.declared()],
                "relations": [f"{smaller} < {larger}" for smaller, larger in strategy.relations],
            }
        )  # fmt: skip
        return
    click.echo(f"{kind.name} ({_origin(kind)})\n\n{about}\n" + (f"\nSource: {source}\n" if source else ""))
    _print_parameters(kind.declared(), strategy)
    for smaller, larger in strategy.relations:
        click.echo(f"{smaller} has to be less than {larger}")
    click.echo(f"lookback: {lookback:,} bars decide one target{' with these parameters' if params else ''}")


commands.command("check")(check)


@commands.command("new")
def new(name: Annotated[str, typer.Argument(metavar="NAME", help="What it shall be called, for example my_idea.")]) -> None:
    """Write a file with a strategy that works, to be changed; its folder is the setting `strategies`.

    For example: tcpdash strategies new my_idea
    """
    from keyword import iskeyword

    from trading.parameters import snake_case

    words = snake_case(name)
    class_name = "".join(word.capitalize() for word in words.split("_"))
    if not _NAME.fullmatch(words) or iskeyword(class_name) or class_name in {"Action", "BaseStrategy", "ClassVar"}:
        raise InputError(
            f"name {name!r} cannot be that of a strategy; expected letters, digits and underscores, for example my_idea"
        )
    called, folder, registry = snake_case(class_name), load().strategies, known_strategies()
    if called in registry.names():
        raise InputError(f"strategy {called} exists, {_origin(registry.get(called))}; choose another name")
    path = folder / f"{called}.py"
    text = EXAMPLE.read_text(encoding="utf-8").partition('"""\n')[2]
    text = f'"""A strategy of your own: {called}."""\n' + text.replace("TrendFilterCross", class_name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path} exists and is left as it is; choose another name, or move it away") from None
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; the setting strategies says where it is") from error
    click.echo(f"{path} is written; change it, then: tcpdash strategies check {called}")


# -- inside --------------------------------------------------------------------------------------------------------------


def _origin(kind: "type[BaseStrategy]") -> str:
    """Return where a strategy is from: shipped, or its file."""
    import sys

    return "shipped" if kind.__module__.startswith("trading.") else str(getattr(sys.modules[kind.__module__], "__file__", "?"))


def _about(kind: "type[BaseStrategy]") -> tuple[str, str, str]:
    """Return the first line of the docstring of a class, the rule in all its lines, and its source; empty where there is none."""
    text = cleandoc(kind.__doc__ or "")
    rule, _, source = text.partition("Source: ")
    return text.partition("\n")[0], rule.strip(), " ".join(source.split())


def _fields(parameter: "Parameter", strategy: "BaseStrategy") -> dict[str, Any]:
    return {
        "name": parameter.name, "type": str(parameter.kind), "default": parameter.default, "low": parameter.low,
        "high": parameter.high, "choices": list(parameter.choices), "sweep": list(parameter.sweep), "about": parameter.about,
        "value": strategy.parameters[parameter.name],
    }  # fmt: skip


def _print_parameters(declared: "Sequence[Parameter]", strategy: "BaseStrategy") -> None:
    from cli.table import print_table

    rows = [
        (each.name, each.expected, _word(each.default), _word(strategy.parameters[each.name]), _range(each), each.about)
        for each in declared
    ]
    if rows:
        print_table(("parameter", "expected", "default", "value", "a sweep tries", ""), rows)
    else:
        click.echo("it has no parameters")


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _range(parameter: "Parameter") -> str:
    """Return the values of a sweep in words: the first, the second and the last of many."""
    words = [_word(value) for value in parameter.sweep]
    return ", ".join(words) if len(words) <= 4 else f"{words[0]}, {words[1]} … {words[-1]}"
