"""The same data, code and wishes have the same fingerprint, anything else another one."""

import numpy as np
import pytest

from tests.trading.bars import walk
from trading.backtest.fingerprint import code_version, data_fingerprint, run_id, strategy_code
from trading.registry import Registry


def test_the_same_candles_have_the_same_fingerprint_whatever_the_table_looks_like():
    frame = walk(50)

    assert data_fingerprint({"A": frame}) == data_fingerprint({"A": frame.reset_index().assign(origin="live")[::1]})


def test_any_other_candle_symbol_or_proof_has_another_one():
    frame, moved = walk(50), walk(50)
    moved.iloc[7, 2] = np.nextafter(moved.iloc[7, 2], 0)
    kinds = [
        {"A": frame}, {"B": frame}, {"A": moved}, {"A": frame.iloc[1:]}, {"A": frame.assign(complete=True)},
        {"A": frame, "B": frame}, {"B": frame, "A": frame},
    ]  # fmt: skip

    assert len({data_fingerprint(kind) for kind in kinds}) == len(kinds)


def test_the_code_has_a_version_and_what_it_is_made_of():
    version, plus, digest = code_version().partition("+")

    assert version.count(".") == 2
    assert (plus, len(digest)) == ("+", 12)


def test_strategies_of_two_files_have_two_codes(tmp_path):
    text = "from trading.strategies.{0} import {1}\n\nclass {2}({1}):\n    pass\n"
    (tmp_path / "one.py").write_text(text.format("rsi", "Rsi", "One"))
    (tmp_path / "two.py").write_text(text.format("macd", "Macd", "Two"))
    registry = Registry(tmp_path)

    codes = {strategy_code(registry.create(name)) for name in ("one", "two", "rsi", "macd")}

    assert len(codes) == 4
    assert "" not in codes


def test_a_run_has_one_name_in_whatever_order_its_parts_are():
    assert run_id({"a": 1, "b": {"c": 2.5}}) == run_id({"b": {"c": 2.5}, "a": 1}) != run_id({"a": 1, "b": {"c": 2.6}})
    with pytest.raises(ValueError, match="JSON"):
        run_id({"a": float("nan")})
