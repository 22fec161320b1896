"""One answer over HTTP, and how the parameters of a question are read."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec


class Answer(msgspec.Struct, frozen=True):
    """An answer of the REST interface; `headers` are added to those of every answer."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = {}


class Question(msgspec.Struct, frozen=True):
    """A GET: its path, and its parameters; of a repeated parameter the last one counts."""

    path: str
    params: Mapping[str, str]

    def whole(self, name: str) -> int | None:
        """Return a parameter that must be a whole number, None when it is absent or empty.

        Raises:
            ValueError: If it is something else.
        """
        text = self.params.get(name, "")
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 20):
            raise ValueError(name)
        return int(text)


def read_question(target: str) -> Question:
    """Return path and parameters of a request's target, whatever it is made of.

    The path is decoded, with one slash in front and none behind: `%40` is as good as `@`, and a client may double the slash
    between its base address and the path.
    """
    target = target.encode("utf-8", "surrogateescape").decode("utf-8", "replace").partition("#")[0]
    address, _, query = target.partition("?")
    if "://" in address:  # the whole address, as sent to a proxy
        address = address.partition("://")[2].partition("/")[2]
    return Question("/" + unquote(address).strip("/"), dict(parse_qsl(query, keep_blank_values=True)))


def json_answer(value: Any, status: int = 200) -> Answer:
    """Return a value as JSON."""
    return Answer(msgspec.json.encode(value), status)
