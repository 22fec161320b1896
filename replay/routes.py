"""Which venue's protocol a path belongs to: both are served on one port."""

from replay import binance_rest, okx_rest
from replay.answer import Answer, Question, json_answer
from replay.binance import BinanceSession, is_stream_path
from replay.okx import PATHS, OkxSession
from replay.session import Session
from replay.source import Market


def session_of(question: Question) -> Session | None:
    """Return a new session for a websocket path, None where there is none."""
    if question.path in PATHS:
        return OkxSession(PATHS[question.path])
    return BinanceSession(question) if is_stream_path(question.path) else None


def refusal_of(question: Question) -> Answer | None:
    """Return the answer to a websocket handshake on a path that has none."""
    if question.path in PATHS or is_stream_path(question.path):
        return None
    known = ", ".join([*PATHS, "/ws", "/stream"])
    return json_answer({"code": "404", "msg": f"no websocket at {question.path}; there are {known}"}, 404)


def answer_to(question: Question, market: Market) -> Answer:
    """Return the answer to a GET."""
    if question.path.startswith(binance_rest.PREFIXES):
        return binance_rest.answer(question, market)
    return okx_rest.answer(question, market)


def weight_of(question: Question) -> int:
    """Return what a GET costs of the minute's budget, 0 where the venue counts otherwise."""
    return binance_rest.weight_of(question) if question.path.startswith(binance_rest.PREFIXES) else 0
