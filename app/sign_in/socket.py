"""A websocket of a session: it lasts as long as the session, and carries nothing but what pages need."""

import logging

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from app.sign_in.cookies import cookie_of
from app.sign_in.desk import Desk
from app.sign_in.left_page import LeftPage
from app.sign_in.user import LOCAL, NOBODY, User
from market.clock import monotonic

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_MOST, _LONGEST = 5, 80  # of what the log has of one message
_USED = {"rerun_script", "stop_script", "app_heartbeat", "file_urls_request"}
_OPERATIONS = {"deferred_file", "dataframe_chunk"}
_QUIET = {"load_git_info", None}
"""What pages need of Streamlit's messages; others empty caches of everybody, change the server's settings or write its files."""


async def lead_away(send: Send) -> None:
    """Let a browser that is connected go to the sign-in page, and close the connection."""
    leave = ForwardMsg()
    leave.auth_redirect.url = "/sign-in"
    await send({"type": "websocket.send", "bytes": leave.SerializeToString()})
    await send({"type": "websocket.close", "code": 1008})


class Socket:
    """What one websocket receives and sends, looked at.

    Args:
        desk: Knows whether the session goes on.
        headers: Of the request that opened it.
        address: Where it comes from, for the log.
        receive: Of the server.
        send: Of the server.
    """

    def __init__(self, desk: Desk, headers: Headers, *, address: str, receive: Receive, send: Send) -> None:
        self._desk, self._address, self._receive, self._send = desk, address, receive, send
        self._cookie = cookie_of(headers, desk.cookie)
        self._looked, self._news = monotonic(), desk.sessions.ended_so_far
        self._open = self._closed = False
        self._left_page = LeftPage()

    async def receive(self) -> Message:
        """Return the next message that is let through; the end of the connection, once the session has ended."""
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return message
            if not self._goes_on():
                await self._end()
                return {"type": "websocket.disconnect", "code": 1008}
            if self._is_used(message.get("bytes")):
                return message

    async def send(self, message: Message) -> None:
        """Send a message, while the session goes on; looked at once a second, and when one was ended."""
        self._open = self._open or message["type"] == "websocket.accept"
        if message["type"] == "websocket.send" and self._is_due() and not self._goes_on():
            await self._end()
        if not self._closed:
            self._closed = message["type"] == "websocket.close"
            await self._send(message)

    def _is_due(self) -> bool:
        now, news = monotonic(), self._desk.sessions.ended_so_far
        due = news != self._news or now - self._looked >= _LOOK_SECONDS
        if due:
            self._looked, self._news = now, news
        return due

    def _goes_on(self) -> bool:
        return not self._desk.settings.asks or self._desk.session(self._cookie) is not None

    async def _end(self) -> None:
        if self._open and not self._closed:
            self._closed = True
            await lead_away(self._send)

    def _is_used(self, data: bytes | None) -> bool:
        message = BackMsg()
        try:
            message.ParseFromString(data or b"")
        except DecodeError:
            return True  # Streamlit closes the connection
        kind = message.WhichOneof("type")
        wanted: str | None = kind
        if kind == "backend_operation_request":
            wanted = message.backend_operation_request.WhichOneof("payload")
        if kind == "rerun_script":
            if self._left_page.is_over(message.rerun_script):
                return False
            self._note(message)
        used = kind in _USED or (kind == "backend_operation_request" and wanted in _OPERATIONS)
        if not used and kind not in _QUIET:
            logger.warning("message refused name=%r kind=%r from=%s", self._user().name, wanted, self._address)
        return used

    def _note(self, message: BackMsg) -> None:
        # Streamlit lets a press of a greyed-out button come to nothing before a page hears of it, so it is noted here.
        if not self._user().may_act:
            pressed = [each.id[-_LONGEST:] for each in message.rerun_script.widget_states.widgets if each.trigger_value]
            if pressed:
                logger.info("pressed name=%r role=viewer buttons=%r from=%s", self._user().name, pressed[:_MOST], self._address)

    def _user(self) -> User:
        session = self._desk.session(self._cookie)
        return session.user if session is not None else NOBODY if self._desk.settings.asks else LOCAL
