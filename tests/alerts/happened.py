"""Rows of things that happened, as those who find them write them."""

from dataclasses import replace

import sqlalchemy as sa

from db.bot_tables import bot_events, bots
from db.operations import DatabaseOperations
from db.repositories.feeds import Feed
from db.repositories.gaps import Gap
from db.repositories.quality import QualityResult
from db.tables import gaps, quality_runs
from market.clock import to_datetime
from market.timeframe import Timeframe
from market.window import Window
from tests.alerts.conftest import NOW_US

SYMBOL = "OKX:BTC-USDT"
MINUTE_US = 60_000_000
GAP = Gap(symbol=SYMBOL, first_id=5, last_id=9, start_us=NOW_US - 2 * MINUTE_US, end_us=NOW_US - MINUTE_US, cause="disconnect")


def bot_event(database: DatabaseOperations, kind: str, text: str = "", *, bot: str | None = "a", at_us: int = NOW_US) -> int:
    """Write an event of a bot and return its number."""
    with database.engine.begin() as connection:
        known = connection.scalar(sa.select(sa.exists().where(bots.c.id == bot)))
        if bot is not None and not known:
            connection.execute(sa.insert(bots).values(id=bot, config={}, config_digest="d", config_file="a.json"))
        values = {"bot": bot, "epoch": 1, "at": to_datetime(at_us), "kind": kind, "text": text, "details": {}}
        return int(connection.execute(sa.insert(bot_events).values(values).returning(bot_events.c.id)).scalar_one())


def ended_gap(database: DatabaseOperations, state: str = "unrecoverable", *, number: int = 0, at_us: int = NOW_US) -> int:
    """Write a hole that ended and return its number."""
    gap = replace(GAP, first_id=GAP.first_id + 10 * number, last_id=GAP.last_id + 10 * number)
    found = database.gaps.open(gap)
    assert database.gaps.progress(replace(gap, state=state, recovered=2, missing=((7, 9),)))
    with database.engine.begin() as connection:
        connection.execute(sa.update(gaps).where(gaps.c.id == found).values(closed_at=to_datetime(at_us)))
    return found


def feed(database: DatabaseOperations, state: str, *, since_us: int, reason: str = "no answer", symbol: str = SYMBOL) -> None:
    """Say how a feed does."""
    database.feeds.set(Feed(symbol, state, reason, since_us))


def check(
    database: DatabaseOperations, *failed: str, severity: str = "critical", error: str | None = None, at_us: int = NOW_US
) -> int:
    """Write a run of checks of which some rules failed, or that broke off, and return its number."""
    good = QualityResult(
        rule="prices", severity="critical", success=True, unexpected_count=0, observed={}, sample=[], details="All are above 0."
    )
    number = database.quality.begin(SYMBOL, Timeframe.M1, "candles", Window(GAP.start_us, GAP.end_us))
    if error is not None:
        database.quality.fail(number, error)
    else:
        bad = [replace(good, rule=rule, severity=severity, success=False, unexpected_count=3) for rule in failed]
        database.quality.end(number, 10, [good, *bad])
    with database.engine.begin() as connection:
        connection.execute(sa.update(quality_runs).where(quality_runs.c.id == number).values(ended_at=to_datetime(at_us)))
    return number
