"""What a client of Kraken asks a session, and what it reads of the answers."""

import json

from exchanges import Kraken
from market.trade import Trade
from replay.kraken import KrakenSession
from replay.source import Market

MINUTE = 60_000_000


def said(frames: list[bytes]) -> list[dict]:
    return [json.loads(frame) for frame in frames]


def ask(session: KrakenSession, market: Market, method: str = "subscribe", **params: object) -> list[dict]:
    """Return the answers to a request, without the greeting of a new connection."""
    request = {"method": method, "params": {"channel": "trade", "symbol": ["BTC/USDT"]} | params, "req_id": 9}
    return [answer for answer in said(session.receive(json.dumps(request), market)) if answer.get("channel") != "status"]


def trades_of(frames: list[bytes]) -> list[Trade]:
    codec = Kraken(["BTC-USDT", "ETH-USDT"])
    return [trade for frame in frames for trade in codec.parse(frame, 0)]
