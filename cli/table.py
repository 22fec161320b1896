"""Prints rows as columns that stand below each other, for people."""

from collections.abc import Sequence

import click


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print rows under their header; the columns named in `right` are numbers and stand at the right."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = [
            cell.rjust(width) if name in right else cell.ljust(width) for name, cell, width in zip(header, row, widths, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())
