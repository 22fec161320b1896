"""The verb that checks a strategy: on stored candles or generated ones, in words; and what else is told of one by name."""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from cli.options import End, Json, Start, load
from market.errors import InputError, PlatformError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from market.timeframe import Timeframe
    from trading.checks import Finding
    from trading.registry import Registry
    from trading.strategy import BaseStrategy

_ENOUGH_BARS = 2_500
_LOOKBACKS = 3  # so many of them are generated, so that there is history before what is checked
_MOST_BARS = 1_000_000

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="As `tcpdash strategies` prints it; SmaCross and sma-cross are sma_cross.")
]
Params = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="KEY=VALUE", help="A parameter of the strategy; repeatable.")
]


def check(
    name: Name,
    *,
    params: Params = None,
    symbol: Annotated[
        str | None, typer.Option(help="Try it on stored candles, OKX:BTC-USDT; without it on generated ones.")
    ] = None,
    timeframe: Annotated[str, typer.Option("--timeframe", "-t", help="Width of the candles.")] = "1h",
    start: Start = None,
    end: End = None,
    bars: Annotated[int | None, typer.Option(min=1, max=_MOST_BARS, help="So many candles, of stored ones the newest.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Chance of generated candles; 0 without it.")] = None,
    json: Json = False,
) -> None:
    """Check that a strategy is a function of the past: exit code 1 when it is not.

    determinism: the same candles give the same targets, and nothing else is asked. look-ahead: no target changes when the
    candles after it are taken away. lookback: the newest `lookback` candles decide as all of the history does.

    For example:

      tcpdash strategies check sma_cross --param fast=5 --param slow=20

      tcpdash strategies check my_idea --symbol OKX:BTC-USDT --timeframe 5m --start 2024-08-01 --bars 5000
    """
    registry, notes = _loaded()
    with blaming(registry.get(name)):
        strategy = registry.create(name, read_parameters(params))
        where, data = _candles(strategy, symbol, timeframe, start=start, end=end, bars=bars, seed=seed)
        findings, changes = _checked(strategy, data)
    passed = all(finding.passed for finding in findings)
    if json:
        print_json({
            "strategy": strategy.name, "parameters": strategy.parameters, "lookback": strategy.lookback, "data": where,
            "bars": len(data), "changes": changes, "passed": passed, "findings": list(map(_fields, findings)), "notes": notes,
        })  # fmt: skip
    else:
        _tell(strategy, where, data, findings, changes, notes)
    if not passed:
        raise typer.Exit(1)


def known_strategies() -> "Registry":
    """Return the strategies that come with the program and those of the folder of the settings."""
    from trading.registry import Registry

    return Registry(load().strategies)


def read_parameters(words: Sequence[str] | None) -> dict[str, str]:
    """Return what `--param KEY=VALUE` says; the strategy reads the values.

    Raises:
        InputError: If a word has no `=`, or a key comes twice.
    """
    found: dict[str, str] = {}
    for word in words or ():
        key, equals, text = word.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--param {word!r} is not KEY=VALUE, for example fast=10")
        if key.strip() in found:
            raise InputError(f"--param {key.strip()} is given twice, {found[key.strip()]} and {text}; leave one out")
        found[key.strip()] = text.strip()
    return found


@contextmanager
def blaming(kind: "type[BaseStrategy]", *, other_code: bool = False) -> "Iterator[None]":
    """Turn whatever the code of a strategy raises inside this block into one sentence.

    Args:
        kind: The strategy.
        other_code: Whether other code runs in the block, too, whose errors are raised as they are.

    Raises:
        StrategyFileError: With its file and line; errors of input are raised as they are.
    """
    try:
        yield
    except PlatformError:
        raise
    except (Exception, SystemExit) as error:
        import sys
        from pathlib import Path
        from traceback import extract_tb

        from trading.registry import blamed

        file = getattr(sys.modules.get(kind.__module__), "__file__", None) or kind.__module__
        if other_code and file not in {frame.filename for frame in extract_tb(error.__traceback__)}:
            raise
        raise blamed(Path(file), error) from error


def print_json(value: Mapping[str, Any]) -> None:
    """Print a value as JSON; what is not a number (NaN, infinity) is null."""
    import msgspec

    click.echo(msgspec.json.encode(value))


# -- inside --------------------------------------------------------------------------------------------------------------


def _loaded() -> "tuple[Registry, list[str]]":
    """Return the strategies, and what their files read when they are loaded: of that no check can judge what it knows."""
    from trading.outside import watched
    from trading.registry import Registry

    folder = load().strategies
    with watched() as reached:
        registry = Registry(folder)
    said = [what for what in dict.fromkeys(reached) if what != f"lists {folder}"]
    return registry, [f"when it is loaded, a file of {folder} {what}; no check can tell what is known from there" for what in said]


def _candles(
    strategy: "BaseStrategy", symbol: str | None, timeframe: str, *, start: str | None, end: str | None, bars: int | None,
    seed: int | None,
) -> "tuple[str, pd.DataFrame]":  # fmt: skip
    """Return candles to check on, with what they are in words; the strategy is told their symbol.

    Raises:
        InputError: If they are fewer than a check needs, or what was asked for cannot be together.
    """
    from market.timeframe import parse_timeframe

    width, lookback = parse_timeframe(timeframe), strategy.lookback
    if lookback < 1:
        raise InputError(f"the lookback of {strategy.name} is {lookback}; expected was 1 or more")
    if symbol is None:
        from trading.generated import generated_bars

        if start is not None or end is not None:
            raise InputError("--start and --end are of stored candles; say which with --symbol, for example OKX:BTC-USDT")
        asked = bars or min(max(_ENOUGH_BARS, _LOOKBACKS * lookback), _MOST_BARS)
        data, where = generated_bars(asked, seed or 0, width), f"generated {width} candles, seed {seed or 0}"
    elif seed is not None:
        raise InputError("--seed is of generated candles; leave it out, or leave out --symbol")
    else:
        data = _stored(symbol, width, start, end).tail(bars or _MOST_BARS)
        where = f"{width} candles of {data.attrs['symbol']}"
    needed = 2 * lookback + 1
    if len(data) < needed:
        fix = "give more --bars" if symbol is None else "take a longer time, or backfill it"
        raise InputError(
            f"{len(data):,} {where} are too few: {strategy.name} has a lookback of {lookback:,}, and a check needs "
            f"more than twice as many, {needed:,}; {fix}"
        )
    strategy.symbol = data.attrs["symbol"]
    return where, data


def _stored(symbol: str, width: "Timeframe", start: str | None, end: str | None) -> "pd.DataFrame":
    """Return stored candles of a symbol, without those with a known hole inside."""
    from cli.read import known_symbol, read_bounds, store
    from trading.frames import to_bars

    bounds = read_bounds(start, end)
    with store() as db:
        name = known_symbol(db, symbol)
        frame = db.market_data.get_candles(name, width, *bounds)
    data = to_bars(frame[frame["complete"].ne(False).fillna(True).astype(bool)])
    data.attrs.update(symbol=name, timeframe=str(width))
    return data


def _checked(strategy: "BaseStrategy", data: "pd.DataFrame") -> "tuple[list[Finding], int]":
    """Return what the checks find, and how often the target changes."""
    import numpy as np

    from trading.checks import check_strategy

    findings = check_strategy(strategy, data)
    targets = np.asarray(type(strategy)(dict(strategy.parameters)).targets(data.copy()), dtype=np.float64)
    kept = targets[~np.isnan(targets)]
    return findings, int((np.diff(kept) != 0).sum())


def _tell(
    strategy: "BaseStrategy", where: str, data: "pd.DataFrame", findings: "Sequence[Finding]", changes: int, notes: list[str]
) -> None:
    from textwrap import wrap

    given = " ".join(f"{name}={value}" for name, value in strategy.parameters.items())
    passed = all(finding.passed for finding in findings)
    click.echo(f"{strategy.name} {given}".rstrip() + f", lookback {strategy.lookback:,}: {'ok' if passed else 'FAILED'}")
    click.echo(f"on {len(data):,} {where}; the wanted position changes {changes:,} times")
    for finding in findings:
        lines = wrap(finding.message, 100)
        click.echo(f"{finding.check:<12}  {'ok' if finding.passed else 'FAILED':<6}  {lines[0]}")
        for line in lines[1:]:
            click.echo(f"{'':22}{line}")
    for note in notes:
        click.echo(f"note: {note}")
    if not changes:
        click.echo("it always wants the same, so that these checks say little; try other candles: --seed, --symbol, --bars")


def _fields(finding: "Finding") -> dict[str, Any]:
    from market.clock import isoformat

    at = None if finding.timestamp_us is None else isoformat(finding.timestamp_us)
    return {
        "check": str(finding.check), "passed": finding.passed, "message": finding.message, "tried": finding.tried,
        "bar": finding.row, "timestamp": at, "expected": finding.expected, "found": finding.found, "enough": finding.enough,
    }  # fmt: skip
