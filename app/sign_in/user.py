"""Who looks at a page, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum

from market.errors import PlatformError


class Role(StrEnum):
    """What somebody may do."""

    VIEWER = "viewer"
    """Look."""

    OPERATOR = "operator"
    """Look, and wish: start, stop, edit, fetch, try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who looks at the page.

    Attributes:
        name: For the record of wishes.
        role: What they may do.
    """

    name: str
    role: Role

    @property
    def may_act(self) -> bool:
        """Whether wishes of theirs are carried out."""
        return self.role is Role.OPERATOR


class NotAllowed(PlatformError):
    """Raised when somebody wishes who may only look."""

    def __init__(self, user: User, action: str) -> None:
        super().__init__(user, action)
        self.user, self.action = user, action

    def __str__(self) -> str:
        return f"{self.user.name} may look, but not act: {self.action!r} was not carried out; an operator can do it"


LOCAL = User(name="the page", role=Role.OPERATOR)
"""Whoever sits at this computer, while the page is bound to loopback and asks nobody to sign in."""

NOBODY = User(name="nobody", role=Role.VIEWER)
"""Whoever is not signed in where that is asked for; they are shown nothing."""
