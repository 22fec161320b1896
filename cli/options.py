"""Options that several verbs share, and the settings they lead to."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from market.errors import InputError

if TYPE_CHECKING:
    from replay import FaultScript
    from settings import Settings

VENUES = "okx, binance, binanceusdm, bybit, bybitlinear, coinbase, kraken, synthetic"
"""What stands in help texts, which are made without loading any codec."""
GENERATED = "synthetic"
"""What is given instead of a tape for the generated market."""

Exchange = Annotated[str | None, typer.Option("--exchange", "-e", help=f"Venue to follow: {VENUES}.")]
Symbols = Annotated[str | None, typer.Option("--symbols", "-s", help="Pairs to follow, for example BTC-USDT,ETH-USDT.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Start = Annotated[str | None, typer.Option("--start", help="From this time on, UTC: 2024-08-09 or 2024-08-09T12:30.")]
End = Annotated[str | None, typer.Option("--end", help="Up to this time, UTC.")]
Speed = Annotated[float, typer.Option("--speed", min=0.01, max=100_000.0, help="How many seconds of the tape pass in one.")]
Faults = Annotated[
    list[str] | None,
    typer.Option(
        "--fault", metavar="SPEC", help="Let the local exchange misbehave: drop:every=30,for=5 (docs/faults.md); repeatable."
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the faults' chance: the same seed, the same faults.")]


def load(exchange: str | None = None, symbols: str | None = None) -> "Settings":
    """Return the settings, with what was given on the command line over them."""
    from settings import load_settings

    environment = dict(os.environ)
    if exchange is not None:
        environment["TCPDASH_STREAM__EXCHANGE"] = exchange
    if symbols is not None:
        environment["TCPDASH_STREAM__SYMBOLS"] = symbols
    if symbols is not None and not symbols.strip(", "):
        raise InputError("--symbols needs at least one pair, for example BTC-USDT,ETH-USDT")
    return load_settings(environment=environment)


def refuse_venue_of_generated(exchange: str | None) -> None:
    """Keep the generated market from being played as a venue's.

    Raises:
        InputError: If another venue than its own was asked for.
    """
    if exchange is not None and exchange.lower() != GENERATED:
        raise InputError(f"--exchange {exchange} cannot be had of the generated market: it is no venue's; leave --exchange out")


def read_faults(faults: list[str] | None, seed: int) -> "FaultScript | None":
    """Return the faults of the command line, None without any.

    Raises:
        InputError: If one of them is none.
    """
    if not faults:
        return None
    from replay import FaultScript

    return FaultScript(faults, seed)


def fault_words(faults: list[str] | None, seed: int) -> list[str]:
    """Return the words that hand the faults on to `tcpdash replay`.

    Raises:
        InputError: If one of them is none.
    """
    script = read_faults(faults, seed)
    return [] if script is None else [*(word for fault in faults or () for word in ("--fault", fault)), "--seed", str(seed)]
