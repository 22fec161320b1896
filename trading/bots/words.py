"""How bots are told in words, the same on the command line and on the page: amounts, ages, and what a bot does."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from db.bot_rows import EventRow, StoredBot
    from trading.bots.health import Verdict

NOTHING = "-"
LONGEST = 200
LEFT_ALONE = "no runner has it"


def amount(value: Decimal | float | None, *, sign: bool = False) -> str:
    """Return an amount of the quote currency with as many decimals as its size asks for."""
    if value is None:
        return NOTHING
    size = abs(float(value))
    decimals = 2 if size >= 100 or size == 0 else 4 if size >= 1 else 8
    return f"{value:{'+' if sign else ''},.{decimals}f}"


def exact(value: Decimal | float) -> str:
    """Return a price or size with all its digits."""
    return format(value if isinstance(value, Decimal) else Decimal(repr(value)), "f")


def percent(fraction: float | None, *, sign: bool = True) -> str:
    """Return a fraction in percent."""
    return NOTHING if fraction is None else f"{fraction:{'+' if sign else ''}.2%}"


def age(us: int) -> str:
    """Return how long something is ago: `5 s`, `12 min`, `3 h`, `4 d`."""
    seconds = max(us, 0) // 1_000_000
    for unit, width in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * width:
            return f"{seconds // width} {unit}"
    return f"{seconds} s"


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return a text that fits on its line."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def event_text(event: "EventRow") -> str:
    """Return what happened in words; of another configuration also what differs, before and after."""
    changes = event.details.get("changes") if event.kind == "configured" else None
    if not changes:
        return event.text
    return f"{event.text}: " + listed([f"{field} {json.dumps(old)} -> {json.dumps(new)}" for field, (old, new) in changes.items()])


def counted(number: int, what: str) -> str:
    """Return a number with what is counted: `1 bot`, `12 bots`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def listed(words: Sequence[str], most: int = 10) -> str:
    """Return words as a list that does not get too long."""
    more = f" and {len(words) - most:,} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def has_runner(bot: "StoredBot", clock_us: int) -> bool:
    """Return whether a runner has a bot now; `clock_us` is by the clock of the database."""
    return bot.lease_owner is not None and bot.lease_until_us is not None and bot.lease_until_us > clock_us


def is_left_alone(bot: "StoredBot", clock_us: int) -> bool:
    """Return whether a bot is to be taken by a runner at once, and none has it."""
    waits = bot.state == "parked" or (bot.retry_us is not None and bot.retry_us > clock_us)
    return bot.wanted == "running" and not waits and not has_runner(bot, clock_us)


def why(bot: "StoredBot", clock_us: int) -> str:
    """Return why a bot is in its state, and what else there is to say of that."""
    if is_left_alone(bot, clock_us):
        return LEFT_ALONE
    reason = bot.reason
    if bot.state == "crashed" and bot.retry_us is not None and bot.retry_us > clock_us:
        reason += f"; again in {age(bot.retry_us - clock_us)}"
    return reason


def state_of(bot: "StoredBot", verdict: "Verdict") -> str:
    """Return what a bot does as its row says it, and how it is where that is something else: `running (late)`."""
    return bot.state if bot.state == str(verdict.state) else f"{bot.state} ({verdict.state})"


def why_of(bot: "StoredBot", verdict: "Verdict", clock_us: int) -> str:
    """Return the reason of `state_of`."""
    return why(bot, clock_us) if bot.state == str(verdict.state) else verdict.reason or why(bot, clock_us)


def strategy_of(config: dict[str, Any]) -> str:
    """Return strategy and parameters in one line."""
    given = " ".join(f"{name}={value}" for name, value in config.get("parameters", {}).items())
    return f"{config['strategy']} {given}".rstrip()


def gain(equity: Decimal | None, begun_with: Decimal | None) -> float | None:
    """Return what an account gained as a fraction of what it began with; None before it began."""
    return None if equity is None or not begun_with else float(equity / begun_with - 1)
