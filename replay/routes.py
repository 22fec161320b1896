"""Which venue's protocol a path belongs to: all are served on one port."""

from replay import binance_rest, binance_usdm, binance_usdm_rest, bybit_rest, coinbase_rest, kraken_rest, okx_rest
from replay.answer import Answer, Question, json_answer
from replay.binance import BinanceSession, is_stream_path
from replay.bybit import PATHS as BYBIT_PATHS
from replay.bybit import BybitSession
from replay.coinbase import PATH as COINBASE_PATH
from replay.coinbase import CoinbaseSession
from replay.kraken import PATH as KRAKEN_PATH
from replay.kraken import KrakenSession
from replay.okx import PATHS, OkxSession
from replay.session import Session
from replay.source import Market


def session_of(question: Question) -> Session | None:
    """Return a new session for a websocket path, None where there is none."""
    if question.path in PATHS:
        return OkxSession(PATHS[question.path])
    if question.path in BYBIT_PATHS:
        return BybitSession(BYBIT_PATHS[question.path])
    if question.path == COINBASE_PATH:
        return CoinbaseSession()
    if question.path == KRAKEN_PATH:
        return KrakenSession()
    if binance_usdm.is_stream_path(question.path):
        return binance_usdm.BinanceUsdmSession(question)
    return BinanceSession(question) if is_stream_path(question.path) else None


def refusal_of(question: Question) -> Answer | None:
    """Return the answer to a websocket handshake on a path that has none."""
    if session_of(question) is not None:
        return None
    known = ", ".join([*PATHS, *BYBIT_PATHS, "/ws", "/stream", *binance_usdm.KNOWN, COINBASE_PATH, KRAKEN_PATH])
    return json_answer({"code": "404", "msg": f"no websocket at {question.path}; there are {known}"}, 404)


def answer_to(question: Question, market: Market) -> Answer:
    """Return the answer to a GET."""
    if question.path.startswith(binance_rest.PREFIXES):
        return binance_rest.answer(question, market)
    if question.path.startswith(binance_usdm_rest.PREFIX):
        return binance_usdm_rest.answer(question, market)
    if question.path.startswith(bybit_rest.PREFIX):
        return bybit_rest.answer(question, market)
    if coinbase_rest.is_rest_path(question.path):
        return coinbase_rest.answer(question, market)
    if question.path.startswith(kraken_rest.PREFIX):
        return kraken_rest.answer(question, market)
    return okx_rest.answer(question, market)


def weight_of(question: Question) -> int:
    """Return what a GET costs of the minute's budget, 0 where the venue counts otherwise."""
    if question.path.startswith(binance_usdm_rest.PREFIX):
        return binance_usdm_rest.weight_of(question)
    return binance_rest.weight_of(question) if question.path.startswith(binance_rest.PREFIXES) else 0
