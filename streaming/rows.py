"""The worker's values as rows of the store."""

from decimal import Decimal, InvalidOperation

from db.repositories.gaps import Gap
from db.repositories.symbols import ListedSymbol
from exchanges.base import Instrument
from market.symbol import Symbol
from market.trade import Trade
from streaming.ledger import Cause, Hole, Progress, State


def gap_of(hole: Hole, step: Progress | None = None) -> Gap:
    """Return the row of a hole; `step` says how far its healing is."""
    return Gap(
        symbol=hole.symbol,
        first_id=hole.first_id,
        last_id=hole.last_id,
        start_us=hole.start_us,
        end_us=hole.end_us,
        cause=str(hole.cause),
        state=str(step.state if step else State.OPEN),
        recovered=step.recovered if step else 0,
        missing=step.missing if step else None,
        evidence=step.evidence if step else None,
    )


def alarm_of(stored: Trade, other: Trade) -> Gap:
    """Return the row that says that one id came with two payloads; the stored one stays."""
    return Gap(
        symbol=stored.symbol,
        first_id=stored.first_id,
        last_id=stored.trade_id,
        start_us=stored.timestamp_us,
        end_us=stored.timestamp_us,
        cause=str(Cause.CONFLICT),
        state=str(State.ALARM),
        evidence={"stored": _payload(stored), "other": _payload(other)},
    )


def _payload(trade: Trade) -> dict[str, object]:
    return {"price": trade.price, "size": trade.size, "side": str(trade.side), "timestamp_us": trade.timestamp_us}


def listed_of(instrument: Instrument) -> ListedSymbol:
    """Return the row of a symbol as its venue lists it."""
    symbol = Symbol.parse(instrument.symbol)
    return ListedSymbol(
        symbol=instrument.symbol,
        exchange=symbol.exchange,
        base=symbol.base,
        quote=symbol.quote,
        tick_size=_step(instrument.tick_size),
        lot_size=_step(instrument.lot_size),
        status=instrument.status,
    )


def _step(text: str) -> Decimal | None:
    try:
        step = Decimal(text)
    except InvalidOperation:
        return None
    return step if step.is_finite() else None
