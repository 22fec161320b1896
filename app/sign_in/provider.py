"""People of a provider of OpenID Connect: sent there by what is behind `st.login`, and given a session when they come back.

Streamlit sends people to the provider and judges what comes back (state, nonce, signature, audience, issuer, time). Its cookie
would be good for thirty days whatever happens, so browsers never see it: the answer that has it becomes one with a session of ours.
"""

import json
import logging
from http.cookies import SimpleCookie
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.user_info import generate_login_redirect_url
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import TOKENS_COOKIE_NAME, USER_COOKIE_NAME

from app.sign_in.cookies import give_cookie
from app.sign_in.desk import Desk, derived
from app.sign_in.page import going_on_page, refused_page
from app.sign_in.routes import SIGN_IN

logger = logging.getLogger(__name__)

LOGIN, CALLBACK = "/auth/login", "/oauth2callback"
"""Paths of Streamlit's, open to all where there is a provider."""


def secrets_of(desk: Desk) -> dict[str, Any]:
    """Return what Streamlit has to know of the provider, as it would stand in secrets.toml."""
    oidc = desk.settings.oidc
    if not oidc.configured or oidc.client_secret is None:
        return {}
    return {
        "auth": {
            "redirect_uri": f"{desk.settings.public_url}{CALLBACK}",
            "cookie_secret": _secret(desk),
            "client_id": oidc.client_id,
            "client_secret": oidc.client_secret.get_secret_value(),
            "server_metadata_url": oidc.server_metadata_url,
        }
    }


def to_provider() -> Response:
    """Return the answer that begins at Streamlit's own login; what it is sent there is good for two minutes."""
    return RedirectResponse(generate_login_redirect_url("default"), status_code=303, headers={"cache-control": "no-store"})


class Callback:
    """Takes the answer of Streamlit to somebody who comes back from the provider, and makes it ours.

    Args:
        app: Streamlit.
        desk: Decides who gets in.
    """

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app, self._desk = app, desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request to the path of the callback."""
        started: list[Headers] = []

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(Headers(raw=message["headers"]))

        await self._app(scope, receive, keep)
        cookies: SimpleCookie = SimpleCookie()
        for header in started[0].getlist("set-cookie") if started else ():
            cookies.load(header)
        address = scope["client"][0] if scope.get("client") else "unknown"
        answer = self._answer(self._claims(cookies), address)
        for name, morsel in cookies.items():
            if not name.startswith((USER_COOKIE_NAME, TOKENS_COOKIE_NAME)):
                answer.raw_headers.append((b"set-cookie", morsel.OutputString().encode("latin-1")))
        await answer(scope, receive, send)

    def _answer(self, claims: dict[str, Any] | None, address: str) -> Response:
        if claims is None:
            return RedirectResponse(f"{SIGN_IN}?again", status_code=303)
        identity = self._desk.people.by_claims(claims)
        if identity is None:
            logger.warning("sign-in refused email=%r sub=%r from=%s", claims.get("email"), claims.get("sub"), address)
            return refused_page(_name(claims))
        logger.info("signed in name=%r from=%s", identity.name, address)
        answer = going_on_page("/")
        give_cookie(answer, self._desk, identity)
        return answer

    def _claims(self, cookies: SimpleCookie) -> dict[str, Any] | None:
        def one(name: str) -> bytes | None:
            return decode_signed_value(_secret(self._desk), name, cookies[name].value) if name in cookies else None

        found = get_cookie_with_chunks(one, USER_COOKIE_NAME)
        claims = None if found is None else json.loads(found)
        return claims if isinstance(claims, dict) and claims.get("is_logged_in") is True else None


def _name(claims: dict[str, Any]) -> str:
    mail, subject = claims.get("email"), claims.get("sub")
    if not isinstance(mail, str):
        return f"{subject}"
    return f"{mail} ({subject})" if claims.get("email_verified") is True else f"{mail} (not verified; {subject})"


def _secret(desk: Desk) -> str:
    return derived(desk.secret, "streamlit")
