"""The generated market at one moment, asked over REST and played to one session at a time."""

from collections.abc import Generator
from typing import Any

from exchanges.base import Request
from market.clock import parse_time
from market.trade import Trade
from replay.answer import read_question
from replay.routes import answer_to
from replay.session import Session
from replay.source import Market, Slice, Source

SYMBOL = "SYNTHETIC:BTC-USDT"
NOW = parse_time("2025-06-15T04:10:30")


def push(session: Session, source: Source, start_us: int = NOW, end_us: int = NOW + 600_000_000) -> list[bytes]:
    """Return what a session is told of a span of time, of ten minutes where none is given."""
    return session.push(Slice(source, end_us, start_us, {}))


def bare(trade: Trade) -> tuple[Any, ...]:
    """Return what a trade is at any venue, whatever its symbol is called there and whenever it came."""
    return trade.trade_id, trade.price, trade.size, trade.side, trade.timestamp_us, trade.count, trade.id_span


def drive(pages: Generator[Request, bytes, Any], market: Market) -> tuple[Any, list[Request]]:
    """Return what a paging generator of a codec makes of the answers, and what it asked."""
    asked = [next(pages)]
    try:
        while True:
            query = "&".join(f"{name}={value}" for name, value in asked[-1].params)
            answer = answer_to(read_question(f"{asked[-1].path}?{query}"), market)
            assert answer.status == 200
            asked.append(pages.send(answer.body))
    except StopIteration as done:
        return done.value, asked
