"""Text of others in markdown: names of bots, errors, words of strategies."""

import re

_SPECIAL = re.compile(r"([\\`*_\[\]<>$:#~{}|!&])")


def escaped(text: str) -> str:
    """Return a text so that markdown shows it as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
