"""A bot of which each candle is a minute, worked out by hand; fees are 0."""

from math import inf, nan

from market.timeframe import DAY_US, MINUTE_US, Timeframe
from tests.trading.accounts import FREE, flat
from tests.trading.bots.memory import Case, Delivered, allowed, begun
from trading.bots.hosts import Answer
from trading.bots.minutes import Minute
from trading.rules import FillAt, Listing, Rules
from trading.signal import Action, Signal

BTC, ETH = "OKX:BTC-USDT", "OKX:ETH-USDT"
DAY = 20_000


def case(*prices, symbols=(BTC,), start_us=DAY * DAY_US, listings=(), **rules):
    """Return a bot and minutes of these prices, the same for all symbols; None is a hole."""
    bars = [None if price is None else flat(price) for price in prices]
    minutes = [Minute(start_us + place * MINUTE_US, bar) for place, bar in enumerate(bars, 1)]
    listed = dict(zip(symbols, [*listings, Listing(), Listing()], strict=False))
    return Case(minutes=dict.fromkeys(symbols, minutes), timeframe=Timeframe.M1, rules=Rules(**{**FREE, **rules}), listings=listed)


def told(what, *targets, gate=allowed):
    """Return what a bot writes whose strategy wants these positions, a row for each candle."""
    minutes = Delivered(what.minutes)
    for symbol in what.minutes:
        minutes.deliver(symbol, what.count)
    bot = begun(what, minutes, None)
    wishes = iter(targets)
    while questions := bot.advance(1_000):
        wanted = next(wishes)
        for question, target in zip(questions, wanted if isinstance(wanted, tuple) else [wanted] * len(questions), strict=True):
            bot.answered(answer(question, target), gate)
    return bot.take_written("running", "", always=True)


def answer(question, target, **changed):
    stamp_us = int(question.timestamps_us[-1])
    said = {
        "timestamp_us": stamp_us,
        "signal": Signal(action=Action.HOLD, target=target),
        "error": None,
        "kind": "signal",
    } | changed
    return Answer(bot="bot", symbol=question.symbol, seconds=0.0, **said)


def refused(_bot, _number, _target):
    return "too much"


def outcomes(written):
    return [(signal.acted, signal.outcome) for signal in written.signals]


def fills(written):
    return [(trade.side, trade.reason, float(trade.size)) for trade in written.trades]


def test_a_refused_order_of_one_symbol_is_not_told_of_another():
    what = case(10.0, symbols=(BTC, ETH), listings=(Listing(), Listing(least_value=1e9)), fill_at=FillAt.CLOSE)
    written = told(what, (0.5, 0.5))

    assert outcomes(written) == [(True, "acted on"), (True, "refused: too small an order, or nothing to pay it with")]
    assert [order.state for order in written.orders] == ["filled"]


def test_what_the_limits_of_all_bots_refuse_is_kept_with_the_reason():
    written = told(case(10.0, 10.0), 1.0, 1.0, gate=refused)

    assert (outcomes(written), written.trades) == ([(False, "too much")] * 2, [])


def limited_after_the_first():
    asked = []
    return lambda *_: asked.append(1) or ("too much" if len(asked) > 1 else "")


def test_nothing_keeps_a_bot_from_leaving_or_from_selling_a_part():
    written = told(case(10.0, 10.0, 10.0, 10.0), 1.0, 0.5, 0.0, nan, gate=limited_after_the_first())

    assert [side for side, _, _ in fills(written)] == ["buy", "sell", "sell"]


def test_a_turn_that_is_refused_leaves_what_is_held():
    written = told(case(10.0, 10.0, 10.0, short=True), 1.0, -1.0, nan, gate=limited_after_the_first())

    assert [side for side, _, _ in fills(written)] == ["buy", "sell"]
    assert outcomes(written)[1] == (True, "too much; what was held is left")


def test_limits_are_not_asked_about_what_the_rules_forbid():
    asked = []
    told(case(10.0, 10.0, 10.0, 10.0, cooldown_bars=5), 1.0, 0.0, 1.0, 1.0, gate=lambda *_: asked.append(1) or "")

    assert asked == [1]


def test_a_loss_of_the_day_is_an_event_once_a_day():
    late = DAY * DAY_US - 4 * MINUTE_US  # the day ends behind the fourth minute
    written = told(
        case(10.0, 10.0, 8.0, 7.0, 7.0, 7.0, 7.0, 5.0, start_us=late, daily_loss=0.1), 1.0, 1.0, 1.0, 1.0, 0.0, *[1.0] * 3
    )

    assert [event.kind for event in written.events] == ["daily-loss", "daily-loss"]
    assert written.events[0].text.startswith("10.00% or more was lost since the UTC day began")


def test_a_hole_leaves_what_is_held_at_the_last_known_price_once():
    written = told(case(10.0, 10.0, None, None, 12.0), 1.0, nan, 0.0)

    assert [(trade.reason, float(trade.price)) for trade in written.trades] == [("entry", 10.0), ("hole", 10.0)]
    assert [event.kind for event in written.events] == ["hole"]
    assert len(written.signals) == 3  # there is no candle in a hole


def test_an_answer_that_is_not_waited_for_is_passed_over():
    what = case(10.0)
    minutes = Delivered(what.minutes)
    minutes.deliver(BTC, 1)
    bot = begun(what, minutes, None)
    (question,) = bot.advance(1)
    bot.answered(answer(question, 1.0, timestamp_us=5), allowed)

    assert bot.is_asking
    bot.answered(answer(question, 1.0), allowed)
    bot.answered(answer(question, 1.0), allowed)
    assert (bot.is_asking, len(bot.take_written("running", "").signals)) == (False, 1)


def test_what_a_strategy_said_that_is_no_signal_is_kept():
    what = case(10.0)
    minutes = Delivered(what.minutes)
    minutes.deliver(BTC, 1)
    bot = begun(what, minutes, None)
    (question,) = bot.advance(1)
    bot.answered(answer(question, 1.0, signal=None, error="expected a target", kind="refused"), allowed)

    (signal,) = bot.take_written("running", "").signals
    assert (signal.action, signal.confidence, signal.acted, signal.outcome) == ("refused", None, False, "expected a target")


def test_an_order_that_takes_the_place_of_another_is_filled_as_itself():
    """Each minute 500 may be filled: of the short order half is, and of the long one what leaves that."""
    written = told(case(10.0, 10.0, fill_at=FillAt.CLOSE, volume_share=0.5, short=True), -1.0, 1.0)

    assert [(order.side, order.target, order.state, float(order.filled)) for order in written.orders] == [
        ("sell", -1.0, "cancelled", 500.0), ("buy", 1.0, "working", 500.0),
    ]  # fmt: skip
    assert (written.orders[0].reason, [trade.order for trade in written.trades]) == ("another position is wanted", [1, 2])


def test_an_indicator_that_is_no_number_or_infinite_is_kept_as_unknown():
    what = case(10.0)
    minutes = Delivered(what.minutes)
    minutes.deliver(BTC, what.count)
    bot = begun(what, minutes, None)
    (question,) = bot.advance(10)
    signal = Signal(action=Action.HOLD, indicators={"a": nan, "b": inf, "c": 1.5})
    bot.answered(answer(question, nan, signal=signal), allowed)

    (row,) = bot.take_written("running", "").signals
    assert row.indicators == {"a": None, "b": None, "c": 1.5}
