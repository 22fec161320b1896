"""What is told of the processes of a home."""

import os
from types import SimpleNamespace

import psutil
import pytest

from app.components import component_table
from market.clock import now_us

MEGABYTE = 1_000_000


class Ended:
    """A child that ended after it was listed."""

    def memory_full_info(self) -> None:
        raise psutil.NoSuchProcess(1)

    memory_info = memory_full_info


class Private:
    """A child whose shared pages are not told."""

    def memory_full_info(self) -> None:
        raise psutil.AccessDenied(1)

    def memory_info(self) -> SimpleNamespace:
        return SimpleNamespace(rss=3 * MEGABYTE, shared=MEGABYTE)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the list of children that every process has."""
    found: list[object] = []
    monkeypatch.setattr(psutil.Process, "children", lambda _self, **_options: found)
    monkeypatch.setattr(psutil.Process, "memory_full_info", lambda _self: SimpleNamespace(pss=5 * MEGABYTE))
    monkeypatch.setattr(psutil.Process, "memory_info", lambda _self: SimpleNamespace(rss=7 * MEGABYTE, shared=MEGABYTE))
    return found


def told(pid: int) -> dict[str, object]:
    return component_table({"app": pid}, now_us(), restarts={}).iloc[0].to_dict()


def test_a_component_runs_though_a_child_of_it_just_ended(children: list[object]):
    children.append(Ended())

    row = told(os.getpid())

    assert (row["state"], row["memory"]) == ("● running", "5.0 MB")
    assert row["running for"] != "–"


def test_memory_that_is_not_told_to_us_is_told_at_most(children: list[object]):
    children += [Private(), Ended()]

    assert told(os.getpid())["memory"] == "≤ 9.0 MB"


@pytest.mark.usefixtures("children")
def test_a_component_runs_though_its_memory_is_told_to_nobody(monkeypatch: pytest.MonkeyPatch):
    def refuse(_self: psutil.Process) -> None:
        raise psutil.AccessDenied(1)

    monkeypatch.setattr(psutil.Process, "memory_full_info", refuse)
    monkeypatch.setattr(psutil.Process, "memory_info", refuse)

    row = told(os.getpid())

    assert (row["state"], row["memory"]) == ("● running", "–")


def test_a_process_that_is_not_there_is_gone():
    assert told(2**22 + 1)["state"] == "✖ gone"
