"""`python -m simulation --seeds N --from K`: runs seeds K to K+N-1 and ends non-zero on the first failure."""

import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Annotated

import typer

from simulation.life import Outcome, run
from simulation.scenario import FAULTS, OWN_TROUBLES, scenario_of
from streaming.switches import Switches

_MUTATIONS = {
    "dedupe": Switches(dedupe=False), "gap-check": Switches(gap_check=False), "atomic": Switches(atomic=False),
    "healing": Switches(healing=False),
}  # fmt: skip
_ENOUGH = 200  # seeds in which every kind has to come


def main(
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to run.")] = 200,
    first: Annotated[int, typer.Option("--from", min=0, help="The first seed.")] = 0,
    *,
    without: Annotated[
        str, typer.Option(help=f"Mutation check: switch off {', '.join(_MUTATIONS)}; a failure is then expected.")
    ] = "",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what the worker says; for one seed.")] = False,
    sockets: Annotated[
        bool, typer.Option(help="Through real sockets, PostgreSQL and Redis; some 20 s a seed, ten at a time.")
    ] = False,
) -> None:
    """Run seeds of the simulation; one seed decides every fault, delay and crash point.

    For example: make simulate SEEDS=1000 FROM=0
    """
    if without and without not in _MUTATIONS:
        raise typer.BadParameter(f"{without!r} is not one of {', '.join(_MUTATIONS)}")
    logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s") if verbose else logging.disable(logging.CRITICAL)
    begun = time.perf_counter()
    strikes: Counter[str] = Counter()
    holes: Counter[str] = Counter()
    trades = virtual = 0.0
    numbers = range(first, first + seeds)
    for seed, outcome in _real(numbers, without) if sockets else _outcomes(numbers, without, alone=verbose or seeds == 1):
        if outcome.wrong:
            _say_failure(seed, outcome, without, sockets=sockets)
            sys.exit(1)
        strikes += outcome.strikes
        holes += outcome.holes
        trades, virtual = trades + outcome.trades, virtual + outcome.seconds
    seconds = time.perf_counter() - begun
    pace, kind = f"{60 * seeds / seconds:.0f} a minute", "real" if sockets else "virtual"
    print(f"{seeds} seeds in {seconds:.1f} s ({pace}), {virtual / 3600:.1f} {kind} hours, {trades:.0f} trades")
    print("holes:", ", ".join(f"{count} {state}" for state, count in sorted(holes.items())))
    print("faults:", ", ".join(f"{strikes[kind]} {kind}" for kind in (*FAULTS, *OWN_TROUBLES)))
    absent = [kind for kind in (*FAULTS, *OWN_TROUBLES) if not strikes[kind]]
    if absent and seeds >= _ENOUGH and not sockets:  # what the system buffers no client is slow with
        print("never struck:", ", ".join(absent))
        sys.exit(1)


def _real(seeds: range, without: str) -> Iterable[tuple[int, Outcome]]:
    from simulation.sockets import outcomes  # noqa: PLC0415 - it brings the servers along

    return outcomes(seeds, _MUTATIONS.get(without, Switches()))


def _outcomes(seeds: range, without: str, *, alone: bool) -> Iterable[tuple[int, Outcome]]:
    switches = _MUTATIONS.get(without, Switches())
    if alone:
        yield from ((seed, _run(seed, switches)) for seed in seeds)
        return
    with ProcessPoolExecutor() as pool:
        try:
            yield from zip(seeds, pool.map(_run, seeds, [switches] * len(seeds), chunksize=5), strict=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _run(seed: int, switches: Switches) -> Outcome:
    if not logging.getLogger().handlers:
        logging.disable(logging.CRITICAL)
    try:
        return run(scenario_of(seed, switches))
    except Exception as error:
        error.add_note(f"in seed {seed}")
        raise


def _say_failure(seed: int, outcome: Outcome, without: str, *, sockets: bool) -> None:
    scenario = scenario_of(seed)
    print(f"seed {seed} failed: {scenario.venue} {scenario.channel}, {', '.join(fault.kind for fault in scenario.faults)}")
    for words in outcome.wrong[:10]:
        print("  " + words)
    if len(outcome.wrong) > 10:
        print(f"  and {len(outcome.wrong) - 10} more")
    tail = f" WITHOUT={without}" if without else ""
    print(f"replay it: make simulate{'-sockets' if sockets else ''} SEEDS=1 FROM={seed}{tail}")


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets of texts have another order in every process otherwise
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "simulation", *sys.argv[1:]])
    typer.run(main)
