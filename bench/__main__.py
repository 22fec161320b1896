"""`make bench`: all figures, or those named: `python -m bench hot_path storage live`."""

import importlib
import sys

from bench.figures import missed

ALL = ("hot_path", "storage", "live", "startup", "backfill", "quality", "flows", "backtest", "sweep", "bots", "app")


def main() -> None:
    """Run the benchmarks; a missed target is printed, and is no failure of the program."""
    for name in [word for word in sys.argv[1:] if not word.startswith("-")] or ALL:
        print(f"-- {name}: {(importlib.import_module(f'bench.{name}').__doc__ or '').splitlines()[0]}", flush=True)
        importlib.import_module(f"bench.{name}").main()
    print(f"\n{len(missed)} missed: {', '.join(missed)}" if missed else "\nall targets met")


if __name__ == "__main__":
    main()
