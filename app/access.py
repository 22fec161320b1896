"""Who looks at the page, and what they may do; told by the server's side of the session, never by what a browser sends."""

import logging

import streamlit as st

from app.data.connections import settings
from app.sign_in.desk import held_desk
from app.sign_in.sessions import Session
from app.sign_in.user import LOCAL, NOBODY, NotAllowed, Role, User
from market.clock import now_us
from settings.pages import is_loopback

__all__ = ["LOCAL", "NOBODY", "NotAllowed", "Role", "User", "current_user", "operator", "sign_out", "signed_in"]

logger = logging.getLogger(__name__)


def current_user() -> User:
    """Return who looks at the page of this session; asked anew each time, as sessions end and people are removed."""
    if settings().app.asks:
        session = _session()
        return NOBODY if session is None else session.user
    address: object = st.context.ip_address  # None of this computer, and no text at all within a test
    return NOBODY if isinstance(address, str) and not is_loopback(address) else LOCAL


def signed_in() -> bool:
    """Return whether who looks has signed in, and may sign out."""
    return settings().app.asks and _session() is not None


def sign_out() -> None:
    """End the session of who looks; their browser is led to the sign-in page."""
    desk, session = held_desk(), _session()
    if desk is not None and session is not None:
        desk.sessions.end(session, now_us())
        logger.info("signed out name=%r from=%s", session.user.name, _address())


def operator(action: str) -> User:
    """Return who looks at the page, if they may act.

    Args:
        action: What they wish, for the message.

    Raises:
        NotAllowed: If they may not; a try is written to the log.
    """
    user = current_user()
    if not user.may_act:
        logger.warning("wish refused name=%r role=%s action=%r from=%s", user.name, user.role, action, _address())
        raise NotAllowed(user, action)
    return user


def _session() -> Session | None:
    desk = held_desk()
    return None if desk is None else desk.session(st.context.cookies.get(desk.cookie))


def _address() -> str:
    return st.context.ip_address or "127.0.0.1"
