"""What a browser posts to the sign-in page: little, and soon."""

import asyncio
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request

MOST_BYTES = 8_192
PATIENCE_SECONDS = 10.0


class BadForm(Exception):
    """Raised when what was posted is no form of ours; carries the status of HTTP that says so."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a posted form; the last one, where a field comes twice.

    Raises:
        BadForm: If it is none, is too large, or does not come in time.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise BadForm(415)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            body = await _read(request)
    except TimeoutError:
        raise BadForm(408) from None
    except ClientDisconnect:
        raise BadForm(400) from None
    try:
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=10, errors="strict")
    except ValueError:  # also of an encoding
        raise BadForm(400) from None
    return {name: values[-1] for name, values in fields.items()}


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise BadForm(413)
    return bytes(body)
