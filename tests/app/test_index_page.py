"""The document of the pages; that a browser asks for nothing which is not there: test_browser."""

import base64
import hashlib
import re

import httpx
import pytest
from starlette.applications import Starlette

from app.index_page import BEGAN, WIDTH, index_routes
from app.sign_in.headers import page_policy
from market.clock import now_us
from tests.app.painted import USEFUL, path_of


async def got(path: str) -> httpx.Response:
    wire = httpx.ASGITransport(Starlette(routes=index_routes()))
    async with httpx.AsyncClient(transport=wire, base_url="http://127.0.0.1") as client:
        return await client.get(path)


@pytest.mark.parametrize("path", [path_of(name) for name in USEFUL])
async def test_each_page_begins_with_the_document_of_streamlit_told_where_its_server_is(path: str) -> None:
    answer = await got(path)

    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.text.index("BACKEND_BASE_URL: location.origin") < answer.text.index('<script type="module"')
    assert f"document.cookie = `{WIDTH}=${{innerWidth}};" in answer.text
    assert "<title>TCPDashboard</title>" in answer.text
    assert '<div id="root">' in answer.text
    assert abs(now_us() - int(answer.cookies[BEGAN])) < 60_000_000


async def test_the_policy_allows_each_script_in_it_and_no_other() -> None:
    text = (await got("/")).text

    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    allowed = re.findall(r"'sha256-(.*?)'", page_policy("127.0.0.1"))
    assert allowed == [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(scripts) == 2
