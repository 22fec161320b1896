"""How bots are told in words on the command line; most of them are those of `trading.bots.words`."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from market.clock import isoformat, to_datetime
from trading.bots.words import (
    LEFT_ALONE,
    LONGEST,
    NOTHING,
    age,
    amount,
    counted,
    event_text,
    exact,
    gain,
    has_runner,
    is_left_alone,
    listed,
    percent,
    shortened,
    state_of,
    strategy_of,
    why,
    why_of,
)

if TYPE_CHECKING:
    from db.bot_rows import StoredBot

__all__ = [
    "LEFT_ALONE",
    "LONGEST",
    "NOTHING",
    "age",
    "amount",
    "counted",
    "event_text",
    "exact",
    "fields_of",
    "gain",
    "has_runner",
    "is_left_alone",
    "iso",
    "listed",
    "moment",
    "percent",
    "shortened",
    "state_of",
    "strategy_of",
    "why",
    "why_of",
]


def moment(moment_us: int | None) -> str:
    """Return a moment in UTC, to the second."""
    return NOTHING if moment_us is None else f"{to_datetime(moment_us):%Y-%m-%d %H:%M:%S}"


def iso(moment_us: int | None) -> str | None:
    """Return a moment as JSON has it."""
    return None if moment_us is None else isoformat(moment_us)


def fields_of(bot: "StoredBot", clock_us: int, *, begun_with: Decimal | None, trades_today: int | None = None) -> dict[str, Any]:
    """Return a bot as JSON has it; amounts of the ledger are texts, so that they stay exact."""
    config = bot.config
    return {
        "id": bot.id,
        "name": config.get("name", ""),
        "strategy": config["strategy"],
        "parameters": config.get("parameters", {}),
        "symbols": config["symbols"],
        "timeframe": config.get("timeframe", "1h"),
        "file": bot.config_file,
        "problem": bot.problem,
        "wanted": bot.wanted,
        "state": bot.state,
        "reason": why(bot, clock_us),
        "since": iso(bot.state_us),
        "runner": bot.lease_owner if has_runner(bot, clock_us) else None,
        "heartbeat_at": iso(bot.heartbeat_us),
        "heartbeat_age_seconds": None if bot.heartbeat_us is None else max(clock_us - bot.heartbeat_us, 0) / 1e6,
        "retry_at": iso(bot.retry_us),
        "account": bot.run,
        "begun_with": begun_with,
        "equity": bot.equity,
        "cash": bot.cash,
        "exposure": bot.exposure or {},
        "return": gain(bot.equity, begun_with),
        "acted_until": iso(bot.acted_until_us),
        "trades_today": trades_today,
    }
