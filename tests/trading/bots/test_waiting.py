from collections.abc import Callable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from trading.bots.waiting import SECLUDED_SECONDS, Asking, Waiting


def asking(bot: str, number: int) -> Asking:
    return Asking(number=number, bot=bot, symbol="", timestamp_us=0, message=b"", limit_seconds=1.0)


def taken(waiting: Waiting, *, secluded: bool = False) -> Iterator[Asking]:
    while (each := waiting.next(secluded=secluded)) is not None:
        yield each


def queue(text: str) -> Waiting:
    waiting = Waiting()
    for number, bot in enumerate(text):
        waiting.add(asking(bot, number), 0.0)
    return waiting


def test_one_question_of_a_bot_is_under_way_at_a_time():
    waiting = queue("aab")

    first = list(taken(waiting))
    for each in first:
        waiting.done(each, 0.0)

    assert [each.number for each in first] == [0, 2]
    assert [each.number for each in taken(waiting)] == [1]


def test_a_question_that_is_put_back_is_the_next():
    waiting = queue("abc")
    first = waiting.next(secluded=False)
    assert first is not None

    waiting.back(first, 0.0)

    assert [each.number for each in taken(waiting)] == [0, 1, 2]


def test_a_bot_that_failed_waits_apart_for_an_hour():
    waiting = Waiting()
    waiting.seclude("a", 100.0)
    waiting.add(asking("a", 1), 100.0)
    waiting.add(asking("b", 2), 100.0)

    assert [each.bot for each in taken(waiting)] == ["b"]
    assert [each.bot for each in taken(waiting, secluded=True)] == ["a"]
    assert waiting.secluded("a", 99.0 + SECLUDED_SECONDS)
    assert not waiting.secluded("a", 100.0 + SECLUDED_SECONDS)


def test_what_a_bot_waits_for_is_forgotten_when_it_is_dropped():
    waiting = queue("aaba")
    under_way = waiting.next(secluded=False)
    assert under_way is not None

    waiting.drop("a")
    waiting.add(asking("a", 9), 0.0)

    assert [each.number for each in taken(waiting)] == [2]
    waiting.done(under_way, 0.0)
    assert [each.number for each in taken(waiting)] == [9]


def test_a_question_that_was_cancelled_is_not_put_back():
    waiting = queue("ab")
    under_way = waiting.next(secluded=False)
    assert under_way is not None
    under_way.cancelled = True

    waiting.back(under_way, 0.0)

    assert [each.number for each in taken(waiting)] == [1]


class Pool:
    """Questions that are asked, lost and answered in any order, with what came of them."""

    def __init__(self) -> None:
        self.waiting, self.number = Waiting(), 0
        self.under_way: list[Asking] = []
        self.answered: list[Asking] = []

    def add(self, pick: int) -> None:
        self.waiting.add(asking("abc"[pick % 3], self.number), 0.0)
        self.number += 1

    def seclude(self, pick: int) -> None:
        self.waiting.seclude("abc"[pick % 3], 0.0)

    def next(self, pick: int) -> None:
        self.under_way += [each for each in [self.waiting.next(secluded=bool(pick % 2))] if each is not None]

    def done(self, pick: int) -> None:
        if self.under_way:
            self.answered.append(self.under_way.pop(pick % len(self.under_way)))
            self.waiting.done(self.answered[-1], 0.0)

    def back(self, pick: int) -> None:
        if self.under_way:
            self.waiting.back(self.under_way.pop(pick % len(self.under_way)), 0.0)


@given(
    st.lists(st.tuples(st.sampled_from([Pool.add, Pool.next, Pool.done, Pool.back, Pool.seclude]), st.integers(0, 5)), max_size=60)
)
def test_every_question_is_asked_once_and_those_of_a_bot_in_their_order(steps: list[tuple[Callable[[Pool, int], None], int]]):
    pool = Pool()
    for step, pick in steps:
        step(pool, pick)
        assert len({each.bot for each in pool.under_way}) == len(pool.under_way)
    for _ in range(pool.number):
        for pick in (0, 1):
            pool.next(pick)
            pool.done(0)

    assert sorted(each.number for each in pool.answered) == list(range(pool.number))
    assert all(
        numbers == sorted(numbers) for numbers in ([each.number for each in pool.answered if each.bot == bot] for bot in "abc")
    )
