"""Answers given to a codec that pages, without a venue."""

from collections.abc import Generator
from typing import Any

import pytest

from exchanges.base import Request


def last_answer(pages: Generator[Request, bytes, Any], *bodies: bytes) -> Any:
    """Return what a paging generator makes of some answers, the last of which has to be all it wants."""
    for body in bodies[:-1]:
        pages.send(body)
    with pytest.raises(StopIteration) as done:
        pages.send(bodies[-1])
    return done.value.value


def answered(pages: Generator[Request, bytes, Any], *bodies: bytes) -> tuple[Any, list[Request]]:
    """Return what a paging generator makes of some answers, which have to be all it wants, and what it asked."""
    asked = [next(pages)]
    asked += [pages.send(body) for body in bodies[:-1]]
    return last_answer(pages, bodies[-1]), asked
