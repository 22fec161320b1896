"""Strategies are asked in a thread: nobody waits for them, and nothing of theirs comes through but answers."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from time import sleep
from typing import Any

import msgspec
import pytest

from app import strategy_desk as module
from app.strategy_desk import Found, StrategyDesk
from market.clock import monotonic
from market.errors import InputError, StoreUnreachable
from tests.trading.bots.users import question, write
from trading.describing import Catalogue, Described, catalogue_apart

PATIENCE_SECONDS = 120.0


def waited(ask: Callable[[], Any]) -> Any:
    until = monotonic() + PATIENCE_SECONDS
    while (found := ask()) is None:
        assert monotonic() < until, "no answer came"
        sleep(0.05)
    return found


def asked(strategy: str, **parameters: Any) -> Any:
    return msgspec.structs.replace(question("page", strategy, **parameters), series=True)


def known(desk: StrategyDesk) -> list[Described] | None:
    found, pending = desk.catalogue()
    return None if pending else found.strategies


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


def test_what_may_pass_is_asked_again_and_a_refusal_is_not(
    desk: StrategyDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PASSING_SECONDS", 0.1)
    slow, away = tmp_path / "slow", [True]
    slow.touch()
    write(tmp_path, "Slow", f"while os.path.exists({str(slow)!r}): time.sleep(0.05)")
    made: list[str] = []

    def make(strategy: str) -> Any:
        made.append(strategy)
        if strategy == "rsi" and away[0]:
            raise StoreUnreachable("the database is away")
        return asked(strategy, **({"fast": 30, "slow": 4} if strategy == "sma_cross" else {}))

    def found(strategy: str) -> Found:
        return waited(lambda: desk.series(strategy, lambda: make(strategy)))

    before = {name: found(name).problem for name in ("slow", "rsi", "raises", "sma_cross")}
    slow.unlink()
    away[0] = False
    sleep(0.2)
    after = {name: found(name).problem for name in before}

    assert all(before.values())
    assert (after["slow"], after["rsi"]) == ("", "")
    assert (after["raises"], after["sma_cross"]) == (before["raises"], before["sma_cross"])
    assert made == ["slow", "rsi", "raises", "sma_cross", "slow", "rsi"]


def test_a_text_of_a_bot_whose_strategy_was_slow_once_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT_SECONDS", 1.0)
    monkeypatch.setattr(module, "PASSING_SECONDS", 0.1)
    slow, log = tmp_path / "slow", tmp_path / "log"
    slow.touch()
    write(tmp_path, "Slow", "pass")
    file = tmp_path / "slow.py"
    begins = 'self.number("number", 1.0)'
    file.write_text(file.read_text().replace(begins, f"""{begins}
        if parameters.get("number") == 2:
            open({str(log)!r}, "a").write("asked ")
            raise ValueError("nobody wants 2")
        while os.path.exists({str(slow)!r}):
            time.sleep(0.05)"""))  # fmt: skip
    desk, bot = StrategyDesk(tmp_path), {"id": "own", "strategy": "slow", "symbols": ["OKX:BTC-USDT"], "balance": 1000}

    def read(number: int) -> str:
        text = json.dumps({**bot, "timeframe": "1m", "parameters": {"number": number}})
        return waited(lambda: desk.reading(text, "the text", wait_seconds=PATIENCE_SECONDS)).problem

    # Where the folder is read, too, all parameters have their defaults: then nothing is slow.
    slow.unlink()
    assert "nobody wants 2" in read(2)
    slow.touch()
    assert "no answer within the 1 seconds" in read(3)
    slow.unlink()
    sleep(0.2)

    assert "nobody wants 2" in read(2)
    assert read(3) == ""
    assert log.read_text() == "asked "


def test_who_waits_in_vain_for_a_process_is_told_why_none_starts(desk: StrategyDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any, **__: Any) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(module, "LIMIT_SECONDS", 0.05)
    monkeypatch.setattr("trading.bots.hosts.HostProcess", none)

    found = waited(lambda: desk.series("key", lambda: asked("rsi")))

    assert "Cannot allocate memory" in found.problem


@pytest.mark.parametrize("what", ["__enter__", "renew"])
def test_whatever_ends_the_thread_is_told_and_another_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    monkeypatch.setattr(module, "PASSING_SECONDS", 0.2)
    desk, real, failed = StrategyDesk(tmp_path), getattr(module.Hosts, what), threading.Event()
    if what == "renew":
        waited(lambda: known(desk))

    def fails_once(hosts: Any, *exits: Any) -> Any:
        if not failed.is_set():
            failed.set()
            raise OSError(24, "Too many open files")
        return real(hosts, *exits)

    monkeypatch.setattr(module.Hosts, what, fails_once)
    write(tmp_path, "Own", "pass")

    found = waited(lambda: known(desk))

    assert failed.is_set()
    assert "own" in [each.name for each in found]
    assert "Too many open files" in caplog.text


def test_a_catalogue_that_could_not_be_read_is_read_again(desk: StrategyDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any, **__: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(module, "PASSING_SECONDS", 0.1)
    with monkeypatch.context() as broken:
        broken.setattr("trading.apart.subprocess.Popen", none)
        found, pending = desk.catalogue(wait_seconds=PATIENCE_SECONDS)

        assert (found.strategies, pending) == ([], True)

    assert {"hangs", "macd"} <= {each.name for each in waited(lambda: known(desk))}


def test_one_that_took_too_long_once_is_read_again_while_what_is_known_counts(
    desk: StrategyDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PASSING_SECONDS", 0.1)
    busy = [True]

    def read(folder: Path) -> Catalogue:
        if busy[0] and folder != Path(os.devnull):
            raise InputError("it takes longer than 20 seconds")
        return catalogue_apart(folder)

    monkeypatch.setattr(module, "catalogue_apart", read)
    found, pending = desk.catalogue(wait_seconds=PATIENCE_SECONDS)
    assert (found.problems, pending) == (["it takes longer than 20 seconds"], False)
    assert "macd" in {each.name for each in found.strategies}
    busy[0] = False
    sleep(0.2)

    assert desk.catalogue() == (found, False)
    again = waited(lambda: None if desk.catalogue()[0].problems else desk.catalogue()[0])
    assert "hangs" in {each.name for each in again.strategies}


def test_strategies_are_read_elsewhere_and_again_when_a_file_is_another(desk: StrategyDesk, tmp_path: Path) -> None:
    assert desk.catalogue()[1]
    assert {"hangs", "raises", "macd"} <= {each.name for each in waited(lambda: known(desk))}

    write(tmp_path, "Later", "")

    assert "later" in {each.name for each in waited(lambda: known(desk))}


def test_a_folder_that_cannot_be_read_leaves_those_of_the_program(desk: StrategyDesk, tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("import os\nos._exit(3)")

    found = waited(lambda: None if desk.catalogue()[1] else desk.catalogue()[0])

    assert "macd" in {each.name for each in found.strategies}
    assert "hangs" not in {each.name for each in found.strategies}
    assert "cannot be read" in found.problems[0]
