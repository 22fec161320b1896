"""One line a figure: what was measured, what was asked for, and whether it is met."""

import time
from collections.abc import Callable
from itertools import cycle, islice

missed: list[str] = []


def figure(name: str, value: float, target: float, *, unit: str = "", at_least: bool = True) -> None:
    """Print a figure with its target, and remember it when it is missed."""
    met = value >= target if at_least else value <= target
    if not met:
        missed.append(name)
    sign = ">=" if at_least else "<="
    print(f"{'ok    ' if met else 'MISSED'}  {name:<68} {value:10.3f} {unit:<4} (asked: {sign} {target:g})", flush=True)


def note(name: str, value: float, unit: str) -> None:
    """Print a figure that nobody asked a target of."""
    print(f"        {name:<68} {value:10.3f} {unit}", flush=True)


def best_seconds(*contenders: Callable[[], object], rounds: int = 7) -> list[float]:
    """Return the shortest time of each contender; they take turns, so that a busy moment hits all alike."""
    times = [float("inf")] * len(contenders)
    for place, contender in islice(cycle(enumerate(contenders)), rounds * len(contenders)):
        begun = time.perf_counter()
        contender()
        times[place] = min(times[place], time.perf_counter() - begun)
    return times
