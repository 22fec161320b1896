"""The exchange's clock, on clocks of our own."""

from replay.clock import ExchangeClock

FIRST, LAST, WALL = 1_723_161_240_000_000, 1_723_161_300_000_000, 1_800_000_000_000_000


class Hands:
    """Two clocks that are moved by hand; both in seconds since they were made."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return 1000.0 + self.seconds

    def wall(self) -> int:
        return WALL + int(self.seconds * 1_000_000)


def clock_of(hands: Hands, first_us: int | None = FIRST, last_us: int | None = LAST, **how) -> ExchangeClock:
    return ExchangeClock(first_us, last_us, wall=hands.wall, monotonic=hands.monotonic, **how)


def test_a_tape_is_held_at_its_start_until_it_is_released():
    hands = Hands()
    clock = clock_of(hands)
    hands.seconds = 3600.0
    held = clock.now_us()
    clock.release(0.2)
    hands.seconds += 0.2
    after_hold = clock.now_us()
    hands.seconds += 1.5

    assert (held, after_hold, clock.now_us()) == (FIRST, FIRST, FIRST + 1_500_000)


def test_a_tape_freezes_at_its_end():
    hands = Hands()
    clock = clock_of(hands, speed=100.0)
    clock.release(0.0)
    hands.seconds = 0.5
    before = clock.now_us()
    hands.seconds = 3600.0

    assert (before, clock.now_us()) == (FIRST + 50_000_000, LAST)
    assert (clock.is_end(before), clock.is_end(clock.now_us())) == (False, True)


def test_a_second_listener_does_not_start_the_tape_again():
    hands = Hands()
    clock = clock_of(hands)
    clock.release(0.0)
    hands.seconds = 10.0
    clock.release(0.0)

    assert clock.now_us() == FIRST + 10_000_000


def test_a_shifted_tape_begins_when_it_is_released():
    hands = Hands()
    clock = clock_of(hands, shift_to_now=True)
    hands.seconds = 5.0
    held = clock.now_us()
    clock.release(0.2)
    hands.seconds = 6.2

    assert held == WALL + 5_000_000
    assert clock.offset_us == WALL + 5_200_000 - FIRST
    assert clock.now_us() == WALL + 6_200_000


def test_a_generated_market_runs_at_once_and_for_ever():
    hands = Hands()
    clock = clock_of(hands, None, None, speed=60.0)
    hands.seconds = 7200.0

    assert clock.now_us() == WALL + 60 * 7_200_000_000
    assert not clock.is_end(clock.now_us())


def test_no_time_passes_in_a_pause():
    hands = Hands()
    clock = clock_of(hands)
    clock.release(0.0)
    hands.seconds = 1.0
    clock.pause()
    hands.seconds = 100.0
    paused = clock.now_us()
    clock.resume()
    hands.seconds = 102.0

    assert (paused, clock.now_us()) == (FIRST + 1_000_000, FIRST + 3_000_000)


def test_time_is_in_whole_milliseconds():
    hands = Hands()
    clock = clock_of(hands, speed=3.0)
    clock.release(0.0)
    hands.seconds = 1.2345678

    assert clock.now_us() == FIRST + 3_703_000
