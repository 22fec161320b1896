"""Options that say what is tried, shared by `backtest`, `sweep` and `walk-forward`, and what they lead to."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import load
from market.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from research.trials import Trial
    from trading.rules import Listing

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


def read_trial(
    strategy: str, parameters: "dict[str, Any]", *, rules: "Sequence[str]", steps: str | None = None, **more: Any
) -> "Trial":  # fmt: skip
    """Return what the options of a command ask for.

    Args:
        strategy: Its name.
        parameters: By name.
        rules: As NAME=VALUE each.
        steps: As TICK,LOT,VALUE.
        more: The other arguments of `research.trials.trial_of`.

    Raises:
        InputError: If one of them cannot be; it says which and what was expected.
    """
    from research.trials import trial_of
    from trading.registry import Registry

    given, listing = named_values(rules, "--rule"), _listing(steps)
    return trial_of(Registry(load().strategies), strategy, parameters=parameters, rules=given, listing=listing, **more)


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


def _listing(steps: str | None) -> "Listing | None":
    """Return what --steps says of all symbols; None where it is not given, so that the venue's own steps count."""
    from trading.rules import Listing

    if steps is None:
        return None
    try:
        tick, lot, least = (float(part) for part in steps.split(","))
    except ValueError:
        raise InputError(f"--steps {steps!r} is not TICK,LOT,VALUE, for example 0.01,0.0001,10 or 0,0,0") from None
    if not all(0.0 <= each < 1e15 for each in (tick, lot, least)):
        raise InputError(f"--steps {steps!r} holds a number below 0; expected were three of 0 or more")
    return Listing(tick=tick, lot=lot, least_value=least)
