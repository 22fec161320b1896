"""The door in front of everything that Streamlit serves: who is not let in reaches neither a page, a file nor a websocket."""

import logging
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.sign_in import provider
from app.sign_in.cookies import cookie_of
from app.sign_in.desk import Desk
from app.sign_in.headers import Started, page_policy, with_headers
from app.sign_in.origins import Origins, safe_path
from app.sign_in.page import going_on_page
from app.sign_in.routes import PROVIDER, SIGN_IN
from app.sign_in.sessions import Session
from app.sign_in.socket import Socket, lead_away
from settings.pages import is_loopback

logger = logging.getLogger(__name__)

HEALTH = "/_stcore/health"
_CONFIG = "/_stcore/host-config"  # what a window asks for before it connects anew; the same for everybody
_LONGEST = 200  # of what strangers write into the log
_SAFE = {"GET", "HEAD", "OPTIONS"}
_CLOSED = (
    "/auth/", provider.CALLBACK, "/_stcore/agent", "/_stcore/metrics", "/_stcore/script-health-check", "/_stcore/upload_file",
)  # fmt: skip
"""Paths of Streamlit's that are nothing for browsers, do by a mere visit what only our own form may do, or take files, of which it
holds any number in memory: no page of ours asks for one."""


class Door:
    """Middleware outside of all others.

    Paths are compared as the router does, exactly: one that is spelled in another way is not open, whatever it leads to.

    Args:
        app: What is behind it.
        desk: Decides who gets in.
    """

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app, self._desk = app, desk
        self._origins = Origins(desk.settings)
        self._callback = provider.Callback(app, desk)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, safe = Headers(scope=scope), scope["method"] in _SAFE
        open_to_all = scope["path"] == HEALTH and safe
        wrong = None if open_to_all else self._wrong(scope, headers, needed=not safe)
        host = "127.0.0.1" if wrong or open_to_all else headers["host"]
        send = with_headers(send, policy=page_policy(host), secure=self._desk.secure, fresh=self._desk.settings.asks)
        answer = PlainTextResponse(f"Not let in: {wrong}.", 403) if wrong else self._answer(scope, headers, safe=safe)
        if answer is not None:
            await answer(scope, receive, send)
            return
        started = Started(send)
        try:
            await (self._callback if scope["path"] == provider.CALLBACK else self._app)(scope, receive, started)
        except Exception:  # outside of it is only what would answer without our headers
            logger.exception("answer failed path=%r", scope["path"])
            if not started.begun:
                await PlainTextResponse("Something went wrong here; the log of the pages has it.", 500)(scope, receive, send)

    def _answer(self, scope: Scope, headers: Headers, *, safe: bool) -> Response | None:
        # None lets the request through.
        path, provided = scope["path"], self._desk.settings.oidc.configured
        if path == SIGN_IN or (path == HEALTH and safe) or (provided and safe and path in {provider.LOGIN, provider.CALLBACK}):
            return None
        if provided and safe and path == PROVIDER:
            return provider.to_provider()
        if path.startswith(_CLOSED):
            return PlainTextResponse("Not found", 404)
        if (
            not self._desk.settings.asks
            or self._session(headers) is not None
            or (path == _CONFIG and safe and self._was_here(headers))
        ):
            return None
        return self._to_sign_in(scope, headers)

    def _to_sign_in(self, scope: Scope, headers: Headers) -> Response:
        query = scope.get("query_string", b"").decode("latin-1")
        there = safe_path(quote(scope["path"]) + (f"?{query}" if query else ""))
        visit = scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
        if visit and headers.get("sec-fetch-site") == "cross-site":  # our cookie stays at home when another site leads here
            return going_on_page(there)
        return RedirectResponse(f"{SIGN_IN}?next={quote(there, safe='')}", 303, headers={"cache-control": "no-store"})

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        wrong = self._wrong(scope, headers, needed=True)
        session = self._session(headers)
        if wrong or (self._desk.settings.asks and session is None):
            if not wrong:
                logger.warning("websocket refused from=%s because='nobody is signed in'", _address(scope))
            await receive()  # the wish to connect, which is refused before it is accepted
            if not wrong and self._was_here(headers):
                await send({"type": "websocket.accept", "subprotocol": next(iter(scope.get("subprotocols", ())), None)})
                await lead_away(send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        socket = Socket(self._desk, headers, address=_address(scope), receive=receive, send=send)
        await self._app(scope, socket.receive, socket.send)

    def _wrong(self, scope: Scope, headers: Headers, *, needed: bool) -> str | None:
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else None
        wrong = self._origins.wrong_host(host) or self._origins.wrong_origin(headers.get("origin"), host or "", needed=needed)
        if wrong is None and not self._desk.settings.asks and not is_loopback(_address(scope)):
            wrong = "without signing in these pages are for this computer only"
        if wrong is not None:
            path, name = scope["path"][:_LONGEST], (host or "")[:_LONGEST]
            logger.warning("refused path=%r host=%r from=%s because=%r", path, name, _address(scope), wrong)
        return wrong

    def _was_here(self, headers: Headers) -> bool:
        # A window that was left open until its session was over is led to the sign-in page; strangers get no word.
        return self._desk.sessions.is_ours(cookie_of(headers, self._desk.cookie))

    def _session(self, headers: Headers) -> Session | None:
        return self._desk.session(cookie_of(headers, self._desk.cookie))


def _address(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else "unknown"
