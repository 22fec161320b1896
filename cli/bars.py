"""A bar for each symbol that is being filled: how much, how fast, and how long still."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

    from history.backfill import Standing


def bars_of(*columns: "ProgressColumn") -> "Progress":
    """Return bars on the terminal: a name, how far it is, some columns, and words; without a terminal nothing is printed."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *columns, TextColumn("{task.fields[told]}"),
        console=console, disable=not console.is_terminal, transient=True,
    )  # fmt: skip


class Bars:
    """Bars on the terminal; where the error output is none, nothing is printed."""

    def __init__(self) -> None:
        self._bars: dict[str, TaskID] = {}
        self._progress = bars_of()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def __call__(self, standing: "Standing") -> None:
        """Show how far a symbol is."""
        if standing.symbol not in self._bars:
            self._bars[standing.symbol] = self._progress.add_task(standing.symbol, told="")
        self._progress.update(
            self._bars[standing.symbol], total=standing.wanted, completed=standing.fetched, told=told_standing(standing)
        )


def told_standing(standing: "Standing") -> str:
    """Return how fast it is and how long it will take: `1,250 candles/s, 8.0 requests/s, 2:05 left`."""
    if standing.waits:
        return f"waiting: {standing.waits}"
    left = standing.left_seconds
    if left is None:
        return "asking"
    requests = standing.requests / standing.seconds if standing.seconds else 0.0
    minutes, seconds = divmod(round(left), 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{standing.rate:,.0f} candles/s, {requests:.1f} requests/s, {clock} left"
