"""Text of users on pages that are written in Markdown: as it is, and never as a link, a picture or a heading; pure."""

import re

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|$:~^=&])")


def escaped(text: str) -> str:
    """Return a text as Markdown that shows it as it is, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def with_commands(text: str) -> str:
    """Return a text of ours with words of others in it as Markdown: commands in backticks stay, all else is as it is."""
    parts = text.split("`")
    if "``" in text or len(parts) % 2 == 0:
        return escaped(text)
    shown = [_MARKS.sub(r"\\\1", part) if at % 2 == 0 else f"`{part}`" for at, part in enumerate(parts)]
    return " ".join("".join(shown).split())
