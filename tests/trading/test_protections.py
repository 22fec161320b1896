"""What keeps an account from trading on, each case worked out by hand."""

import pytest

from tests.trading.accounts import CHANGED, ENTRY, PROTECTION, STOP, flat, run, run_two, told


def test_after_leaving_there_is_no_entry_for_the_cooldown():
    broker = run([flat(10.0)] * 7, [1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0], cooldown_bars=3)

    assert [(fill.bar, fill.reason) for fill in broker.fills] == [(1, ENTRY), (2, CHANGED), (6, ENTRY)]


def test_a_turn_waits_for_the_cooldown_too():
    broker = run([flat(10.0)] * 7, [1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0], short=True, cooldown_bars=3)

    assert [(fill.bar, fill.reason) for fill in broker.fills] == [(1, ENTRY), (2, CHANGED), (6, ENTRY)]


@pytest.mark.parametrize(("within", "reasons"), [(3, [ENTRY, STOP, ENTRY, STOP, ENTRY]), (4, [ENTRY, STOP, ENTRY, STOP])])
def test_stops_count_together_within_so_many_bars(within, reasons):
    bars = [flat(10.0), flat(10.0), flat(8.0), flat(10.0), flat(10.0), flat(8.0), flat(8.0), flat(8.0)]
    targets = [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]
    broker = run(bars, targets, stop_loss=0.1, guard_stops=2, guard_within_bars=within, guard_pause_bars=50)

    assert [fill.reason for fill in broker.fills] == reasons


def test_a_stop_that_the_volume_fills_in_parts_is_one_stop():
    bars = [flat(10.0), flat(10.0), flat(8.0, 40.0), flat(8.0, 40.0), flat(8.0), flat(8.0), flat(8.0)]
    rules = {"stop_loss": 0.1, "volume_share": 1.0, "guard_stops": 2, "guard_within_bars": 10, "guard_pause_bars": 50}
    broker = run(bars, [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0], **rules)

    assert [(fill.bar, fill.reason) for fill in broker.fills] == [(1, ENTRY), (2, STOP), (3, STOP), (4, STOP), (6, ENTRY)]


def test_a_pause_after_stops_keeps_no_position_from_being_made_smaller():
    high, low = flat(10.0), flat(8.0)
    bars = [[high, high], [high, high], [low, high], [low, high]]
    rules = {"stop_loss": 0.1, "guard_stops": 1, "guard_within_bars": 10, "guard_pause_bars": 50}
    broker = run_two(bars, [[0.5, 0.5], [0.5, 0.5], [0.5, 0.25], [0.5, 0.25]], **rules)

    assert [(fill.symbol, fill.reason) for fill in broker.fills] == [(0, ENTRY), (1, ENTRY), (0, STOP), (1, CHANGED)]


def test_a_wish_for_nothing_during_a_pause_counts():
    bars = [flat(10.0), flat(10.0), *[flat(7.0)] * 5]
    broker = run(bars, [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0], max_drawdown=0.2, drawdown_pause_bars=2)

    assert [(fill.bar, fill.reason) for fill in broker.fills] == [(1, ENTRY), (3, PROTECTION), (5, ENTRY)]


def test_an_account_that_lost_everything_leaves_for_good_and_never_trades_again():
    bars = [flat(10.0), flat(10.0), flat(30.0), flat(25.0), flat(5.0), flat(5.0)]
    broker = run(bars, [-1.0, -1.0, -1.0, 1.0, -1.0, 1.0], short=True)

    assert told(broker) == [(1, ENTRY, 10.0, -100.0), (3, PROTECTION, 25.0, 100.0)]
    assert broker.equity == -500.0


def test_one_that_lost_everything_before_an_open_enters_nothing_there():
    broker = run([flat(10.0), flat(10.0), flat(30.0)], [-1.0, 0.5, 0.5], short=True)

    assert told(broker)[1:] == [(2, CHANGED, 30.0, 100.0)]


def test_after_too_many_stops_there_is_a_pause():
    falls = [flat(10.0), flat(10.0), flat(8.0)]
    targets = [1.0, 1.0, 0.0] * 3
    broker = run(falls * 3, targets, stop_loss=0.1, guard_stops=2, guard_within_bars=10, guard_pause_bars=50)

    assert [fill.reason for fill in broker.fills] == [ENTRY, STOP, ENTRY, STOP]


def test_a_deep_fall_leaves_all_for_good_or_for_a_pause():
    bars, targets = [flat(10.0), flat(10.0), flat(7.0), flat(7.0), flat(7.0), flat(7.0)], [1.0, 1.0, 1.0, 0.5, 0.5, 0.5]
    ever = run(bars, targets, max_drawdown=0.2)
    pause = run(bars, targets, max_drawdown=0.2, drawdown_pause_bars=2)

    assert [(fill.bar, fill.reason) for fill in ever.fills] == [(1, ENTRY), (3, PROTECTION)]
    assert [(fill.bar, fill.reason) for fill in pause.fills] == [(1, ENTRY), (3, PROTECTION), (5, ENTRY)]


def test_a_day_begins_with_what_the_account_was_worth_when_the_one_before_ended():
    bars, targets = [flat(10.0), flat(10.0), flat(7.0), flat(7.0), flat(6.9)], [1.0] * 5
    broker = run(bars, targets, daily_loss=0.2, days=[0, 0, 1, 1, 1])
    calm = run([flat(10.0), flat(10.0), flat(8.5), flat(7.0), flat(7.0)], targets, daily_loss=0.2, days=[0, 0, 0, 1, 1])

    assert [(fill.bar, fill.reason) for fill in broker.fills] == [(1, ENTRY), (3, PROTECTION)]
    assert [fill.reason for fill in calm.fills] == [ENTRY]


def test_a_loss_of_the_day_leaves_all_until_it_ends():
    bars, targets = [flat(10.0), flat(10.0), flat(7.0), flat(7.0), flat(7.0), flat(7.0)], [1.0, 1.0, 1.0, 0.5, 0.5, 0.5]
    broker = run(bars, targets, daily_loss=0.2, days=[0, 0, 0, 0, 1, 1])

    assert [(fill.bar, fill.reason) for fill in broker.fills] == [(1, ENTRY), (3, PROTECTION), (5, ENTRY)]
