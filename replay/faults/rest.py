"""Faults of REST: refusals, errors, no answer, and answers from the past."""

from collections.abc import Mapping

from market.timeframe import SECOND_US
from replay.answer import Answer, Question, json_answer
from replay.deeds import Reply
from replay.faults.trouble import Trouble
from replay.source import Market

_OKX_WORDS = {
    "50001": "Service temporarily unavailable. Please try again later.",
    "50011": "Too Many Requests",
    "50013": "Systems are busy. Please try again later.",
}
_ROOTS = {
    "/api/v5/": "OKX", "/api/v3/brokerage/": "COINBASE", "/api/v3/": "BINANCE", "/sapi/": "BINANCE", "/fapi/": "BINANCE",
    "/0/public/": "KRAKEN", "/v5/": "BYBIT", "/products": "COINBASE", "/time": "COINBASE", "/currencies": "COINBASE",
}  # fmt: skip


def dialect_of(question: Question) -> str:
    """Return whose protocol a question over REST is in."""
    return next((venue for root, venue in _ROOTS.items() if question.path.startswith(root)), "OKX")


class _Refused(Trouble):
    """Answers that too much was asked; the status is in its kind."""

    _asked = 0

    def reply(self, question: Question) -> Reply | None:
        if not self.wants(self._number()):
            return None
        self.struck()
        seconds, status = int(self.fault.number("retry_after")), int(self.fault.kind.removeprefix("rest-"))
        headers = {"Retry-After": str(seconds)}
        if dialect_of(question) == "BYBIT":
            headers["X-Bapi-Limit-Reset-Timestamp"] = str(self.now_ms + seconds * 1000)
        return Reply(Answer(_too_much(question, self.now_ms), status, headers))

    @property
    def now_ms(self) -> int:
        """The exchange's clock, UTC epoch milliseconds."""
        return self.moment.market_us // 1000

    def _number(self) -> int:
        self._asked += 1
        return self._asked


class _Error(_Refused):
    def reply(self, question: Question) -> Reply | None:
        if not self.wants(self._number()):
            return None
        self.struck()
        return Reply(_error(question, self.fault.text("code"), self.now_ms))


class _Down(_Refused):
    def reply(self, question: Question) -> Reply | None:  # noqa: ARG002
        if not self.wants(self._number()):
            return None
        self.struck()
        return Reply(None, self.fault.number("seconds"))


class _Lag(_Refused):
    """Answers from the past, but for the question what time it is: a replica that lags has a clock of its own."""

    def reply(self, question: Question) -> Reply | None:  # noqa: ARG002
        return None

    def asked(self, question: Question, market: Market) -> Market:
        if question.path.lower().endswith("/time") or not self.wants(self._number()):
            return market
        self.struck()
        return Market(market.source, market.now_us - round(self.fault.number("seconds") * SECOND_US))


def _too_much(question: Question, now_ms: int) -> bytes:
    bodies: Mapping[str, object] = {
        "OKX": {"code": "50011", "msg": _OKX_WORDS["50011"], "data": []},
        "BINANCE": {"code": -1003, "msg": "Too much request weight used; please use WebSocket Streams for live updates."},
        "COINBASE": {"message": "Public rate limit exceeded"},
        "KRAKEN": {"error": ["EAPI:Rate limit exceeded"]},
        "BYBIT": _bybit("10006", now_ms),
    }
    return json_answer(bodies[dialect_of(question)]).body


def _error(question: Question, code: str, now_ms: int) -> Answer:
    match dialect_of(question):
        case "OKX":
            code = code or "50011"
            return json_answer({"code": code, "msg": _OKX_WORDS.get(code, "Operation failed."), "data": []})
        case "KRAKEN":
            return json_answer({"error": [code or "EAPI:Rate limit exceeded"]})
        case "BYBIT":
            return json_answer(_bybit(code or "10006", now_ms))
        case "BINANCE":
            return json_answer({"code": int(code) if _is_whole(code) else -1001, "msg": "Internal error; unable to process"}, 503)
        case _:
            return json_answer({"message": code or "Service unavailable"}, 503)


def _bybit(code: str, now_ms: int) -> object:
    return {
        "retCode": int(code) if _is_whole(code) else 10_016, "retMsg": "Too many visits!" if code == "10006" else "Server error.",
        "result": {}, "retExtInfo": {}, "time": now_ms,
    }  # fmt: skip


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


TROUBLES: Mapping[str, type[Trouble]] = {
    "rest-lag": _Lag,
    "rest-429": _Refused,
    "rest-418": _Refused,
    "rest-error": _Error,
    "rest-down": _Down,
}
