"""The document that every page begins with: Streamlit's own, told where its server is; and when a browser had it."""

import re
from functools import cache
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.menu import PAGES
from market.clock import now_us

BEGAN = "tcpdash_began"
"""The cookie that says when the server gave the document, in microseconds: pages see by it how fast a browser is."""
WIDTH = "tcpdash_width"
"""The cookie that says how wide the window of a browser is, in pixels."""
_BEGAN_SECONDS = 60
# Without it a window that begins at `/market` looks for its server below that path first: two answers of 404 on its console.
_WHERE = "window.__streamlit = {BACKEND_BASE_URL: location.origin}"
_HOW_WIDE = f"document.cookie = `{WIDTH}=${{innerWidth}}; path=/; max-age={_BEGAN_SECONDS}; samesite=strict`"
_HEAD = f"<head>\n    <script>{_WHERE}; {_HOW_WIDE}</script>"
_TITLE = "<title>Streamlit</title>"


@cache
def index_page() -> str:
    """Return the document."""
    text = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    return text.replace("<head>", _HEAD, 1).replace(_TITLE, "<title>TCPDashboard</title>", 1)


def inline_scripts() -> list[str]:
    """Return the scripts in it, for a policy that allows no others."""
    return re.findall(r"<script>(.*?)</script>", index_page(), re.DOTALL)


def index_routes() -> list[Route]:
    """Return the routes of all pages, which go before Streamlit's own."""
    paths = ("/", *(f"/{name}" for name in list(PAGES)[1:]))  # the first page is at the root
    return [Route(path, _answer, methods=["GET"]) for path in paths]


def _answer(request: Request) -> HTMLResponse:
    del request
    answer = HTMLResponse(index_page(), headers={"cache-control": "no-cache"})
    answer.set_cookie(BEGAN, str(now_us()), max_age=_BEGAN_SECONDS, httponly=True, samesite="strict")
    return answer
