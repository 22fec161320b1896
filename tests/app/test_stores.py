import pytest

from app import stores
from app.stores import Lost, Store
from market.errors import StoreUnreachable
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
