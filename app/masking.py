"""Takes secrets out of texts that somebody else wrote: logs, findings, what people wished."""

import re
from collections.abc import Iterable

from settings.explain import without_logins

HIDDEN = "***"
# Strangers write some of these texts: nothing unbounded stands before a word, so that the time grows as the text does.
_SAID = re.compile(
    r"""(?ix)
    ((?:password|passwd|secret|token|api[_-]?key|authorization)[\w-]{0,64}["']?\s*[:=]\s*["']?)  # password=, "token": "
    (?:(bearer|basic)\s+)?
    (?!\*\*\*)[^\s"',;&}]+
    """
)


class Mask:
    """Hides known secrets, logins in addresses, and what is called a password or token.

    Args:
        secrets: Texts that nobody may read, the longest first.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = [re.escape(secret) for secret in secrets]
        self._known = re.compile("|".join(known)) if known else None

    def __call__(self, text: str) -> str:
        """Return a text without secrets."""
        hidden = self._known.sub(HIDDEN, text) if self._known else text
        return _SAID.sub(rf"\1{HIDDEN}", without_logins(hidden))
