"""A bot beside a backtest: what is the same is no difference, and each difference is named with its reason."""

from dataclasses import replace
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.bot_rows import EventRow, SignalRow, TradeRow
from market.timeframe import MINUTE_US
from tests.trading.bars import strategies
from tests.trading.bots.runs import BALANCE, SYMBOLS, WIDTH, Run, run_of, stored_minutes
from tests.trading.markets import order_styles
from trading.backtest.backtest import Backtest
from trading.bots.evidence import Cause
from trading.bots.explain import Explanation
from trading.frames import timestamps_us
from trading.registry import Registry
from trading.rules import FillAt, Rules
from trading.strategies import SHIPPED

NAME = SYMBOLS[0]
CROSS = Registry().create("sma_cross", {"fast": 2, "slow": 4})
RULES = Rules(taker_fee=0.001)
TEST = Backtest(CROSS, WIDTH, rules=RULES, balance=float(BALANCE), allow_holes=True, inside="1m")
STYLES = order_styles()


@cache
def usual() -> Run:
    """Return a bot that did as the backtest, 200 candles long."""
    run = run_of(stored_minutes(3, 1_000, quiet=0.0), TEST)
    assert len(run.told.trades) > 20
    return run


def changed(rows: list[TradeRow], place: int, **values: object) -> list[TradeRow]:
    """Return rows with one that is another."""
    return [*rows[:place], replace(rows[place], **values), *rows[place + 1 :]]


def causes(explanation: Explanation) -> list[tuple[str, Cause, bool]]:
    """Return kind, reason and whether it follows, of each difference."""
    return [(each.kind, each.cause, each.follows) for each in explanation.differences]


# -- no difference -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=20)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(SHIPPED), symbols=st.integers(1, 2))
def test_a_bot_that_did_as_the_backtest_has_no_difference(style, data, seed, kind, symbols):
    drawn = data.draw(STYLES[style])
    rules = replace(drawn, volatility_bars=3, maker_fee=round(drawn.maker_fee, 6), taker_fee=round(drawn.taker_fee, 6))
    test = replace(TEST, strategy=data.draw(strategies(kind)), rules=rules)

    run = run_of(stored_minutes(seed, 5 * data.draw(st.integers(2, 40)), symbols=symbols), test)
    found = run.explained()

    assert found.differences == ()
    assert found.bot == found.backtest
    assert all(line.same for line in found.lines)
    assert (found.trades, len(found.lines), found.later) == (len(run.told.trades), run.result.outcome.sums.fills, 0)
    assert found.signals == run.result.market.there.sum()
    reckoned = run.explained(performance=())
    assert (reckoned.bot, reckoned.differences) == (found.bot, ())


def test_equity_is_exact():
    found = usual().explained()

    assert found.bot == usual().told.trades[-1].cash + usual().told.trades[-1].position * Decimal(repr(_last_close()))
    assert float(found.backtest) == pytest.approx(usual().result.final_value, rel=1e-12)


def _last_close() -> float:
    return float(usual().result.market.close[-1, 0])


def test_what_the_bot_did_behind_the_last_close_is_counted_and_not_compared():
    trades = list(usual().told.trades)
    later = replace(trades[-1], timestamp_us=int(usual().result.market.closes_us[-1]) + MINUTE_US)

    found = usual().explained(trades=[*trades, later])

    assert (found.differences, found.later) == ((), 1)


def test_signals_that_are_not_kept_any_more_are_no_difference():
    assert usual().explained(signals=usual().told.signals[100:]).differences == ()
    assert usual().explained(signals=()).signals == 0


def test_signals_that_are_forgotten_are_not_taken_for_never_said():
    said = usual().told.signals
    until_us = said[150].timestamp_us
    kept = [row for place, row in enumerate(said) if place % 10 == 0 or row.timestamp_us >= until_us]

    found = usual().explained(signals=kept, forgotten_us=until_us)

    assert 0 < len(kept) < len(said)
    assert (found.differences, found.signals) == ((), len(kept))
    assert usual().explained(signals=kept).differences != ()


# -- one difference each -------------------------------------------------------------------------------------------------

PLACES = st.integers(0, 20)


@given(place=PLACES)
def test_a_price_that_nothing_explains_is_a_price(place):
    trades = list(usual().told.trades)

    found = usual().explained(trades=changed(trades, place, price=trades[place].price * 2))

    assert [each.cause for each in found.differences] == [Cause.PRICE]
    assert found.differences[0].minute_us == trades[place].timestamp_us
    assert [line.same for line in found.lines].count(False) == 1


@given(place=PLACES)
def test_a_minute_that_was_revised_is_a_revised_candle(place):
    row = usual().told.trades[place]
    trades = changed(list(usual().told.trades), place, price=row.price + 1)

    found = usual().revised(NAME, row.timestamp_us).explained(trades=trades)

    assert causes(found) == [("trade", Cause.REVISED, False)]
    assert "it had revision 0, stored is 1" in found.differences[0].sentence
    again = usual().revised(NAME, row.timestamp_us).explained(trades=trades, signals=())  # they are not kept for ever
    assert causes(again) == causes(found)


@given(place=PLACES)
def test_a_candle_that_was_revised_behind_a_signal_is_a_revised_candle(place):
    run, row = usual(), usual().told.trades[place]
    decided_us = row.timestamp_us - MINUTE_US
    told = [_other_wish(each) if each.timestamp_us == decided_us else each for each in run.told.signals]
    trades = [each for each in run.told.trades if each is not row]

    found = run.revised(NAME, decided_us - 2 * MINUTE_US).explained(trades=trades, signals=told)

    assert causes(found) == [("signal", Cause.REVISED, False), ("trade", Cause.REVISED, False)]


def _other_wish(row: SignalRow) -> SignalRow:
    return replace(row, action="hold", target=None)


def test_a_revision_that_changed_nothing_is_no_difference():
    assert usual().revised(NAME, usual().told.trades[3].timestamp_us).explained().differences == ()


@given(place=PLACES, rate=st.sampled_from([0.0, 0.0005, 0.002]))
def test_another_fee_is_a_fee(place, rate):
    row = usual().told.trades[place]

    found = usual().explained(trades=changed(list(usual().told.trades), place, fee=row.value * Decimal(str(rate))))

    assert causes(found) == [("trade", Cause.FEE, False)]
    assert f"a fee of {rate:.6%}, the backtest one of 0.100000%" in found.differences[0].sentence


@given(place=PLACES)
def test_a_fill_that_is_not_there_for_no_reason_that_is_stored_is_a_rule(place):
    row = usual().told.trades[place]

    found = usual().explained(trades=[each for each in usual().told.trades if each is not row])

    assert causes(found) == [("trade", Cause.RULE, False)]
    assert found.differences[0].bot == "nothing"
    assert found.differences[0].backtest.startswith(f"{row.side} {row.size} at {row.price}, fee {row.fee} ({row.reason})")


def test_a_signal_on_which_nothing_was_done_says_why():
    row, outcome = usual().told.trades[4], "all bots together hold 80 % of what they may"
    signals = [
        replace(each, acted=False, outcome=outcome) if each.timestamp_us == row.timestamp_us - MINUTE_US else each
        for each in usual().told.signals
    ]

    found = usual().explained(signals=signals, trades=[each for each in usual().told.trades if each is not row])

    assert causes(found) == [("trade", Cause.RULE, False)]
    assert outcome in found.differences[0].sentence


def test_a_fill_that_only_the_bot_has_is_told():
    row = usual().told.trades[4]
    more = replace(row, timestamp_us=row.timestamp_us + MINUTE_US, number=99)

    found = usual().explained(trades=[*usual().told.trades[:5], more, *usual().told.trades[5:]])

    assert [(each.cause, each.backtest) for each in found.differences] == [(Cause.RULE, "nothing")]


@given(place=PLACES, minutes=st.integers(1, 3))
def test_what_was_filled_later_as_a_candle_came_late_is_one_difference(place, minutes):
    row = usual().told.trades[place]
    late = changed(list(usual().told.trades), place, timestamp_us=row.timestamp_us + minutes * MINUTE_US, caught_up=True)

    found = usual().explained(trades=late)

    assert causes(found) == [("trade", Cause.LATE, False)]
    assert found.differences[0].minute_us == row.timestamp_us


@settings(max_examples=10)
@given(place=PLACES)
def test_a_minute_that_is_not_stored_any_more_is_missing_data(place):
    run, lost_us = usual(), usual().told.trades[place].timestamp_us
    stored = {NAME: run.minutes[NAME][timestamps_us(run.minutes[NAME]) != lost_us]}
    lacking = replace(run_of(stored, TEST), told=run.told)

    found = lacking.explained()

    assert found.differences[0].cause is Cause.MISSING
    assert {each.cause for each in found.differences} == {Cause.MISSING}
    assert any("is not stored whole" in each.sentence for each in found.differences)


def test_a_minute_that_lacks_trades_is_missing_data():
    run, row = usual(), usual().told.trades[4]
    frame = run.minutes[NAME].copy()
    frame.loc[timestamps_us(frame) == row.timestamp_us, "complete"] = False

    found = replace(run, minutes={NAME: frame}).explained(trades=[each for each in run.told.trades if each is not row])

    assert causes(found) == [("trade", Cause.MISSING, False)]


def test_a_hole_that_was_healed_later_is_missing_data():
    row = usual().told.trades[4]
    hole = EventRow(kind="hole", text="", details={"symbol": NAME, "from_us": row.timestamp_us - MINUTE_US})

    found = usual().explained(trades=[each for each in usual().told.trades if each is not row], events=[hole])
    other = replace(hole, details={**hole.details, "symbol": "OKX:ETH-USDT"})

    assert causes(found) == [("trade", Cause.MISSING, False)]
    assert usual().explained(events=[hole]).differences == ()
    assert causes(usual().explained(trades=usual().told.trades[1:], events=[other])) == [("trade", Cause.RULE, False)]


# -- stopped, configured -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("from_now", "says"), [(True, False), (False, False), (True, True)])
def test_what_was_left_out_while_the_bot_was_stopped_is_named_so(from_now, says):
    run = usual()
    begin_us, end_us = run.told.trades[3].timestamp_us - 1, run.told.trades[6].timestamp_us
    started = EventRow(kind="started", text="", at_us=end_us, details={"from_now": from_now})
    stopped = [EventRow(kind="stopped", text="", at_us=begin_us), started]
    if says:  # in the time of the market, which that of the database is not where a tape is played
        stopped = [
            EventRow(kind="stopped", text="", at_us=2**60), replace(started, at_us=2**60),
            EventRow(kind="going-on", text="", at_us=2**60, details={"skipped_us": [begin_us, end_us]}),
        ]  # fmt: skip
    kept = [each for each in run.told.trades if not begin_us < each.timestamp_us <= end_us]
    signals = [each for each in run.told.signals if not begin_us < each.timestamp_us <= end_us]

    found = run.explained(trades=kept, signals=signals, events=stopped)

    expected = Cause.STOPPED if from_now else Cause.RULE
    assert {each.cause for each in found.differences} == {expected}
    assert sum(each.kind == "trade" for each in found.differences) == 4
    silent = [each for each in found.differences if each.kind == "signal"]
    assert sum(each.candles for each in silent) == len(run.told.signals) - len(signals)
    assert len(silent) == 1


def test_a_bot_that_ran_under_other_rules_before_it_was_configured_anew_is_told_so():
    minutes = stored_minutes(3, 1_000, quiet=0.0)
    run = run_of(minutes, TEST, bot_rules=replace(RULES, stop_loss=0.004))
    late_us = int(run.result.market.closes_us[-1])
    event = EventRow(
        kind="configured", text="", at_us=late_us, details={"changes": {"stops.stop_loss": [0.004, 0.0], "name": ["", "x"]}}
    )

    found = run.explained(events=[event])

    assert found.differences[0].cause is Cause.RULE
    assert found.differences[0].sentence == "the bot ran with stops.stop_loss 0.004, which is 0.0 now"
    assert all(each.follows and each.cause is Cause.RULE for each in found.differences[1:] if each.cause is not Cause.PRICE)
    reset = run.explained(events=[event, EventRow(kind="reset", text="")])
    assert "nothing that is stored is the reason" in reset.differences[0].sentence


def test_a_bot_that_ran_with_other_fees_is_told_so():
    run = run_of(stored_minutes(3, 1_000, quiet=0.0), TEST, bot_rules=replace(RULES, taker_fee=0.002))
    event = EventRow(kind="configured", text="", at_us=2**60, details={"changes": {"fees": [{"taker": 0.002}, {"taker": 0.001}]}})

    assert {each.cause for each in run.explained().differences} == {Cause.FEE}
    told = run.explained(events=[event]).differences
    assert {each.cause for each in told} == {Cause.FEE}
    assert "the bot ran with fees {'taker': 0.002}" in told[0].sentence


def test_other_parameters_are_a_configuration():
    other = replace(TEST, strategy=Registry().create("sma_cross", {"fast": 3, "slow": 7}))
    minutes = stored_minutes(3, 1_000, quiet=0.0)
    run = replace(run_of(minutes, TEST), result=run_of(minutes, other).result)
    event = EventRow(kind="configured", text="", at_us=2**60, details={"changes": {"parameters.fast": [2, 3]}})

    found = run.explained(events=[event])

    assert found.differences[0].cause is Cause.CONFIGURATION
    assert {each.cause for each in found.differences} == {Cause.CONFIGURATION}


# -- what follows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("revised", "cause"), [(True, Cause.REVISED), (False, Cause.PRICE)])
def test_sizes_that_differ_only_because_the_account_does_follow_from_the_first_difference(revised, cause):
    minutes = stored_minutes(3, 1_000, quiet=0.0)
    first_us = usual().told.trades[0].timestamp_us
    seen = minutes[NAME].copy()
    place = timestamps_us(seen) == first_us
    seen.loc[place, "open"] *= 1.01
    seen.loc[place, "high"] = seen.loc[place, ["open", "high"]].max(axis=1)
    run = run_of(minutes, TEST, bot_minutes={NAME: seen})

    found = (run.revised(NAME, first_us) if revised else run).explained()

    assert found.differences[0].minute_us == first_us
    assert found.differences[0].follows is False
    assert len(found.differences) == len(found.lines) > 20
    assert {each.cause for each in found.differences} == {cause}
    assert all(each.follows for each in found.differences[1:])
    assert found.differences[5].sentence.startswith("the size follows from an earlier difference: ")
    assert found.bot != found.backtest


def test_another_close_at_the_end_is_a_difference_of_equity():
    run = usual()
    value = replace(run.told.performance[0], equity=run.told.performance[0].equity + 1)

    assert causes(run.explained(performance=[value])) == [("equity", Cause.PRICE, False)]


def test_another_price_of_a_candle_is_told_of_its_signal():
    signals = [replace(each, price=each.price + 1) if place == 7 else each for place, each in enumerate(usual().told.signals)]

    assert causes(usual().explained(signals=signals)) == [("signal", Cause.PRICE, False)]


def test_a_refused_signal_is_a_rule():
    row = next(each for each in usual().told.signals if each.target)
    refused = replace(row, action="refused", target=None, outcome="the signal is of the future")
    signals = [refused if each is row else each for each in usual().told.signals]

    found = usual().explained(signals=signals)

    assert causes(found) == [("signal", Cause.RULE, False)]
    assert "the signal is of the future" in found.differences[0].sentence


def test_what_is_filled_at_a_close_follows_from_what_was_said_there():
    run = run_of(stored_minutes(3, 1_000, quiet=0.0), replace(TEST, rules=replace(RULES, fill_at=FillAt.CLOSE)))
    row = run.told.trades[4]
    signals = [_other_wish(each) if each.timestamp_us == row.timestamp_us else each for each in run.told.signals]

    found = run.explained(trades=[each for each in run.told.trades if each is not row], signals=signals)

    assert causes(found) == [("signal", Cause.RULE, False), ("trade", Cause.RULE, True)]
