"""What each answer tells a browser about how far to trust it."""

import base64
import hashlib
from functools import cache

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from app.index_page import inline_scripts

_SAME_FOR_ALL = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with no-referrer browsers would not say, either, which page a form comes from
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def page_policy(host: str) -> str:
    """Return the policy of Streamlit's pages: nothing from elsewhere, in no frame.

    Vega makes functions of the expressions in a chart, and the document that they begin with has short scripts in it.

    Args:
        host: Name and port under which we were called, for the websocket: browsers differ in whether 'self' has it.
    """
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'unsafe-eval' {_inline_scripts()}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self' ws://{host} wss://{host} data: blob:",
            "worker-src 'self' blob:",
            "media-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _by_tls_only(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    # Streamlit's own cookies, too, which know nothing of a proxy.
    lacks = name == b"set-cookie" and b"secure" not in (part.strip().lower() for part in value.split(b";"))
    return name, value + b"; Secure" if lacks else value


@cache
def _inline_scripts() -> str:
    digests = (hashlib.sha256(script.encode()).digest() for script in inline_scripts())
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def with_headers(send: Send, *, policy: str, secure: bool, fresh: bool) -> Send:
    """Return a `send` that adds what each answer has, and lets no other origin read one.

    Args:
        send: Of the server.
        policy: For answers that bring none of their own.
        secure: Whether browsers come by TLS only.
        fresh: Whether pages are asked for anew each time, so that the way back after signing out leads to none.
    """

    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name in [name for name in headers if name.startswith("access-control-")]:
                del headers[name]
            headers.update(_SAME_FOR_ALL)
            headers.setdefault("content-security-policy", policy)
            if fresh and headers.get("content-type", "").startswith("text/html"):
                headers["cache-control"] = "no-store"
            if secure:
                headers["strict-transport-security"] = "max-age=31536000"
                message["headers"] = [_by_tls_only(name, value) for name, value in message["headers"]]
        await send(message)

    return send_with


class Started:
    """A `send` that knows whether an answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send, self.begun = send, False

    async def __call__(self, message: Message) -> None:
        """Send a part of the answer."""
        self.begun = True
        await self._send(message)
