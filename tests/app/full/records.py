"""What else a system notes: what venues list, feeds, checks, backfills, conflicts, alerts and wishes, over all the days."""

from decimal import Decimal

import sqlalchemy as sa

from db import DatabaseOperations
from db.repositories.alerts import Alert
from db.repositories.backfills import Conflict
from db.repositories.feeds import Feed
from db.repositories.quality import QualityResult
from db.repositories.symbols import ListedSymbol
from db.repositories.wishes import Wish
from market.clock import isoformat
from market.symbol import Symbol
from market.timeframe import BASE, DAY_US, MINUTE_US
from market.window import Window
from tests.app.full.candles import PRICES, TICK

FEEDS = ("live", "live", "live", "live", "quiet", "live", "live", "healing", "stale", "live")
RULES = {
    "prices-in-order": "critical", "no-duplicates": "critical", "no-unknown-gaps": "critical", "values-present": "critical",
    "volume-plausible": "warning", "fresh": "warning", "matches-venue": "critical",
}  # fmt: skip
ALERTS = ("bot-crashed", "bot-parked", "gap-unrecoverable", "quality-failed", "feed-down")
WISHES = ("start bot", "stop bot", "edit bot", "backfill", "cancel backfill", "backtest")
QUALITY_DAYS = 30


def fill_records(database: DatabaseOperations, start_us: int, end_us: int) -> None:
    """Store them."""
    _fill_symbols(database, end_us)
    _fill_quality(database, max(start_us, end_us - QUALITY_DAYS * DAY_US), end_us)
    _fill_backfills(database, start_us, end_us)
    _fill_alerts(database, end_us)
    _fill_wishes(database)


def _fill_symbols(database: DatabaseOperations, end_us: int) -> None:
    parts = {symbol: Symbol.parse(symbol) for symbol in PRICES}
    database.symbols.upsert(
        [
            ListedSymbol(
                symbol=symbol, exchange=part.exchange, base=part.base, quote=part.quote, tick_size=Decimal(str(TICK)),
                lot_size=Decimal("0.000001"),
            )
            for symbol, part in parts.items()
        ]
    )  # fmt: skip
    for symbol, state in zip(PRICES, FEEDS, strict=True):
        reason = "" if state == "live" else "no trade for a minute"
        database.feeds.set(Feed(symbol, state, reason, end_us - 3_600_000_000, 1, end_us))


def _fill_quality(database: DatabaseOperations, start_us: int, end_us: int) -> None:
    with database.transaction() as store:
        for day_us in range(start_us // DAY_US * DAY_US, end_us, DAY_US):
            window = Window(max(day_us, start_us), min(day_us + DAY_US, end_us))
            for number, symbol in enumerate(PRICES):
                run = store.quality.begin(symbol, BASE, "candles", window)
                bad = (day_us // DAY_US + number) % 9 == 0
                results = [_result(rule, severity, number, day_us, bad=bad) for rule, severity in RULES.items()]
                if (day_us // DAY_US + number) % 31 == 5:
                    store.quality.fail(run, "the database did not answer")
                else:
                    store.quality.end(run, 1_440, results)
        store.quality.begin(next(iter(PRICES)), BASE, "candles", Window(end_us - DAY_US, end_us))
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "update quality_runs set started_at = least(\"end\" + mod(id, 60) * interval '1 minute', now()),"
            " ended_at = least(\"end\" + (mod(id, 60) + 1) * interval '1 minute', now()) where state <> 'running'"
        )


def _result(rule: str, severity: str, number: int, day_us: int, *, bad: bool) -> QualityResult:
    failed = bad and rule in ("no-unknown-gaps", "volume-plausible")
    sample = [{"timestamp": isoformat(day_us + each * MINUTE_US), "close": 1.0, "volume": 0.0} for each in range(5)]
    return QualityResult(
        rule=rule, severity=severity, success=None if rule == "fresh" and number == 9 else not failed,
        unexpected_count=7 if failed else 0, observed={"rows": 1_440, "share": 0.995}, sample=sample if failed else [],
        details=f"what {rule} asks for, in a sentence",
    )  # fmt: skip


def _fill_backfills(database: DatabaseOperations, start_us: int, end_us: int) -> None:
    states = ("done", "done", "failed", "cancelled", "done", "interrupted")
    for number, symbol in enumerate(PRICES):
        for each in range(6):
            window = Window(start_us, start_us + (end_us - start_us) // 3 // MINUTE_US * MINUTE_US)
            run = database.backfills.begin(symbol, BASE, "candles" if each % 2 else "trades", window, 10_000)
            database.backfills.advance(run, fetched=1_000 * (each + 4), stored=900 * (each + 4), requests=10 * each, conflicts=each)
            state = states[(each + number) % len(states)]
            if state != "interrupted":  # the next one of the symbol says so
                error = "the venue answered 503 five times" if state == "failed" else None
                database.backfills.end(run, state, error)
    database.backfills.begin(next(iter(PRICES)), BASE, "candles", Window(start_us, end_us), 50_000)
    stamps = [end_us - (each + 1) * 97 * MINUTE_US for each in range(20)]
    prices = {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 3.0}
    database.backfills.note_conflicts(
        [
            Conflict(symbol="OKX:BTC-USDT", timeframe=BASE, timestamp_us=at, ours=prices, theirs=prices | {"volume": 3.1})
            for at in stamps
        ]
    )


def _fill_alerts(database: DatabaseOperations, end_us: int) -> None:
    found = [
        Alert(
            key=f"full-{number}", kind=ALERTS[number % len(ALERTS)], title=f"{ALERTS[number % len(ALERTS)]} {number}",
            text="What happened, and what to do.", at_us=end_us - number * 3_600_000_000,
        )
        for number in range(60)
    ]  # fmt: skip
    database.alerts.note(found, now_us=end_us, old_before_us=end_us - 50 * 3_600_000_000)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "update alerts set noted_at = happened_at, state = case when state = 'old' then 'old'"
            " when mod(id, 7) = 0 then 'given-up' when mod(id, 7) = 1 then 'waiting' else 'sent' end"
        )
        connection.exec_driver_sql(
            "update alerts set told = '{mail}', sent_at = noted_at + interval '3 seconds' where state = 'sent'"
        )
        connection.exec_driver_sql("update alerts set tries = 5, error = 'mail: no answer' where state = 'given-up'")


def _fill_wishes(database: DatabaseOperations) -> None:
    for number in range(40):
        subject = list(PRICES)[number % len(PRICES)]
        database.wishes.add(Wish(by="the page", action=WISHES[number % len(WISHES)], subject=subject, details={"number": number}))
    with database.engine.begin() as connection:
        connection.execute(sa.text("update wishes set at = at - (41 - id) * interval '17 minutes'"))
