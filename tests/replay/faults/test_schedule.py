"""When faults strike, on moments made by hand."""

from replay.faults.seam import Moment
from replay.faults.spec import parse_fault
from replay.faults.trouble import Dice, Schedule


def strikes_of(text: str, *, until: int = 100, step: float = 1.0, seed: int = 1) -> tuple[list[float], list[float]]:
    """Return the seconds since the first subscription at which strikes began, and those at which it was on."""
    schedule = Schedule(parse_fault(text), Dice(seed, 0))
    begun, on = [], []
    for number in range(round(until / step)):
        seconds = number * step
        schedule.move(Moment(500.0 + seconds, seconds, int(seconds * 1_000_000)))
        if schedule.begun:
            begun.append(seconds)
        if schedule.is_on:
            on.append(seconds)
    return begun, on


def test_nothing_with_a_time_happens_before_the_first_subscription():
    schedule = Schedule(parse_fault("drop:at=0"), Dice(1, 0))
    schedule.move(Moment(500.0, None, 0))

    assert not schedule.is_on


def test_at_is_counted_from_the_first_subscription():
    assert strikes_of("drop:at=7,for=3") == ([7], [7, 8, 9])


def test_every_begins_with_itself_or_at_its_time():
    assert strikes_of("drop:every=30,for=2") == ([30, 60, 90], [30, 31, 60, 61, 90, 91])
    assert strikes_of("drop:every=40,at=5,for=1")[0] == [5, 45, 85]


def test_a_strike_without_duration_is_on_at_its_moment_only():
    assert strikes_of("drop:at=7,for=0") == ([7], [7])


def test_at_may_be_a_moment_of_the_market():
    assert strikes_of("drop:at=1970-01-01T00:00:20,for=1")[0] == [20]


def test_what_happens_to_all_happens_once_after_ten_seconds_if_nothing_is_said():
    assert strikes_of("drop")[0] == [10]


def test_chance_of_what_happens_to_all_is_drawn_each_second_or_each_time():
    seconds, often = strikes_of("drop:p=0.3,for=0", until=1000)[0], strikes_of("drop:every=10,p=0.3,for=0", until=10_000)[0]

    assert 230 < len(seconds) < 370
    assert 230 < len(often) < 370
    assert all(second % 10 == 0 for second in often)
    assert strikes_of("drop:p=0.3,for=0", until=1000, seed=2)[0] != seconds


def test_the_rest_is_on_all_the_time_if_nothing_is_said():
    assert strikes_of("duplicate", until=3) == ([], [0, 1, 2])
    assert strikes_of("rest-429:p=0.5", until=3)[1] == [0, 1, 2]


def test_a_time_without_a_duration_is_for_the_next_one_only():
    assert Schedule(parse_fault("duplicate:every=5"), Dice(1, 0)).one_shot
    assert not Schedule(parse_fault("duplicate:every=5,for=1"), Dice(1, 0)).one_shot
    assert not Schedule(parse_fault("duplicate"), Dice(1, 0)).one_shot


def test_strikes_that_were_slept_through_are_one():
    assert strikes_of("drop:every=2,for=1", until=60, step=20)[0] == [20, 40]


def test_chance_is_the_same_for_the_same_thing_and_even():
    dice, again, other = Dice(1, 0), Dice(1, 0), Dice(1, 1)
    draws = [dice.draw(number, b"frame") for number in range(1000)]

    assert draws == [again.draw(number, b"frame") for number in range(1000)]
    assert draws != [other.draw(number, b"frame") for number in range(1000)]
    assert all(0 <= draw < 1 for draw in draws)
    assert 450 < sum(draw < 0.5 for draw in draws) < 550
