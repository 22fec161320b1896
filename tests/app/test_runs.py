"""Runs of flows in words."""

import ast
from pathlib import Path

import pytest

import app
from app.scheduler.runs import OURS, state_of, why_failed

ROOT = Path(app.__file__).parents[1]
RUN = "136b3914-b5c7-449d-bf2d-823ab2602337"
PREFIX = "Flow run encountered an exception: "


def row(kind: str, name: str, message: str | None = None, **more: object) -> dict:
    return {
        "id": RUN, "state_type": kind, "state_name": name, "state": {"message": message}, "start_time": None, "end_time": None,
        "created": "2026-11-26T07:00:00Z", "parameters": {"symbol": "OKX:BTC-USDT"}, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "state", "ended"),
    [
        ("SCHEDULED", "Scheduled", "scheduled", False),
        ("SCHEDULED", "Late", "late", False),
        ("SCHEDULED", "AwaitingConcurrencySlot", "waiting", False),
        ("SCHEDULED", "AwaitingRetry", "waiting", False),
        ("SCHEDULED", "Odd", "scheduled", False),
        ("PENDING", "Submitting", "starting", False),
        ("RUNNING", "Running", "running", False),
        ("PAUSED", "Paused", "paused", False),
        ("CANCELLING", "Cancelling", "cancelling", False),
        ("COMPLETED", "Completed", "completed", True),
        ("FAILED", "Failed", "failed", True),
        ("CRASHED", "Crashed", "crashed", True),
        ("CANCELLED", "Cancelled", "cancelled", True),
        ("NEWER", "Newer", "newer", False),
    ],
)
def test_each_state_has_a_word_and_a_sentence(kind: str, name: str, state: str, *, ended: bool) -> None:
    found = state_of(row(kind, name))

    assert (found.run, found.state, found.ended) == (RUN, state, ended)
    assert found.told.endswith(".")
    assert found.parameters == {"symbol": "OKX:BTC-USDT"}


def test_a_run_lasts_from_its_begin_to_its_end() -> None:
    begun = {"start_time": "2026-11-26T07:00:10Z"}
    at_us = 1_795_676_420_000_000  # 07:00:20

    assert state_of(row("RUNNING", "Running", **begun)).seconds(at_us) == 10
    assert state_of(row("COMPLETED", "Completed", **begun, end_time="2026-11-26T07:00:13.5Z")).seconds(at_us) == 3.5
    assert state_of(row("SCHEDULED", "Scheduled")).seconds(at_us) is None


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (f"{PREFIX}OutOfReach: the venue has no such past", "The venue has no such past."),
        (f"{PREFIX}InputError: did you mean it?", "Did you mean it?"),
        ("Task run encountered an exception: Busy: it is being filled", "It is being filled."),
        (f"{PREFIX}FoundWanting: wanting: OKX:BTC-USDT", "Wanting: OKX:BTC-USDT."),
    ],
)
def test_why_our_flows_failed_is_told_as_they_said_it(message: str, sentence: str) -> None:
    assert why_failed(message) == sentence


@pytest.mark.parametrize("message", [f"{PREFIX}OperationalError: (psycopg2) secret", f"{PREFIX}KeyError", "a secret", "", None])
def test_texts_of_libraries_are_not_shown(message: str | None) -> None:
    told = why_failed(message)

    assert told.startswith("It failed by something unexpected")
    assert "secret" not in told


def test_a_long_text_is_cut() -> None:
    assert len(why_failed(f"{PREFIX}InputError: {'x' * 5_000}")) < 700


def test_all_errors_of_ours_are_known_by_name() -> None:
    bases: dict[str, set[str]] = {}
    for file in (file for package in ROOT.iterdir() if (package / "__init__.py").exists() for file in package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, set()).update(base.id for base in node.bases if isinstance(base, ast.Name))
    ours = {"PlatformError"}
    while more := {name for name, named in bases.items() if named & ours} - ours:
        ours |= more

    assert ours <= OURS
