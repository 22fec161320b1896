from collections.abc import Iterable
from types import SimpleNamespace

import pytest

from trading.bots.watch import LOOK_SECONDS, Watch

LIMITS = {"a": 5.0}
STUCK_LOOKS = round(110 / LOOK_SECONDS) + 2
"""A minute and ten times five seconds; the first look only notes how far it is."""


def bot(at: int = 0, answers: int = 0, *, asking: bool = True, behind: bool = True):
    return SimpleNamespace(id="a", progress=(at, answers), is_asking=asking, is_behind=behind)


def looked(watch: Watch, bots: Iterable[object], *, every: float = LOOK_SECONDS) -> list[dict[str, str]]:
    return [watch.look(number * every, [each], LIMITS) for number, each in enumerate(bots)]  # type: ignore[list-item]


@pytest.mark.parametrize("still", [bot(), bot(asking=False), bot(behind=False)])
def test_a_bot_that_does_not_come_on_is_late_and_then_stuck(still):
    watch = Watch(lambda _: "")
    late = round(60 / LOOK_SECONDS) + 1

    early = looked(watch, [still] * late)
    assert watch.is_well("a")
    looks = early + [watch.look((late + number) * LOOK_SECONDS, [still], LIMITS) for number in range(STUCK_LOOKS - late)]
    assert not watch.is_well("a")

    assert looks[-1]["a"].startswith("acts on nothing for 1")
    assert looks[:-2] == [{}] * (STUCK_LOOKS - 2)
    assert watch.reason("a") == looks[-1]["a"]


@pytest.mark.parametrize(
    "bots",
    [
        [bot(number) for number in range(200)],
        [bot(0, number) for number in range(200)],
        [bot(number // 15) for number in range(200)],
        [bot(asking=False, behind=False)] * 200,
    ],
    ids=["minutes", "answers", "slowly", "nothing to do"],
)
def test_a_bot_that_comes_on_or_has_nothing_to_do_is_well(bots):
    watch = Watch(lambda _: "")

    assert looked(watch, bots) == [{}] * len(bots)
    assert (watch.is_well("a"), watch.reason("a")) == (True, "")


def test_a_bot_that_waits_for_a_process_is_late_and_not_stuck():
    watch = Watch(lambda _: "no process for strategies starts")

    assert looked(watch, [bot()] * 200) == [{}] * 200
    assert (watch.is_well("a"), watch.reason("a")) == (True, "no process for strategies starts")


def test_time_in_which_nobody_looked_is_nobodys_fault():
    watch = Watch(lambda _: "")

    assert looked(watch, [bot()] * 10, every=3_600.0) == [{}] * 10


def test_a_bot_that_went_and_came_again_begins_anew():
    watch = Watch(lambda _: "")
    looked(watch, [bot()] * (STUCK_LOOKS - 2))

    watch.look(STUCK_LOOKS * LOOK_SECONDS, [], {})

    assert watch.look((STUCK_LOOKS + 1) * LOOK_SECONDS, [bot()], LIMITS) == {}  # type: ignore[list-item]
    assert watch.is_well("a")


def test_looks_are_not_closer_than_they_need_to_be():
    watch = Watch(lambda _: "")

    assert looked(watch, [bot()] * 2_000, every=0.03) == [{}] * 2_000
