"""A bot is the same function of stored minutes as a backtest, however they are delivered and however often it is restarted."""

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.timeframe import MINUTE_US, Timeframe
from tests.trading.bots.memory import BALANCE, Case, inconsistencies, minutes_by_chance, played
from tests.trading.markets import listings, rules
from trading.bots.executions import of_backtest, of_bot
from trading.bots.ledger import added
from trading.rules import FillAt


@st.composite
def cases(draw: st.DrawFn) -> Case:
    found, timeframe = draw(listings()), draw(st.sampled_from([Timeframe.M1, Timeframe.M5, Timeframe.M5]))
    minutes = minutes_by_chance(draw(st.integers(0, 2**32)), 5 * draw(st.integers(6, 26)), min(len(found), 2))
    return Case(
        minutes=minutes, timeframe=timeframe, rules=draw(rules()), listings=dict(zip(minutes, found, strict=False)),
        begin=draw(st.integers(0, 5)),
    )  # fmt: skip


@given(cases(), st.integers(0, 2**32))
@settings(max_examples=150)
def test_a_bot_fills_what_a_backtest_fills_to_the_last_digit(case, seed):
    told, result = played(case, Random(seed)), case.backtest()

    executions, holding = of_backtest(result, BALANCE)
    assert of_bot(told.trades, BALANCE)[0] == executions
    assert told.bot.account.ledger.cash == holding.cash
    broker, cash = told.bot.account.broker, float(BALANCE)
    for fill in result.outcome.fills:
        cash -= fill.size * fill.price + fill.fee
    assert (broker.equity, broker.cash, broker.refused) == (result.final_value, cash, result.outcome.sums.refused)


@st.composite
def with_whole_candles_missing(draw: st.DrawFn) -> Case:
    """Return minutes without some candles, of which none is the last; rules that look at the equity of a moment are left out.

    A bot learns of a hole behind the decision that a backtest, which knows it all, leaves out. So a fill at that close, and what
    the account is worth there before it is left, may differ.
    """
    case = draw(cases())
    minutes, parts = {}, case.timeframe.width_us // MINUTE_US
    for symbol, known in case.minutes.items():
        last, bars = len(known) // parts - 1, [minute.bar for minute in known]
        for _ in range(draw(st.integers(1, 3))):
            begin = draw(st.integers(min(case.begin + 1, last), last))
            end = min(begin + draw(st.integers(1, 5)), last)
            bars[begin * parts : end * parts] = [None] * ((end - begin) * parts)
        minutes[symbol] = [minute._replace(bar=bar) for minute, bar in zip(known, bars, strict=True)]
    rules = replace(case.rules, fill_at=FillAt.NEXT_OPEN, max_drawdown=0.0, daily_loss=0.0)
    return replace(case, minutes=minutes, rules=rules)


@given(with_whole_candles_missing(), st.integers(0, 2**32))
@settings(max_examples=100)
def test_where_candles_are_missing_for_good_it_fills_what_a_backtest_fills(case, seed):
    told, result = played(case, Random(seed)), case.backtest()

    executions, holding = of_backtest(result, BALANCE)
    assert of_bot(told.trades, BALANCE)[0] == executions
    assert told.bot.account.ledger.cash == holding.cash


@given(cases(), st.integers(0, 2**32))
@settings(max_examples=50)
def test_its_rows_do_not_contradict_each_other_and_its_ledger_adds_up(case, seed):
    told = played(case, Random(seed))

    assert inconsistencies(told) == []
    ledger, broker = told.bot.account.ledger, told.bot.account.broker
    ledger.check()
    sums = {}
    for posting in told.rows("postings"):
        sums[posting.account] = added(sums.get(posting.account, Decimal(0)), posting.amount)
    assert {name: amount for name, amount in sums.items() if amount} == {
        name: amount for name, amount in ledger.accounts.items() if amount
    }
    worth = broker.cash + sum(position.size * position.mark for position in broker.positions)
    assert float(ledger.equity(told.bot.account.marks)) == pytest.approx(worth, rel=1e-9, abs=1e-9 * broker_scale(told))
    assert [(row.timestamp_us, row.symbol) for row in told.rows("signals")] == asked_about(case)


def broker_scale(told):
    """Return the largest amount that was reckoned with: what rounding is measured by."""
    return max([float(BALANCE), *(float(trade.value) for trade in told.trades)])


def asked_about(case):
    """Return when each symbol has a whole candle of the timeframe, behind the begin of the account."""
    width_us, found = case.timeframe.width_us, []
    for moment_us in range(case.begins_us + width_us, case.first_us + case.count * MINUTE_US + 1, width_us):
        begin = (moment_us - width_us - case.first_us) // MINUTE_US
        for symbol, minutes in case.minutes.items():
            if all(minute.bar is not None for minute in minutes[begin : begin + width_us // MINUTE_US]):
                found.append((moment_us, symbol))
    return found


@st.composite
def with_holes(draw: st.DrawFn) -> Case:
    """Return minutes with holes, of which one may last to the end."""
    case = draw(cases())
    minutes = {}
    for symbol, known in case.minutes.items():
        bars = [minute.bar for minute in known]
        for _ in range(draw(st.integers(0, 3))):
            begin, length = draw(st.integers(0, len(bars) - 1)), draw(st.integers(1, 8) | st.just(len(bars)))
            bars[begin : begin + length] = [None] * len(bars[begin : begin + length])
        minutes[symbol] = [minute._replace(bar=bar) for minute, bar in zip(known, bars, strict=True)]
    return replace(case, minutes=minutes)


@given(cases() | with_holes(), st.integers(0, 2**32))
@settings(max_examples=60)
def test_whatever_is_delivered_and_however_often_it_is_restarted_the_rows_are_the_same(case, seed):
    told, undisturbed = played(case, Random(seed), restarts=0.3), played(case, Random(0), restarts=0.0, most=10**6)

    for name in ("signals", "trades"):
        assert [replace(row, caught_up=False) for row in told.rows(name)] == [
            replace(row, caught_up=False) for row in undisturbed.rows(name)
        ]
    assert [replace(order, caught_up=False) for order in told.orders.values()] == [
        replace(order, caught_up=False) for order in undisturbed.orders.values()
    ]
    for name in ("postings", "events"):
        assert told.rows(name) == undisturbed.rows(name)
    assert told.bot.state() == undisturbed.bot.state()
    assert inconsistencies(told) == []
