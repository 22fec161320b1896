"""Strategies are asked in a thread: nobody waits for them, and nothing of theirs comes through but answers."""

from collections.abc import Callable
from pathlib import Path
from time import sleep
from typing import Any

import msgspec
import pytest

from app import strategy_desk as module
from app.strategy_desk import Found, StrategyDesk
from market.clock import monotonic
from market.errors import StoreUnreachable
from tests.trading.bots.users import question, write

PATIENCE_SECONDS = 120.0


def waited(ask: Callable[[], Any]) -> Any:
    until = monotonic() + PATIENCE_SECONDS
    while (found := ask()) is None:
        assert monotonic() < until, "no answer came"
        sleep(0.05)
    return found


def asked(strategy: str, **parameters: Any) -> Any:
    return msgspec.structs.replace(question("page", strategy, **parameters), series=True)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StrategyDesk:
    monkeypatch.setattr(module, "LIMIT_SECONDS", 1.0)
    write(tmp_path, "Hangs", "time.sleep(100)")
    write(tmp_path, "Raises", "raise ValueError('no such price')")
    return StrategyDesk(tmp_path)


def test_a_question_is_asked_once_and_never_waited_for(desk: StrategyDesk) -> None:
    made: list[int] = []

    def make() -> Any:
        made.append(1)
        return asked("sma_cross", fast=2, slow=4)

    assert desk.series("key", make) is None
    found: Found = waited(lambda: desk.series("key", make))

    assert found.problem == ""
    assert set(found.answer.series) == {"fast", "slow"}
    assert len(found.labels_us) == len(found.answer.series["fast"])
    assert desk.series("key", make) is found
    assert made == [1]


def test_those_that_hang_or_raise_say_so_and_others_are_answered(desk: StrategyDesk) -> None:
    for strategy in ("hangs", "raises", "sma_cross"):
        desk.series(strategy, lambda strategy=strategy: asked(strategy))

    found = {name: waited(lambda name=name: desk.series(name, lambda: None)) for name in ("hangs", "raises", "sma_cross")}

    assert "no answer within the 1 seconds" in found["hangs"].problem
    assert "no such price" in found["raises"].problem
    assert found["sma_cross"].answer is not None


def test_a_wrong_parameter_is_told_with_what_was_expected(desk: StrategyDesk) -> None:
    found = waited(lambda: desk.series("key", lambda: asked("sma_cross", fast=30, slow=4)))

    assert "expected less than slow" in found.problem


def test_what_cannot_be_read_is_told_and_the_next_is_answered(desk: StrategyDesk) -> None:
    def lost() -> Any:
        raise StoreUnreachable("the database is away")

    def broken() -> Any:
        raise KeyError("secret")

    assert waited(lambda: desk.series("lost", lost)).problem == "the database is away"
    assert "secret" not in waited(lambda: desk.series("broken", broken)).problem
    assert waited(lambda: desk.series("good", lambda: asked("rsi"))).answer is not None


def test_strategies_are_read_elsewhere_and_again_when_a_file_is_another(desk: StrategyDesk, tmp_path: Path) -> None:
    def known() -> list[str] | None:
        found, pending = desk.catalogue()
        return None if pending else [each.name for each in found.strategies]

    assert desk.catalogue()[1]
    assert {"hangs", "raises", "macd"} <= set(waited(known))

    write(tmp_path, "Later", "")

    assert "later" in waited(known)


def test_a_folder_that_cannot_be_read_leaves_those_of_the_program(desk: StrategyDesk, tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("import os\nos._exit(3)")

    found = waited(lambda: None if desk.catalogue()[1] else desk.catalogue()[0])

    assert "macd" in {each.name for each in found.strategies}
    assert "hangs" not in {each.name for each in found.strategies}
    assert "cannot be read" in found.problems[0]
