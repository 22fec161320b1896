"""Why a file is not loaded."""

from pathlib import Path

from market.errors import PlatformError


class FileRefused(PlatformError):
    """Raised when a file is not loaded; nothing of it is stored then.

    Attributes:
        file: Which one.
        reason: Why, and what helps.
    """

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(file, reason)
        self.file, self.reason = file, reason

    def __str__(self) -> str:
        return f"{self.file.name}: {self.reason}"


class BadRows(FileRefused):
    """Raised when rows of a file cannot be candles.

    Attributes:
        count: How many.
        first: What is wrong with the first of them, each with its place in the file.
    """

    def __init__(self, file: Path, count: int, first: list[str]) -> None:
        rows = "row is" if count == 1 else "rows are"
        shown = f"; the first {len(first)} are" if count > len(first) else ""
        super().__init__(file, "\n  ".join([f"{count:,} {rows} bad, so nothing of the file is stored{shown}:", *first]))
        self.count, self.first = count, first
