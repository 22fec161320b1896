"""Bots for the tests of what is kept of them."""

from dataclasses import replace
from decimal import Decimal

import sqlalchemy as sa

from db.bot_rows import EventRow, OrderRow, PerformanceRow, PostingRow, SignalRow, TradeRow, Written
from market.clock import parse_time
from market.timeframe import MINUTE_US

BTC, ETH = "OKX:BTC-USDT", "OKX:ETH-USDT"
START_US = parse_time("2024-08-08T23:55:00Z")
CONFIG = {"strategy": "sma-cross", "parameters": {"slow": 30, "fast": 10}, "symbols": [BTC], "balance": "10000"}
EXACT = Decimal("1234567890123456789012345678.901234567891")

SIGNAL = SignalRow(
    symbol=BTC, timestamp_us=START_US, action="buy", confidence=0.75, target=1.0, price=30000.1,
    indicators={"fast": 1.5, "slow": None}, reason="fast over slow", acted=True, outcome="order 1", revision=2, caught_up=False,
)  # fmt: skip
ORDER = OrderRow(
    number=1, symbol=BTC, kind="market", side="buy", target=1.0, price=None, state="working", reason="entry", filled=Decimal(0),
    value=Decimal(0), made_us=START_US, ended_us=None, caught_up=False,
)  # fmt: skip
TRADE = TradeRow(
    number=1, order=1, symbol=BTC, timestamp_us=START_US, side="buy", price=Decimal("30000.1"), size=EXACT, value=Decimal("1E-8"),
    fee=Decimal("-0.001"), profit=None, position=Decimal("1E+5"), cash=Decimal("-7"), reason="entry", revision=0, caught_up=True,
)  # fmt: skip
POSTING = PostingRow(entry=2, account=f"position {BTC}", amount=EXACT, trade=1, timestamp_us=START_US)
WORTH = PerformanceRow(
    timestamp_us=START_US, equity=Decimal("10000.00"), cash=Decimal(1), exposure=EXACT, fees=Decimal("1E-8"), profit=Decimal(0),
    drawdown=0.125,
)  # fmt: skip
EVENT = EventRow(kind="stop-hit", text="the stop was hit", details={"symbol": BTC})


def add(database, *ids: str, run: bool = True) -> None:
    """Store bots, wanted to run unless told otherwise."""
    with database.transaction() as store:
        for bot in ids:
            store.bots.put_config(bot, CONFIG, digest="d1", file=f"{bot}.json", autostart=run)


def leased(database, *ids: str, owner: str = "one") -> dict[str, int]:
    """Store bots, lease them, and return their epochs."""
    add(database, *ids)
    return {bot.id: bot.lease_epoch for bot in database.bots.take(owner, most=1000, seconds=60)}


def step(bot: str, epoch: int, minute: int = 0, **changed) -> Written:
    """Return what a step leads to, so many minutes after the first one."""
    moment_us = START_US + minute * MINUTE_US
    return replace(
        Written(
            bot=bot, run=1, epoch=epoch, account={"minute": minute}, acted_until_us=moment_us, state="running", reason="",
            equity=Decimal("10000.5"), cash=EXACT, exposure={BTC: 1.5, ETH: -0.0},
        ),
        **changed,
    )  # fmt: skip


def end_leases(engine: sa.Engine) -> None:
    """Let all leases end, as if nobody had renewed them."""
    with engine.begin() as connection:
        connection.execute(sa.text("update bots set lease_until = clock_timestamp() - interval '1 second'"))


def forget_waiting(engine: sa.Engine) -> None:
    """Let the time pass for which crashed bots wait."""
    with engine.begin() as connection:
        connection.execute(sa.text("update bots set retry_at = clock_timestamp() - interval '1 second' where retry_at is not null"))
