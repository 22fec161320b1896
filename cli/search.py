"""What the searching verbs have in common: their options, a bar for how far they are, and what a stop leaves."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Self

import click
import typer

from cli.trial import named_values
from market.clock import isoformat
from market.errors import InputError

if TYPE_CHECKING:
    from rich.progress import TaskID

    from db.operations import DatabaseOperations
    from research.searches import Wanted
    from research.trials import Trial

Ranges = Annotated[
    list[str] | None,
    typer.Option(
        "--param", "-p", metavar="NAME=RANGE",
        help="What is tried of a parameter: 5:50:5, 5,10,20 or ema,sma; else what the strategy declares; repeatable.",
    ),
]  # fmt: skip
SamplerName = Annotated[
    str,
    typer.Option("--sampler", metavar="grid|random|optuna", help="Try all sets, some by chance, or those that Optuna asks for."),
]
Sets = Annotated[
    int | None, typer.Option(min=1, help="How many sets are tried; without it all of a grid, 1000 by chance, 200 with Optuna.")
]
Seed = Annotated[int, typer.Option(help="Of chance: the same seed, the same sets.")]
MetricName = Annotated[str, typer.Option("--metric", help="What sets are ranked by.")]
LeastTrades = Annotated[
    int, typer.Option("--least-trades", min=0, help="Sets with fewer round trips come last: a lucky trade says nothing.")
]
Dask = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS|local", help="Let the workers of a Dask cluster do it: tcp://127.0.0.1:8786, or one started for it."
    ),
]
Count = Annotated[int | None, typer.Option("--workers", min=1, max=1024, help="Processes; without it one for each core.")]
Report = Annotated[
    Path | None, typer.Option(metavar="FILE.html", help="Write a report that opens in a browser, without a network.")
]


def read_sampler(text: str) -> Any:
    """Return the sampler that a person named.

    Raises:
        InputError: If there is none of that name.
    """
    from market.errors import did_you_mean
    from trading.backtest.sweep import Sampler

    known = [str(each) for each in Sampler]
    if text not in known:
        raise InputError(f"--sampler {text!r} is not one of {', '.join(known)}{did_you_mean(text, known)}")
    return Sampler(text)


def wanted_of(trial: "Trial", ranges: list[str] | None, *, sampler: str, **more: Any) -> "Wanted":
    """Return what is searched; `more` are the other attributes of `research.searches.Wanted`.

    Raises:
        InputError: If a range or the sampler cannot be.
    """
    from research.searches import Wanted

    given = named_values(ranges or [], "--param")
    return Wanted(test=trial.test, symbols=trial.symbols, ranges=given, sampler=read_sampler(sampler), **more)


class Bar:
    """One bar on the terminal; where the error output is none, nothing is printed."""

    def __init__(self, words: str) -> None:
        from rich.progress import TimeRemainingColumn

        from cli.bars import bars_of

        self._words = words
        self._task: TaskID | None = None
        self._progress = bars_of(TimeRemainingColumn())

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def show(self, done: int, total: int, told: str = "") -> None:
        """Show how far it is."""
        if self._task is None:
            self._task = self._progress.add_task(self._words, total=total, completed=done, told=told)
        self._progress.update(self._task, total=total, completed=done, told=told)


@contextmanager
def stoppable(db: "DatabaseOperations") -> Iterator[None]:
    """Say on Ctrl-C, and where the process is asked to end, what is kept and how it goes on, and end with exit code 130."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        click.echo(_how_to_go_on(db), err=True)
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _how_to_go_on(db: "DatabaseOperations") -> str:
    newest = db.backtests.list(state="cancelled", newest=1)
    if not newest:
        return "stopped before anything was done; the same command begins again"
    one = newest[0]
    return (
        f"stopped; {one.done:,} of {one.total:,} are kept as {one.id[:12]}, and the same command goes on from there, with "
        f"--end {isoformat(one.end_us)} if it had none and candles come in meanwhile"
    )


def write_report(told: dict[str, Any], report: Path | None) -> None:
    """Write the page of a document, where one is wanted.

    Raises:
        InputError: If the file cannot be written.
    """
    if report is not None:
        from app.reports import html_of

        page = html_of(told)
        try:
            report.write_text(page, encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"--report {report} cannot be written: {error.strerror}; `tcpdash backtests` has what is kept"
            ) from error


def check_folder(report: Path | None) -> None:
    """Refuse a file that could not be written when all is done.

    Raises:
        InputError: If its folder is not there, or it is a folder itself.
    """
    if report is not None and report.is_dir():
        raise InputError(f"--report {report} is a folder; name a file in it, for example {report / 'report.html'}")
    if report is not None and not report.absolute().parent.is_dir():
        raise InputError(f"--report {report} cannot be written: there is no folder {report.absolute().parent}; make it first")
