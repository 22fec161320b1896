"""Text of users on pages that are written in Markdown: as it is, and never as a link, a picture or a heading; pure."""

import re

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|$:~^=&])")


def escaped(text: str) -> str:
    """Return a text as Markdown that shows it as it is, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
