import pickle
import shutil
import sys
from pathlib import Path

import pytest

from market.errors import InputError
from tests.trading.bars import walk
from trading.checks import check_strategy
from trading.registry import Registry, StrategyFileError
from trading.strategies import SHIPPED, SmaCross

EXAMPLE = Path(__file__).parents[2] / "config" / "strategies" / "_example.py"
OWN = """
import numpy as np
from trading import BaseStrategy
from trading.strategies import SmaCross  # what is imported is not this file's

class {name}(BaseStrategy):
    def __init__(self, parameters):
        super().__init__(parameters)
        self.length = self.whole("length", 5, low=1)

    @property
    def lookback(self):
        return self.length

    def targets(self, data):
        return np.full(len(data), float(self.length))
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_all_that_is_shipped_is_found():
    expected = ["bollinger_reversion", "buy_and_hold", "donchian_breakout", "ema_cross", "macd", "rsi", "sma_cross"]

    assert Registry().names() == expected
    assert [strategy.name for strategy in SHIPPED] == expected


@pytest.mark.parametrize("name", ["sma_cross", "sma-cross", "SmaCross", "SMA cross", " Sma_Cross "])
def test_a_name_may_be_written_in_any_case(name: str):
    assert Registry().get(name) is SmaCross


def test_a_strategy_is_created_with_its_parameters():
    assert Registry().create("sma-cross", {"fast": 3}).parameters == {"fast": 3, "slow": 30, "short": False}


def test_an_unknown_name_is_refused_with_the_one_that_was_meant():
    with pytest.raises(InputError, match=r"'sma_cros' is not one of bollinger_reversion, .*; did you mean 'sma_cross'"):
        Registry().create("sma_cros")


def test_a_wrong_parameter_is_refused():
    with pytest.raises(InputError, match="sma_cross has no parameter 'fsat'"):
        Registry().create("sma_cross", {"fsat": 3})


def test_a_users_file_is_found_by_the_name_of_its_class(tmp_path: Path):
    write(tmp_path, "mine.py", OWN.format(name="MyOwn"))

    registry = Registry(tmp_path)

    assert registry.names() == sorted([*Registry().names(), "my_own"])
    assert registry.create("my-own", {"length": 7}).targets(walk(2)).tolist() == [7.0, 7.0]
    assert registry.problems == []


def test_nothing_is_written_beside_a_users_file(tmp_path: Path):
    path = write(tmp_path, "mine.py", OWN.format(name="MyOwn"))
    Registry(tmp_path)

    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_changed_counts_as_it_is_now(tmp_path: Path):
    write(tmp_path, "mine.py", OWN.format(name="First"))
    Registry(tmp_path)
    write(tmp_path, "mine.py", OWN.format(name="Other"))  # as long, and in the same second

    assert "other" in Registry(tmp_path).names()
    assert "first" not in Registry(tmp_path).names()


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path: Path):
    for folder, name in (("a", "First"), ("b", "Other")):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, "mine.py", OWN.format(name=name))
    first, other = Registry(tmp_path / "a").create("first"), Registry(tmp_path / "b").create("other")

    assert type(first).__module__ != type(other).__module__
    assert pickle.loads(pickle.dumps(first)).parameters == {"length": 5}


@pytest.mark.parametrize("folder", [None, Path("nowhere")])
def test_no_folder_is_no_problem(folder: Path | None):
    assert Registry(folder).problems == []


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("import numpy\n\nclass Broken(:\n    pass\n", 3, "SyntaxError: invalid syntax"),
        ("x = 1\nraise ValueError('so it is')\n", 2, "ValueError: so it is"),
        ("import nowhere_to_be_found\n", 1, "No module named 'nowhere_to_be_found'"),
        ("raise SystemExit(3)\n", 1, "SystemExit: 3"),
        ("def f():\n    return 1 / 0\nf()\n", 2, "ZeroDivisionError"),
        ("x = 1\n", None, "defines no strategy"),
        (OWN.format(name="Own").replace("low=1", "low=9"), 9, "parameter length of own: expected a whole number from 9, found 5"),
        (OWN.format(name="Own").replace("targets", "target"), 6, "strategy Own needs targets"),
        ("x = '\x00'\n", None, "null bytes"),
    ],
)
def test_a_broken_file_is_a_problem_with_its_line_and_the_others_are_there(tmp_path: Path, text: str, line: int | None, said: str):
    path = write(tmp_path, "broken.py", text)
    write(tmp_path, "mine.py", OWN.format(name="MyOwn"))

    registry = Registry(tmp_path)
    [problem] = registry.problems

    assert (problem.path, problem.line) == (path, line)
    assert said in str(problem)
    assert str(problem).startswith(f"{path}, line {line}: " if line else f"{path}: ")
    assert "my_own" in registry.names()
    assert registry.create("sma_cross").name == "sma_cross"


def test_nothing_is_left_of_a_broken_file(tmp_path: Path):
    write(tmp_path, "broken_beyond_repair.py", "raise ValueError\n")
    Registry(tmp_path)

    assert [name for name in sys.modules if name.endswith("_broken_beyond_repair")] == []


def test_a_name_that_is_not_there_may_be_in_a_file_that_was_not_read(tmp_path: Path):
    path = write(tmp_path, "broken.py", "raise ValueError('so it is')\n")

    with pytest.raises(InputError, match="not read: ") as refused:
        Registry(tmp_path).create("my_own")
    assert f"{path}, line 1: ValueError: so it is" in str(refused.value)


def test_two_strategies_of_one_name_are_refused(tmp_path: Path):
    first, second = write(tmp_path, "a.py", OWN.format(name="MyOwn")), write(tmp_path, "b.py", OWN.format(name="My_Own"))

    registry = Registry(tmp_path)
    [problem] = registry.problems

    assert str(problem) == f"{second}: strategy my_own is refused: it is in {first}, too"
    assert "my_own" not in registry.names()
    with pytest.raises(InputError, match=r"there are several, in .*a.py and .*b.py; rename one"):
        registry.create("my_own")


def test_a_users_strategy_does_not_stand_in_for_a_shipped_one(tmp_path: Path):
    write(tmp_path, "mine.py", OWN.format(name="Macd"))

    with pytest.raises(InputError, match=r"there are several, in .*macd.py and .*mine.py"):
        Registry(tmp_path).create("macd")


def test_files_and_classes_that_begin_with_an_underscore_are_left_alone(tmp_path: Path):
    write(tmp_path, "_broken.py", "raise ValueError\n")
    write(tmp_path, "mine.py", OWN.format(name="_Base") + OWN.format(name="MyOwn"))
    registry = Registry(tmp_path)

    assert registry.problems == []
    assert set(registry.names()) - set(Registry().names()) == {"my_own"}


def test_a_problem_is_an_error_of_input():
    assert issubclass(StrategyFileError, InputError)


def test_the_example_works_once_it_is_copied(tmp_path: Path):
    shutil.copy(EXAMPLE, tmp_path / "mine.py")
    registry = Registry(tmp_path)
    strategy = registry.create("trend_filter_cross", {"trend": 50})

    assert registry.problems == []
    assert all(finding.passed for finding in check_strategy(strategy, walk(600), cuts=100))
    assert {0.0, 1.0} <= set(strategy.targets(walk(600)).tolist())


def test_the_example_is_left_alone_where_it_is():
    registry = Registry(EXAMPLE.parent)

    assert (registry.names(), registry.problems) == (Registry().names(), [])
