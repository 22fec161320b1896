"""What bots wrote as tables of the page, in words: one row for each thing, times in the zone of the screen; pure."""

import json
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd

from app.bots.seen import Seen
from app.charts.zone import UTC, Zone
from app.words import NOTHING, age
from db.bot_rows import EventRow, OrderRow, SignalRow, TradeRow
from trading.bots import words
from trading.bots.holdings import Holding
from trading.bots.words import event_text, exact, shortened, strategy_of

if TYPE_CHECKING:
    from trading.bots.explain import Difference

BOARD = (
    "bot", "state", "why", "equity", "P&L today", "P&L", "return", "exposure", "heartbeat", "strategy", "symbols", "candles",
    "wanted", "name",
)  # fmt: skip


def amount(value: Decimal | float | None, *, sign: bool = False) -> str:
    """Return an amount of the quote currency, with as many decimals as its size asks for."""
    return NOTHING if value is None else words.amount(value, sign=sign)


def percent(fraction: float | None, *, sign: bool = True) -> str:
    """Return a fraction in percent."""
    return NOTHING if fraction is None else words.percent(fraction, sign=sign)


def plain(value: float | None) -> str:
    """Return a number of a strategy: a target, a price, an indicator."""
    return NOTHING if value is None else f"{value:.8g}"


def board_table(bots: Iterable[Seen]) -> pd.DataFrame:
    """Return one row for each bot, in their order."""
    return pd.DataFrame([dict(zip(BOARD, _cells(bot), strict=True)) for bot in bots], columns=list(BOARD))


def trade_table(rows: Sequence[TradeRow], zone: Zone = UTC) -> pd.DataFrame:
    """Return one row for each execution."""
    return _table(
        rows,
        {
            "trade": lambda row: row.number,
            "minute": lambda row: zone.told(row.timestamp_us, "%Y-%m-%d %H:%M"),
            "symbol": lambda row: row.symbol,
            "side": lambda row: row.side,
            "size": lambda row: exact(row.size),
            "price": lambda row: exact(row.price),
            "value": lambda row: amount(row.value),
            "fee": lambda row: amount(row.fee),
            "P&L": lambda row: amount(row.profit, sign=True),
            "position": lambda row: exact(row.position),
            "cash": lambda row: amount(row.cash),
            "reason": lambda row: row.reason + _late(row),
            "order": lambda row: row.order,
        },
    )


def order_table(rows: Sequence[OrderRow], zone: Zone = UTC) -> pd.DataFrame:
    """Return one row for each order."""
    return _table(
        rows,
        {
            "order": lambda row: row.number,
            "made": lambda row: zone.told(row.made_us, "%Y-%m-%d %H:%M"),
            "symbol": lambda row: row.symbol,
            "kind": lambda row: row.kind,
            "side": lambda row: row.side,
            "state": lambda row: row.state,
            "limit": lambda row: NOTHING if row.price is None else exact(row.price),
            "filled": lambda row: exact(row.filled),
            "value": lambda row: amount(row.value),
            "wants": lambda row: plain(row.target),
            "ended": lambda row: NOTHING if row.ended_us is None else zone.told(row.ended_us, "%Y-%m-%d %H:%M"),
            "why": lambda row: row.reason + _late(row),
        },
    )


def signal_table(rows: Sequence[SignalRow], zone: Zone = UTC) -> pd.DataFrame:
    """Return one row for each signal."""
    return _table(
        rows,
        {
            "candle": lambda row: zone.told(row.timestamp_us, "%Y-%m-%d %H:%M"),
            "symbol": lambda row: row.symbol,
            "action": lambda row: row.action,
            "confidence": lambda row: percent(row.confidence, sign=False),
            "wants": lambda row: plain(row.target),
            "close": lambda row: plain(row.price),
            "indicators": indicator_words,
            "acted": lambda row: "yes" if row.acted else "no",
            "outcome": lambda row: (row.outcome or NOTHING) + _late(row),
            "reason": lambda row: shortened(row.reason),
            "revision": lambda row: row.revision,
        },
    )


def event_table(rows: Sequence[EventRow], zone: Zone = UTC) -> pd.DataFrame:
    """Return one row for each event."""
    return _table(
        rows,
        {
            "event": lambda row: row.id,
            "when": lambda row: zone.told(row.at_us),
            "kind": lambda row: row.kind,
            "what": lambda row: shortened(event_text(row), 400),
            "details": lambda row: shortened(json.dumps(row.details, ensure_ascii=False), 400) if row.details else "",
        },
    )


def holding_table(holdings: Sequence[Holding]) -> pd.DataFrame:
    """Return one row for what is held of each symbol."""
    return _table(
        holdings,
        {
            "symbol": lambda each: each.symbol,
            "side": lambda each: "long" if each.size > 0 else "short",
            "size": lambda each: exact(each.size),
            "entry": lambda each: plain(each.entry),
            "value": lambda each: amount(each.value),
            "unrealised P&L": lambda each: amount(each.profit, sign=True),
        },
    )


def difference_table(rows: "Sequence[Difference]", zone: Zone = UTC) -> pd.DataFrame:
    """Return one row for each difference of a bot and a backtest."""
    return _table(
        rows,
        {
            "minute": lambda each: zone.told(each.minute_us, "%Y-%m-%d %H:%M"),
            "symbol": lambda each: each.symbol or NOTHING,
            "what": lambda each: each.kind if each.candles == 1 else f"{each.kind} of {each.candles:,} candles",
            "bot": lambda each: each.bot,
            "backtest": lambda each: each.backtest,
            "reason": lambda each: f"{each.cause}: {each.sentence}" + (" (it follows from that)" if each.follows else ""),
        },
    )


def indicator_words(row: SignalRow) -> str:
    """Return the values of indicators in a line."""
    return ", ".join(f"{name} {plain(value)}" for name, value in row.indicators.items()) or NOTHING


def held(bot: Seen) -> str:
    """Return the value of all that a bot holds."""
    return NOTHING if bot.equity is None else amount(sum(map(abs, bot.exposure.values())))


def _cells(bot: Seen) -> tuple[str, ...]:
    config, row = bot.config, bot.line.bot
    named = ", ".join(bot.symbols)
    label = f" ({bot.label})" if bot.label and bot.label not in named else ""
    return (
        bot.id, bot.state, shortened(row.problem or bot.why) or NOTHING,
        amount(bot.equity), amount(bot.today, sign=True), amount(bot.profit, sign=True), percent(bot.gain),
        held(bot),
        NOTHING if bot.silent_us is None else f"{age(bot.silent_us)} ago",
        strategy_of(config), named + label, str(config.get("timeframe", "1h")), row.wanted, str(config.get("name", "")) or NOTHING,
    )  # fmt: skip


def _table(rows: Sequence[Any], columns: dict[str, Callable[[Any], Any]]) -> pd.DataFrame:
    return pd.DataFrame([{name: cell(row) for name, cell in columns.items()} for row in rows], columns=list(columns))


def _late(row: Any) -> str:
    return " (caught up)" if row.caught_up else ""
