from decimal import Decimal

import pytest

from db.bot_rows import PerformanceRow
from market import clock
from market.timeframe import DAY_US
from tests.db.bots import add, leased, step
from tests.trading.bots.memory import Delivered, begun
from tests.trading.bots.test_bot import BTC, DAY, case
from trading.bots.portfolio import Portfolio, PortfolioLimits
from trading.bots.risk import Risk
from trading.rules import Sizing

pytestmark = pytest.mark.postgres
NOON_US = DAY * DAY_US + DAY_US // 2


class Noon:
    def now_us(self):
        return NOON_US

    def monotonic(self):
        return 0.0


def worth(equity):
    amount = Decimal(equity)
    nothing = {"exposure": Decimal(0), "fees": Decimal(0), "profit": Decimal(0), "drawdown": 0.0}
    return PerformanceRow(timestamp_us=DAY * DAY_US - 1, equity=amount, cash=amount, **nothing)


def a_day(database, **equities):
    """Store bots that had 1,000 when the day began, and have so much now."""
    epochs = leased(database, *equities)
    early = {"acted_until_us": DAY * DAY_US, "performance": [worth(1_000)]}
    database.bots.write([step(bot, epochs[bot], **early, equity=Decimal(now), exposure={}) for bot, now in equities.items()])


def refreshed(database, *bots, **limits):
    portfolio = Portfolio(PortfolioLimits(**limits))
    risk = Risk(database, portfolio)
    with clock.using(Noon()):
        risk.refresh(0.0, bots)
    return risk, portfolio


def test_a_loss_counts_what_stopped_bots_lost_and_nothing_else(database):
    a_day(database, one=950, two=1_000)
    database.bots.wish("stopped", ["one"], by="a test")
    add(database, "new")

    assert refreshed(database, daily_loss=0.5)[1].lost == pytest.approx(0.025)


def test_a_loss_of_all_bots_is_told_once_a_day_by_whoever_sees_it(database):
    a_day(database, one=800)
    for _ in range(2):
        refreshed(database, daily_loss=0.1)

    (event,) = database.bots.events(kind="daily-loss")
    assert (event.bot, event.details) == (None, {"day": DAY})
    assert event.text == (
        "all bots together lost 20.00% today, and may lose 10.00% (bots.max_daily_loss); nothing new is entered until it ends"
    )


def test_less_than_the_limit_is_not_told(database):
    a_day(database, one=950)
    refreshed(database, daily_loss=0.1)

    assert database.bots.events(kind="daily-loss") == []


@pytest.mark.parametrize(
    ("rules", "target", "most"),
    [
        ({}, 1.0, 10_000.5),
        ({"size": 2.0}, 1.0, 10_000.5),
        ({"sizing": Sizing.VALUE, "size": 500.0}, 0.5, 250.0),
        ({"size": 0.5}, 0.5, 2_500.125),
    ],
)
def test_limits_are_asked_about_what_an_order_can_be_worth(database, rules, target, most):
    what = case(10.0, **rules)
    bot = begun(what, Delivered(what.minutes), None)

    assert refreshed(database, exposure=most)[0].gate(bot, 0, target) == ""
    assert refreshed(database, exposure=most - 0.01)[0].gate(bot, 0, target) != ""


def test_what_other_bots_hold_counts(database):
    epochs = leased(database, "other")
    database.bots.write([step("other", epochs["other"], exposure={BTC: -600.0})])
    what = case(10.0, sizing=Sizing.VALUE, size=500.0)
    bot = begun(what, Delivered(what.minutes), None)

    assert refreshed(database, exposure=1_099.0)[0].gate(bot, 0, 1.0).startswith("all bots hold 600.00; 500.00 more")


def test_an_order_that_works_counts_until_it_is_over(database):
    leased(database, "bot")
    what = case(10.0, sizing=Sizing.VALUE, size=500.0)
    bot, other = begun(what, Delivered(what.minutes), None), begun(what, Delivered(what.minutes), None)
    bot.account.broker.positions[0].wanted = 1.0

    assert refreshed(database, bot, exposure=999.0)[0].gate(other, 0, 1.0).startswith("all bots hold 500.00; 500.00 more")

    bot.account.broker.positions[0].forget_order()
    assert refreshed(database, bot, exposure=999.0)[0].gate(other, 0, 1.0) == ""
