"""`python -m parity`: plays tapes to bots over the live path, and ends non-zero where one differs from its backtest."""

import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from market.clock import monotonic
from market.errors import PlatformError
from parity.run import run
from parity.tapes import Played, defaults, named


def main(
    tape: Annotated[
        list[str] | None, typer.Option(help="Files to play one after the other, A,B; repeatable. Without it three tapes are.")
    ] = None,
    *,
    seed: Annotated[int, typer.Option(min=1, help="Of the generated market, and of the chance of faults.")] = 1,
    speed: Annotated[
        float | None, typer.Option(min=0.1, max=1_000, help="How many seconds of a tape that is named pass in one.")
    ] = None,
    kill: Annotated[bool, typer.Option(help="Kill the first runner of named tapes when a second one is there.")] = True,
) -> None:
    """Let bots of every shipped strategy trade a tape over the live path, and compare each with a backtest over what was stored.

    For example: make parity TAPE=monday.jsonl.gz,tuesday.jsonl.gz SEED=7
    """
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="tcpdash-parity-") as name:
        folder = Path(name)
        try:
            tapes = [named(words, speed=speed, seed=seed, kill=kill) for words in tape] if tape else defaults(folder, seed)
            failed = [played.name for played in tapes if not _holds(played, folder)]
        except PlatformError as error:
            sys.exit(f"{error}")
    if failed:
        print(f"parity does not hold on: {', '.join(failed)}; run it again with SEED={seed}")
        sys.exit(1)
    print("parity holds")


def _holds(played: Played, folder: Path) -> bool:
    """Play a tape, say what came of it, and return whether all was the same."""
    absent = [str(path) for path in played.files if not path.exists()]
    if absent and played.optional:
        print(f"\n{played.name}: skipped, {absent[0]} is not there")
        return True
    print(f"\n{played.name}: {', '.join(played.symbols)}, {played.minutes} minutes at speed {played.speed:g}", flush=True)
    begun = monotonic()
    with tempfile.TemporaryDirectory(dir=folder, prefix="home-") as home:
        outcome = run(Path(home), played)
    for verdict in outcome.verdicts:
        print(f"  {verdict}")
    for verdict in outcome.verdicts:
        _say([f"{verdict.bot}: {sentence}" for sentence in verdict.differences])
    print(f"  {outcome.told} {len(outcome.verdicts)} bots in {monotonic() - begun:.0f} s")
    if outcome.nothing:
        print(f"  this proves nothing: {outcome.nothing}")
    return not outcome.nothing and not any(verdict.differences for verdict in outcome.verdicts)


def _say(sentences: Sequence[str], most: int = 5) -> None:
    for sentence in sentences[:most]:
        print(f"    {sentence}")
    if len(sentences) > most:
        print(f"    and {len(sentences) - most} more")


if __name__ == "__main__":
    typer.run(main)
