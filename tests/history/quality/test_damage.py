"""Every damage is found by the rule that it breaks and by no other, and nothing whole is complained about."""

import pytest

from history.quality import Order, QualityRun, Suite, run_quality
from tests.history.quality.damage import CANDLES, CONTROLS, NOW_US, SYMBOL, TRADES_DAMAGED, apply

pytestmark = pytest.mark.postgres


async def checked(database, suite: Suite) -> QualityRun:
    [run] = await run_quality(database, Order(symbols=(SYMBOL,), suite=suite), at_us=NOW_US)
    return run


def broken(run: QualityRun) -> set[str]:
    return {result.rule for result in run.failed}


@pytest.mark.parametrize("damage", CANDLES, ids=lambda damage: damage.name)
async def test_damaged_candles_are_found_by_the_right_rule(whole, damage):
    apply(whole, damage.sql)

    assert broken(await checked(whole, Suite.CANDLES)) == damage.rules


@pytest.mark.parametrize("damage", TRADES_DAMAGED, ids=lambda damage: damage.name)
async def test_damaged_trades_are_found_by_the_right_rule(whole, damage):
    apply(whole, damage.sql)

    assert broken(await checked(whole, Suite.TRADES)) == damage.rules


@pytest.mark.parametrize(("name", "sql"), CONTROLS, ids=[name for name, _ in CONTROLS])
async def test_what_is_whole_is_not_complained_about(whole, name, sql):
    apply(whole, sql)
    candles, trades = await checked(whole, Suite.CANDLES), await checked(whole, Suite.TRADES)

    assert (broken(candles), candles.success, candles.missing) == (set(), True, ())
    assert (broken(trades), trades.success, trades.missing) == (set(), True, ())


def test_every_rule_is_broken_in_two_ways_at_least():
    ways = [rule for damage in CANDLES for rule in damage.rules]
    of_trades = [rule for damage in TRADES_DAMAGED for rule in damage.rules]
    rare = [rule for found in (ways, of_trades) for rule in set(found) if found.count(rule) < 2]

    assert rare == []
    assert len(CANDLES) + len(TRADES_DAMAGED) >= 40
