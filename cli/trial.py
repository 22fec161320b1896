"""Options that say what is tried, shared by `backtest`, `sweep` and `walk-forward`, and what they lead to."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import load
from market.clock import now_us, parse_time
from market.errors import InputError
from market.timeframe import parse_timeframe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trading.backtest.backtest import Backtest
    from trading.registry import Registry
    from trading.rules import Rules

Strategy = Annotated[str, typer.Option("--strategy", help="Name of a strategy; `tcpdash strategies` lists them.")]
Tried = Annotated[list[str], typer.Option("--symbol", "-s", help="For example OKX:BTC-USDT; repeatable, they share the cash.")]
Width = Annotated[str, typer.Option("--timeframe", "-t", help="Width of the candles that the strategy decides on.")]
Balance = Annotated[float, typer.Option(help="What the account begins with, in the quote currency.")]
Fee = Annotated[
    float | None, typer.Option(help="Fee of a trade, a fraction of its value (0.001 is 0.1 %); without it the venue's own.")
]
AllowHoles = Annotated[
    bool,
    typer.Option("--allow-holes", help="Go on though candles are missing: nothing is held over a hole, and its jump wins nothing."),
]
Listed = Annotated[
    str | None,
    typer.Option("--steps", metavar="TICK,LOT,VALUE", help="Step of prices, of sizes, smallest value of an order; 0 for none."),
]
RuleOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--rule", "-r", metavar="NAME=VALUE",
        help="How orders are made and filled, for example stop_loss=0.05, slippage=basis-points, slippage_amount=5; repeatable.",
    ),
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a person wants to have tried.

    Attributes:
        test: With the strategy, its rules and its window.
        symbols: `EXCHANGE:BASE-QUOTE`.
        registry: Where the strategy was found.
    """

    test: "Backtest"
    symbols: tuple[str, ...]
    registry: "Registry"


def read_trial(  # noqa: PLR0913 - as many as there are options
    strategy: str,
    parameters: "dict[str, Any]",
    *,
    symbols: "Sequence[str]",
    timeframe: str,
    start: str | None,
    end: str | None,
    fee: float | None,
    balance: float,
    allow_holes: bool,
    rules: "Sequence[str]",
    steps: str | None = None,
) -> Trial:
    """Return what the options of a command ask for.

    Raises:
        InputError: If one of them cannot be; it says which and what was expected.
    """
    from market.symbol import Symbol
    from trading.backtest.backtest import Backtest
    from trading.registry import Registry

    width = parse_timeframe(timeframe)
    start_us, end_us = parse_time(start) if start else None, parse_time(end) if end else None
    if start_us is not None and end_us is not None and end_us - start_us < width.width_us:
        raise InputError(f"--start {start} and --end {end} leave no room for a candle of {width} between them")
    if end_us is not None:
        end_us = min(end_us, width.open_of(now_us()))  # what is still to come is no hole
    named = tuple(str(Symbol.parse(text.strip().upper())) for text in symbols)
    if not named:
        raise InputError("--symbol is needed, for example --symbol OKX:BTC-USDT; `tcpdash coverage` lists what is stored")
    registry = Registry(load().strategies)
    test = Backtest(
        registry.create(strategy, parameters), width, rules=_rules(rules, named, fee), balance=balance,
        listings=_listings(steps, named), allow_holes=allow_holes, start_us=start_us, end_us=end_us,
    )  # fmt: skip
    return Trial(test=test, symbols=named, registry=registry)


def named_values(options: "Sequence[str]", option: str) -> dict[str, str]:
    """Return the values of an option that is given as NAME=VALUE, by name.

    Raises:
        InputError: If one has no equals sign, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in options:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(f"{option} {text!r} is not NAME=VALUE, for example {option} fast=10")
        if name.strip() in found:
            raise InputError(f"{option} {name.strip()} is given twice, as {found[name.strip()]!r} and as {value.strip()!r}")
        found[name.strip()] = value.strip()
    return found


def _rules(options: "Sequence[str]", symbols: "Sequence[str]", fee: float | None) -> "Rules":
    from exchanges.fees import fees_of
    from trading.rules import Rules, rules_from

    fees = fees_of(symbols)
    base = Rules(maker_fee=fees.maker if fee is None else fee, taker_fee=fees.taker if fee is None else fee)
    return rules_from(named_values(options, "--rule"), base)


def _listings(steps: str | None, symbols: "Sequence[str]") -> dict[str, Any]:
    """Return what --steps says of all symbols; nothing where it is not given, so that the venue's own steps count."""
    from trading.rules import Listing

    if steps is None:
        return {}
    try:
        tick, lot, least = (float(part) for part in steps.split(","))
    except ValueError:
        raise InputError(f"--steps {steps!r} is not TICK,LOT,VALUE, for example 0.01,0.0001,10 or 0,0,0") from None
    if not all(0.0 <= each < 1e15 for each in (tick, lot, least)):
        raise InputError(f"--steps {steps!r} holds a number below 0; expected were three of 0 or more")
    return dict.fromkeys(symbols, Listing(tick=tick, lot=lot, least_value=least))
