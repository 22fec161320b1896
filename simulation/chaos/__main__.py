"""`python -m simulation.chaos --moments N --seed K`: kills pairs of processes at N moments, and checks accounts."""

import logging
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from simulation.chaos.faults import FAULTS
from simulation.chaos.run import Outcome, clean, run


def main(
    moments: Annotated[int, typer.Option(min=1, help="How many moments in all; at each two processes die.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="The first seed; each run has the next one.")] = 0,
    *,
    each: Annotated[int, typer.Option(min=1, help="Moments of one run, on a tape and a home of its own.")] = 20,
    at_once: Annotated[int, typer.Option(min=1, help="Runs at the same time.")] = 2,
    faults: Annotated[bool, typer.Option(help="With a worse trouble in each run: a database that stays away, and so on.")] = True,
    keep: Annotated[Path | None, typer.Option(help="Folder for the homes, which are kept then.")] = None,
    binaries: Annotated[Path | None, typer.Option(help="Where PostgreSQL's programs are.")] = None,
) -> None:
    """Kill -9 runner, worker, Redis and PostgreSQL in every pair; hold each account against a run that nothing disturbed.

    For example: make chaos MOMENTS=200 SEED=0
    """
    folder = Path(tempfile.mkdtemp(prefix="tcpdash-chaos-")) if keep is None else keep
    sizes = [min(each, moments - begin) for begin in range(0, moments, each)]
    jobs = [
        (folder / f"seed-{seed + place}", seed + place, size, [list(FAULTS)[place % len(FAULTS)]] if faults else [], binaries)
        for place, size in enumerate(sizes)
    ]
    begun, struck, counts, wrong = time.perf_counter(), Counter[str](), Counter[str](), 0
    with ProcessPoolExecutor(at_once) as pool:
        for job, outcome in zip(jobs, pool.map(_job, jobs), strict=True):
            _say(job[1], outcome)
            struck, counts, wrong = struck + outcome.struck, counts + outcome.counts, wrong + len(outcome.wrong)
            if keep is None and not outcome.wrong:
                clean(job[0])
    print(f"{moments} moments in {len(jobs)} runs, {time.perf_counter() - begun:.0f} s")
    print("moments:", ", ".join(f"{count} {name}" for name, count in sorted(struck.items())))
    print("checked:", ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())))
    if wrong:
        print(f"{wrong} times wrong; the homes with their logs are in {folder}")
        sys.exit(1)
    print("nothing wrong")
    if keep is None:
        clean(folder)


def _job(job: tuple[Path, int, int, list[str], Path | None]) -> Outcome:
    folder, seed, size, faults, binaries = job
    folder.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=folder / "chaos.log", level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    return run(folder / "home", seed, size, faults=faults, binaries=binaries)


def _say(seed: int, outcome: Outcome) -> None:
    counts = outcome.counts
    words = (
        f"{sum(outcome.struck.values())} troubles", f"settled after {outcome.settle_seconds:.0f} s",
        f"{counts['trades']} executions, {counts['caught up']} of them caught up", f"{counts['leases']} leases",
        f"{counts['restarts']} restarts", "WRONG" if outcome.wrong else "fine",
    )  # fmt: skip
    print(f"seed {seed}: {', '.join(words)}", flush=True)
    for sentence in outcome.wrong:
        print("  " + sentence, flush=True)


if __name__ == "__main__":
    typer.run(main)
