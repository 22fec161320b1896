from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.bot_rows import StoredBot
from trading.bots.health import OWED_SECONDS, SILENT_SECONDS, Facts, Health, facts_of, verdict

NOW_US = 1_723_161_600_000_000
SECOND_US = 1_000_000
STATES = ("stopped", "starting", "catching-up", "running", "waiting", "crashed", "parked")
STUCK_US = 110 * SECOND_US
"""A minute and ten times the five seconds that a strategy may take."""

RUNS = Facts(wanted="running", state="running", owner="one", lease_until_us=NOW_US + 10 * SECOND_US, heartbeat_us=NOW_US)

moments = st.none() | st.integers(-2 * STUCK_US, 2 * STUCK_US).map(lambda ago_us: NOW_US - ago_us)
texts = st.sampled_from(["", "why"])
anything = st.builds(
    Facts, wanted=st.sampled_from(["running", "stopped"]), state=st.sampled_from(STATES), reason=texts,
    owner=st.sampled_from([None, "one"]), lease_until_us=moments, heartbeat_us=moments, retry_us=moments, owed_us=moments,
    limit_seconds=st.floats(0.05, 600.0), blocked=texts, trouble=texts,
)  # fmt: skip


@given(anything)
def test_there_is_one_verdict_on_everything_and_what_is_not_well_has_a_reason(facts: Facts):
    found = verdict(facts, NOW_US)

    assert found == verdict(facts, NOW_US)
    assert found.reason or found.state in {Health.RUNNING, Health.STARTING, Health.STOPPED, Health.PARKED, Health.WAITING}
    assert (found.state is Health.STOPPED) == (facts.wanted == "stopped")
    assert found.state is not Health.PARKED or facts.state == "parked"


@given(anything)
def test_only_what_has_a_lease_is_running_late_or_stuck_and_only_what_has_none_is_crashed(facts: Facts):
    has_lease = facts.owner is not None and facts.lease_until_us is not None and facts.lease_until_us > NOW_US
    state = verdict(facts, NOW_US).state

    assert state not in {Health.RUNNING, Health.LATE, Health.STUCK, Health.WAITING} or has_lease
    assert state is not Health.CRASHED or not has_lease


@given(anything.filter(lambda facts: facts.owner is not None and facts.wanted == "running" and facts.state != "parked"), st.data())
def test_under_a_lease_time_only_makes_it_worse(facts: Facts, data: st.DataObject):
    later_us = NOW_US + data.draw(st.integers(0, STUCK_US))
    facts = replace(facts, lease_until_us=later_us + 1)
    order = [Health.RUNNING, Health.STARTING, Health.WAITING, Health.LATE, Health.STUCK]

    now, later = (order.index(verdict(facts, moment_us).state) for moment_us in (NOW_US, later_us))

    assert later == now or later >= order.index(Health.LATE) > now or (now, later) == (3, 4)


@given(anything, st.integers(-NOW_US, NOW_US))
def test_only_differences_of_time_count(facts: Facts, shift_us: int):
    shifted = {
        name: None if moment is None else moment + shift_us
        for name in ("lease_until_us", "heartbeat_us", "retry_us", "owed_us")
        for moment in [getattr(facts, name)]
    }

    assert verdict(replace(facts, **shifted), NOW_US + shift_us).state is verdict(facts, NOW_US).state


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (RUNS, Health.RUNNING),
        (replace(RUNS, heartbeat_us=NOW_US - round(SILENT_SECONDS * 1e6)), Health.RUNNING),
        (replace(RUNS, heartbeat_us=NOW_US - round(SILENT_SECONDS * 1e6) - 1), Health.LATE),
        (replace(RUNS, heartbeat_us=NOW_US - STUCK_US), Health.LATE),
        (replace(RUNS, heartbeat_us=NOW_US - STUCK_US - 1), Health.STUCK),
        (replace(RUNS, heartbeat_us=NOW_US + SECOND_US), Health.RUNNING),
        (replace(RUNS, heartbeat_us=None), Health.STUCK),
        (replace(RUNS, owed_us=NOW_US - round(OWED_SECONDS * 1e6)), Health.RUNNING),
        (replace(RUNS, owed_us=NOW_US - round(OWED_SECONDS * 1e6) - 1), Health.LATE),
        (replace(RUNS, owed_us=NOW_US - STUCK_US), Health.LATE),
        (replace(RUNS, owed_us=NOW_US - STUCK_US - 1), Health.STUCK),
        (replace(RUNS, owed_us=NOW_US - STUCK_US - 1, limit_seconds=5.1), Health.LATE),
        (replace(RUNS, owed_us=NOW_US - 9 * STUCK_US, blocked="no process for strategies starts"), Health.LATE),
        (replace(RUNS, trouble="the feed is stale"), Health.WAITING),
        (replace(RUNS, state="waiting", reason="a hole is being filled"), Health.WAITING),
        (replace(RUNS, state="waiting", reason="a hole is being filled", owed_us=NOW_US - 9 * STUCK_US), Health.WAITING),
        (replace(RUNS, state="waiting", heartbeat_us=NOW_US - STUCK_US - 1), Health.STUCK),
        (replace(RUNS, state="starting"), Health.STARTING),
        (replace(RUNS, state="catching-up", trouble="the feed is stale"), Health.LATE),
        (replace(RUNS, lease_until_us=NOW_US + 1), Health.RUNNING),
        (replace(RUNS, lease_until_us=NOW_US), Health.CRASHED),
        (replace(RUNS, owner=None, lease_until_us=None, state="stopped"), Health.STARTING),
        (replace(RUNS, owner=None, lease_until_us=None, state="crashed"), Health.CRASHED),
        (replace(RUNS, owner=None, lease_until_us=None, state="stopped", retry_us=NOW_US + 1), Health.CRASHED),
        (replace(RUNS, owner=None, lease_until_us=None, state="stopped", retry_us=NOW_US), Health.STARTING),
        (replace(RUNS, owner=None, lease_until_us=None, state="parked", reason="why"), Health.PARKED),
        (replace(RUNS, state="parked"), Health.PARKED),
        (replace(RUNS, wanted="stopped"), Health.STOPPED),
        (replace(RUNS, wanted="stopped", state="parked", owner=None), Health.STOPPED),
    ],
)  # fmt: skip
def test_the_verdict_changes_at_its_boundary(facts: Facts, state: Health):
    assert verdict(facts, NOW_US).state is state


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (
            replace(RUNS, lease_until_us=NOW_US),
            "its runner one died: the lease ended at 2024-08-09T00:00:00Z, and no other took it",
        ),
        (replace(RUNS, heartbeat_us=NOW_US - 42 * SECOND_US), "no heartbeat for 42 s"),
        (replace(RUNS, heartbeat_us=NOW_US - 200 * SECOND_US), "no heartbeat for 200 s, though one has it"),
        (replace(RUNS, owed_us=NOW_US - 200 * SECOND_US), "acts on nothing for 200 s, though minutes are there"),
        (replace(RUNS, owed_us=NOW_US - 200 * SECOND_US, blocked="no process starts"), "no process starts"),
        (replace(RUNS, state="catching-up", reason="from noon on"), "catches up; from noon on"),
        (replace(RUNS, wanted="stopped"), "one has not given it back yet"),
        (
            replace(RUNS, owner=None, state="crashed", reason="it raised", retry_us=NOW_US + 30 * SECOND_US),
            "it raised; is started again from 2024-08-09T00:00:30Z on",
        ),
    ],
)
def test_the_reason_says_what_is_wrong(facts: Facts, reason: str):
    assert verdict(facts, NOW_US).reason == reason


def test_a_row_says_how_long_its_strategy_may_take():
    row = StoredBot(id="a", config={"limits": {"time_limit_seconds": 0.5}}, config_digest="d", config_file="a.json")

    assert facts_of(row).stuck_seconds == 65.0
    assert facts_of(replace(row, config={})).stuck_seconds == 110.0
