"""How often somebody may try a password."""

import pytest

from app.sign_in import attempts
from app.sign_in.attempts import OF_ALL_NAMES, OF_ONE_NAME, WINDOW_SECONDS, Attempts


def tried(tries: Attempts, count: int, address: str = "192.0.2.1", name: str = "ada", now: float = 0.0) -> list[float]:
    return [tries.wait_seconds(address, name, now) for _ in range(count)]


def test_the_sixth_vain_attempt_under_a_name_has_to_wait():
    tries = Attempts()

    assert tried(tries, OF_ONE_NAME + 1, now=10.0) == [0] * OF_ONE_NAME + [WINDOW_SECONDS]


def test_each_attempt_is_forgiven_after_a_while():
    tries = Attempts()
    for at in range(OF_ONE_NAME):
        tries.wait_seconds("192.0.2.1", "ada", float(at))

    assert tries.wait_seconds("192.0.2.1", "ada", WINDOW_SECONDS - 1) == 1.0
    assert tries.wait_seconds("192.0.2.1", "ada", WINDOW_SECONDS) == 0
    assert tries.wait_seconds("192.0.2.1", "ada", WINDOW_SECONDS) > 0


def test_success_forgets_what_was_before():
    tries = Attempts()
    tried(tries, OF_ONE_NAME)
    tries.succeeded("192.0.2.1", "ada")

    assert tried(tries, OF_ONE_NAME) == [0] * OF_ONE_NAME


def test_a_stranger_locks_nobody_out_who_comes_from_elsewhere():
    tries = Attempts()
    tried(tries, 100, address="198.51.100.7")

    assert tried(tries, 1, address="192.0.2.1") == [0]


def test_names_are_not_tried_one_after_the_other_from_one_address():
    tries = Attempts()

    waits = [tries.wait_seconds("192.0.2.1", f"name{number}", 0.0) for number in range(OF_ALL_NAMES + 1)]

    assert waits == [0] * OF_ALL_NAMES + [WINDOW_SECONDS]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("2001:db8::1", "2001:db8::ffff", True), ("2001:db8::1", "2001:db8:0:1::1", False), ("::ffff:192.0.2.1", "192.0.2.1", True)],
)
def test_addresses_that_one_person_has_are_one(one: str, other: str, same: bool):
    tries = Attempts()
    tried(tries, OF_ONE_NAME, address=one)

    assert (tries.wait_seconds(other, "ada", 0.0) > 0) is same


def test_it_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attempts, "_MOST_KEYS", 50)
    tries = Attempts()
    for number in range(200):
        tried(tries, 1, address=f"10.0.0.{number}", name="x" * 10_000)

    assert len(tries._tries) == 50
    assert max(len(name or "") for _, name in tries._tries) == 64
