"""What is said of holes: which trades are missing, why, and what became of them."""

from enum import StrEnum
from typing import Any

import msgspec

from market.continuity import Ids


class Cause(StrEnum):
    """Why trades are missing."""

    SEQUENCE = "sequence"
    DISCONNECT = "disconnect"
    STALL = "stall"
    CRASH = "crash"
    OVERLOAD = "overload"
    RESET = "reset"
    CONFLICT = "conflict"


class State(StrEnum):
    """What became of a hole; ALARM stands for a trade that came twice with two payloads."""

    OPEN = "open"
    FILLED = "filled"
    NEVER_EXISTED = "never_existed"
    UNRECOVERABLE = "unrecoverable"
    ALARM = "alarm"


class Hole(msgspec.Struct, frozen=True):
    """Trades that were skipped. Ids are both included, and None where a venue's ids prove nothing; so are the moments.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        first_id: The lowest id.
        last_id: The highest id.
        start_us: Time of the last trade before them, UTC epoch microseconds.
        end_us: Time of the first trade behind them.
        cause: Why they are missing.
    """

    symbol: str
    first_id: int | None
    last_id: int | None
    start_us: int
    end_us: int
    cause: Cause


class Progress(msgspec.Struct, frozen=True):
    """How far the healing of a hole is.

    Attributes:
        hole: Which one.
        state: What became of it so far.
        recovered: Ids (or trades, where ids prove nothing) that came after all.
        missing: What is not there yet.
        evidence: What proves the state, as JSON.
    """

    hole: Hole
    state: State
    recovered: int
    missing: tuple[Ids, ...] = ()
    evidence: dict[str, Any] | None = None
