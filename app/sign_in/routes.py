"""The sign-in page: what it answers to a visit and to a name with a password."""

import logging

import anyio
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.sign_in.cookies import forget_cookie, give_cookie
from app.sign_in.desk import Desk
from app.sign_in.forms import BadForm, read_form
from app.sign_in.origins import safe_path
from app.sign_in.page import sign_in_page
from app.sign_in.people import Identity
from market.clock import monotonic

logger = logging.getLogger(__name__)

SIGN_IN, PROVIDER = "/sign-in", "/sign-in/provider"
_AT_ONCE, _WAITING = 2, 20
"""Passwords that are tried at the same time, each with 32 MB, and that may wait for it."""


class Counter:
    """The sign-in page of a desk.

    Args:
        desk: Decides who gets in.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._places = anyio.CapacityLimiter(_AT_ONCE)

    def routes(self) -> list[Route]:
        """Return the routes of the page."""
        return [Route(SIGN_IN, self.visit, methods=["GET"]), Route(SIGN_IN, self.post, methods=["POST"])]

    async def visit(self, request: Request) -> Response:
        """Show the page; who is signed in goes on."""
        next_path = safe_path(request.query_params.get("next"))
        cookie = request.cookies.get(self._desk.cookie)
        if not self._desk.settings.asks or self._desk.session(cookie) is not None:
            return RedirectResponse(next_path, status_code=303)
        wrong = "Your organization did not confirm who you are. Try again." if "again" in request.query_params else None
        answer = self._page(next_path, wrong)
        if cookie is not None:
            forget_cookie(answer, self._desk)
        return answer

    async def post(self, request: Request) -> Response:
        """Let somebody in who has the password of their name."""
        try:
            form = await read_form(request)
        except BadForm as error:
            answer = self._page("/", "This could not be read; type name and password again.", status=error.status)
            answer.headers["connection"] = "close"
            return answer
        name, next_path = form.get("name", "").strip().lower()[:64], safe_path(form.get("next"))
        address = request.client.host if request.client else "unknown"
        if self._places.statistics().tasks_waiting >= _WAITING:
            return self._later(name, next_path, 10.0)
        wait = self._desk.attempts.wait_seconds(address, name, monotonic())
        if wait > 0:
            logger.warning("sign-in refused, too many attempts name=%r from=%s", name, address)
            return self._later(name, next_path, wait)
        identity = await self._try(name, form.get("password", ""))
        if identity is None:
            logger.warning("sign-in refused name=%r from=%s", name, address)
            return self._page(next_path, "Name or password is wrong.", name=name, status=403)
        self._desk.attempts.succeeded(address, name)
        logger.info("signed in name=%r from=%s", name, address)
        answer = RedirectResponse(next_path, status_code=303)
        give_cookie(answer, self._desk, identity)
        return answer

    async def _try(self, name: str, password: str) -> Identity | None:
        return await anyio.to_thread.run_sync(self._desk.people.by_password, name, password, limiter=self._places)

    def _later(self, name: str, next_path: str, wait_seconds: float) -> Response:
        minutes = max(1, round(wait_seconds / 60))
        words = f"Too many attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}."
        answer = self._page(next_path, words, name=name, status=429)
        answer.headers["retry-after"] = str(max(1, round(wait_seconds)))
        return answer

    def _page(self, next_path: str, wrong: str | None = None, *, name: str = "", status: int = 200) -> Response:
        settings = self._desk.settings
        return sign_in_page(
            next_path=next_path, wrong=wrong, name=name, status=status,
            passwords=bool(settings.users), provider=settings.oidc.configured,
        )  # fmt: skip
