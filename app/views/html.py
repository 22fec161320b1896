"""A small table as HTML, for what is read and not worked with: a browser draws it at once, and reads it out."""

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
.tape table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums }
.tape th { font-weight: 600; text-align: left }
.tape th, .tape td { padding: 0.15rem 1.5rem 0.15rem 0; border-bottom: 1px solid rgba(128, 128, 128, 0.25); white-space: nowrap }
"""


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, name: str) -> str:
    """Return a table of texts, which are escaped.

    Args:
        head: Names of the columns.
        rows: Texts of each, as many as there are columns.
        name: Of the table, for who cannot see it.
    """
    top = "".join(f'<th scope="col">{escape(each)}</th>' for each in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(each)}</td>' for each in row)}</tr>" for row in rows)
    table = f'<table aria-label="{escape(name)}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
    return f'<style>{_STYLE}</style><div class="tape">{table}</div>'
