"""A runner with bots of which some misbehave: these are restarted and parked, or refused, and the others run on as without them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from db.bot_rows import StoredBot
from db.operations import DatabaseOperations
from tests.db.bots import forget_waiting
from tests.trading.bots.running import FIRST, LAST, config_of, fill_to, put, running, strategies
from trading.bots.restarts import BUDGET, pause_after

WELL = {"long": config_of("long", "buy_and_hold"), "cross": config_of("cross", "sma_cross", parameters={"fast": 2, "slow": 4})}
SICK = {
    name: config_of(name, name, limits={"time_limit_seconds": 0.3}) for name in ("raises", "sleeps", "speaks", "strays", "foresees")
}
CANDLES = (LAST - FIRST) // 5


def kept(db: DatabaseOperations, bot: str) -> list[list[Any]]:
    """Return all that a bot wrote, but for what depends on when it was done."""
    rows = [db.bots.signals(bot), db.bots.orders(bot), db.bots.trades(bot), db.bots.postings(bot)]
    return [[replace(row, caught_up=False) if hasattr(row, "caught_up") else row for row in of_kind] for of_kind in rows]


def run(db: DatabaseOperations, folder: Path, configs: dict[str, dict[str, Any]]) -> dict[str, StoredBot]:
    """Run bots until those that crash are parked and the others acted on all minutes; return how they ended."""
    fill_to(db, FIRST)
    for config in configs.values():
        put(db, config)
    with running(db, folder) as work:
        work(lambda: all(bot.state == "running" for bot in db.bots.list()))
        fill_to(db, LAST)

        def done() -> bool:
            forget_waiting(db.engine)
            return all(bot.state == "parked" or len(db.bots.signals(bot.id)) == CANDLES for bot in db.bots.list())

        work(done)
    return {bot.id: bot for bot in db.bots.list()}


@pytest.mark.postgres
def test_bots_that_misbehave_are_restarted_and_parked_or_refused_and_the_others_run_on(plain_engine, empty_database_url, tmp_path):
    from db import schema
    from db.engine import create_engine

    crowded, alone = DatabaseOperations(plain_engine), DatabaseOperations(create_engine(empty_database_url))
    schema.upgrade(empty_database_url)
    folder = strategies(tmp_path)

    ended = run(crowded, folder, WELL | SICK)
    run(alone, folder, WELL)

    for bot, why in {"raises": "ValueError: no such price", "sleeps": "no answer within the 0.3 seconds"}.items():
        assert (ended[bot].state, ended[bot].wanted) == ("parked", "running")
        assert why in ended[bot].reason
        assert len(crowded.bots.events(bot, kind="crashed")) == 1 + BUDGET
        assert len(crowded.bots.events(bot, kind="leased")) == 1 + BUDGET
        [parked] = crowded.bots.events(bot, kind="parked")
        assert f"`tcpdash bots start {bot}`" in parked.text
        assert crowded.bots.trades(bot) == []
    for bot, why in {"speaks": "found nan", "strays": "expected the symbol OKX:BTC-USDT", "foresees": "from the future"}.items():
        signals = crowded.bots.signals(bot)
        assert {signal.action for signal in signals} == {"refused"}
        assert all(why in signal.outcome and not signal.acted for signal in signals)
        assert len(signals) == CANDLES
        assert crowded.bots.trades(bot) == crowded.bots.events(bot, kind="crashed") == []
    for bot in WELL:
        assert kept(crowded, bot) == kept(alone, bot)
        assert len(kept(alone, bot)[0]) == CANDLES
    assert len(crowded.bots.trades("long")) == 1
    alone.close()


@pytest.mark.parametrize(("crashes", "pause"), [(0, None), (1, 2.0), (2, 10.0), (3, 30.0), (4, None), (9, None)])
def test_pauses_grow_until_there_is_no_restart_any_more(crashes: int, pause: float | None):
    assert pause_after(crashes) == pause
