import pytest

from tests.db.bots import add, end_leases, forget_waiting
from trading.bots.leases import Leases

pytestmark = pytest.mark.postgres


def test_two_runners_never_have_one_bot_at_once(database):
    add(database, "a", "b", "c")
    one, two = Leases(database, "one", most=2), Leases(database, "two", most=5)

    assert [bot.id for bot in one.look(0.0, []).taken] == ["a", "b"]
    assert [bot.id for bot in two.look(0.0, []).taken] == ["c"]
    assert one.look(0.5, []) is None  # too early


def test_what_another_one_took_is_gone_and_is_not_given_back(database, engine):
    add(database, "a")
    one, two = Leases(database, "one", most=5), Leases(database, "two", most=5)
    one.look(0.0, [])
    end_leases(engine)
    two.look(0.0, [])
    changes = one.look(1.0, [])

    assert (changes.gone, changes.taken, one.held) == ({"a"}, [], {})
    assert database.bots.get("a").lease_owner == "two"


def test_a_changed_configuration_is_taken_anew_under_another_epoch(database):
    add(database, "a")
    leases = Leases(database, "one", most=5)
    before = leases.look(0.0, []).taken[0]
    database.bots.put_config("a", {"strategy": "other"}, digest="d2", file="a.json", autostart=True)
    changes = leases.look(1.0, [])

    assert changes.gone == {"a"}
    assert (changes.taken[0].config, changes.taken[0].lease_epoch > before.lease_epoch) == ({"strategy": "other"}, True)


def test_a_bot_that_crashes_is_restarted_three_times_and_then_parked_until_a_person_starts_it(database, engine):
    add(database, "a")
    leases, states = Leases(database, "one", most=5), []
    for turn in range(5):
        forget_waiting(engine)
        if leases.look(float(turn), []).taken:
            leases.crashed("a", "it fell over")
        states.append(database.bots.get("a").state)

    assert states == ["crashed"] * 3 + ["parked"] * 2
    assert database.bots.events("a", kind="parked")[-1].text == (
        "crashed 4 times within an hour, the last time: it fell over; `tcpdash bots start a` starts it again"
    )
    database.bots.wish("running", ["a"], by="a test")
    assert [bot.id for bot in leases.look(9.0, []).taken] == ["a"]


def test_all_are_given_back_at_the_end(database):
    add(database, "a", "b")
    leases = Leases(database, "one", most=5)
    leases.look(0.0, [])
    leases.give_back()

    assert {(bot.lease_owner, bot.reason) for bot in database.bots.list()} == {(None, "its runner stopped")}
