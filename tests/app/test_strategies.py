"""A user's files of strategies, known to the pages: none of their code runs in this process, and none may take the pages along."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import strategy_desk
from app.actions import backtests as wishes
from app.data import bot_folder
from app.data.bot_folder import check
from app.data.strategies import defaults_of, strategies
from market.clock import monotonic
from market.errors import InputError
from research import asked
from tests.app.bots import Bots
from tests.app.pages import Opener, Worker, words
from tests.app.samples import SYMBOL, candle
from trading.describing import Catalogue, catalogue_apart

OWN = """
import os, pathlib, time
from trading.strategy import BaseStrategy

with open({log!r}, "a") as log:
    log.write(f"{{os.getpid()}}\\n")

class Mine(BaseStrategy):
    def __init__(self, parameters):
        super().__init__(parameters)
        self.fast = self.whole("fast", 3, low=1, high=9, sweep=(1, 2, 3), about="bars")
        self.slow = self.whole("slow", 5, low=1, high=99, sweep=(2, 3))
        self.below("fast", "slow")
        if self.slow == 66:
            raise ValueError("nobody wants 66")
        if self.slow == 77:
            time.sleep(1000)
        if self.slow == 88:
            os._exit(3)

    @property
    def lookback(self):
        return self.slow

    def targets(self, data):
        return data["close"].to_numpy() * 0
"""
BOT = {"id": "own", "strategy": "mine", "symbols": ["OKX:BTC-USDT"], "timeframe": "1m", "balance": 1000}

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


@pytest.fixture
def folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = home / "strategies"
    folder.mkdir()
    monkeypatch.setenv("TCPDASH_STRATEGIES", str(folder))
    return folder


@pytest.fixture
def log(folder: Path) -> Path:
    """The processes that ran the user's file, a line each."""
    log = folder / "log"
    (folder / "mine.py").write_text(OWN.format(log=str(log)))
    return log


def text_of(**parameters: object) -> str:
    return json.dumps({**BOT, "parameters": parameters})


def wanted(**more: object) -> asked.Asked:
    return asked.Asked(**{"kind": "backtest", "strategy": "mine", "symbols": ("OKX:BTC-USDT",), **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["import os; os._exit(3)", "import signal, os; os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_file_that_ends_its_process_ends_not_the_pages(folder: Path, log: Path, code: str) -> None:
    (folder / "worse.py").write_text(code)

    found = strategies(wait_seconds=60)

    assert "sma_cross" in found.names()
    assert "mine" not in found.names()
    [problem] = found.problems
    assert f"{folder} cannot be read: a file of it ends the process that reads it" in str(problem)


def test_files_that_can_be_read_are_there_and_read_again_when_they_change(folder: Path, log: Path) -> None:
    assert "mine" in strategies(wait_seconds=60).names()

    (folder / "worse.py").write_text("import os; os._exit(3)")
    assert "mine" not in strategies(wait_seconds=60).names()

    (folder / "worse.py").unlink()
    assert "mine" in strategies(wait_seconds=60).names()


def test_all_that_forms_need_is_known_without_its_code(log: Path) -> None:
    strategies(wait_seconds=60)

    assert defaults_of("mine") == {"fast": 3, "slow": 5}
    assert asked.check(wanted(parameters={"fast": 2, "slow": 8}), strategies()) == 1
    assert asked.check(wanted(kind="sweep", search=asked.Search()), strategies()) == 3
    with pytest.raises(InputError, match="fast of mine: expected less than slow"):
        asked.check(wanted(parameters={"fast": 8, "slow": 4}), strategies())
    with pytest.raises(InputError, match="did you mean 'fast'"):
        asked.check(wanted(parameters={"fasst": 8}), strategies())
    checked = check(text_of(slow=9), wait_seconds=60)
    assert checked.config is not None
    assert checked.is_whole

    assert str(os.getpid()) not in log.read_text().split()


def test_what_it_says_beyond_what_it_declares_is_told_too(log: Path) -> None:
    [problem] = check(text_of(slow=66), wait_seconds=60).problems
    assert (problem.field, "nobody wants 66" in problem.found) == ("parameters", True)

    [problem] = check(text_of(slow=1000), wait_seconds=60).problems
    assert (problem.field, problem.expected) == ("parameters.slow", "a whole number from 1 to 99")


@pytest.mark.parametrize(("slow", "said"), [(77, "timeout: no answer within the 1 seconds"), (88, "died: ")])
def test_one_that_hangs_or_ends_its_process_is_told_and_the_next_is_answered(
    log: Path, monkeypatch: pytest.MonkeyPatch, slow: int, said: str
) -> None:
    monkeypatch.setattr(strategy_desk, "LIMIT_SECONDS", 1.0)

    [problem] = check(text_of(slow=slow), wait_seconds=60).problems
    assert said in problem.found

    assert check(text_of(slow=10), wait_seconds=60).is_whole


def test_a_form_does_not_wait_for_it(log: Path) -> None:
    strategies(wait_seconds=60)

    typed = check(text_of(slow=77), wait_seconds=0.01)

    assert typed.config is not None
    assert not typed.is_whole
    assert bot_folder.TYPED_SECONDS <= 1.0


class Reading:
    """Lets the reading of a user's files take as long as a test likes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may_end = threading.Event()
        monkeypatch.setattr(strategy_desk, "catalogue_apart", self._read)

    def _read(self, folder: Path) -> Catalogue:
        assert self.may_end.wait(60)
        return catalogue_apart(folder)


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reading]:
    made = Reading(monkeypatch)
    yield made
    made.may_end.set()


def test_a_page_waits_a_second_for_files_and_then_works_with_what_it_knows(log: Path, reading: Reading) -> None:
    shipped, begun = json.dumps({**BOT, "strategy": "ema_cross"}), monotonic()

    assert check(shipped).config is not None
    assert "sma_cross" in strategies().names()
    assert defaults_of("mine") == {}
    assert monotonic() - begun < 10  # it imports what it needs meanwhile

    assert str(strategies().problems[0]) == f"the strategies in {log.parent} are still being read"
    [problem] = check(text_of()).problems
    assert "are still being read" in problem.hint
    begun = monotonic()
    for _ in range(20):
        strategies()
    assert monotonic() - begun < 1  # it waits once, not each time


def test_what_was_known_counts_while_a_file_is_read_again(folder: Path, log: Path, reading: Reading) -> None:
    reading.may_end.set()
    assert "mine" in strategies(wait_seconds=60).names()
    reading.may_end.clear()
    (folder / "other.py").write_text("x = 1")

    found = strategies(wait_seconds=0.0)

    assert "mine" in found.names()
    assert str(found.problems[-1]).endswith("are still being read")


def test_who_wishes_waits_until_files_are_read(log: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wishes.flows, "start", lambda *_, **__: "run-1")
    timer = threading.Timer(1.5, reading.may_end.set)
    timer.start()

    assert wishes.start(wanted(parameters={"fast": 2, "slow": 8})) == "run-1"


def test_the_form_of_a_bot_looks_again_once_files_are_read(log: Path, reading: Reading, opened: Opener, bots: Bots) -> None:
    bots.file(**BOT)
    bots.known(**BOT)
    page = opened("bots", bot="own", view="edit")
    assert "Strategies are being read." in words(page)
    assert "fast" not in {each.label for each in page.text_input}

    reading.may_end.set()
    strategies(wait_seconds=60)
    page.run()

    assert not page.exception
    assert "Strategies are being read." not in words(page)
    assert "fast" in {each.label for each in page.text_input}


@pytest.mark.parametrize(("asked_for", "shown"), [("mine", "mine"), ("nonsense", "sma_cross")])
def test_the_form_of_a_backtest_keeps_what_is_asked_for_until_files_are_read(
    log: Path, reading: Reading, opened: Opener, worker: Worker, asked_for: str, shown: str
) -> None:
    worker.stores(candle(0))
    page = opened("backtests", view="New run", new_strategy=asked_for, new_symbols=SYMBOL)
    assert not page.exception
    assert "Strategies are being read." in words(page)
    assert page.selectbox(key="new_strategy").value == asked_for
    assert "shown once this strategy is read" in words(page)

    reading.may_end.set()
    strategies(wait_seconds=60)
    page.run()

    assert not page.exception
    assert "Strategies are being read." not in words(page)
    assert page.selectbox(key="new_strategy").value == shown
