"""How a job travels."""

from typing import Any

import pandas as pd
import pytest

from market.errors import InputError
from research.jobs import abilities, do_piece, packed, unpacked
from tests.research.searched import small_sweep
from tests.research.test_local import FLIP
from trading import indicators
from trading.backtest.fingerprint import strategy_code
from trading.registry import Registry
from trading.strategy import BaseStrategy


def test_a_job_comes_back_with_a_strategy_of_ours_by_its_name():
    sweep = small_sweep()
    found = unpacked(packed(sweep))

    assert found.ground.strategy is sweep.ground.strategy
    assert found.do(next(sweep.plan.layout()), lambda: False) == sweep.do(next(sweep.plan.layout()), lambda: False)


def test_a_users_strategy_comes_back_where_its_file_is_not(tmp_path):
    (tmp_path / "flip.py").write_text(FLIP, encoding="utf-8")
    sweep = small_sweep(strategy=Registry(tmp_path).get("flip"), every="1:12")
    payload = packed(sweep)
    (tmp_path / "flip.py").unlink()
    found = unpacked(payload)

    assert found.ground.strategy is not sweep.ground.strategy
    assert found.do(next(sweep.plan.layout()), lambda: False) == sweep.do(next(sweep.plan.layout()), lambda: False)


def test_a_file_that_changes_after_it_was_read_changes_neither_the_job_nor_its_code(tmp_path):
    (tmp_path / "flip.py").write_text(FLIP, encoding="utf-8")
    sweep = small_sweep(strategy=Registry(tmp_path).get("flip"), every="1:12")
    before, code = packed(sweep), strategy_code(sweep.ground.strategy({}))
    (tmp_path / "flip.py").write_text(FLIP.replace("% 2", "% 3"), encoding="utf-8")
    changed = Registry(tmp_path).create("flip")

    assert packed(sweep) == before
    assert strategy_code(sweep.ground.strategy({})) == code != strategy_code(changed)


def test_a_strategy_that_is_in_no_file_cannot_travel():
    class Typed(BaseStrategy):
        """A strategy of a notebook."""

        lookback = 1  # type: ignore[assignment]

        def __init__(self, parameters: dict[str, Any]) -> None:
            super().__init__(parameters)
            self.bars = self.whole("bars", 1, low=1)

        def targets(self, data: pd.DataFrame):
            return data["close"].to_numpy() * 0

    Typed.__module__ = "nowhere"

    with pytest.raises(InputError, match="strategy typed is in no file, so that no worker can read it"):
        packed(small_sweep(strategy=Typed, bars="1"))


def test_abilities_name_all_that_could_make_results_differ():
    assert set(abilities()) == {"tcpdash", "python", "numpy", "numba", "TA-Lib", "pandas"}


def test_a_worker_remembers_indicators_from_piece_to_piece_of_one_job_and_no_longer(monkeypatch):
    computed: list[str] = []
    compute = indicators._computed

    def counted(function: Any, *more: Any) -> Any:
        computed.append(function.__name__)
        return compute(function, *more)

    monkeypatch.setattr(indicators, "_computed", counted)
    one, other = small_sweep(), small_sweep()
    piece = next(one.plan.layout())

    first, fresh = do_piece(one, piece, lambda: False), len(computed)
    again, none_more = do_piece(one, piece, lambda: False), len(computed)
    do_piece(other, piece, lambda: False)

    assert again == first
    assert fresh > 0
    assert (none_more, len(computed)) == (fresh, 2 * fresh)
