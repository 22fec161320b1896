"""The server of the pages: Streamlit behind our door, on loopback unless the settings say otherwise."""

import logging
import os
import resource
import secrets
import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit.starlette import App

from app.index_page import index_routes
from app.loading import load_beside, load_libraries
from app.sign_in.desk import Desk, open_desk
from app.sign_in.door import Door
from app.sign_in.provider import secrets_of
from app.sign_in.routes import Counter
from settings import Settings

logger = logging.getLogger(__name__)

_AGAIN_SECONDS = 15
_OPEN_FILES = 4096
"""Streamlit keeps 128 sessions whose browsers are gone, with three files each, besides those that are there; macOS allows 256."""
_FAILED = "page failed"


def serve(settings: Settings, *, script: Path, port: int) -> None:
    """Serve the pages until a signal.

    Args:
        settings: All settings.
        script: What Streamlit runs for each session; without a folder `pages/` beside it, which would be served on its own.
        port: Where, on `app.address`.

    Raises:
        InputError: If the pages would be published and nobody had to sign in.
    """
    desk = open_desk(settings)
    _allow_files()
    os.environ["FORWARDED_ALLOW_IPS"] = ",".join(settings.app.proxies)  # of uvicorn
    if settings.app.published and not desk.secure:
        logger.warning(
            "pages are published without TLS: passwords travel readable, if not only on this computer; see app.public_url"
        )
    sys.argv = [str(script)]  # Streamlit puts its folder first where modules are looked for: that of a command would hide libraries
    load_libraries()
    load_beside()
    application(desk, script).run(config=options(settings.app.address, port))


def _allow_files() -> None:
    """Raise how many files may be open at once, as far as the system lets anybody."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def application(desk: Desk, script: Path) -> App:
    """Return Streamlit with a script, behind the door of a desk."""
    return App(
        script,
        secrets=secrets_of(desk),
        routes=[*Counter(desk).routes(), *index_routes()],
        middleware=[Middleware(Door, desk=desk)],
        on_script_error=show_error,
    )


def options(address: str, port: int) -> dict[str, object]:
    """Return the options of Streamlit; they win over those of a config.toml, so that none takes our protection away."""
    return {
        "server.headless": True,
        "server.address": address,
        "server.port": port,
        "server.fileWatcherType": "none",
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.corsAllowedOrigins": [],
        "server.enableAgentApi": False,
        "server.enableStaticServing": False,
        "server.baseUrlPath": "",
        "global.developmentMode": False,
        "global.disableWidgetStateDuplicationWarning": True,  # what is chosen is set, and the default: see app.views.choices
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "runner.postScriptGC": False,  # with every tick of every fragment it would look through all objects there are
        # What a browser has seen is sent as a reference to it. With the default of 2 runs of a script a busy browser may have
        # forgotten it by the time that the reference comes, and then drops its connection: "Cached ForwardMsg MISS".
        "global.maxCachedMessageAge": 20,
        # Captions are written in the colour of text, three fifths opaque: so they are read, too. White is read on both blues.
        "theme.light.textColor": "#111111",
        "theme.light.codeTextColor": "#111111",
        "theme.light.primaryColor": "#0a5ca8",
        "theme.dark.textColor": "#f2f1ef",
        "theme.dark.codeTextColor": "#f2f1ef",
        "theme.dark.primaryColor": "#3a78c2",
    }


def show_error(error: Exception) -> bool:
    """Say on the page that something went wrong, and in the log what; the same word stands in both.

    Returns:
        True: Streamlit shows nothing of its own.
    """
    word = secrets.token_hex(3)
    logger.error("page failed error=%s", word, exc_info=error)
    st.error(
        f"Something went wrong here, and it is our fault. The log of the pages has it under the word `{word}`; "
        f"this page is tried again every {_AGAIN_SECONDS} seconds.",
        icon=":material/error:",
    )
    st.session_state[_FAILED] = True
    _try_again()
    return True


@st.fragment(run_every=_AGAIN_SECONDS)
def _try_again() -> None:
    if not st.session_state.pop(_FAILED, False):  # the first run is the one that failed
        st.rerun()
