"""What decides who gets in, held once by the process that serves the pages."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from app.sign_in.attempts import Attempts
from app.sign_in.people import People
from app.sign_in.sessions import Ended, Session, Sessions, secret_in
from market.clock import now_us
from market.errors import InputError
from settings import Settings
from settings.pages import App

_FOLDER = "sign-in"
_held: dict[str, "Desk"] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Decides who gets in.

    Attributes:
        settings: The section of the pages.
        people: Who may.
        sessions: Who has.
        attempts: Who tried in vain.
        secret: Key for what else is signed.
    """

    settings: App
    people: People
    sessions: Sessions
    attempts: Attempts
    secret: str

    @property
    def secure(self) -> bool:
        """Whether browsers come by TLS only."""
        return (self.settings.public_url or "").startswith("https://")

    @property
    def cookie(self) -> str:
        """Name of the cookie of sessions: of this installation, as all ports of a host share their cookies."""
        return f"{'__Host-' if self.secure else ''}tcpdash-{derived(self.secret, 'name')[:8]}"

    def session(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie, if it goes on."""
        return self.sessions.find(cookie, now_us())


def check_published(settings: App) -> None:
    """Refuse to serve pages to others that ask nobody to sign in.

    Raises:
        InputError: If these settings would.
    """
    if settings.published and not settings.asks:
        by = f"app.address is {settings.address}" if settings.public_url is None else f"app.public_url is {settings.public_url}"
        raise InputError(
            f"the pages are not served: {by}, where others reach them, but nobody would have to sign in; expected app.users or "
            "app.oidc. Make the hash of a password with `tcpdash app password` and set TCPDASH_APP__USERS__NAME__PASSWORD_HASH "
            "to it, or leave app.address at 127.0.0.1"
        )


def open_desk(settings: Settings) -> Desk:
    """Open the desk of this process, in front of the pages of these settings.

    Raises:
        InputError: If the pages must not be served like this.
        OSError: If the home cannot be written.
    """
    check_published(settings.app)
    secret = _secret(settings)
    people = People(settings.app, derived(secret, "proofs"))
    ended = Ended(settings.home / _FOLDER / "ended" if settings.app.asks else None, now_us() // 1_000_000)
    length = round(settings.app.session_hours * 3600)
    sessions = Sessions(people, secret=derived(secret, "sessions"), ended=ended, length_seconds=length)
    desk = Desk(settings=settings.app, people=people, sessions=sessions, attempts=Attempts(), secret=secret)
    _held["desk"] = desk
    return desk


def held_desk() -> Desk | None:
    """Return the desk of this process, None where it serves no pages."""
    return _held.get("desk")


def _secret(settings: Settings) -> str:
    if not settings.app.asks:
        return secrets.token_urlsafe()
    given = settings.app.cookie_secret
    return given.get_secret_value() if given is not None else secret_in(settings.home / _FOLDER / "secret")


def derived(secret: str, purpose: str) -> str:
    """Return a key of its own for a purpose."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()
