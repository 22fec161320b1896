import threading
from collections.abc import Callable

import pytest

from app import stores
from app.stores import Lost, Store
from market.errors import StoreBusy, StoreUnreachable
from tests.app.samples import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stores, "monotonic", clock)
    return clock


class Hanging:
    """A server that lets every client wait for two seconds."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.asked, self.away = clock, 0, True

    def answer(self) -> str:
        self.asked += 1
        if self.away:
            self.clock.now += 2.0
            raise StoreUnreachable("redis does not answer")
        return "here"


def test_lost_store_is_a_value(clock: Clock) -> None:
    lost: Lost = {}

    answer = Store("redis", lambda: Hanging(clock)).ask(Hanging.answer, "nothing", lost)

    assert answer == "nothing"
    assert lost == {"redis": "redis does not answer"}


def test_store_that_hangs_is_left_alone_for_a_while(clock: Clock) -> None:
    server = Hanging(clock)
    store = Store("redis", lambda: server)

    for _ in range(10):
        lost: Lost = {}
        store.ask(Hanging.answer, "nothing", lost)
        assert lost
        clock.now += 0.5

    assert server.asked == 1


def test_store_that_is_back_is_found(clock: Clock) -> None:
    server = Hanging(clock)
    store = Store("redis", lambda: server)
    store.ask(Hanging.answer, "nothing", {})
    server.away = False
    clock.now += 10.0
    lost: Lost = {}

    assert store.ask(Hanging.answer, "nothing", lost) == "here"
    assert not lost


def test_client_is_made_once_it_can_be(clock: Clock) -> None:
    made = []

    def connect() -> str:
        made.append(len(made))
        if len(made) == 1:
            raise StoreUnreachable("nothing runs")
        return "client"

    store = Store("database", connect)

    assert [store.ask(str.upper, None, {}) for _ in range(3)] == [None, "CLIENT", "CLIENT"]
    assert len(made) == 2


def test_a_question_that_was_given_up_silences_no_other_one(clock: Clock) -> None:
    store = Store("database", lambda: "client")

    def gives_up(_: str) -> str:
        clock.now += 15.0
        raise StoreBusy("PostgreSQL gave up")

    lost: Lost = {}

    assert store.ask(gives_up, "nothing", lost) == "nothing"
    assert lost == {"database": "PostgreSQL gave up"}
    assert store.ask(str.upper, "nothing", {}) == "CLIENT"


def test_the_client_is_there_for_wishes_while_reads_leave_the_store_alone(clock: Clock) -> None:
    server = Hanging(clock)
    store = Store("database", lambda: server)
    store.ask(Hanging.answer, "nothing", {})
    server.away = False

    assert store.client().answer() == "here"
    assert store.ask(Hanging.answer, "nothing", {}) == "nothing"


def test_who_knows_that_a_store_gave_up_waits_for_it_once(clock: Clock) -> None:
    asked = []

    def gives_up(_: str) -> str:
        asked.append(1)
        raise StoreBusy("PostgreSQL gave up")

    store, lost = Store("database", lambda: "client"), Lost()
    for _ in range(3):
        store.ask(gives_up, None, lost)

    assert len(asked) == 1


def in_threads(ask: Callable[[], object], count: int = 5) -> None:
    threads = [threading.Thread(target=ask) for _ in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def test_sessions_that_connect_at_once_wait_for_one_attempt() -> None:
    attempts, lost = [], [Lost() for _ in range(5)]

    def connect() -> str:
        attempts.append(threading.Event().wait(0.3))
        raise StoreUnreachable("PostgreSQL does not answer")

    store, each = Store("database", connect), iter(lost)
    in_threads(lambda: store.ask(str.upper, None, next(each)))

    assert len(attempts) == 1
    assert lost == [{"database": "PostgreSQL does not answer"}] * 5


def test_who_waited_for_the_vain_attempt_of_another_one_hears_of_it_and_keeps_the_time(clock: Clock) -> None:
    server = Hanging(clock)
    store = Store("redis", lambda: server)
    store.ask(Hanging.answer, None, {})  # left alone until 12 s
    clock.now += 9.0

    with pytest.raises(StoreUnreachable, match="redis does not answer"):
        store.check()
    store.ask(Hanging.answer, None, {})
    clock.now += 1.5

    store.check()


def test_reads_hear_of_a_connection_that_a_wish_could_not_make(clock: Clock) -> None:
    attempts = []

    def connect() -> str:
        clock.now += 2.0
        attempts.append(1)
        raise StoreUnreachable("PostgreSQL does not answer")

    store = Store("database", connect)
    with pytest.raises(StoreUnreachable):
        store.client()
    store.ask(str.upper, None, {})

    assert len(attempts) == 1
