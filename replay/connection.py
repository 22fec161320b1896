"""One TCP connection to the local exchange: reads what is asked, answers plain HTTP itself, and lets websockets have the rest.

websockets reads nothing but a websocket's opening: a HEAD, a POST, an HTTP/1.0 request or a connection that is given up
would be an error with a traceback there, and no answer.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import WebSocketException
from websockets.http11 import Request as Opening
from websockets.http11 import Response

logger = logging.getLogger(__name__)

_MOST_HEAD = 64 << 10
_HEAD_SECONDS = 10.0
_GOODBYE_SECONDS = 30.0
_END = b"\r\n\r\n"
_REQUEST_LINE = re.compile(r"([!-~]+) ([^ ]+) HTTP/1\.([01])")

HANG_UP = Response(0, "", Headers())
"""What stands for no answer at all."""

Answering = Callable[[ServerConnection, Opening], Awaitable[Response | None] | Response | None]
Labelling = Callable[[ServerConnection, Opening, Response], Awaitable[Response | None] | Response | None]


class Connection(ServerConnection):
    """A connection on which one thing is asked: an HTTP question, answered once, or a websocket."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head, self._arrived = bytearray(), asyncio.Event()
        self._ended = self._passing = False

    def data_received(self, data: bytes) -> None:
        """Keep what comes until it is known what is asked; then websockets reads it, or nobody."""
        if self._passing:
            super().data_received(data)
        elif len(self._head) <= _MOST_HEAD:
            self._head += data
            self._arrived.set()

    def eof_received(self) -> bool | None:  # type: ignore[override]  # asyncio asks for this answer
        """Keep the connection open for our answer when the client has said all it will."""
        if self._passing:
            super().eof_received()
            return None
        self._ended = True
        self._arrived.set()
        return self.transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop to wait."""
        super().connection_lost(exc)
        self._ended = True
        self._arrived.set()

    async def handshake(
        self,
        process_request: Answering | None = None,
        process_response: Labelling | None = None,
        server_header: str | None = None,
    ) -> None:
        """Answer an HTTP question and hang up, or open the websocket that is asked for."""
        if not await self._read_head():
            return
        opening = _opening_of(bytes(self._head))
        response = opening if isinstance(opening, Response) else await _called(process_request, self, opening)
        if response is HANG_UP:
            self.transport.abort()
            return
        if response is None:
            self._passing = True
            super().data_received(bytes(self._head))
            try:
                await super().handshake(None, process_response, server_header)
            except WebSocketException as error:
                logger.info("websocket refused reason=%s", error)
            return
        if process_response is not None:
            await _called(process_response, self, opening if isinstance(opening, Opening) else Opening("/", Headers()), response)
        await self._say_last(response)

    async def _read_head(self) -> bool:
        """Return whether something was asked; what was is in `_head`, whole unless it is too long."""
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                while not (self._ended or _END in self._head or len(self._head) > _MOST_HEAD or _is_noise(self._head)):
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return False
        return bool(self._head) and not self.transport.is_closing()

    async def _say_last(self, response: Response) -> None:
        """Write an answer and wait until the client has it: closing at once could take it back."""
        if self._head.startswith(b"HEAD "):
            head, end, _ = response.serialize().partition(_END)
            self.transport.write(head + end)
        else:
            self.transport.write(response.serialize())
        if self.transport.can_write_eof():
            with suppress(OSError):  # the client is gone already
                self.transport.write_eof()
        else:  # TLS cannot be closed on one side only; what is written is sent first
            self.transport.close()
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                while not self._ended:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            logger.info("client does not take its answer bytes=%d", len(response.body))


def is_websocket(opening: Opening) -> bool:
    """Return whether a request asks for a websocket; a header may come more than once."""
    return any("websocket" in value.lower() for value in opening.headers.get_all("Upgrade"))


def refusal(status: int, message: str) -> Response:
    """Return the answer to what is not a question, as JSON."""
    body = msgspec.json.encode({"code": str(status), "msg": message})
    headers = Headers({"Connection": "close", "Content-Length": str(len(body)), "Content-Type": "application/json"})
    if status == _NOT_ALLOWED:
        headers["Allow"] = "GET, HEAD"
    return Response(status, _REASONS[status], headers, body)


def speak_json(response: Response) -> None:
    """Let an answer in websockets' own words be JSON like all others."""
    if response.headers.get("Content-Type", "").startswith("text/"):
        message = response.body.decode().partition("\n")[0]
        response.body = msgspec.json.encode({"code": str(response.status_code), "msg": message})
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(response.body)))):
            del response.headers[name]
            response.headers[name] = value


_BAD, _NOT_ALLOWED, _TOO_LONG = 400, 405, 431
_REASONS = {_BAD: "Bad Request", _NOT_ALLOWED: "Method Not Allowed", _TOO_LONG: "Request Header Fields Too Large"}


def _opening_of(head: bytes) -> Opening | Response:
    """Return the question in the head of a request, or the answer to what is none."""
    problem = _problem_of(head)
    if problem is not None:
        return problem
    first, *lines = head.partition(_END)[0].decode("utf-8", "replace").split("\r\n")
    asked = _REQUEST_LINE.fullmatch(first)
    if asked is None:
        return refusal(_BAD, f"expected a line like GET /api/v3/time HTTP/1.1, found {first[:120]!r}")
    method, target, version = asked.groups()
    if method not in {"GET", "HEAD"}:
        return refusal(_NOT_ALLOWED, f"{method} is not possible: there is market data here, no account; use GET")
    headers = _headers_of(lines)
    if isinstance(headers, Response):
        return headers
    opening = Opening(target, headers)
    if is_websocket(opening) and (method, version) != ("GET", "1"):
        return refusal(_BAD, "a websocket is opened with GET and HTTP/1.1")
    return opening


def _problem_of(head: bytes) -> Response | None:
    """Return the answer to what is not a whole head, None for one that can be read."""
    text, end, _ = head.partition(_END)
    if _is_noise(head):
        return refusal(_BAD, "expected HTTP, found something else; if it was TLS, use http:// and ws://")
    if len(text) > _MOST_HEAD:
        return refusal(_TOO_LONG, f"the head of a request may have {_MOST_HEAD} bytes")
    if not end:
        return refusal(_BAD, "the request ended before the empty line that ends its head")
    return None


def _headers_of(lines: list[str]) -> Headers | Response:
    headers = Headers()
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            return refusal(_BAD, f"expected a header line, found {line[:120]!r}")
        headers.set_insecure(name, value.strip())
    return headers


def _is_noise(head: bytes | bytearray) -> bool:
    """Return whether something does not begin as HTTP does: with a word."""
    return bool(head) and not head[:1].isalpha()


async def _called(function: Callable[..., Any] | None, *args: Any) -> Any:
    result = function(*args) if function is not None else None
    return await result if isinstance(result, Awaitable) else result
