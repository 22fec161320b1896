"""The verbs that run something: the whole system, or one of its processes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import GENERATED, Exchange, Faults, Seed, Speed, Symbols, fault_words, load
from market.errors import InputError

if TYPE_CHECKING:
    from settings import Settings

Tape = Annotated[
    str | None,
    typer.Option(
        help="Play these files through the local exchange instead of the network: A,B; or 'synthetic'. "
        "Venue and symbols are the tape's own, unless they are named."
    ),
]


def up(
    *,
    exchange: Exchange = None,
    symbols: Symbols = None,
    tape: Tape = None,
    speed: Speed = 1.0,
    no_app: Annotated[bool, typer.Option("--no-app", help="Without the page.")] = False,
    no_flows: Annotated[bool, typer.Option("--no-flows", help="Without scheduled flows.")] = False,
    no_bots: Annotated[bool, typer.Option("--no-bots", help="Without paper bots; `tcpdash bots run` runs them, too.")] = False,
    seconds: Annotated[float | None, typer.Option("--for", min=0.1, help="Stop by itself after so many seconds.")] = None,
    fault: Faults = None,
    seed: Seed = 0,
) -> None:
    """Run the whole system in the foreground; Ctrl-C stops it.

    For example:

      tcpdash up --exchange okx --symbols BTC-USDT,ETH-USDT

      tcpdash up --tape monday.jsonl.gz,tuesday.jsonl.gz --speed 50 --no-app --for 60

      tcpdash up --tape synthetic --fault drop:every=30,for=5 --fault hole:p=0.01 --seed 7
    """
    from cli.feed import choose_feed
    from cli.system import System

    if fault and tape is None:
        raise InputError(
            "--fault needs --tape: only the local exchange misbehaves on request; --tape synthetic plays a generated market"
        )
    faults = fault_words(fault, seed)
    settings = load(exchange, symbols)
    feed = choose_feed(settings, tape, exchange=exchange, symbols=symbols)
    System(
        settings, feed, tape=tape, speed=speed, with_app=not no_app, with_flows=settings.flows.enabled and not no_flows,
        with_bots=not no_bots, fault_words=faults,
    ).run(seconds)  # fmt: skip


def demo(
    *,
    speed: Speed = 1.0,
    no_flows: Annotated[bool, typer.Option("--no-flows", help="Without scheduled flows.")] = False,
    seconds: Annotated[float | None, typer.Option("--for", min=0.1, help="Stop by itself after so many seconds.")] = None,
    fault: Faults = None,
    seed: Seed = 0,
) -> None:
    """Run the whole system on an invented market, without account, key or network.

    Its symbols begin with SYNTHETIC:, so nobody can take them for a venue's. Two bots trade on it; `tcpdash bots list` shows them.
    """
    from cli.feed import choose_feed
    from cli.system import System

    settings, faults = load(), fault_words(fault, seed)
    feed = choose_feed(settings, GENERATED, exchange=None, symbols=None)
    with_flows = settings.flows.enabled and not no_flows
    System(
        settings, feed, tape=GENERATED, speed=speed, with_app=True, with_flows=with_flows, bots_folder=demo_bots(settings),
        fault_words=faults,
    ).run(seconds)  # fmt: skip


def demo_bots(settings: "Settings") -> Path:
    """Return the folder of the demo's bots: that of the settings, and where that is not there the one of the program."""
    folder = settings.bots.folder
    return folder if folder.exists() else Path(__file__).absolute().with_name("bots_example")


def stream(*, exchange: Exchange = None, symbols: Symbols = None) -> None:
    """Run the streaming worker alone, against the servers in the settings or those of a running `tcpdash up`."""
    import asyncio

    from cli.logs import log_to
    from cli.worker import collect

    settings = load(exchange, symbols)
    log_to(settings.home / "logs" / "worker.log", settings.log.level)
    asyncio.run(collect(settings))
