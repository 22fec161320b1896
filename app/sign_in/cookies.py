"""The cookie of a session: given, read and forgotten."""

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response

from app.sign_in.desk import Desk
from app.sign_in.people import Identity
from market.clock import now_us

_KEPT_SECONDS = 30 * 86_400


def give_cookie(answer: Response, desk: Desk, identity: Identity) -> None:
    """Begin a session, and put it into an answer.

    Browsers keep it for longer than the session, so that a window left open until then is known and led to the sign-in page.
    """
    answer.set_cookie(
        desk.cookie, desk.sessions.begin(identity, now_us()), max_age=desk.sessions.length_seconds + _KEPT_SECONDS,
        httponly=True, samesite="strict", secure=desk.secure,
    )  # fmt: skip


def forget_cookie(answer: Response, desk: Desk) -> None:
    """Let a browser forget a session."""
    answer.delete_cookie(desk.cookie, httponly=True, samesite="strict", secure=desk.secure)


def cookie_of(headers: Headers, name: str) -> str | None:
    """Return a cookie as Starlette reads it, so that the door and the pages see the same one."""
    found: dict[str, str] = {}
    for header in headers.getlist("cookie"):
        found |= cookie_parser(header)
    return found.get(name)
