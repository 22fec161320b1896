"""A provider of OpenID Connect on this computer, with real keys and signed tokens; it lies on request."""

import time
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "dash", "the secret of dash"


class Provider:
    """Knows one person at a time.

    Args:
        url: Where it is served.

    Attributes:
        person: Claims of whoever is there.
        lies: Claims of tokens that are not as they should be; `key` signs with one that nobody knows, `alg` with none.
        asked: What it was asked for.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.person: dict[str, Any] = {}
        self.lies: dict[str, Any] = {}
        self.asked: list[dict[str, str]] = []
        self._key, self._other = RSAKey.generate_key(2048, {"kid": "1"}), RSAKey.generate_key(2048, {"kid": "1"})
        self._codes: dict[str, dict[str, str]] = {}

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/keys", self._keys),
            ]
        )

    async def _metadata(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _keys(self, request: Request) -> Response:
        return JSONResponse({"keys": [{**self._key.as_dict(private=False), "alg": "RS256", "use": "sig"}]})

    async def _authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        self.asked.append(query)
        code = f"code-{len(self.asked)}"
        self._codes[code] = query
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}", status_code=302)

    async def _token(self, request: Request) -> Response:
        body = dict(item.split("=", 1) for item in (await request.body()).decode().split("&"))
        query = self._codes.pop(body.get("code", ""), None)
        if query is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": query.get("nonce"), **self.person}
        claims |= {name: value for name, value in self.lies.items() if name not in {"key", "alg"}}
        key = self._other if "key" in self.lies else self._key
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, key)
        if "alg" in self.lies:
            token = "eyJhbGciOiJub25lIn0." + token.split(".")[1] + "."
        return JSONResponse({"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token})
