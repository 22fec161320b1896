"""Where a process that runs for years writes what happens to it."""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

import typer


def log_to(file: Path, level: str) -> None:
    """Log everything to a file, and what a person should see at once to the terminal."""
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = _LogFile(file, maxBytes=10_000_000, backupCount=3, encoding="utf-8")
    kept.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    shown = logging.StreamHandler()
    shown.setLevel(logging.WARNING)
    shown.setFormatter(logging.Formatter(f"%(asctime)s {file.stem}: %(message)s", datefmt="%H:%M:%S"))
    logging.basicConfig(level=level, handlers=[kept, shown], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)


class _LogFile(RotatingFileHandler):
    """A file on a disk that may be full: then the terminal says so once, not with a traceback for each line."""

    _failed = False
    _told = False

    def emit(self, record: logging.LogRecord) -> None:
        self._failed = False
        super().emit(record)
        self._told = self._failed

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        self._failed = True
        if not self._told:
            lost = "lines are missing from it from here on"
            typer.echo(f"{self.baseFilename} cannot be written ({error.strerror}); {lost}", err=True)
