"""What a client of Binance, of spot or of futures, asks a session."""

import json
from typing import Any

from replay.session import Session
from replay.source import Market


def ask(session: Session, market: Market, method: str, params: list[Any] | None = None, number: int | str = 1) -> dict[str, Any]:
    """Return the one answer to a request."""
    request = {"method": method, "id": number} | ({} if params is None else {"params": params})
    [answer] = session.receive(json.dumps(request), market)
    return dict(json.loads(answer))
